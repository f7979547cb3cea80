"""The engine over the real models, and photographs that a package ships."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from candid.vision import Engine, Image, open_engine
from candid.vision.models import Models, open_models


@pytest.fixture(scope="session")
def models() -> Models:
    """The models that `candid models pull` builds."""
    found = open_models()
    if "face-mesh" not in found.names():
        pytest.fail("there are no models; run `candid models pull`")
    return found


@pytest.fixture(scope="session")
def engine(models: Models) -> Iterator[Engine]:
    """One engine for all tests that only need *an* engine."""
    opened = open_engine(models, provider="cpu")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """Eileen Collins, 512 × 512, one face of about 95 pixels; public domain (NASA)."""
    return Image(np.ascontiguousarray(data.astronaut()))


@pytest.fixture(scope="session")
def astronaut_jpeg() -> bytes:
    """The same as a JPEG file."""
    file = io.BytesIO()
    Pillow.fromarray(data.astronaut()).save(file, "JPEG", quality=90)
    return file.getvalue()
