"""How far a solution is to be trusted: probability of a wrong fix, protection level."""
