"""The documentation says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from candid.cli import _COMMANDS
from candid.config import Config, describe
from candid.operations.registry import offered
from candid_verify.entries import KINDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("verifiers/**/*.md")])


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for setting in describe(Config()):
        row = f"| `{setting.key}` | `{setting.environment}` | `{setting.default!r}` | {setting.about} |"
        assert row in page


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for name in _COMMANDS:
        assert re.search(rf"candid {name}\b|`{name}`", text), f"no page speaks of `candid {name}`"


def test_every_operation_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert f"offers {len(offered())} today" in page
    for name in offered():
        assert re.search(rf"\b{name}\b", page), name


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_map_names_files_that_exist() -> None:
    for name in re.findall(r"`(candid/[a-z_/0-9]+(?:\.py)?/?)`", (ROOT / "docs" / "map.md").read_text()):
        assert (ROOT / "src" / name).exists(), name


def test_every_kind_of_entry_is_documented() -> None:
    text = (ROOT / "docs" / "entries.md").read_text()
    for kind in KINDS:
        assert f"`{kind}`" in text, f"docs/entries.md does not speak of {kind}"
