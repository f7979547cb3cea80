"""How well faces are told apart: error rates on labelled photographs, and the calibration of similarity.

Knows `vision`, and files with labels; knows nothing of storage or the wire.
"""
