"""The engine as the settings want it."""

from __future__ import annotations

from pathlib import Path

from candid.config import Config
from candid.vision import Engine
from candid.vision import open_engine as open_vision_engine
from candid.vision.models import open_models


def open_engine(config: Config) -> Engine:
    """Open the engine with the settings' models folder, detector, embedder, provider and threads.

    Raises:
        ModelError: a model is missing or altered, or the provider is not available; the message says what to do.
    """
    models = open_models(Path(config.models).expanduser() if config.models else None)
    return open_vision_engine(
        models,
        detector=config.detector,
        embedder=config.embedder,
        provider=config.providers,
        threads=config.threads,
    )
