"""`candid upgrade`: move collections to the default embedder."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from candid.cli.output import failing, json_option, messages, print_json, print_table
from candid.config import ConfigError, load_config
from candid.gallery.errors import GalleryError, KeyFileError
from candid.governance.errors import GovernanceError
from candid.server.data_folder import DataFolderError, open_data_folder
from candid.vision.errors import VisionError

_path = click.Path(path_type=Path)


@click.command()
@click.option("--data", required=True, type=_path, help="The data folder; no server may be using it.")
@click.option("--embedder", help="Move to this embedder instead of the one in the settings.")
@click.option("--config", "file", type=_path, help="The TOML file of the server.")
@json_option
@failing(ConfigError, DataFolderError, KeyFileError, GalleryError, GovernanceError, VisionError)
def upgrade(data: Path, embedder: str | None, file: Path | None, as_json: bool) -> None:
    """Move collections to the default embedder, where their crops were kept; say which stay as they are.

    \b
    Example: candid upgrade --data ./data --embedder my-arcface
    """
    from candid.server.application import open_application
    from candid.server.secrets import read_secrets
    from candid.server.upgrade import upgrade_collections

    config = load_config(file)
    if embedder is not None:
        config = replace(config, embedder=embedder)
    folder = open_data_folder(data, config)
    with open_application(folder, read_secrets(folder), config) as application:
        total = application.gallery.status().collections
        columns = (TextColumn("collections"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=messages(), transient=True) as progress:
            task = progress.add_task("", total=total)
            done = upgrade_collections(
                application.customers,
                application.gallery,
                application.engine,
                application.models,
                advance=lambda: progress.advance(task),
            )
    if as_json:
        print_json([asdict(each) for each in done])
        return
    rows = [
        (
            each.account,
            each.collection,
            each.faces,
            each.version,
            "moved" if each.moved else f"stays: {each.without_crop} faces without a crop" if each.without_crop else "–",
        )
        for each in done
    ]
    print_table(("account", "collection", "faces", "version", ""), rows)
    click.echo(f"{sum(each.moved for each in done)} of {len(done)} collections were moved")
