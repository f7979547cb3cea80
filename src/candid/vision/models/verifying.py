"""`candid models verify`: are the files what their cards say, and do they still compute what they should?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from candid.vision.errors import ModelError
from candid.vision.models.folder import Models
from candid.vision.models.recipes import RECIPES
from candid.vision.models.references import check_against_reference, load_references


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One model's verdict.

    Attributes:
        name: the model.
        digest_matches: the file is the one that the card describes.
        difference: from the reference, as a share of the output's range; None for a user's own model, which
            has none, and where the check failed.
        problem: what is wrong; empty where nothing is.
    """

    name: str
    digest_matches: bool
    difference: float | None
    problem: str


def verify(models: Models, names: Sequence[str] = ()) -> tuple[Verified, ...]:
    """Check the named models, or all that are there and all that Candid needs."""
    return tuple(_verify(models, name) for name in names or sorted({*models.names(), *RECIPES}))


def _verify(models: Models, name: str) -> Verified:
    try:
        content = models.path(name).read_bytes()
    except ModelError as error:
        return Verified(name=name, digest_matches=False, difference=None, problem=str(error))
    recipe = RECIPES.get(name)
    try:
        difference = None if recipe is None else check_against_reference(recipe, content, load_references()[name])
    except ModelError as error:
        return Verified(name=name, digest_matches=True, difference=None, problem=str(error))
    return Verified(name=name, digest_matches=True, difference=difference, problem="")
