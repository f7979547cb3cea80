from __future__ import annotations

from dataclasses import fields

import pytest

from candid.vision import Attributes
from candid.vision.describe.wanted import LEFT_OUT, FaceAttribute, wanted_attributes


def test_the_names_are_the_members_of_attributes() -> None:
    assert [str(name) for name in FaceAttribute] != []
    assert {str(name) for name in FaceAttribute} == {field.name for field in fields(Attributes)}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (False, set()),
        (True, set(FaceAttribute) - LEFT_OUT),
        ((), set()),
        ({"smile", "beard"}, {FaceAttribute.SMILE, FaceAttribute.BEARD}),
        (["sunglasses"], set()),
    ],
)
def test_what_is_asked_for(asked, wanted) -> None:
    assert wanted_attributes(asked) == wanted


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="wisdom"):
        wanted_attributes({"wisdom"})
