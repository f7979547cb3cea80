"""Runs models: sessions of ONNX Runtime, batches across callers, work spread over the cores, counters.

Knows arrays and model files; knows nothing of faces or images.
"""

from __future__ import annotations

from candid.vision.runtime.lanes import Lanes
from candid.vision.runtime.providers import Provider, choose_provider
from candid.vision.runtime.recording import Recording, recording
from candid.vision.runtime.runner import Runner
from candid.vision.runtime.session import Session, open_session
from candid.vision.runtime.tally import tally

__all__ = [
    "Lanes",
    "Provider",
    "Recording",
    "Runner",
    "Session",
    "choose_provider",
    "open_session",
    "recording",
    "tally",
]
