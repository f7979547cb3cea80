"""Each attack is tried, and everybody who looks sees what docs/attacks.md says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.attacks.attack import Attack
from tests.attacks.forging import books_of, read_entries, repaired
from tests.attacks.listing import tables
from tests.attacks.premises import Premises, build
from tests.attacks.table import ATTACKS, CONTROL, attempt

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"


@pytest.fixture(scope="session")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """An honest operator's, which no test may change."""
    return build(tmp_path_factory.mktemp("premises") / "honest")


def as_documented(attack: Attack, root: Path, premises: Premises) -> dict[str, str]:
    """Try it; what was printed, by command."""
    tried = attempt(attack, root / "scene", premises)
    for look, seen in zip(attack.looks, tried.seen, strict=True):
        assert seen.as_expected(look), (
            f"{look.command}\nexpected {look.code}, {look.says!r}\ngot {seen.code}, {seen.text}"
        )
    return {look.command: seen.text for look, seen in zip(attack.looks, tried.seen, strict=True)}


QUICK = [pytest.param(each, id=each.name, marks=[pytest.mark.slow] if each.slow else []) for each in ATTACKS]


@pytest.mark.parametrize("attack", QUICK)
def test_an_attack_is_found_by_whom_the_table_says(attack: Attack, tmp_path: Path, premises: Premises):
    as_documented(attack, tmp_path, premises)


def test_nothing_is_found_with_an_honest_operator(tmp_path: Path, premises: Premises):
    printed = as_documented(CONTROL, tmp_path, premises)
    for look in (look for attack in ATTACKS for look in attack.looks if look.shown):
        assert look.says not in printed[look.command]


def test_what_the_operator_repairs_was_right_in_an_honest_log(premises: Premises):
    entries = read_entries(premises.root / "data" / "ledger", premises.signer)
    assert repaired(entries) == entries
    assert books_of(entries).map["entry"] == max(i for i, each in enumerate(entries) if each["kind"] == "map/1")


@pytest.mark.parametrize("attack", ATTACKS, ids=[each.name for each in ATTACKS])
def test_an_attack_that_no_command_finds_says_what_would(attack: Attack):
    assert attack.detected or attack.note, "say what would find it"
    assert all(look.says for look in attack.looks if look.finds)


def test_names_are_given_once():
    names = [each.name for each in ATTACKS]
    assert len(set(names)) == len(names)


def test_the_page_has_the_table():
    page = PAGE.read_text("utf-8")
    missing = [line for line in tables() if line and line not in page]
    assert not missing, "\n".join(missing)
