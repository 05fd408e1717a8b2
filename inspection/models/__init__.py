"""Pre- and post-processing around the networks: the ONNX side."""
