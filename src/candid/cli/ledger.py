"""`candid ledger`: verify, read and prove from a transparency log, and run a witness."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import NoReturn

import click

from candid.cli.output import BROKEN, NO, WRONG_USE, fail, json_option, print_json, print_table
from candid.cli.which_log import (
    code_at_start,
    code_of_reading,
    key_or_own,
    log_source,
    public_key,
    read_file,
    shown_checkpoint,
)
from candid.ledger.checkpoint import Checkpoint, open_checkpoint
from candid.ledger.errors import (
    KeyFormatError,
    LedgerError,
    LogLocked,
    MissingError,
    SourceError,
)
from candid.ledger.keyfile import read_key, write_key
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.policy import Policy
from candid.ledger.reader import LogReader
from candid.ledger.storage import DISK, write_file
from candid.ledger.tree import hash_leaf
from candid.ledger.verify import verify_log
from candid.ledger.witness import Witness
from candid.ledger.witness_http import WitnessServer

_path = click.Path(path_type=Path)
_data_option = click.option(
    "--data", type=_path, help="The data folder, or a copy of the log's public files."
)
_url_option = click.option("--url", help="The log's address, such as https://example.com/log.")
_key_option = click.option("--log-key", "log_key", help="The log's public key, or a file that holds it.")


@click.group()
def ledger() -> None:
    """Verify, read and prove from a transparency log."""


@ledger.command()
@_data_option
@_url_option
@click.option("--log-key", "log_key", required=True, help="The log's public key, or a file that holds it.")
@click.option("--witness-policy", "policy_file", type=_path, help="Demand the cosignatures of this policy.")
@click.option("--extends", type=_path, help="An older checkpoint, which the log must extend.")
@json_option
def verify(
    data: Path | None,
    url: str | None,
    log_key: str,
    policy_file: Path | None,
    extends: Path | None,
    as_json: bool,
) -> None:
    """Verify the whole log, from its public files alone.

    \b
    Example: candid ledger verify --url http://127.0.0.1:9000/log --log-key log.key
    """
    source = log_source(data, url)
    started = time.monotonic()
    try:
        key = public_key(log_key)
        policy = None if policy_file is None else Policy.parse(read_file(policy_file))
        older = None if extends is None else _older(extends, key)
        size = shown_checkpoint(source, key).size
    except LedgerError as error:
        _not_verified(error, as_json, code_at_start(error))
    try:
        with click.progressbar(length=max(size, 1), label="verifying", file=sys.stderr) as bar:
            done = verify_log(
                source, key, policy=policy, extends=older, progress=lambda at, _: bar.update(at - bar.pos)
            )
    except LedgerError as error:
        unreachable = isinstance(error, SourceError) and not isinstance(error, MissingError)
        _not_verified(error, as_json, BROKEN if unreachable else NO)
    facts = {
        "verified": True,
        "origin": done.signed.origin,
        "size": done.signed.size,
        "root": b64encode(done.signed.root).decode(),
        "entry_bytes": done.entry_bytes,
        "tiles": done.tiles,
        "cosigned_by": [{"name": found.key.name, "time": found.time} for found in done.cosignatures],
        "seconds": round(time.monotonic() - started, 3),
    }
    if as_json:
        print_json(facts)
        return
    print_table(("established", ""), [(name, value) for name, value in facts.items() if name != "verified"])
    click.echo(f"verified: all {done.signed.size} entries lead to the root that {done.signed.origin} signed")


@ledger.command()
@_data_option
@_url_option
@_key_option
@click.option("--last", default=20, show_default=True, type=click.IntRange(min=1), help="How many entries.")
@json_option
def show(data: Path | None, url: str | None, log_key: str | None, last: int, as_json: bool) -> None:
    """Show the newest published entries, each proved to be in the log.

    \b
    Example: candid ledger show --data ./data --last 5
    """
    try:
        reader = LogReader.open(log_source(data, url), key_or_own(log_key, data))
        rows = [
            {"index": index, "leaf_hash": b64encode(hash_leaf(entry)).decode(), "entry": _readable(entry)}
            for index, entry in reader.entries(max(0, reader.size - last))
        ]
    except LedgerError as error:
        fail(str(error), code_of_reading(error))
    if as_json:
        print_json({"origin": reader.signed.origin, "size": reader.size, "entries": rows})
        return
    shown = [(row["index"], row["leaf_hash"], json.dumps(row["entry"], ensure_ascii=False)) for row in rows]
    print_table(
        ("index", "leaf hash", "entry"), shown, title=f"{reader.signed.origin}, {reader.size} entries"
    )


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@_data_option
@_url_option
@_key_option
@click.option("-o", "--output", type=_path, required=True, help="Where to write the proof.")
@json_option
def prove(
    index: int, data: Path | None, url: str | None, log_key: str | None, output: Path, as_json: bool
) -> None:
    """Write the proof that the entry at INDEX is in the log, as a tlog-proof file.

    \b
    Example: candid ledger prove 17 --data ./data -o entry-17.tlog-proof
    """
    try:
        key = key_or_own(log_key, data)
        reader = LogReader.open(log_source(data, url), key)
        if index >= reader.size:
            fail(f"the published log has {reader.size} entries; there is none at index {index} yet")
        proof = reader.prove(index)
        leaf = hash_leaf(reader.entry(index))
        proof.verify(leaf, key)
        write_file(DISK, output, bytes(proof))
    except LedgerError as error:
        fail(str(error), code_of_reading(error))
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}")
    if as_json:
        facts = {"index": index, "size": reader.size, "leaf_hash": b64encode(leaf).decode()}
        print_json({"origin": reader.signed.origin, **facts, "file": str(output)})
        return
    click.echo(f"{output} proves entry {index} in the log {reader.signed.origin} of {reader.size} entries")


@ledger.command()
@click.option("--data", type=_path, required=True, help="The data folder.")
@json_option
def key(data: Path, as_json: bool) -> None:
    """Print the log's public key, to be given to whoever verifies.

    \b
    Example: candid ledger key --data ./data > log.key
    """
    try:
        own = key_or_own(None, data)
    except LedgerError as error:
        fail(str(error))
    if as_json:
        print_json({"origin": own.name, "log_key": str(own)})
    else:
        click.echo(str(own))


@ledger.command()
@click.option(
    "--data", type=_path, required=True, help="The witness's own folder: its key and what it vouched for."
)
@click.option("--name", help="The witness's name, such as witness.example/w1; needed the first time.")
@click.option(
    "--log-key", "log_keys", multiple=True, required=True, help="Key of a log to watch; repeatable."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=9100,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--ready-file", type=_path, help="Written whole when the witness listens: JSON with url and key."
)
def witness(
    data: Path, name: str | None, log_keys: tuple[str, ...], host: str, port: int, ready_file: Path | None
) -> None:
    """Run a witness, which cosigns a log's checkpoints as long as each extends the one before.

    \b
    Example: candid ledger witness --data ./witness --name witness.example/w1 --log-key log.key
    """
    stop = threading.Event()
    try:
        signer = _witness_key(data, name)
        watcher = Witness(data / "state", signer, [public_key(text) for text in log_keys])
    except (LedgerError, OSError) as error:
        fail(str(error), BROKEN if isinstance(error, LogLocked) else WRONG_USE)
    try:
        server = WitnessServer(watcher, host, port)
    except OSError as error:
        watcher.close()
        fail(f"cannot listen on {host}:{port}: {error.strerror}; name another port with --port")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, name="witness", daemon=True)
    thread.start()
    click.echo(f"witness {watcher.key.name} listens on {server.url}\nits key: {watcher.key}", err=True)
    try:
        if ready_file is not None:
            ready = {"url": server.url, "witness_key": str(watcher.key)}
            write_file(DISK, ready_file, json.dumps(ready).encode())
        stop.wait()
    except OSError as error:
        fail(f"{ready_file} cannot be written: {error.strerror}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        watcher.close()


def _older(path: Path, key: VerifierKey) -> Checkpoint:
    """The checkpoint that the log must extend. Where the file is none, nothing was said of the log itself."""
    try:
        return open_checkpoint(read_file(path), key).checkpoint
    except LedgerError as error:
        fail(f"{path} is no checkpoint of the log {key.name}: {error}")


def _witness_key(data: Path, name: str | None) -> SigningKey:
    path = data / "witness.key"
    if not path.exists():
        if name is None:
            raise KeyFormatError("name the witness with --name; it is asked for once, when its key is made")
        data.mkdir(parents=True, exist_ok=True)
        write_key(path, SigningKey.generate(name, Algorithm.COSIGNATURE))
    found = read_key(path)
    if name is not None and found.name != name:
        raise KeyFormatError(
            f"the witness in {data} is {found.name}, not {name}: use another folder, or its name"
        )
    return found


def _readable(entry: bytes) -> object:
    """An entry as JSON if it is that, else as text, else as base64."""
    try:
        text = entry.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": b64encode(entry).decode()}
    try:
        return json.loads(text)
    except ValueError:
        return text


def _not_verified(error: LedgerError, as_json: bool, code: int) -> NoReturn:
    if as_json and code == NO:
        print_json({"verified": False, "reason": str(error)})
    fail(f"not verified: {error}", code)
