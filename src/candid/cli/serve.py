"""`candid init` and `candid serve`."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from candid.cli.output import BROKEN, fail, failing, json_option, print_json
from candid.config import Config, ConfigError, load_config
from candid.gallery.durable import write_whole
from candid.gallery.errors import GalleryError, KeyFileError
from candid.governance.errors import GovernanceError
from candid.ledger.errors import KeyFormatError, LedgerError
from candid.recording import RecordingError
from candid.server.data_folder import (
    DataFolder,
    DataFolderError,
    create_data_folder,
    open_data_folder,
)
from candid.server.memory import give_back_large_blocks
from candid.server.run import ListenError, bind, url_of
from candid.server.run import serve as run_server
from candid.server.secrets import Secrets, create_secrets, read_secrets
from candid.vision.errors import VisionError

if TYPE_CHECKING:
    from candid.server.application import ReadyFacts


class ReadyFileError(Exception):
    """The ready file cannot be written; the message says why."""


_path = click.Path(path_type=Path)
_data = click.option("--data", required=True, type=_path, help="The data folder.")
_config = click.option("--config", "file", type=_path, help="A TOML file of settings.")


@click.command()
@_data
@_config
@click.option("--region", help="AWS region that clients sign for. [default: us-east-1]")
@click.option("--account", help="Twelve-digit account. [default: 000000000000]")
@json_option
@failing(ConfigError, DataFolderError, KeyFileError, LedgerError)
def init(data: Path, file: Path | None, region: str | None, account: str | None, as_json: bool) -> None:
    """Create a data folder with its keys and an empty log; one that exists is left as it is.

    \b
    Example: candid init --data ./data --region eu-central-1 --account 123456789012
    """
    config = load_config(file, overrides={"region": region, "account": account})
    folder = create_data_folder(data, config)
    secrets = create_secrets(folder, origin=config.log_origin)
    facts = {
        "data_dir": str(folder.path.resolve()),
        "key_file": str(folder.key_file),
        "log_public_key": str(secrets.log.verifier),
        **{key: value for key, value in asdict(folder.identity).items() if key != "format"},
    }
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        click.echo(f"{key:15} {value}")
    click.echo(f"Keep a copy of {folder.key_file.parent} elsewhere: without it the data cannot be opened.")
    click.echo(f"Next: candid serve --data {data}")


@click.command()
@_data
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one. [default: 9000]")
@click.option("--dev", is_flag=True, help="Create the folder where needed, and a customer `dev` with a key.")
@click.option("--ready-file", type=_path, help="Write address and keys there once calls are answered.")
@_config
@failing(
    ConfigError,
    DataFolderError,
    KeyFileError,
    KeyFormatError,
    ListenError,
    ReadyFileError,
    VisionError,
    GovernanceError,
)
def serve(
    data: Path, host: str | None, port: int | None, dev: bool, ready_file: Path | None, file: Path | None
) -> None:
    """Run the server until SIGTERM.

    \b
    Example: candid serve --data ./data --dev
    """
    config = load_config(file, overrides={"host": host, "port": port})
    _log_to_stderr(config.log_level)
    folder = create_data_folder(data, config) if dev else open_data_folder(data, config)
    secrets = create_secrets(folder, origin=config.log_origin) if dev else read_secrets(folder)
    try:
        _serve(folder, secrets, config, dev=dev, ready_file=ready_file)
    except (GalleryError, LedgerError, RecordingError) as error:
        fail(str(error), BROKEN)


def _serve(folder: DataFolder, secrets: Secrets, config: Config, *, dev: bool, ready_file: Path | None) -> None:
    from candid.server.application import open_application

    give_back_large_blocks()
    listener = bind(config.host, config.port)
    if ready_file is not None:
        _remove_old(ready_file)
    with listener, open_application(folder, secrets, config) as application:
        facts = application.ready_facts(url_of(listener), dev=dev)

        def ready() -> None:
            if ready_file is not None:
                try:
                    write_whole(ready_file, [json.dumps(asdict(facts), indent=2).encode(), b"\n"])
                except OSError as error:
                    raise _not_writable(ready_file, error) from error
            _greet(facts)

        run_server(application.asgi, listener, ready=ready)


def _remove_old(ready_file: Path) -> None:
    """Remove what an earlier server left, which says that calls are answered, perhaps at another address."""
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(ready_file, error) from error


def _not_writable(ready_file: Path, error: OSError) -> ReadyFileError:
    return ReadyFileError(
        f"cannot write the ready file {ready_file}: {error.strerror}; name another --ready-file"
    )


def _greet(facts: ReadyFacts) -> None:
    lines = [f"Candid answers at {facts.url} (region {facts.region}, account {facts.account})."]
    if facts.access_key_id is not None:
        lines += [
            "Paste this to use it from a shell:",
            f"  export AWS_ENDPOINT_URL_REKOGNITION={facts.url}",
            f"  export AWS_DEFAULT_REGION={facts.region}",
            f"  export AWS_ACCESS_KEY_ID={facts.access_key_id}",
            f"  export AWS_SECRET_ACCESS_KEY={facts.secret_access_key}",
            "  aws rekognition list-collections",
        ]
    click.echo("\n".join(lines))
    sys.stdout.flush()


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Its warnings are about single requests, which anybody may send as often as they like.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    plain = logging.StreamHandler(sys.stderr)  # a line of it is one JSON document and nothing else
    plain.setFormatter(logging.Formatter("%(message)s"))
    access = logging.getLogger("candid.access")
    access.handlers[:] = [plain]
    access.propagate = False
