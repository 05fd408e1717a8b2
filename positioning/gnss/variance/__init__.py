"""How far off each code and phase may be: learned from what a receiver can see of them."""
