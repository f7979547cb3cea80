"""Turns TensorFlow Lite and TensorFlow.js files into ONNX graphs, without TensorFlow.

Knows two file formats and the operators that Candid's models use; knows nothing of packages, cards or
folders. An operator, type or shape that it does not know is refused, never guessed.
"""
