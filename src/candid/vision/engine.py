"""Everything that is asked of images, behind one object that many threads share."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import cv2

from candid.vision.align import align_faces
from candid.vision.calibration import Calibration, find_calibration
from candid.vision.describe import describe_faces
from candid.vision.detect import FaceFinder, FaceMesh
from candid.vision.detect.opening import OWN, open_detector
from candid.vision.embed import Embedder, Embeddings, decode_crops, encode_crops
from candid.vision.engine_runners import Runners
from candid.vision.errors import ModelError, ModelMissing, UnknownContract
from candid.vision.facts import DetectedFace, EmbeddingContract, FaceDescription, Image
from candid.vision.models import Card, Kind, Models
from candid.vision.runtime import Lanes, Provider, choose_provider
from candid.vision.runtime.runner import Count

OWN_EMBEDDER = "mobilefacenet"
_MESH = "face-mesh"
# Callers of an engine on a device at once; one batch of them is run while the next one gathers.
_MOST_CALLERS = 64
_OWN_STAGES = ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")
# Folder, beside the models, of an operator's own calibrations.
CALIBRATIONS = "calibrations"


class Engine:
    """Finds, describes and embeds faces; safe from many threads at once.

    `open_engine` makes one. Sessions are opened when they are first needed, or by `warm_up`.
    """

    def __init__(
        self,
        *,
        finder: FaceFinder,
        embedders: Mapping[str, Embedder],
        default: EmbeddingContract,
        runners: Runners,
        lanes: Lanes,
        calibrations: Path,
    ) -> None:
        self._finder = finder
        self._embedders = dict(embedders)
        self._default = default
        self._runners = runners
        self._lanes = lanes
        self._calibrations = calibrations

    @property
    def contracts(self) -> tuple[EmbeddingContract, ...]:
        """Contracts of all embedders that are served, the default first."""
        others = [e.contract for e in self._embedders.values() if e.contract.id != self._default.id]
        return (self._default, *others)

    @property
    def default_contract(self) -> EmbeddingContract:
        """The contract under which `embed` works where none is named."""
        return self._default

    def calibration(self, contract_id: str) -> Calibration:
        """The curve from this embedder's scores to similarities.

        Raises:
            CalibrationError: there is none.
        """
        return find_calibration(contract_id, folder=self._calibrations)

    def detect(self, image: Image, *, max_faces: int) -> list[DetectedFace]:
        """Faces, the largest first.

        Args:
            image: where to look. Faces from 2 % of the long side, at least 20 pixels, are found.
            max_faces: at most so many are returned, the largest.

        Raises:
            EngineClosed: the engine has been closed.
        """
        with self._lanes.turn():
            return self._finder.find(image, max_faces=max_faces)

    def describe(
        self, image: Image, faces: Sequence[DetectedFace], *, attributes: bool | Collection[str]
    ) -> list[FaceDescription]:
        """Landmarks, pose and quality of each face, and the attributes that are wanted.

        Args:
            image: where the faces were found.
            faces: n of them.
            attributes: none, all, or these fields of `Attributes`; models run only for what is wanted.

        Raises:
            EngineClosed: the engine has been closed.
        """
        with self._lanes.turn():
            return describe_faces(image, faces, attributes=attributes, runners=self._runners)

    def embed(
        self, image: Image, faces: Sequence[DetectedFace], *, contract: str | None = None
    ) -> Embeddings:
        """Embeddings of faces, float32 (n, dim), each of length one.

        Args:
            image: where the faces were found.
            faces: n of them.
            contract: id of a served contract; None: the default.

        Raises:
            UnknownContract: no served embedder has this contract.
            EngineClosed: the engine has been closed.
        """
        embedder = self._embedder(contract)
        with self._lanes.turn():
            return embedder.embed(align_faces(image, faces))

    def crops(self, image: Image, faces: Sequence[DetectedFace]) -> list[bytes]:
        """The aligned faces as PNG files, from which `embed_crops` makes the same embeddings as `embed`."""
        return encode_crops(align_faces(image, faces))

    def embed_crops(self, crops: Sequence[bytes], *, contract: str | None = None) -> Embeddings:
        """Embeddings of kept crops, float32 (n, dim), for moving faces to another embedder.

        Raises:
            InvalidImage: a file is no crop that `crops` gave.
            UnknownContract: no served embedder has this contract.
        """
        embedder = self._embedder(contract)
        with self._lanes.turn():
            return embedder.embed(decode_crops(crops))

    def counters(self) -> Mapping[str, Count]:
        """Forward passes and rows of each model since the engine was opened, by its name."""
        return {name: runner.count() for name, runner in sorted(self._runners.used().items())}

    def cards(self) -> list[Card]:
        """The cards of all models that this engine may run, by name."""
        return self._runners.cards()

    def warm_up(self) -> None:
        """Open the sessions that every call needs, so that the first caller does not wait for it.

        Raises:
            ModelError: a model is missing or altered.
        """
        for runner in self._runners.used().values():
            _ = runner.session

    def close(self) -> None:
        """Refuse new calls; those under way fail at their next pass."""
        self._runners.close()
        self._lanes.close()

    def _embedder(self, contract: str | None) -> Embedder:
        embedder = self._embedders.get(contract or self._default.id)
        if embedder is None:
            raise UnknownContract(f"no served embedder has the contract {contract}; add its model again")
        return embedder


def open_engine(
    models: Models, *, detector: str = "", embedder: str = "", provider: str = "auto", threads: int = 0
) -> Engine:
    """Open an engine over a folder of models.

    Args:
        models: the folder.
        detector: name of an added detector; empty: Candid's own.
        embedder: name of the default embedder; empty: Candid's own. All others in the folder are served too.
        provider: `auto`, `cpu`, `cuda` or `coreml`.
        threads: cores to use; 0: all that this process may.

    Raises:
        ModelMissing: a model is not in the folder.
        ModelError: a model cannot serve as what it is named for, or the provider is not available.
    """
    chosen = choose_provider(provider)
    own = detector in {"", OWN}
    card = None if own else models.card(detector)
    for name in (_MESH, *(_OWN_STAGES if own else ())):
        if name not in models.names():
            raise ModelMissing(f"there is no model {name!r} in {models.folder}; run `candid models pull`")
    default = models.card(embedder or OWN_EMBEDDER)
    # The lanes spread the work. OpenCV's own threads would compete with them: waking and spinning, they cost
    # a tenth of a call's processor time, and pieces this small gain nothing from them.
    cv2.setNumThreads(1)
    # Elsewhere than on the CPU the device spreads the work by itself, and wants many callers to make batches of.
    lanes = Lanes(threads or _cores()) if chosen is Provider.CPU else Lanes(1, most_callers=_MOST_CALLERS)
    runners = Runners(models, provider=chosen, lanes=lanes)
    cards = [models.card(name) for name in models.names(Kind.EMBEDDER)]
    return Engine(
        finder=FaceFinder(open_detector(card, runners), FaceMesh(runners[_MESH])),
        embedders={c.contract.id: _embedder(c, runners) for c in cards},
        default=default.contract,
        runners=runners,
        lanes=lanes,
        calibrations=models.folder / CALIBRATIONS,
    )


def _embedder(card: Card, runners: Runners) -> Embedder:
    if card.input.colour not in {"RGB", "BGR"}:
        raise ModelError(f"the embedder {card.name!r} wants {card.input.colour}; RGB and BGR are served")
    scale = (card.input.high - card.input.low) / 255
    return Embedder(
        contract=card.contract,
        runner=runners[card.name],
        mean=-card.input.low / scale,
        scale=scale,
        channels_last=card.input.layout == "NHWC",
        bgr=card.input.colour == "BGR",
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
