"""From the files of a recipe to an ONNX file and its card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import candid
from candid.vision.errors import ModelError
from candid.vision.models.card import Card, Kind, Source
from candid.vision.models.convert.pipeline import CONVERTER, convert_tfjs, convert_tflite
from candid.vision.models.recipe import Recipe


def sha256(content: bytes) -> str:
    """The digest in hex."""
    return hashlib.sha256(content).hexdigest()


def convert(recipe: Recipe, members: Sequence[bytes]) -> bytes:
    """The ONNX file of a recipe.

    Args:
        recipe: the model.
        members: content of the recipe's members, in its order.

    Raises:
        ModelError: a member's digest is not the pinned one, or it cannot be converted.
    """
    for member, content in zip(recipe.members, members, strict=True):
        found = sha256(content)
        if found != member.digest:
            raise ModelError(
                f"{member.path} of {recipe.package.name} has SHA-256 {found} where Candid expects "
                f"{member.digest}; the package is not the one that was reviewed, so it is not used"
            )
    outputs = {theirs: ours.name for theirs, ours in recipe.outputs.items()}
    if len(members) == 1:
        return convert_tflite(
            members[0],
            name=recipe.name,
            outputs=outputs,
            free_sides=recipe.input.height == 0,
            swapped_sides=recipe.swapped_sides,
        )
    return convert_tfjs(members[0], members[1], name=recipe.name, outputs=outputs)


def card_of(recipe: Recipe, model: bytes, *, dim: int = 0) -> Card:
    """The card of a converted model; `dim` is the length of an embedder's output."""
    package = recipe.package
    return Card(
        name=recipe.name,
        kind=recipe.kind,
        family=recipe.family,
        version=recipe.version,
        digest=sha256(model),
        identity=recipe.members[-1].digest,
        source=Source(
            registry=str(package.registry),
            package=package.name,
            version=package.version,
            archive_digest=package.digest,
            members={member.path: member.digest for member in recipe.members},
        ),
        licence=recipe.licence,
        upstream=recipe.upstream,
        training_data=recipe.training_data,
        use=recipe.use,
        input=recipe.input,
        outputs=tuple(recipe.outputs.values()),
        accuracy=recipe.accuracy,
        dim=dim if recipe.kind is Kind.EMBEDDER else 0,
        preprocessing=recipe.preprocessing,
        created_by=candid.__version__,
        converter=CONVERTER,
    )
