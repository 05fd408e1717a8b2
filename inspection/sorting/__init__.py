"""Parts on a belt, from the camera's trigger to the bin."""
