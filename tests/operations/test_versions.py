"""Versions and similarities of embedding contracts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.operations.versions import DECIMALS, FaceModels, VersionNotServed
from candid.vision import EmbeddingContract
from candid.vision.calibration import Calibration


def contract(model: str, version: str, digest: str, preprocessing: str, dim: int) -> EmbeddingContract:
    return EmbeddingContract(
        model=model, version=version, digest=digest, preprocessing=preprocessing, dim=dim
    )


OURS = contract("mobilefacenet", "1.0", "ab" * 32, "p1", 192)
OWN = contract("my-own_model", "100.2882400001", "cd" * 32, "p12", 512)
UNCALIBRATED = contract("other", "2.1.0", "ef" * 32, "p1", 128)
CURVE = Calibration(((-1.0, 0.0), (0.0, 10.0), (0.4, 80.0), (0.6, 99.0), (1.0, 100.0)), "drawn")
MODELS = FaceModels(
    [OURS, OWN, UNCALIBRATED], default=OURS, calibrations={OURS.id: CURVE, OWN.id: CURVE}
)

scores = st.floats(-1, 1, width=32)
similarities = st.floats(0, 100)


@pytest.mark.parametrize(
    ("served", "version"), [(OURS, "1.0"), (OWN, "100.2882400001"), (UNCALIBRATED, "2.1.0")]
)
def test_the_version_is_read_from_the_contract(served: EmbeddingContract, version: str) -> None:
    assert MODELS.version(served.id) == version


@pytest.mark.parametrize("text", ["", "mobilefacenet-1.0", "a-1.0-xyz-p1-192", OURS.id + "\n", OURS.id + "-"])
def test_what_is_no_contract_has_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="no embedding contract"):
        MODELS.version(text)


def test_what_is_served() -> None:
    gone = contract("mobilefacenet", "0.9", "ab" * 32, "p1", 192).id
    assert MODELS.served(OURS.id)
    assert MODELS.served(UNCALIBRATED.id)
    assert not MODELS.served(gone)
    for unserved, version in ((gone, "0.9"), (UNCALIBRATED.id, "2.1.0")):
        for refused in (
            lambda c: MODELS.require(c),
            lambda c: MODELS.similarity(c, 0.5),
            lambda c: MODELS.score(c, 80.0),
        ):
            with pytest.raises(VersionNotServed, match=f"version {version}"):
                refused(unserved)


@given(scores)
def test_a_told_similarity_used_as_threshold_finds_its_pair_again(score: float) -> None:
    told = MODELS.similarity(OURS.id, score)
    assert 0 <= told <= 100
    assert told == round(told, DECIMALS)
    assert MODELS.score(OURS.id, told) <= score


@given(scores, similarities)
def test_a_threshold_keeps_what_it_must_and_no_more(score: float, threshold: float) -> None:
    least = MODELS.score(OURS.id, threshold)
    if MODELS.similarity(OURS.id, score) >= threshold + 1e-4:
        assert score >= least
    if score >= least + 1e-7:
        assert MODELS.similarity(OURS.id, score) >= threshold - 1e-4


@given(scores, scores)
def test_a_higher_score_is_never_a_lower_similarity(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert MODELS.similarity(OURS.id, low) <= MODELS.similarity(OURS.id, high)


def test_rounding_of_the_score_does_not_keep_a_face_from_100() -> None:
    assert MODELS.similarity(OURS.id, 1 - 2e-7) == 100
    assert MODELS.score(OURS.id, 100) < 1 - 2e-7
    assert MODELS.score(OURS.id, 0) == -1
