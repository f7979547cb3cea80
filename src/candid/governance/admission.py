"""What may be said of a customer when it is opened."""

from __future__ import annotations

import re

from candid.governance.countries import COUNTRIES
from candid.governance.errors import InvalidCustomer
from candid.governance.facts import Category

LONGEST_NAME = 200
_ACCOUNT = re.compile(r"[0-9]{12}")


def check_name(name: str) -> str:
    """The name without blanks around it.

    Raises:
        InvalidCustomer: it is empty, longer than 200 characters, or holds control characters.
    """
    stripped = name.strip()
    if not 1 <= len(stripped) <= LONGEST_NAME or not stripped.isprintable():
        raise InvalidCustomer(f"a customer's name has 1 to {LONGEST_NAME} printable characters")
    return stripped


def check_country(country: str) -> str:
    """The code in capitals.

    Raises:
        InvalidCustomer: it is no country's code.
    """
    code = country.upper()
    if not country.isascii() or code not in COUNTRIES:  # the German ß in capitals is SS, South Sudan
        raise InvalidCustomer(
            f"{country!r} is no country code of ISO 3166-1; give two letters, such as CH, or GB, not UK"
        )
    return code


def check_category(category: str) -> Category:
    """The category of this name.

    Raises:
        InvalidCustomer: there is none.
    """
    try:
        return Category(category)
    except ValueError:
        raise InvalidCustomer(f"{category!r} is no category; choose one of {', '.join(Category)}") from None


def check_account(account: str) -> str:
    """The account, unchanged.

    Raises:
        InvalidCustomer: it is not twelve digits.
    """
    if _ACCOUNT.fullmatch(account) is None:
        raise InvalidCustomer(f"an account is twelve digits, not {account!r}")
    return account
