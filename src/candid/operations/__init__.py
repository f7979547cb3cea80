"""One function for each Rekognition operation, grouped by family; glue and nothing else.

This room turns a validated request into calls of `vision` and `gallery` and their answers into the reply
that Amazon's service model describes. It knows the words of both sides and keeps no state of its own.
"""
