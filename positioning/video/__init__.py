"""Video of the road: camera geometry, detection, tracking in the image, depth from the ground."""
