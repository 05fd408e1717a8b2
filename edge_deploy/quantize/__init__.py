"""From a float network to one whose integers every target can repeat."""
