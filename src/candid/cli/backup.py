"""`candid backup` and `candid restore`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click

from candid.cli.output import fail, failing, json_option, print_json
from candid.cli.which_log import log_source
from candid.config import ConfigError, load_config
from candid.gallery.errors import GalleryError, KeyFileError
from candid.gallery.keys import load_key_file
from candid.governance import GovernanceError
from candid.ledger import LedgerError, Source, open_source
from candid.ledger.errors import SourceError
from candid.recording import RecordingError
from candid.server.backup import BackupFileError, Restored, folder_id_of, restore_backup, write_backup
from candid.server.data_folder import DataFolderError, key_file_of, open_data_folder

_path = click.Path(path_type=Path)
_config = click.option("--config", "file", type=_path, help="The TOML file of the server.")
_WRONG = (ConfigError, DataFolderError, KeyFileError, BackupFileError, GalleryError)


@click.command()
@click.option("--data", required=True, type=_path, help="The data folder; a server may be using it.")
@click.option("-o", "--output", required=True, type=_path, help="The file to write.")
@_config
@json_option
@failing(*_WRONG)
def backup(data: Path, output: Path, file: Path | None, as_json: bool) -> None:
    """Write everything but keys and buckets into one file, as it is at this moment.

    \b
    Example: candid backup --data ./data -o candid.backup
    """
    folder = open_data_folder(data, load_config(file))
    made = write_backup(folder, load_key_file(folder.key_file), output)
    if as_json:
        print_json({"file": str(output), **asdict(made)})
        return
    click.echo(f"{output}: {made.size:,} bytes, {made.members} files")
    click.echo(f"It opens only with the key file, which is not in it: {folder.key_file}")


@click.command()
@click.argument("source", metavar="FILE", type=_path)
@click.option("--data", required=True, type=_path, help="A new folder.")
@click.option("--key-file", type=_path, help="The key file of the folder that was backed up.")
@click.option(
    "--log",
    "log",
    metavar="FOLDER|URL",
    help="A newer copy of the log's public files, to go on from instead of the backup's.",
)
@click.option("--new-log", is_flag=True, help="End the log for good and begin another one that names it.")
@_config
@json_option
@failing(*_WRONG)
def restore(
    source: Path, data: Path, key_file: Path | None, log: str | None, new_log: bool, file: Path | None, as_json: bool
) -> None:
    """Restore a backup into a new folder.

    A log that went on after the backup is not gone back to, as that would show two histories: name a newer copy of it
    with --log, or end it with --new-log.

    \b
    Example: candid restore candid.backup --data ./restored --log https://mirror.example.org/log
    """
    if log is not None and new_log:
        fail("name either --log or --new-log")
    config = load_config(file)
    if key_file is not None:
        config = replace(config, key_file=str(key_file))
    key = key_file_of(folder_id_of(source), config)
    if not key.is_file():
        fail(f"the key file {key} is missing; name your copy of it with --key-file")
    place = None if log is None else _log_source(log)
    try:
        done = restore_backup(source, data, load_key_file(key), config, log=place, new_log=new_log)
    except (GovernanceError, LedgerError, RecordingError) as error:
        fail(f"{source} is not restored: {error}")
    facts = {
        "data_dir": str(done.folder.path.resolve()),
        "id": done.folder.identity.id,
        "log_public_key": str(done.key),
        "brought_up": asdict(done.brought),
        "previous_log": None if done.previous is None else dict(done.previous),
    }
    if as_json:
        print_json(facts)
        return
    for line in _told(done):
        click.echo(line)
    # `serve` has no such option: a key that lies elsewhere is named by the setting.
    setting = "" if key_file is None else f"CANDID_KEY_FILE={shlex.quote(str(key_file.absolute()))} "
    click.echo(f"restored into {data}; next: {setting}candid serve --data {shlex.quote(str(data))}")


def _log_source(place: str) -> Source:
    """The copy of a log that was named: a URL, a folder with its public files, or a data folder."""
    try:
        return open_source(place) if "://" in place else log_source(Path(place), None)
    except SourceError as error:
        fail(str(error))


def _told(done: Restored) -> Iterator[str]:
    """What became of the log, and what the backup did not know."""
    if done.previous is not None:
        yield (
            f"The log {done.previous['origin']} is ended. Its key is kept; publish the key of the one that succeeds "
            f"it: {done.key}"
        )
    brought = done.brought
    if brought.closed or brought.revoked or brought.erased:
        yield (
            f"Done again, as the log says it was done after the backup: {brought.closed} customers closed or erased, "
            f"{brought.revoked} keys revoked, {brought.erased} faces or collections erased."
        )
    if brought.unknown:
        yield f"Customers that the log knows and the backup does not: {brought.unknown}. Open them again."
    if brought.outdated:
        yield f"Customers that were changed after the backup: {brought.outdated}. Change them again."
