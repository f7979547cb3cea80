from __future__ import annotations

from pathlib import Path

import pytest

from candid.vision.describe import FaceAttribute
from candid.vision.describe.quality_filter import BARS, Bar, QualityLevel
from candid.vision.describe.wanted import LEFT_OUT

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "attributes.md").read_text(encoding="utf-8")
TOLD = PAGE.split("## What is told")[1].split("\n## ")[0]
NOT_TOLD = PAGE.split("## What is left out")[1].split("\n## ")[0]


@pytest.mark.parametrize("attribute", FaceAttribute)
def test_every_attribute_stands_in_the_table_where_it_belongs(attribute: FaceAttribute) -> None:
    member = attribute.title().replace("_", "")
    told, other = (NOT_TOLD, TOLD) if attribute in LEFT_OUT else (TOLD, NOT_TOLD)
    assert f"| {member}" in told
    assert f"| {member}" not in other


@pytest.mark.parametrize(
    ("name", "level"),
    [("LOW, AUTO", QualityLevel.AUTO), ("MEDIUM", QualityLevel.MEDIUM), ("HIGH", QualityLevel.HIGH)],
)
def test_the_bars_are_those_of_the_page(name: str, level: QualityLevel) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name} |")]
    sharpness, brightness, side, confidence, yaw, pitch = (cell.strip() for cell in row.split("|")[2:8])
    darkest, brightest = brightness.split(" to ")
    down, up = pitch.split(" to ")
    assert BARS[level] == Bar(
        confidence=float(confidence),
        side=float(side),
        darkest=float(darkest),
        brightest=float(brightest),
        sharpness=float(sharpness),
        yaw=float(yaw),
        up=float(up),
        down=-float(down),
    )
