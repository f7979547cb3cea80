"""Candid: self-hosted face and object recognition that can prove who used it."""

__version__ = "0.1.0"
