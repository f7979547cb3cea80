"""`candid config`: every setting, its value and its default."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from candid.cli.output import failing, json_option, print_json, print_table
from candid.config import ConfigError, describe, load_config


@click.group()
def config() -> None:
    """Show every setting, its value and its default."""


@config.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="The TOML file of the server.")
@json_option
@failing(ConfigError)
def show(file: Path | None, as_json: bool) -> None:
    """List every setting.

    \b
    Example: candid config show --config candid.toml
    """
    settings = describe(load_config(file))
    if as_json:
        print_json([asdict(setting) for setting in settings])
        return
    rows = [(s.key, repr(s.value), repr(s.default), s.environment, s.about) for s in settings]
    print_table(("setting", "value", "default", "environment", "about"), rows)
