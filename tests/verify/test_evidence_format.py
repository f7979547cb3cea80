"""docs/evidence-format.md says all that a stranger needs for another verifier."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from candid_verify.claims import CLAIMS
from candid_verify.labels import FORMS, VERSION

PAGE = (Path(__file__).parents[2] / "docs" / "evidence-format.md").read_text("utf-8")


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no section {title}"
    return found[1]


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_each_claim_has_its_section(name, all_evidence):
    text = section(f"`{name}`")
    used = {"not-used": "usage"}.get(name, name)
    for parameter in all_evidence.get(name, {"claim": {}})["claim"]:
        assert parameter == "name" or f"`{parameter}`" in text + section(f"`{used}`")


def test_each_member_is_described(all_evidence):
    for evidence in all_evidence.values():
        for member in evidence:
            assert f"| `{member}` |" in section("`evidence`")
    bill = all_evidence["usage"]["stated"]["bills"][0]
    for member in (*all_evidence["usage"]["stated"], *bill, *bill["lines"][-1]):
        assert f"`{member}`" in section("`stated`")


def test_each_kind_of_entry_that_a_claim_takes_is_named(all_evidence):
    kinds = {kind for each in all_evidence.values() for kind in re.findall(r'"kind":"([a-z]+/1)"', str(each))}
    assert kinds
    assert all(f"`{kind}`" in PAGE for kind in kinds)


def test_each_type_of_label_is_described():
    text = section("Labels")
    for kind in (*(f"name-{form}" for form in FORMS), "registration", "lei", "country"):
        assert f"| `{kind}` |" in text
    assert f"`{VERSION}`" in text
