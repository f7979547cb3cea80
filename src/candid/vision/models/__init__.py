"""Which models there are, where they come from, and their files in the user's cache folder.

Knows packages, digests, cards and the conversion to ONNX; knows nothing of images or faces. Front
door: `open_models` gives a `Models`, which gives paths and cards; `pull` fills the folder; `add` takes a
user's own file.
"""

from __future__ import annotations

from candid.vision.models.card import Card, Input, Kind, Output, Source
from candid.vision.models.folder import Models, default_folder, open_models

__all__ = ["Card", "Input", "Kind", "Models", "Output", "Source", "default_folder", "open_models"]
