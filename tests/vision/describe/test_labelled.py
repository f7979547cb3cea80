"""The figures of docs/attributes.md, held with a margin on the faces that `labelled_faces` has."""

from __future__ import annotations

import numpy as np
import pytest

# Right answers of yes and of no, at least; measured: docs/attributes.md, third table.
FLOORS = {
    "smile": (30, 27),
    "mouth_open": (22, 33),
    "eyes_open": (70, 1),
    "eyeglasses": (2, 65),
    "beard": (11, 58),
    "mustache": (9, 57),
}


@pytest.mark.parametrize("name", FLOORS)
def test_yes_and_no_are_told(labelled, name: str) -> None:
    right = {"yes": 0, "no": 0}
    for each in labelled:
        seen = each.label[name]
        if seen:
            right[seen] += getattr(each.description.attributes, name).value is (seen == "yes")
    assert right["yes"] >= FLOORS[name][0]
    assert right["no"] >= FLOORS[name][1]


def test_gender_and_age(labelled) -> None:
    assert len(labelled) == 76
    genders = [each.description.attributes.gender.value == each.label["gender"] for each in labelled]
    assert sum(genders) >= 74
    ranges = [each.description.attributes.age_range for each in labelled]
    ages = [int(each.label["age"]) for each in labelled]
    within = [found.low <= age <= found.high for found, age in zip(ranges, ages, strict=True)]
    assert sum(within) >= 62
    assert np.corrcoef([found.low for found in ranges], ages)[0, 1] > 0.6


@pytest.mark.parametrize(("name", "at_least"), [("HAPPY", 28), ("CALM", 21)])
def test_expressions(labelled, name: str, at_least: int) -> None:
    told = [next(iter(each.description.attributes.emotions)) for each in labelled if each.label["emotion"] == name]
    assert told.count(name) >= at_least


def test_sure_answers_are_rarely_wrong(labelled) -> None:
    sure, wrong = 0, 0
    for each in labelled:
        for name in FLOORS:
            truth = getattr(each.description.attributes, name)
            if each.label[name] and truth.confidence > 90:
                sure += 1
                wrong += truth.value is not (each.label[name] == "yes")
    assert sure > 200
    assert wrong / sure < 0.05
