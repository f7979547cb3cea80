"""The same work done by other libraries, where they are installed: `pip install candid[compare]`.

`face_recognition`: the library of that name finds faces with dlib's HOG detector, the image doubled once (its
default), takes five points and computes dlib's 128-number descriptor. Measured are the same three calls to
dlib, which are all that it does.

`facenet-pytorch`: its MTCNN finds the faces (least side 20 px, as Candid); nothing is embedded, since the
weights of its embedder are fetched from a release page at run time and no registry package has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from candid.vision import Image

Template = NDArray[np.float64]


class RivalMissing(Exception):
    """A library to compare with is unknown or not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another library at work.

    Attributes:
        name: of the library.
        does: what is measured of it, for people.
        find: whether it finds a face in an image.
        embed: the template of the largest face, or None where it finds none; itself None where the library
            embeds nothing here. Two templates are the more alike the smaller their Euclidean distance.
        embed_at: the same of the face at a point, given as ratios of the image's width and height.
    """

    name: str
    does: str
    find: Callable[[Image], bool]
    embed: Callable[[Image], Template | None] | None
    embed_at: Callable[[Image, float, float], Template | None] | None


def open_rival(name: str) -> Rival:
    """Load a library to compare with.

    Raises:
        RivalMissing: it is unknown or not installed.
    """
    if name not in _RIVALS:
        raise RivalMissing(f"no comparison with {name!r} is built in; there are {', '.join(sorted(_RIVALS))}")
    return _RIVALS[name]()


def _face_recognition() -> Rival:
    spec = find_spec("face_recognition_models")
    if find_spec("dlib") is None or spec is None or not spec.submodule_search_locations:
        raise RivalMissing("dlib and its models are not installed; run: pip install 'candid[compare]'")
    import dlib

    folder = Path(next(iter(spec.submodule_search_locations))) / "models"
    detector: Any = dlib.get_frontal_face_detector()
    points: Any = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    model: Any = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))

    def template(image: Image, faces: list[Any]) -> Template | None:
        if not faces:
            return None
        largest = max(faces, key=lambda each: each.area())
        return np.array(model.compute_face_descriptor(image.pixels, points(image.pixels, largest), 1))

    def embed_at(image: Image, x: float, y: float) -> Template | None:
        point = dlib.point(int(x * image.width), int(y * image.height))
        return template(image, [face for face in detector(image.pixels, 1) if face.contains(point)])

    return Rival(
        name="face_recognition",
        does="dlib's HOG detector, the image doubled once, and dlib's descriptor of the largest face",
        find=lambda image: bool(detector(image.pixels, 1)),
        embed=lambda image: template(image, detector(image.pixels, 1)),
        embed_at=embed_at,
    )


def _facenet_pytorch() -> Rival:
    if find_spec("facenet_pytorch") is None:
        raise RivalMissing(
            "facenet-pytorch is not installed; run: pip install torch && pip install --no-deps facenet-pytorch"
        )
    from facenet_pytorch import MTCNN

    detector: Any = MTCNN(keep_all=True, min_face_size=20)
    return Rival(
        name="facenet-pytorch",
        does="MTCNN, detection only",
        find=lambda image: detector.detect(image.pixels)[0] is not None,
        embed=None,
        embed_at=None,
    )


_RIVALS: dict[str, Callable[[], Rival]] = {
    "face_recognition": _face_recognition,
    "facenet-pytorch": _facenet_pytorch,
}
