"""A bill as an HTML page for people: one file without scripts, links or images, which prints on paper."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from candid.billing.bill import Bill
from candid.billing.listing import (
    NOT_CLOSED,
    amount_text,
    invoice_number,
    late_text,
    price_text,
    tier_name,
    time_text,
)
from candid.billing.money import grouped

_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; color: #1b1b1b; max-width: 52rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 1.5rem; }
.parties { display: flex; gap: 4rem; margin-bottom: 1.5rem; }
.parties h2, .source h2 { font-size: .8rem; font-weight: 600; margin: 0 0 .25rem; color: #555; }
.parties p { margin: 0; white-space: pre-line; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th.n, td.n { text-align: right; }
tfoot td { font-weight: 600; border-bottom: 0; border-top: 2px solid #1b1b1b; }
.note { margin: 1rem 0; padding: .6rem .8rem; border-left: 4px solid #b26a00; background: #fff6e5; }
.source { margin-top: 2rem; font-size: .85rem; color: #333; overflow-wrap: anywhere; }
@media print { body { margin: 0; } }
"""


def invoice_html(bill: Bill, *, customer: Sequence[str] = (), issuer: Sequence[str] = ()) -> str:
    """The page.

    Args:
        bill: what is billed.
        customer: name and address of the customer, line by line. The log does not have them.
        issuer: name and address of who bills, line by line.
    """
    usage, log = bill.usage, bill.log
    rows = "\n".join(
        f"<tr><td>{escape(line.meter)}</td><td>{tier_name(line)}</td><td class=n>{line.units:,}</td>"
        f"<td class=n>{escape(price_text(line))}</td><td class=n>{escape(amount_text(line))}</td></tr>"
        for line in bill.rating.lines
    )
    totals = "\n".join(
        f"<tr><td colspan=4>Total</td><td class=n>{grouped(micro)} {escape(currency)}</td></tr>"
        for currency, micro in bill.rating.totals.items()
    )
    lists = "".join(
        f"<br>Prices: entry {each.index} of the log, valid from {time_text(each.prices.valid_from)}"
        for each in bill.lists
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Invoice {usage.month}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Invoice for {usage.month}</h1>
<div class="parties">
{_party("From", issuer)}{_party("To", [*customer, f"Customer {usage.customer}"])}
</div>
<p>Number: {invoice_number(bill)}<br>
Period: {time_text(usage.month.start)} until before {time_text(usage.month.end)}. {usage.calls:,} calls.</p>
{"".join(f'<p class="note">{escape(text)}</p>' for text in [*late_text(bill), *_interim(bill)])}
<table>
<thead><tr><th>Meter</th><th>Tier</th><th class=n>Units</th><th class=n>Price</th><th class=n>Amount</th></tr></thead>
<tbody>
{rows or "<tr><td colspan=5>Nothing to be charged.</td></tr>"}
</tbody>
<tfoot>
{totals or "<tr><td colspan=4>Total</td><td class=n>0</td></tr>"}
</tfoot>
</table>
<div class="source">
<h2>How to check this invoice</h2>
<p>Every amount follows from the entries of the log {escape(log.origin)} of {log.size} entries,
root {b64encode(log.root).decode()}.{lists}</p>
</div>
</body>
</html>
"""


def _interim(bill: Bill) -> list[str]:
    return [] if bill.closed else [NOT_CLOSED]


def _party(heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return f"<div><h2>{heading}</h2><p>{'<br>'.join(escape(line) for line in lines)}</p></div>\n"
