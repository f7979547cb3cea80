"""The command `candid-verify`, also `python -m candid_verify`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from candid_verify.errors import InputError
from candid_verify.evidence import MAX_FILE
from candid_verify.report import html_report
from candid_verify.verdict import Verdict
from candid_verify.verifier import verify

WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 established, 1 not established, 2 invalid or wrong use."""
    options = _parser().parse_args(arguments)
    try:
        data = read_file(options.file)
        policy = None if options.witness_policy is None else _text(options.witness_policy, "the witness policy")
        verdict = verify(data, log_key=log_key(options.log_key), witness_policy=policy)
        if options.report is not None:
            write_report(options.report, verdict, file=options.file, data=data)
    except InputError as error:
        sys.stderr.write(f"candid-verify: {error}\n")
        return WRONG_USE
    out = json.dumps(verdict.as_json(), indent=2, ensure_ascii=False) if options.json else as_text(verdict)
    sys.stdout.buffer.write(f"{out}\n".encode())
    return verdict.exit_code


def read_file(path: Path) -> bytes:
    """The bytes of an evidence file; of one that is too long, just so many that the verifier sees it.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def log_key(given: str) -> str:
    """The key as it was given, or the first line of the file that was named in its place.

    Raises:
        InputError: the file cannot be read.
    """
    if "+" in given:
        return given
    return _text(Path(given), "the log's key (it is neither a key, name+key id+base64, nor a file with one)")


def write_report(path: Path, verdict: Verdict, *, file: Path, data: bytes) -> None:
    """Write the HTML report.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(html_report(verdict, file_name=file.name, digest=sha256(data).hexdigest()), "utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be written to {path}: {error.strerror}") from error


def as_text(verdict: Verdict) -> str:
    """The verdict for people on a terminal."""
    claim = "" if verdict.claim is None else f"{verdict.claim.name}: "
    lines = [f"{claim}{verdict.verdict}"]
    if verdict.reason is not None:
        lines.append(f"  {verdict.reason}")
    for heading, sentences in (("Established:", verdict.established), ("Not established:", verdict.not_established)):
        if sentences:
            lines += ["", heading, *(f"  - {each}" for each in sentences)]
    return "\n".join(lines)


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as {what}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="candid-verify",
        description="Verify an evidence file of Candid, offline.",
        epilog="Example: candid-verify acme.evidence --log-key log.key --report acme.html. "
        "Exit codes: 0 established, 1 not established, 2 invalid or wrong use.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the evidence file")
    parser.add_argument(
        "--log-key", required=True, metavar="KEY", help="the log's public key or its file, from somebody you trust"
    )
    parser.add_argument(
        "--witness-policy", type=Path, metavar="FILE", help="which witnesses must have cosigned (C2SP tlog-policy)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a report for people")
    return parser
