"""The FOCUS export: its columns and numbers; and FinOps' own validator on it, in an environment of its own."""

import csv
import io
import os
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from tests.billing.logs import DAY, KEY, NOVEMBER, call, prices, who, write_log
from tests.billing.test_simulated_month import entries_of, price_list, simulate

from candid.billing import make_bills
from candid.billing.focus import COLUMNS, focus_csv
from candid_verify.rating import Month

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "focus.lock"

# FOCUS 1.2, "FOCUS Dataset" and the presence rules of its requirements model 1.2.0.1: the columns that must be there
# unconditionally, and those of a provider that measures usage and publishes unit prices.
MUST = set(
    """BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory
    ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName
    ListCost PricingQuantity PricingUnit ProviderName PublisherName ServiceCategory ServiceName
    ConsumedQuantity ConsumedUnit ListUnitPrice SkuId SkuMeter SkuPriceDetails SkuPriceId""".split()  # noqa: SIM905
)
MAY_BE_NULL = {"BillingAccountName", "ChargeClass"}
OTHERS = set(
    """ChargeFrequency CommitmentDiscountStatus ContractedUnitPrice InvoiceId PricingCategory PricingCurrency
    PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice
    ServiceSubcategory""".split()  # noqa: SIM905
)
APPLICABLE = "USAGE_MEASUREMENT_SUPPORTED,UNIT_PRICING_SUPPORTED,PUBLIC_PRICE_LIST_SUPPORTED"

# Its model has "InvoiceId MUST be null where there is no invoice" and "MUST NOT be null where there is one", both
# without the condition, so that every file fails one of the two.
CONTRADICTORY = {"InvoiceId-C-004-C"}


@pytest.fixture(scope="module")
def bills(tmp_path_factory):
    end = Month(2026, 11).end
    closing = [call(who("customer 0"), end + days * DAY + 1, units=0, outcome="error", error="x") for days in (1, 3)]
    entries = [*entries_of(*simulate(5_000, 1)), *closing]
    reader = write_log(tmp_path_factory.mktemp("focus") / "ledger", entries)
    return make_bills(reader, KEY, Month(2026, 11))


@pytest.fixture(scope="module")
def export(bills):
    return focus_csv(bills, issuer='Operator & "Sons", Ltd')


@pytest.fixture(scope="module")
def rows(export):
    return list(csv.DictReader(io.StringIO(export)))


def micro(text):
    whole, _, rest = text.partition(".")
    return int(whole) * 1_000_000 + int(rest.ljust(6, "0")[:6])


def test_the_columns_that_must_be_there(rows):
    assert set(rows[0]) == set(COLUMNS)
    assert {name for name in COLUMNS if not name.startswith("x_")} == MUST | OTHERS
    assert [(name, row) for row in rows for name in MUST - MAY_BE_NULL if not row[name]] == []


def test_a_closed_month_has_invoices(bills, rows):
    assert all(bill.closed for bill in bills)
    assert {row["InvoiceId"] for row in rows} == {f"2026-11/{b.usage.customer}/{b.log.size}" for b in bills}


def test_costs_add_up_to_the_bills(bills, rows):
    for bill in bills:
        mine = [row for row in rows if row["BillingAccountId"] == bill.usage.customer]
        assert sum(micro(row["BilledCost"]) for row in mine) == bill.rating.totals["USD"]
        assert len(mine) == len(bill.rating.lines)


def test_units_are_spelled_as_focus_wants(rows):
    assert {row["ConsumedUnit"] for row in rows} == {"Images", "Face-Days"}
    assert {row["PricingUnit"] for row in rows} == {"Images", "Face-Months"}
    assert all(re.fullmatch(r"\d+\.\d+", row[name]) for row in rows for name in ("PricingQuantity", "ListCost"))
    assert {row["BillingPeriodEnd"] for row in rows} == {"2026-12-01T00:00:00Z"}


def test_an_interim_bill_has_no_invoice(tmp_path):
    listed = prices(NOVEMBER, price_list(NOVEMBER, [10, 20, 30], (4, 3, 2, 1), free=0, face=1))
    unpriced = call(who("a"), NOVEMBER + 6, meter="video-minutes")  # no charge, so no row
    reader = write_log(tmp_path / "ledger", [listed, call(who("a"), NOVEMBER + 5), unpriced])
    text = focus_csv(make_bills(reader, KEY, Month(2026, 11)), issuer="x")
    assert [row["InvoiceId"] for row in csv.DictReader(io.StringIO(text))] == [""]


def test_an_invoice_names_the_size_of_the_log(tmp_path):
    """So that two computations of a month, should they differ, are two invoices."""
    listed = prices(NOVEMBER, price_list(NOVEMBER, [10, 20, 30], (4, 3, 2, 1), free=0, face=1))
    end = Month(2026, 11).end
    later = [call(who("b"), end + days * DAY + 1, units=0) for days in (1, 2, 3)]
    for size in (4, 5):
        entries = [listed, call(who("a"), NOVEMBER + 5), *later][:size]
        reader = write_log(tmp_path / f"ledger {size}", entries)
        text = focus_csv(make_bills(reader, KEY, Month(2026, 11), customer=who("a")), issuer="x")
        number = "" if size == 4 else f"2026-11/{who('a')}/5"
        assert [row["InvoiceId"] for row in csv.DictReader(io.StringIO(text))] == [number]


def interpreter():
    """A Python that the validator runs on; the one of these tests may be too old for it."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for command in ("python3.12", "python3.13", *versions.glob("3.12*/bin/python"), *versions.glob("3.13*/bin/python")):
        try:
            subprocess.run([command, "-c", "import venv"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    pytest.skip("FinOps' validator needs Python 3.12 or newer beside this one, and there is none")


@pytest.fixture(scope="module")
def validator():
    """The site-packages of an environment with the validator, made once for each lock file and kept."""
    python = interpreter()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "candid"
    folder = cache / f"focus-{sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
        command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        if installed.returncode:
            pytest.skip(f"FinOps' validator cannot be installed here: {installed.stderr.strip()[-300:]}")
        done.touch()
    return next(folder.glob("lib/python3*/site-packages")), folder / "bin" / "focus-validator"


def violated(validator, path):
    """The rules that the validator says a file breaks, and how many it keeps."""
    packages, command = validator
    options = ["--validate-version", "1.2", "--block-download", "--applicability-criteria", APPLICABLE]
    # It looks for its own table of currencies below the working directory.
    done = subprocess.run(
        [command, "--data-file", path, *options], cwd=packages, capture_output=True, text=True, check=False, timeout=240
    )
    total = re.search(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+)", done.stdout)
    assert total is not None, done.stdout[-2000:] + done.stderr[-2000:]
    broken = set(re.findall(r"^❌ (\S+): FAIL", done.stdout, re.MULTILINE))
    assert len(broken) == int(total[3])
    return broken, int(total[2])


@pytest.mark.slow
def test_finops_validator_finds_nothing(validator, export, tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text(export)
    broken, kept = violated(validator, path)
    assert broken == CONTRADICTORY
    assert kept > 200


@pytest.mark.slow
def test_finops_validator_would_find_something(validator, export, tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text(export.replace("Usage-Based", "Sometimes").replace(",USD,", ",usd,"))
    broken, _ = violated(validator, path)
    assert broken > CONTRADICTORY
