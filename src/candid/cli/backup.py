"""`candid backup` and `candid restore`."""

from __future__ import annotations

import shlex
from dataclasses import asdict, replace
from pathlib import Path

import click

from candid.cli.output import fail, failing, json_option, print_json
from candid.config import ConfigError, load_config
from candid.gallery.errors import GalleryError, KeyFileError
from candid.gallery.keys import load_key_file
from candid.server.backup import BackupFileError, folder_id_of, restore_backup, write_backup
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
@_config
@json_option
@failing(*_WRONG)
def restore(source: Path, data: Path, key_file: Path | None, file: Path | None, as_json: bool) -> None:
    """Restore a backup into a new folder.

    \b
    Example: candid restore candid.backup --data ./restored
    """
    config = load_config(file)
    if key_file is not None:
        config = replace(config, key_file=str(key_file))
    key = key_file_of(folder_id_of(source), config)
    if not key.is_file():
        fail(f"the key file {key} is missing; name your copy of it with --key-file")
    folder = restore_backup(source, data, load_key_file(key), config)
    if as_json:
        print_json({"data_dir": str(folder.path.resolve()), "id": folder.identity.id})
        return
    # `serve` has no such option: a key that lies elsewhere is named by the setting.
    setting = "" if key_file is None else f"CANDID_KEY_FILE={shlex.quote(str(key_file.absolute()))} "
    click.echo(f"restored into {data}; next: {setting}candid serve --data {shlex.quote(str(data))}")
