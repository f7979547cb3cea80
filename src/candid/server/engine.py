"""The engine as the settings want it."""

from __future__ import annotations

from pathlib import Path

from candid.config import Config
from candid.vision import Engine
from candid.vision import open_engine as open_vision_engine
from candid.vision.models import Models, open_models


def models_of(config: Config) -> Models:
    """The folder of models that the settings name."""
    return open_models(Path(config.models).expanduser() if config.models else None)


def open_engine(config: Config) -> Engine:
    """Open the engine with the settings' models folder, detector, embedder, provider and threads.

    Raises:
        ModelError: a model is missing or altered, or the provider is not available; the message says what to do.
    """
    return open_vision_engine(
        models_of(config),
        detector=config.detector,
        embedder=config.embedder,
        provider=config.providers,
        threads=config.threads,
    )
