"""How commands speak: people on standard error or a terminal, data as one JSON document on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table

# Exit codes of every command: 0 done or established, 1 the answer is no, 2 wrong use or bad input,
# 3 the server or the log is broken.
NO, WRONG_USE, BROKEN = 1, 2, 3

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of tables."
)


def messages() -> Console:
    """The console for progress and messages: standard error, so that data stays alone on standard output."""
    return Console(stderr=True, highlight=False, markup=False)


def print_json(document: object) -> None:
    """Print the one JSON document of a command."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows for people; numbers are the caller's to format."""
    table = Table(*headings, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    width = None if sys.stdout.isatty() else 160
    Console(highlight=False, markup=False, width=width).print(table)  # a name may have brackets


def fail(message: str, code: int = WRONG_USE) -> NoReturn:
    """End the command with a message that says what to do."""
    click.echo(f"candid: {message}", err=True)
    raise click.exceptions.Exit(code)


def failing(*errors: type[Exception], code: int = WRONG_USE) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turn the named errors of a room into a message and an exit code; others are bugs and show themselves."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> R:  # noqa: ANN401
            try:
                return function(*args, **kwargs)
            except errors as error:
                fail(str(error), code)

        return wrapped

    return decorate
