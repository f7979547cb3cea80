"""Pixels in, facts out: decode, detect, landmarks, align, embed, attributes, quality.

Pure: this room knows no storage, no network and no AWS words, and imports nothing else of Candid.
"""
