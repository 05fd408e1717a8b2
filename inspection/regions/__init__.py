"""What was found, outlined in the frame: its size, its kind, and whether it is a defect."""
