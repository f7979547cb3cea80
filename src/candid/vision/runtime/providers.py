"""Where models run. A provider that was asked for and is not there is an error, never another one instead."""

from __future__ import annotations

from enum import StrEnum

import onnxruntime as ort

from candid.vision.errors import ModelError


class Provider(StrEnum):
    """What a session computes on."""

    CPU = "cpu"
    CUDA = "cuda"
    COREML = "coreml"


# https://onnxruntime.ai/docs/execution-providers/
ORT_NAMES = {
    Provider.CPU: "CPUExecutionProvider",
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.COREML: "CoreMLExecutionProvider",
}


def choose_provider(name: str) -> Provider:
    """The provider of a setting.

    Args:
        name: `cpu`, `cuda`, `coreml`, or `auto`: CUDA where the installed runtime has it, else the CPU.
            CoreML is used only when named, because it compiles every model anew for each input size.

    Raises:
        ModelError: an unknown name, or a provider that this installation of ONNX Runtime lacks.
    """
    available = set(ort.get_available_providers())
    if name == "auto":
        return Provider.CUDA if ORT_NAMES[Provider.CUDA] in available else Provider.CPU
    if name not in set(Provider):
        raise ModelError(f"unknown provider {name!r}; use auto, {', '.join(Provider)}")
    provider = Provider(name)
    if ORT_NAMES[provider] not in available:
        raise ModelError(
            f"provider {name} was asked for, but the installed ONNX Runtime has only "
            f"{', '.join(sorted(available))}; install the build that has it, or use provider cpu"
        )
    return provider
