"""The attacks as the tables of docs/attacks.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.attacks.attack import Attack, Look
from tests.attacks.table import GROUPS

FOUND, SHOWN, ON_THE_PREMISES, NOT_FOUND = "yes", "shown, exit code 0", "only on the premises", "by no command"

_WHERE = re.compile(r" ?(--url \{url\}|--data \{data\}|--log-key log\.key|-key log\.key|-log \{url\}|--wait 0)")


def verdict(attack: Attack) -> str:
    """Whether it is detected."""
    if attack.detected:
        return FOUND
    if any(look.shown for look in attack.looks):
        return SHOWN
    return ON_THE_PREMISES if attack.finders else NOT_FOUND


def short(look: Look) -> str:
    """The command without what all of them have: where the log is, and its key."""
    return _WHERE.sub("", look.command).replace("{acme}", "PSEUDONYM")


def tables() -> Iterator[str]:
    """For each group its heading and its table, line by line."""
    for title, attacks in GROUPS:
        yield f"### {title}"
        yield ""
        yield "| the operator tries to | detected | by | not by |"
        yield "|---|---|---|---|"
        for attack in attacks:
            found = "; ".join(f"{look.who}, `{short(look)}`: “{look.says}”" for look in attack.finders)
            said = ". ".join(filter(None, (found, attack.note)))
            blind = ", ".join(f"`{short(look)}`" for look in attack.looks if not look.finds)
            yield f"| {attack.name} | {verdict(attack)} | {said} | {blind or '-'} |"
        yield ""
