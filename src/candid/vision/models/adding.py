"""`candid models add`: a user's own ONNX file becomes a model with a card."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import candid
from candid.vision.errors import ModelError, ModelMissing
from candid.vision.models.batch import free_batch
from candid.vision.models.building import sha256
from candid.vision.models.card import Card, Kind
from candid.vision.models.families import DETECTOR_SIDE, EMBEDDER_SIDE, layout_of, recognise
from candid.vision.models.folder import Models
from candid.vision.models.foreign import Port, image_input, read_foreign
from candid.vision.models.recipes import RECIPES
from candid.vision.models.references import run_once

# The preprocessing that Candid gives every embedder; see vision.facts.EmbeddingContract.
PREPROCESSING = "p1"
_SEED = 20240229


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user says about a file; None: Candid finds out.

    Attributes:
        kind: embedder or detector.
        name: the model's name; the file's own name where None.
        licence: as the user states it.
        layout: NCHW or NHWC.
        colour: RGB or BGR.
        span: what channel values 0 and 255 become.
    """

    kind: Kind
    name: str | None = None
    licence: str | None = None
    layout: str | None = None
    colour: str | None = None
    span: tuple[float, float] | None = None


def user_version(identity: str) -> str:
    """The version of a user's embedder: 100, then the first eight hex digits of its SHA-256 as a number."""
    return f"100.{int(identity[:8], 16)}"


def _name(path: Path, wishes: Wishes) -> str:
    name = wishes.name if wishes.name is not None else re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-.")
    if name in RECIPES:
        raise ModelError(f"{name!r} is the name of one of Candid's own models; give another with --name")
    return name


def noise(port: Port, *, side: int, batch: int) -> NDArray[np.float32]:
    """Deterministic noise that fits an input; free sides become `side`."""
    sizes = [size if size is not None else side for size in port.shape[1:]]
    return np.random.default_rng(_SEED).uniform(-1, 1, (batch, *sizes)).astype(np.float32)


def add(models: Models, path: Path, wishes: Wishes) -> Card:
    """Check a user's model, make its batch free where that works, and write it with a card.

    Raises:
        ModelError: the file is not one that is taken; the message says what was found and what is taken.
    """
    name = _name(path, wishes)
    content, parsed = read_foreign(path)
    identity = sha256(content)
    port = image_input(parsed)
    side = EMBEDDER_SIDE if wishes.kind is Kind.EMBEDDER else DETECTOR_SIDE
    single = noise(port, side=side, batch=port.shape[0] or 1)
    answers = run_once(content, single)
    shown = answers
    if port.shape[0] not in (1, None):
        shown = {key: value[:1] for key, value in answers.items()}
    found = recognise(parsed, port, wishes.kind, shown)
    if any(not np.isfinite(value).all() for value in answers.values()):
        raise ModelError("the model answers noise with values that are not finite; it cannot be used")
    feed = found.input
    if wishes.layout is not None and wishes.layout != layout_of(port):
        raise ModelError(f"the input {port} is not {wishes.layout}; leave --layout out")
    if wishes.colour is not None:
        feed = replace(feed, colour=wishes.colour)
    if wishes.span is not None:
        feed = replace(feed, low=wishes.span[0], high=wishes.span[1])
    if found.family != "scrfd":
        content, batch = free_batch(content, parsed, port, side=side)
        feed = replace(feed, batch=batch)
    card = Card(
        name=name,
        kind=found.kind,
        family=found.family,
        version=user_version(identity),
        digest=sha256(content),
        identity=identity,
        source=None,
        licence=wishes.licence if wishes.licence is not None else "not stated",
        upstream="not stated",
        training_data="not stated",
        use=f"a {found.kind} that was added here",
        input=feed,
        outputs=found.outputs,
        accuracy={},
        dim=found.dim,
        preprocessing=PREPROCESSING if found.kind is Kind.EMBEDDER else "",
        created_by=candid.__version__,
    )
    _refuse_clash(models, card)
    models.put(card, content)
    return card


def _refuse_clash(models: Models, card: Card) -> None:
    try:
        old = models.card(card.name)
    except ModelMissing:
        return
    if old.identity != card.identity:
        raise ModelError(f"there is another model {card.name!r} already; give this one a name with --name")
