from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pytest

from candid.vision import Attributes, DetectedFace, Engine, FaceDescription, Image, Landmark, ModelMissing
from candid.vision.describe import FaceAttribute, describe_faces
from candid.vision.describe.wanted import LEFT_OUT
from candid.vision.engine_runners import Runners
from candid.vision.models import Models
from candid.vision.runtime import Lanes, Provider


@pytest.fixture(scope="module")
def runners(models: Models) -> Iterator[Runners]:
    opened = Runners(models, provider=Provider.CPU, lanes=Lanes(1))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pair(astronaut: Image) -> Image:
    """The portrait beside its mirror image."""
    return Image(np.ascontiguousarray(np.hstack([astronaut.pixels, astronaut.pixels[:, ::-1]])))


@pytest.fixture(scope="module")
def faces(engine: Engine, pair: Image) -> list[DetectedFace]:
    return engine.detect(pair, max_faces=2)


def told(description: FaceDescription) -> set[str]:
    return {
        field.name for field in fields(Attributes) if getattr(description.attributes, field.name) is not None
    }


def test_without_attributes_no_model_is_needed(pair: Image, faces: list[DetectedFace]) -> None:
    for description in describe_faces(pair, faces, attributes=False, runners={}):
        assert told(description) == set()
        assert set(description.landmarks) == set(Landmark)
        assert abs(description.pose.yaw) < 10
        assert description.quality.sharpness > 50


def test_no_face_is_described_without_a_model(pair: Image) -> None:
    assert describe_faces(pair, [], attributes=True, runners={}) == []


@pytest.mark.parametrize("name", sorted(set(FaceAttribute) - LEFT_OUT))
def test_a_single_attribute_is_told_alone(
    pair: Image, faces: list[DetectedFace], runners: Runners, name: FaceAttribute
) -> None:
    for description in describe_faces(pair, faces, attributes={name}, runners=runners):
        assert told(description) == {name}


@pytest.mark.parametrize("name", ["smile", "mouth_open", "eyeglasses", "beard", "mustache"])
def test_shape_and_skin_need_no_model(pair: Image, faces: list[DetectedFace], name: str) -> None:
    assert told(describe_faces(pair, faces, attributes={name}, runners={})[0]) == {name}


@pytest.mark.parametrize(
    ("name", "model"),
    [("gender", "faceres"), ("age_range", "faceres"), ("emotions", "emotion"), ("eyes_open", "iris")],
)
def test_a_missing_model_is_named(pair: Image, faces: list[DetectedFace], name: str, model: str) -> None:
    with pytest.raises(ModelMissing, match=model):
        describe_faces(pair, faces, attributes={name}, runners={})


def test_each_model_runs_once_over_all_faces(
    pair: Image, faces: list[DetectedFace], models: Models
) -> None:
    fresh = Runners(models, provider=Provider.CPU, lanes=Lanes(1))
    describe_faces(pair, faces, attributes=True, runners=fresh)
    counted = {name: fresh[name].count() for name in ("faceres", "emotion", "iris")}
    fresh.close()
    assert {name: count.passes for name, count in counted.items()} == {"faceres": 1, "emotion": 1, "iris": 1}
    assert {name: count.rows for name, count in counted.items()} == {"faceres": 2, "emotion": 2, "iris": 4}


def test_faces_are_told_together_as_alone(pair: Image, faces: list[DetectedFace], runners: Runners) -> None:
    together = describe_faces(pair, faces, attributes=True, runners=runners)
    for face, expected in zip(faces, together, strict=True):
        (alone,) = describe_faces(pair, [face], attributes=True, runners=runners)
        assert alone.attributes.age_range == expected.attributes.age_range
        assert alone.attributes.smile == expected.attributes.smile
        assert alone.attributes.gender.confidence == pytest.approx(
            expected.attributes.gender.confidence, abs=0.1
        )
        assert alone.attributes.emotions == pytest.approx(expected.attributes.emotions, abs=0.1)


@pytest.mark.parametrize("spoilt", [0.0, -1e5, 1e6, "tiny", "noise"])
def test_a_spoilt_mesh_gives_numbers_within_their_scales(
    pair: Image, faces: list[DetectedFace], runners: Runners, spoilt: float | str
) -> None:
    mesh = faces[0].mesh * np.float32(1e-3)
    if spoilt == "noise":
        mesh = np.random.default_rng(7).normal(200, 300, (468, 3)).astype(np.float32)
    elif spoilt != "tiny":
        mesh = np.full((468, 3), spoilt, np.float32)
    (description,) = describe_faces(pair, [replace(faces[0], mesh=mesh)], attributes=True, runners=runners)
    pose, quality, attributes = description.pose, description.quality, description.attributes
    assert all(-180 <= angle <= 180 for angle in (pose.roll, pose.yaw, pose.pitch))
    assert all(0 <= value <= 100 for value in (quality.brightness, quality.sharpness))
    for name in ("smile", "mouth_open", "eyes_open", "eyeglasses", "beard", "mustache"):
        assert 50 <= getattr(attributes, name).confidence <= 100
    assert sum(attributes.emotions.values()) == pytest.approx(100, abs=0.1)


# What anybody sees in the portrait.
SEEN = {
    "smile": True,
    "mouth_open": True,
    "eyes_open": True,
    "eyeglasses": False,
    "beard": False,
    "mustache": False,
}


@pytest.mark.parametrize("which", [0, 1], ids=["as taken", "mirrored or as taken"])
@pytest.mark.parametrize("name", SEEN)
def test_the_portrait_is_told_right(engine: Engine, pair: Image, faces, name: str, which: int) -> None:
    truth = getattr(engine.describe(pair, faces, attributes=True)[which].attributes, name)
    assert truth.value is SEEN[name]
    assert 50 <= truth.confidence <= 100


def test_the_portraits_looks_and_expression(engine: Engine, astronaut: Image, face: DetectedFace) -> None:
    (description,) = engine.describe(astronaut, [face], attributes=True)
    attributes = description.attributes
    assert attributes.gender.value == "Female"
    # She was 35 when it was taken.
    assert attributes.age_range.low <= 35 <= attributes.age_range.high
    assert next(iter(attributes.emotions)) == "HAPPY"
    assert (attributes.sunglasses, attributes.face_occluded, attributes.eye_direction) == (None, None, None)


def test_pupils_come_from_the_iris_model_where_it_runs(pair: Image, faces, runners: Runners) -> None:
    (without,) = describe_faces(pair, faces[:1], attributes=False, runners={})
    (with_iris,) = describe_faces(pair, faces[:1], attributes={"eyes_open"}, runners=runners)
    assert without.landmarks[Landmark.LEFT_PUPIL] == without.landmarks[Landmark.EYE_LEFT]
    assert with_iris.landmarks[Landmark.LEFT_PUPIL] != with_iris.landmarks[Landmark.EYE_LEFT]
    assert with_iris.landmarks[Landmark.LEFT_PUPIL] == pytest.approx(
        with_iris.landmarks[Landmark.EYE_LEFT], abs=4
    )
