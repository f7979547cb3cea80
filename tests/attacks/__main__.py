"""`python -m tests.attacks`: try every attack, and show who finds it. Exit code 0: all is as docs/attacks.md says.

With words as arguments, only attacks whose name has one of them. `--tables` prints the tables of that page instead.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.attacks.attack import Attack, Look
from tests.attacks.listing import FOUND, NOT_FOUND, ON_THE_PREMISES, SHOWN, short, tables, verdict
from tests.attacks.outsider import Seen
from tests.attacks.premises import Premises, build
from tests.attacks.table import ATTACKS, CONTROL, GROUPS, Tried, attempt

_AT_ONCE = 2
_BEFORE, _SHOWN = 60, 140  # characters of a line: ahead of what is expected, and in all


def main(words: list[str]) -> int:
    """Try, show, and say whether all is as documented."""
    if words == ["--tables"]:
        sys.stdout.write("\n".join(tables()) + "\n")
        return 0
    logging.disable(logging.WARNING)  # clients warn of lying servers, which is what the table says
    chosen = [each for each in (CONTROL, *ATTACKS) if not words or any(word in each.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="candid-attacks-") as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        premises = build(Path(folder) / "honest")
        tried = dict(zip(chosen, pool.map(lambda each: _attempt(each, Path(folder), premises), chosen), strict=True))
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 180)
    for title, attacks in (("The control", (CONTROL,)), *GROUPS):
        _show(console, title, [tried[each] for each in attacks if each in tried])
    return _sum_up(console, list(tried.values()))


def _attempt(attack: Attack, folder: Path, premises: Premises) -> Tried:
    try:
        return attempt(attack, Path(tempfile.mkdtemp(dir=folder)) / "scene", premises)
    except Exception as error:  # noqa: BLE001 - an attack that fails to be made is a row too
        return Tried(attack, tuple(Seen(-1, f"the attack failed: {error}") for _ in attack.looks))


def _show(console: Console, title: str, rows: list[Tried]) -> None:
    if not rows:
        return
    table = Table("attack", "detected", "who", "looks with", "and sees", title=title, title_justify="left", box=None)
    for tried in rows:
        first = (tried.attack.name, "nothing to detect" if tried.attack is CONTROL else verdict(tried.attack))
        for look, seen in zip(tried.attack.looks, tried.seen, strict=True):
            table.add_row(*first, look.who, short(look), _sees(look, seen))
            first = ("", "")
        if tried.attack.note:
            table.add_row("", "", "", "", f"({tried.attack.note})")
    console.print(table)
    console.print()


def _sees(look: Look, seen: Seen) -> str:
    if seen.code is None:
        return f"not run: {seen.text}"
    if not seen.as_expected(look):
        return f"NOT AS DOCUMENTED: exit {seen.code}, not {look.code} with {look.says!r}: {seen.text[-300:]}"
    if not look.finds:
        return "-"
    line = next((line.strip() for line in seen.text.splitlines() if look.says in line), look.says)
    start = max(0, line.find(look.says) - _BEFORE)
    return ("…" if start else "") + line[start : start + _SHOWN]


def _sum_up(console: Console, tried: list[Tried]) -> int:
    wrong = [each for each in tried if not each.as_documented]
    verdicts = Counter(verdict(each.attack) for each in tried if each.attack is not CONTROL)
    console.print(
        f"{verdicts.total()} attacks: {verdicts[FOUND]} are detected by outsiders, {verdicts[SHOWN]} are shown to "
        f"outsiders who read what is printed, {verdicts[ON_THE_PREMISES]} detected only on the operator's premises, "
        f"{verdicts[NOT_FOUND]} by no command; their notes say what would. Each command also names log and key."
    )
    for each in wrong:
        console.print(f"not as documented: {each.attack.name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
