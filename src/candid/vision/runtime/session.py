"""One model in ONNX Runtime: one input, one or more outputs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from candid.vision.errors import ModelError
from candid.vision.runtime.providers import ORT_NAMES, Provider

Array = NDArray[Any]
# ONNX Runtime's severities: 3 is error. Its warnings are about graphs, for their makers.
_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class Session:
    """An opened model.

    Attributes:
        input_name: of its only input.
        input_shape: its dimensions; a name or None where free.
        output_names: in the graph's order.
    """

    input_name: str
    input_shape: tuple[int | str | None, ...]
    output_names: tuple[str, ...]
    _session: Any

    def run(self, array: Array) -> tuple[Array, ...]:
        """One forward pass; safe from several threads at once."""
        return tuple(self._session.run(None, {self.input_name: array}))


def open_session(model: Path | bytes, *, provider: Provider) -> Session:
    """Open a model.

    On the CPU a pass runs in its caller's thread and in no other: several passes run side by side instead
    (see `Lanes`). Threads within a pass gain little for models this small and cost twice, in waking and in
    spinning between the layers, most where several clients share few cores.

    Memory stays bounded over many input sizes: no memory pattern is kept for each size, and the arena grows
    by what is asked for, not by powers of two.

    Raises:
        ModelError: the file is missing, is no model, or cannot run on the provider.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    # The runtime falls back to the CPU by itself where a provider cannot be opened; the check below finds
    # that.
    names = [ORT_NAMES[provider]] + ([ORT_NAMES[Provider.CPU]] if provider is not Provider.CPU else [])
    settings = [{"arena_extend_strategy": "kSameAsRequested"} if n != ORT_NAMES[Provider.COREML] else {} for n in names]
    source = model if isinstance(model, bytes) else str(model)
    try:
        opened = ort.InferenceSession(source, options, providers=names, provider_options=settings)
    except Exception as error:  # the runtime's errors share no base of their own
        raise ModelError(f"{_name(model)} cannot be opened: {error}") from error
    if names[0] not in opened.get_providers():
        raise ModelError(f"{_name(model)} cannot run on provider {provider}; use provider cpu")
    with contextlib.suppress(AttributeError):
        opened.disable_fallback()
    inputs = opened.get_inputs()
    if len(inputs) != 1:
        raise ModelError(f"{_name(model)} has {len(inputs)} inputs; Candid's models have one")
    return Session(
        inputs[0].name, tuple(inputs[0].shape), tuple(o.name for o in opened.get_outputs()), opened
    )


def _name(model: Path | bytes) -> str:
    return "a model" if isinstance(model, bytes) else f"the model {model.name}"


def rows_of(array: Array) -> int:
    """Length of axis 0, along which callers' arrays are joined."""
    return int(np.shape(array)[0])
