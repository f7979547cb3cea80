from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from candid.vision import Engine, Image, Pose
from candid.vision.describe.canonical_face import STABLE_FACE, STABLE_POINTS
from candid.vision.describe.face_frame import fit_frame

# What Amazon's developer guide prints: yaw and pitch of a reply, and in its landmarks the nose's place to the right of
# the middle between eyes and mouth, in distances of the eyes, and below the eyes, in distances from eyes to mouth.
# https://docs.aws.amazon.com/rekognition/latest/dg/ : faces-detect-images, add-faces-to-collection-procedure,
# celebrities-procedure-image, faces-sqs-video.
PRINTED = [
    (18.1, -10.3, 0.22, 0.60),
    (10.6, 15.7, 0.08, 0.38),
    (9.0, -7.7, 0.09, 0.70),
    (-6.2, -7.4, -0.06, 0.58),
    (20.3, -1.0, 0.22, 0.50),
    (11.3, 16.0, 0.11, 0.40),
    (18.7, -0.6, 0.20, 0.51),
    (-11.2, 3.2, -0.06, 0.52),
    (-11.0, -5.0, -0.03, 0.55),
]

angles = st.floats(-75, 75)


def turn(pose: Pose) -> NDArray[np.float64]:
    """Roll · yaw · pitch, written out: x right, y down, z away; the face looks along -z."""
    r, y, p = np.radians([pose.roll, pose.yaw, pose.pitch])
    roll = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    yaw = [[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]]
    pitch = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    return np.array(roll) @ yaw @ pitch


def mesh_of(pose: Pose, *, scale: float = 2, shift: float = 300) -> NDArray[np.float32]:
    """A mesh whose stable points are the canonical face's."""
    mesh = np.zeros((468, 3), np.float32)
    mesh[STABLE_POINTS] = STABLE_FACE @ turn(pose).T * scale + shift
    return mesh


def mirrored(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mesh of the mirrored image: points change sides."""
    pairs = (len(STABLE_POINTS) - 11) // 2
    left, right, middle = np.split(STABLE_POINTS, [pairs, 2 * pairs])
    other = mesh.copy()
    other[np.r_[left, right, middle]] = mesh[np.r_[right, left, middle]] * [-1, 1, 1]
    return other


@given(angles, angles, angles, st.floats(0.05, 20), st.floats(-500, 5000))
def test_any_turn_scale_and_place_is_found(
    roll: float, yaw: float, pitch: float, scale: float, shift: float
) -> None:
    frame = fit_frame(mesh_of(Pose(roll, yaw, pitch), scale=scale, shift=shift))
    assert (frame.pose.roll, frame.pose.yaw, frame.pose.pitch) == pytest.approx((roll, yaw, pitch), abs=0.5)
    assert frame.scale == pytest.approx(scale, rel=1e-2)
    assert np.linalg.det(frame.rotation) == pytest.approx(1)


@given(angles, angles, angles)
def test_a_mirrored_face_turns_the_other_way(roll: float, yaw: float, pitch: float) -> None:
    pose = fit_frame(mirrored(mesh_of(Pose(roll, yaw, pitch)))).pose
    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((-roll, -yaw, pitch), abs=0.1)


@given(st.floats(-90, 90))
def test_turning_the_image_changes_the_roll_alone(face, degrees: float) -> None:
    before = fit_frame(face.mesh).pose
    turned = (face.mesh @ turn(Pose(degrees, 0, 0)).T).astype(np.float32)
    after = fit_frame(turned).pose
    assert after.roll - before.roll == pytest.approx(degrees, abs=0.01)
    assert (after.yaw, after.pitch) == pytest.approx((before.yaw, before.pitch), abs=0.01)


@given(angles, angles, angles)
def test_straightening_undoes_the_turn(roll: float, yaw: float, pitch: float) -> None:
    mesh = mesh_of(Pose(roll, yaw, pitch))
    assert fit_frame(mesh).straightened(mesh)[STABLE_POINTS] == pytest.approx(STABLE_FACE, abs=0.05)


def test_signs_and_sizes_are_those_of_amazons_examples(face) -> None:
    straight = fit_frame(face.mesh).straightened(face.mesh)
    seen = []
    for yaw, pitch, _, _ in PRINTED:
        turned = straight @ turn(Pose(0, yaw, pitch)).T
        left, right = turned[[33, 133]].mean(axis=0), turned[[362, 263]].mean(axis=0)
        eyes, mouth, nose = (left + right) / 2, turned[[61, 291]].mean(axis=0), turned[4]
        across = (nose[0] - (eyes[0] + mouth[0]) / 2) / (right[0] - left[0])
        seen.append((across, (nose[1] - eyes[1]) / (mouth[1] - eyes[1])))
    printed = np.array(PRINTED)[:, 2:]
    for column in (0, 1):
        assert np.corrcoef(np.array(seen)[:, column], printed[:, column])[0, 1] > 0.85
    assert np.abs(np.array(seen) - printed).mean(axis=0) == pytest.approx([0, 0], abs=0.12)


def pose_in(engine: Engine, image: Image) -> Pose:
    return fit_frame(engine.detect(image, max_faces=1)[0].mesh).pose


@pytest.mark.parametrize("degrees", [-25, 15, 30])
def test_a_turned_photograph_rolls(engine: Engine, astronaut: Image, degrees: int) -> None:
    # cv2 counts counter-clockwise as positive.
    matrix = cv2.getRotationMatrix2D((224, 130), -degrees, 1)
    turned = Image(cv2.warpAffine(astronaut.pixels, matrix, (512, 512)))
    before, after = pose_in(engine, astronaut), pose_in(engine, turned)
    assert after.roll - before.roll == pytest.approx(degrees, abs=4)
    assert (after.yaw, after.pitch) == pytest.approx((before.yaw, before.pitch), abs=6)


def test_mirrored_photographs_mirror_the_pose(engine: Engine, labelled) -> None:
    turned = sorted(labelled, key=lambda each: -abs(each.description.pose.yaw))
    alone = [each for each in turned if each.label["file"].startswith("img")][:8]
    for each in alone:
        pose = pose_in(engine, Image(np.ascontiguousarray(each.image.pixels[:, ::-1])))
        expected = each.description.pose
        assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx(
            (-expected.roll, -expected.yaw, expected.pitch), abs=6
        )
