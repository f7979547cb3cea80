"""What callers expect is what is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from candid.client.expectations import ASKED, FREE, GROUP_1, GROUP_2, must_have_receipt
from candid.operations.registry import offered

PAGE = Path(__file__).resolve().parents[2] / "docs" / "receipts.md"


def test_every_operation_is_expected_as_it_is_metered() -> None:
    assert {name: asked.meter for name, asked in ASKED.items()} == {
        name: str(operation.bills) for name, operation in offered().items()
    }
    assert {asked.units for asked in ASKED.values()} == {1}


def test_the_page_shows_the_table() -> None:
    rows = PAGE.read_text()
    for meter, names in (("image-group-1", GROUP_1), ("image-group-2", GROUP_2), ("free", FREE)):
        assert f"| `{meter}` | {', '.join(names)} |" in rows


@pytest.mark.parametrize(
    ("status", "error", "must"),
    [
        (200, None, True),
        (400, "AccessDeniedException", True),
        (400, "InvalidParameterException", False),
        (400, "ThrottlingException", False),
        (500, "InternalServerError", False),
    ],
)
def test_which_replies_must_have_a_receipt(status: int, error: str | None, must: bool) -> None:
    assert must_have_receipt(status=status, error=error) is must
