"""One engine for all tests of evaluation, and people in folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from candid.vision import Engine, ImageLimits, decode_image, open_engine
from candid.vision.models import open_models


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Candid's own models."""
    opened = open_engine(open_models())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def people(
    engine: Engine,
    samples: dict[str, Path],
    altered: Callable[[bytes], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Nine people of two group photographs, two photographs of each: a cut, and the cut altered."""
    folder = tmp_path_factory.mktemp("people")
    for name in ("sample5", "sample6"):
        image = decode_image(samples[name].read_bytes(), limits=ImageLimits())
        for number, face in enumerate(engine.detect(image, max_faces=20)):
            box, margin = face.box, 0.5 * max(face.box.width, face.box.height)
            cut = PillowImage.fromarray(image.pixels).crop(
                (
                    int(box.left - margin),
                    int(box.top - margin),
                    int(box.left + box.width + margin),
                    int(box.top + box.height + margin),
                )
            )
            file = BytesIO()
            cut.save(file, "JPEG", quality=92)
            person = folder / f"{name}-{number}"
            person.mkdir()
            (person / "one.jpg").write_bytes(file.getvalue())
            (person / "two.jpg").write_bytes(altered(file.getvalue()))
    return folder
