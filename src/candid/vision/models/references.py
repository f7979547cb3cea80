"""Checks a model against what an independent runtime computed from the same published file.

`references.json` holds, for each model, 16 sampled values and the norm of every output for a batch of two
pseudo-random images. They were computed once from the unconverted files: TensorFlow Lite files by LiteRT's
interpreter with its reference kernels, TensorFlow.js models by TensorFlow.js itself. The images are made
again here.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.models.recipe import Recipe

_SAMPLES = 16
# A free side is fed with this many pixels: height, width.
_FREE_SIDES = (60, 48)
# Float32 sums in another order differ by about 1e-6 of the largest value; a wrong kernel, pad or axis by
# far more.
_TOLERANCE = 5e-5


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What one output must be: shape, Euclidean norm, largest magnitude, values at evenly spread places."""

    shape: tuple[int, ...]
    norm: float
    largest: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, output: NDArray[np.float32]) -> Reference:
        """The reference that an output would be."""
        flat = output.reshape(-1).astype(np.float64)
        places = np.linspace(0, flat.size - 1, _SAMPLES).astype(int)
        return cls(
            tuple(output.shape),
            float(np.linalg.norm(flat)),
            float(np.abs(flat).max()),
            tuple(float(value) for value in flat[places]),
        )


def sample_input(recipe: Recipe) -> NDArray[np.float32]:
    """Two pseudo-random images (2, channels, height, width) in the recipe's range, the same on every machine.

    The raw stream of numpy's PCG64, which numpy promises to keep; the top 24 bits make exact float32 in [0,
    1).
    """
    height, width = recipe.input.height or _FREE_SIDES[0], recipe.input.width or _FREE_SIDES[1]
    channels = 1 if recipe.input.colour == "GREY" else 3
    shape = (2, channels, height, width)
    stream = np.random.PCG64(zlib.crc32(recipe.name.encode())).random_raw(int(np.prod(shape)))
    unit = (np.asarray(stream, np.uint64) >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    low, high = np.float32(recipe.input.low), np.float32(recipe.input.high)
    return (low + unit * (high - low)).reshape(shape)


References = Mapping[str, Mapping[str, Reference]]  # model name to output name to reference


@cache
def load_references() -> References:
    """What Candid's own models must compute."""
    text = resources.files(__package__).joinpath("references.json").read_text(encoding="utf-8")
    return {
        model: {
            name: Reference(tuple(r["shape"]), r["norm"], r["largest"], tuple(r["values"]))
            for name, r in outputs.items()
        }
        for model, outputs in json.loads(text).items()
    }


def run_once(model: bytes, image: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
    """Run a model on one input with one thread; output name to value.

    Raises:
        ModelError: ONNX Runtime cannot load or run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        values = session.run(None, {session.get_inputs()[0].name: image})
    except Exception as error:  # ONNX Runtime's own family derives from Exception only
        raise ModelError(f"ONNX Runtime cannot run the model: {error}") from error
    return dict(zip((output.name for output in session.get_outputs()), values, strict=True))


def check_against_reference(recipe: Recipe, model: bytes, references: Mapping[str, Reference]) -> float:
    """Run a converted model and compare it with the references of its outputs.

    Returns:
        The largest difference, as a share of the output's largest magnitude.

    Raises:
        ModelError: an output is missing, has another shape, or differs.
    """
    found = run_once(model, sample_input(recipe))
    worst = 0.0
    for name, wanted in references.items():
        if name not in found or tuple(found[name].shape) != wanted.shape:
            shape = found[name].shape if name in found else "missing"
            raise ModelError(f"output {name!r} of {recipe.name} is {shape} where {wanted.shape} was expected")
        given = Reference.of(found[name])
        differences = [abs(a - b) for a, b in zip(given.values, wanted.values, strict=True)]
        share = max(differences) / wanted.largest
        share = max(share, abs(given.norm - wanted.norm) / wanted.norm)
        if not share <= _TOLERANCE:
            raise ModelError(
                f"output {name!r} of {recipe.name} differs from its reference by {share:.1e} of its range "
                f"(allowed: {_TOLERANCE:.0e}); it is wrong on this machine, so it is not used"
            )
        worst = max(worst, share)
    return worst
