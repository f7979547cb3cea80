"""Faces, people and collections: the durable store and the vector index derived from it.

This room knows vectors and ids; it knows no pixels, no AWS words and never imports `wire`.
"""
