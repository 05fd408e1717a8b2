"""Each backend beside float ONNX Runtime, ncnn and IREE: CPU time, memory, instructions."""
