"""`candid usage quota`: what a customer may use and spend in a month."""

from __future__ import annotations

from pathlib import Path

import click

from candid.billing.pricelist import logged_prices
from candid.billing.quotasettings import Budget, CustomerQuota, Limit, change_settings, read_settings
from candid.billing.reading import billed_entries
from candid.cli.billed import Where, find_customer, open_log, spoken_errors, the_amount
from candid.cli.output import fail, json_option, print_json, print_table
from candid.config import ConfigError, load_config
from candid.server.data_folder import DataFolderError, open_data_folder
from candid_verify.rating import FACE_DAYS, USER_DAYS


@click.command()
@click.argument("customer")
@click.option("--meter", help="The meter that is limited, such as image-group-1.")
@click.option("--hard", type=click.IntRange(min=0), help="Units a month of the meter that are refused beyond.")
@click.option("--soft", type=click.IntRange(min=0), help="Units a month of the meter that are warned of beyond.")
@click.option("--budget", help="Money a month that is refused beyond, such as 250 or 250.50.")
@click.option("--budget-soft", help="Money a month that is warned of beyond.")
@click.option("--currency", default="USD", show_default=True, help="The currency of the budget.")
@click.option("--clear", is_flag=True, help="Take away the limit of --meter, or else all of the customer's.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data folder.")
@click.option("--config", type=click.Path(path_type=Path), help="The TOML file of the server.")
@json_option
def quota(
    customer: str,
    meter: str | None,
    hard: int | None,
    soft: int | None,
    budget: str | None,
    budget_soft: str | None,
    currency: str,
    clear: bool,
    data: Path,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show or set what CUSTOMER may use and spend in a calendar month.

    A running server follows within a second or two.

    \b
    Example: candid usage quota 123456789012 --meter image-group-1 --hard 100000 --soft 90000 --data ./data
    """
    limited, spent = hard is not None or soft is not None, budget is not None or budget_soft is not None
    _check_question(meter, limited=limited, spent=spent, clear=clear)
    units, amounts = Limit(soft, hard), Limit(the_amount(budget_soft), the_amount(budget))
    _check_limit(units, "--soft", "--hard")
    _check_limit(amounts, "--budget-soft", "--budget")
    money = Budget(amounts, currency) if spent else None

    def changed(found: CustomerQuota) -> CustomerQuota:
        if clear and meter is None:
            return CustomerQuota()
        meters = {name: limit for name, limit in found.meters.items() if name != meter}
        if meter is not None and limited:
            meters[meter] = units
        return CustomerQuota(meters, money or found.budget)

    who, _ = find_customer(customer, Where(data, None, None, config))
    path = _quotas_file(data, config)
    with spoken_errors():
        if meter is not None and limited:
            _check_meter(meter, Where(data, None, None, config))
        if clear or limited or spent:
            now = change_settings(path, who, changed)
        else:
            now = read_settings(path).get(who, CustomerQuota())
    if as_json:
        print_json({"customer": who, **now.as_json()})
    else:
        _print_quota(now)


def _check_question(meter: str | None, *, limited: bool, spent: bool, clear: bool) -> None:
    if clear and (limited or spent):
        fail("either --clear, or new limits")
    if limited and meter is None:
        fail("name the meter of the limit with --meter, such as image-group-1")
    if meter is not None and not limited and not clear:
        fail("say how much: --hard, --soft, or both; or --clear")


def _check_limit(limit: Limit, soft: str, hard: str) -> None:
    if limit.soft is not None and limit.hard is not None and limit.soft > limit.hard:
        fail(f"{soft} is above {hard}: a warning comes before calls are refused, or at the same time")


def _check_meter(meter: str, where: Where) -> None:
    """A limit is of a meter that calls are counted by: an operation's, or one that a price list in the log has."""
    if meter in (FACE_DAYS, USER_DAYS):
        fail(f"{meter} counts what is stored, and a quota refuses calls only; set a quota of a meter of calls")
    from candid.operations.registry import offered  # models are loaded with it, and only this question needs it

    known = {str(operation.bills) for operation in offered().values()}
    if meter in known:
        return
    log = open_log(where)
    for each in logged_prices(billed_entries(log.reader), log.key):
        known |= each.prices.meters.keys()
    if meter not in known:
        fail(f"there is no meter {meter}; the meters are {', '.join(sorted(known - {FACE_DAYS, USER_DAYS}))}")


def _quotas_file(data: Path, config: Path | None) -> Path:
    try:
        return open_data_folder(data, load_config(config)).path / "billing" / "quotas.json"
    except (DataFolderError, ConfigError) as error:
        fail(str(error))


def _print_quota(found: CustomerQuota) -> None:
    rows = [(name, limit.soft, limit.hard) for name, limit in found.meters.items()]
    if found.budget is not None:
        rows.append((f"budget, micro-{found.budget.currency}", found.budget.limit.soft, found.budget.limit.hard))
    print_table(
        ("a month", "warned beyond", "refused beyond"),
        [(name, *("-" if each is None else f"{each:,}" for each in limits)) for name, *limits in rows],
    )
