"""One template for each photograph: the largest face, found and embedded as the server does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from candid.vision import Engine, ImageLimits, VisionError, decode_image

# Evaluation takes photographs of any size, unlike the server's quotas.
LIMITS = ImageLimits(max_bytes=200 * 1024 * 1024, min_side=1)


@dataclass(frozen=True, slots=True)
class Templates:
    """Embeddings by file; a file without a face, or that is no image, stands in `without_face`."""

    embeddings: dict[str, NDArray[np.float32]]
    without_face: dict[str, str]


def make_templates(
    engine: Engine, files: Iterable[tuple[str, Path]], *, advance: Callable[[], None] = lambda: None
) -> Templates:
    """Embed the largest face of each file.

    Args:
        engine: finds and embeds.
        files: name (as the labels say it) and path of each photograph.
        advance: called after each photograph, for progress.
    """
    embeddings: dict[str, NDArray[np.float32]] = {}
    without: dict[str, str] = {}
    for name, path in files:
        try:
            image = decode_image(path.read_bytes(), limits=LIMITS)
        except (OSError, VisionError) as error:
            without[name] = str(error)
        else:
            faces = engine.detect(image, max_faces=1)
            if faces:
                embeddings[name] = engine.embed(image, faces)[0]
            else:
                without[name] = "no face found"
        advance()
    return Templates(embeddings, without)
