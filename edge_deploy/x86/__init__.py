"""ONNX Runtime on x86: the same integers in the form that its kernels are quickest with."""
