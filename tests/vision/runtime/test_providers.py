from __future__ import annotations

import onnxruntime as ort
import pytest

from candid.vision.errors import ModelError
from candid.vision.runtime import Provider, choose_provider
from candid.vision.runtime.providers import ORT_NAMES

ABSENT = [p for p in Provider if ORT_NAMES[p] not in ort.get_available_providers()]


def test_the_cpu_is_always_there() -> None:
    assert choose_provider("cpu") is Provider.CPU
    assert ORT_NAMES[choose_provider("auto")] in ort.get_available_providers()


@pytest.mark.parametrize("provider", ABSENT)
def test_an_absent_provider_is_an_error_and_never_another(provider: Provider) -> None:
    with pytest.raises(ModelError, match=f"provider {provider} was asked for"):
        choose_provider(provider)


def test_an_unknown_name() -> None:
    with pytest.raises(ModelError, match="unknown provider 'gpu'"):
        choose_provider("gpu")
