"""Bills as text for people, and as CSV for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime

from candid.billing.bill import Bill
from candid.billing.money import grouped
from candid_verify.rating import Line

NOT_CLOSED = "Calls or days of storage of this month may still be entered: this is an interim bill."

_SHOWN = 10  # entries that are named to people; the JSON document has all

CSV_COLUMNS = (
    "customer", "month", "meter", "tier", "first_unit", "units", "unit", "price_micro", "price_per", "amount_micro",
    "currency", "prices_entry", "log_origin", "log_size", "log_root",
)  # fmt: skip


def bill_text(bill: Bill) -> str:
    """A bill for a terminal: lines by meter and tier, totals, and what it was computed from."""
    usage, log = bill.usage, bill.log
    rows = [("meter", "tier", "units", "price", "amount")]
    rows += [
        (line.meter, tier_name(line), f"{line.units:,}", price_text(line), amount_text(line))
        for line in bill.rating.lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = [_row(row, widths) for row in rows]
    totals = [f"total {grouped(micro)} {currency}" for currency, micro in bill.rating.totals.items()]
    lists = [f"prices of entry {each.index}, valid from {time_text(each.prices.valid_from)}" for each in bill.lists]
    return "\n".join(
        [
            f"bill of {usage.month} (UTC) for {usage.customer}",
            f"{usage.calls:,} calls",
            "",
            *(table if bill.rating.lines else ["nothing to be charged"]),
            "",
            *(totals or ["total 0"]),
            "",
            f"computed from the log {log.origin} of {log.size} entries, root {b64encode(log.root).decode()}",
            *lists,
            *late_text(bill),
            *(() if bill.closed else (NOT_CLOSED,)),
            "",
        ]
    )


def bills_csv(bills: Iterable[Bill]) -> str:
    """A header and a row a line of each bill; amounts and prices in micro-units of the currency."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for bill in bills:
        log = bill.log
        for line in bill.rating.lines:
            writer.writerow(
                [
                    bill.usage.customer, bill.usage.month, line.meter, line.tier, line.first, line.units, line.unit,
                    line.price, line.per, line.amount, line.currency, line.prices, log.origin, log.size,
                    b64encode(log.root).decode(),
                ]
            )  # fmt: skip
    return out.getvalue()


def invoice_number(bill: Bill) -> str:
    """The number of a bill: no two months, customers, or sizes of the log share one."""
    return f"{bill.usage.month}/{bill.usage.customer}/{bill.log.size}"


def late_text(bill: Bill) -> list[str]:
    """What to say of storage that was entered too late; nothing where none was."""
    if not bill.late:
        return []
    entries = ", ".join(map(str, bill.late[:_SHOWN])) + (", …" if len(bill.late) > _SHOWN else "")
    return [f"Entered too late, and not billed: storage of the entries {entries} of the log."]


def tier_name(line: Line) -> str:
    """What people call a line's tier."""
    match line.tier:
        case None:
            return "no price"
        case 0:
            return "free allowance"
        case number:
            return f"tier {number}"


def price_text(line: Line) -> str:
    """A line's price for people."""
    if line.currency is None:
        return "-"
    per = line.unit if line.per == 1 else f"{line.per:,} {line.unit}s"
    return f"{grouped(line.price)} per {per}"


def amount_text(line: Line) -> str:
    """A line's amount for people."""
    return "-" if line.currency is None else f"{grouped(line.amount)} {line.currency}"


def time_text(milliseconds: int) -> str:
    """A time for people, in UTC."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03}Z"


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    left = [cells[column].ljust(widths[column]) for column in (0, 1)]
    return "  ".join([*left, *(cells[column].rjust(widths[column]) for column in (2, 3, 4))]).rstrip()
