"""The detector that a model's card names."""

from __future__ import annotations

from collections.abc import Mapping

from candid.vision.detect.candidates import FaceDetector
from candid.vision.detect.mtcnn import Mtcnn
from candid.vision.detect.single_pass import SinglePass, decode_scrfd, decode_yunet
from candid.vision.errors import ModelError
from candid.vision.models import Card
from candid.vision.runtime import Runner

# Candid's own detector, which is three models.
OWN = "mtcnn"
_DECODERS = {"scrfd": decode_scrfd, "yunet": decode_yunet}


def open_detector(card: Card | None, runners: Mapping[str, Runner]) -> FaceDetector:
    """A detector.

    Args:
        card: of the operator's model; None: Candid's own.
        runners: of the models, by name.

    Raises:
        ModelError: the model is no detector that Candid can use.
    """
    if card is None:
        return Mtcnn(
            propose=runners["mtcnn-pnet"], refine=runners["mtcnn-rnet"], output=runners["mtcnn-onet"]
        )
    decode = _DECODERS.get(card.family)
    if decode is None:
        raise ModelError(
            f"model {card.name!r} is of family {card.family}, which cannot serve as the detector; "
            f"use {OWN}, or a model of {' or '.join(sorted(_DECODERS))}"
        )
    scale = (card.input.high - card.input.low) / 255
    return SinglePass(
        runner=runners[card.name],
        decode=decode,
        outputs=runners[card.name].session.output_names,
        height=card.input.height,
        width=card.input.width,
        mean=-card.input.low / scale,
        scale=scale,
        bgr=card.input.colour == "BGR",
    )
