"""Each backend beside float ONNX Runtime and ncnn: CPU time, peak memory, instructions."""
