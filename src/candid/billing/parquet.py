"""Calls as a Parquet table, a row a call, written by DuckDB, which is an optional package.

Columns: `time` and `started` (timestamps in UTC), `log_index`, `request`, `operation`, `customer`, `key`, `number`,
`outcome`, `error`, `allowed`, `rule`, `policy`, `meter`, `units`, `collection`, `run`. What an entry lacks is null.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from candid.billing.errors import MissingPackage

_COLUMNS = {
    "time": "BIGINT",
    "started": "BIGINT",
    "log_index": "BIGINT",
    "request": "VARCHAR",
    "operation": "VARCHAR",
    "customer": "VARCHAR",
    "key": "VARCHAR",
    "number": "BIGINT",
    "outcome": "VARCHAR",
    "error": "VARCHAR",
    "allowed": "BOOLEAN",
    "rule": "VARCHAR",
    "policy": "VARCHAR",
    "meter": "VARCHAR",
    "units": "BIGINT",
    "collection": "VARCHAR",
    "run": "BIGINT",
}
_TIMES = ("time", "started")


def write_parquet(entries: Iterable[tuple[int, Mapping[str, Any]]], path: Path) -> int:
    """Write the `call/1` entries among these into a file; it appears whole or not at all.

    Args:
        entries: with their indexes, in the order of the log.
        path: the file.

    Returns:
        How many rows it has.

    Raises:
        MissingPackage: DuckDB is not installed.
        OSError: the file cannot be written.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingPackage(
            "Parquet is written by DuckDB, which is not installed: run `pip install 'candid[parquet]'`, or choose "
            "--format cloudtrail-lines"
        ) from error
    with tempfile.TemporaryDirectory(prefix=".candid-", dir=path.absolute().parent) as folder:
        rows, table = Path(folder, "calls.jsonl"), Path(folder, "calls.parquet")
        with rows.open("w", encoding="utf-8") as file:
            count = sum(file.write(f"{json.dumps(_row(index, entry))}\n") > 0 for index, entry in calls(entries))
        # Nothing is fetched: JSON and Parquet are built in.
        settings: dict[str, Any] = {"autoinstall_known_extensions": False, "threads": 1}
        with duckdb.connect(config=settings) as database:
            found = database.read_json(str(rows), columns=_COLUMNS, format="newline_delimited")
            columns = [f"epoch_ms({name}) AS {name}" if name in _TIMES else name for name in _COLUMNS]
            found.project(", ".join(columns)).write_parquet(str(table), compression="zstd")
        table.replace(path)
    return count


def calls(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Those of the entries that are calls."""
    return ((index, entry) for index, entry in entries if entry["kind"] == "call/1")


def _row(index: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"log_index": index, **entry["decision"], **{name: entry[name] for name in _COLUMNS if name in entry}}
