"""Bills as FOCUS 1.2 (FinOps Open Cost and Usage Specification): CSV, a charge a row.

The columns are those that the specification demands of a provider that measures usage and publishes its unit prices;
those on other currencies and on commitments are there as well, since other columns' rules speak of them. Behind them
stand columns of our own (`x_…`), which lead back to the log.

    ListUnitPrice     for one PricingUnit: `per` units of the meter, or `per` things kept for the month
    PricingQuantity   units / per, to twelve decimals
    ListCost, ContractedCost   the product of these two; no price is negotiated
    BilledCost, EffectiveCost  the line's amount, in whole micro-units

Units without a price are no charge and have no row. Every number has a decimal point, as tools guess a column's type.
"""

from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from collections.abc import Iterable

from candid.billing.bill import Bill
from candid.billing.listing import invoice_number, tier_name
from candid.billing.money import MICRO, plain
from candid_verify.rating import Line, Month, half_even
from candid_verify.times import iso_seconds

SPECIFICATION = "1.2"
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory",
    "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
    "x_LogOrigin", "x_LogSize", "x_LogRoot", "x_PricesEntry", "x_Tier", "x_FirstUnit",
)  # fmt: skip

_SCALE = 1_000_000_000_000


def focus_csv(bills: Iterable[Bill], *, issuer: str) -> str:
    """The charges of bills.

    Args:
        bills: of one month or several.
        issuer: who bills and runs the server: `InvoiceIssuerName` and `ProviderName`; not empty.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for bill in bills:
        for line in bill.rating.lines:
            if line.currency is not None:
                writer.writerow(_row(bill, line, issuer))
    return out.getvalue()


def _row(bill: Bill, line: Line, issuer: str) -> dict[str, object]:
    usage = bill.usage
    description = f"{line.units} {_plural(line.unit)}, {line.meter}, {tier_name(line)}"
    return {
        "BillingAccountId": usage.customer,
        "BillingAccountName": None,  # the log has no names
        **_period("BillingPeriod", usage.month),
        "ChargeCategory": "Usage",
        "ChargeClass": None,  # no correction of an earlier bill
        "ChargeDescription": description,
        "ChargeFrequency": "Usage-Based",
        **_period("ChargePeriod", usage.month),
        "CommitmentDiscountStatus": None,
        "ConsumedQuantity": f"{line.units}.0",
        "ConsumedUnit": _plural(line.unit),
        **_costs(line, usage.month),
        "InvoiceId": invoice_number(bill) if bill.closed else None,
        "InvoiceIssuerName": issuer,
        "ProviderName": issuer,
        "PublisherName": "Candid",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Candid Face Recognition",
        "ServiceSubcategory": "Machine Learning",
        "SkuId": f"candid-{line.meter}",
        "SkuMeter": line.meter,
        "SkuPriceDetails": json.dumps({"x_Tier": line.tier, "x_PricesEntry": line.prices}),
        "SkuPriceId": f"candid-{line.meter}-entry-{line.prices}-tier-{line.tier}",
        "x_LogOrigin": bill.log.origin,
        "x_LogSize": bill.log.size,
        "x_LogRoot": b64encode(bill.log.root).decode(),
        "x_PricesEntry": line.prices,
        "x_Tier": line.tier,
        "x_FirstUnit": line.first,
    }


def _costs(line: Line, month: Month) -> dict[str, object]:
    quantity = half_even(line.units * _SCALE, line.per)
    cost, price, amount = _decimal(quantity * line.price, _SCALE * MICRO), plain(line.price), plain(line.amount)
    return {
        "BilledCost": amount,
        "BillingCurrency": line.currency,
        "ContractedCost": cost,
        "ContractedUnitPrice": price,
        "EffectiveCost": amount,
        "ListCost": cost,
        "ListUnitPrice": price,
        "PricingCategory": "Standard",
        "PricingCurrency": line.currency,
        "PricingCurrencyContractedUnitPrice": price,
        "PricingCurrencyEffectiveCost": amount,
        "PricingCurrencyListUnitPrice": price,
        "PricingQuantity": _decimal(quantity, _SCALE),
        "PricingUnit": _pricing_unit(line, month),
    }


def _pricing_unit(line: Line, month: Month) -> str:
    """What a price is for, in FOCUS's format of units. A meter by day is priced by month."""
    if line.unit.endswith("-day") and line.per % month.days == 0:
        many, name = line.per // month.days, _plural(f"{line.unit.removesuffix('-day')}-month")
    else:
        many, name = line.per, _plural(line.unit)
    return name if many == 1 else f"{many} {name}"


def _period(name: str, month: Month) -> dict[str, str]:
    return {f"{name}Start": iso_seconds(month.start), f"{name}End": iso_seconds(month.end)}


def _plural(unit: str) -> str:
    """A unit in FOCUS's format: capitals and a plural, such as `Face-Days`."""
    return "-".join(part.capitalize() for part in unit.split("-")) + "s"


def _decimal(numerator: int, power_of_ten: int) -> str:
    """A decimal fraction in full, with one decimal at least."""
    whole, rest = divmod(numerator, power_of_ten)
    digits = str(rest).rjust(len(str(power_of_ten)) - 1, "0").rstrip("0")
    return f"{whole}.{digits or '0'}"
