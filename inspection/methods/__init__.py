"""Methods: each learns a part from samples and inspects an image of one."""
