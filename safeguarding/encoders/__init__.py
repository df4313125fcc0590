"""Sentence encoders that run without torch: MiniLM by ONNX, USE by numpy."""
