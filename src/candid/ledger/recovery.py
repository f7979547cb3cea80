"""What a log holds when it is opened, after a stop of any kind.

Order of writing, which makes this enough: entries are durable in the journal before they are acknowledged;
they are durable in tiles before a checkpoint is signed; the signed checkpoint is durable in `.state/signed`
and in the guard before it is published. So the tiles hold what `signed` says, the journal holds the rest,
and a checkpoint that is larger than both together means that an older copy was restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from candid.ledger.authentic import AuthenticTiles
from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from candid.ledger.errors import LedgerError, LogBroken, LogForked, LogRolledBack
from candid.ledger.journal import read_journal
from candid.ledger.keys import VerifierKey
from candid.ledger.layout import Layout
from candid.ledger.proofs import tree_root
from candid.ledger.sequencer import Tail
from candid.ledger.sources import FolderSource
from candid.ledger.tree import TILE_WIDTH, Edge, hash_leaf


@dataclass(frozen=True, slots=True)
class Recovered:
    """The state of a log on disk.

    Attributes:
        edge: the right edge of what is in tiles and signed.
        bundle: the entries of its last, partial bundle.
        tail: durable entries beyond the edge.
        time: of the newest entry, milliseconds.
        signed: the newest checkpoint that was signed.
        published: the one that is public; None if a crash came before the first was.
    """

    edge: Edge
    bundle: list[bytes]
    tail: Tail
    time: int
    signed: SignedCheckpoint
    published: SignedCheckpoint | None


def recover(layout: Layout, key: VerifierKey, guard: Path | None) -> Recovered:
    """Read and check the state of a log.

    Args:
        layout: its files.
        key: its public key.
        guard: the checkpoint kept outside the folder; it may be missing, as for a log that had none so far.

    Raises:
        LogRolledBack: the log is older than one of its checkpoints.
        LogForked: the log is another one than one of its checkpoints stands for.
        LogBroken: files are missing or damaged.
    """
    # 1. The newest signed checkpoint, and the tiles it stands for.
    signed = _read(layout.signed, key)
    if signed is None:
        raise LogBroken(f"{layout.signed} is missing: restore the log's folder from a copy that is whole")
    try:
        tiles = AuthenticTiles(FolderSource(layout.folder), signed.checkpoint)
        bundle = tiles.bundle(signed.size // TILE_WIDTH) if signed.size % TILE_WIDTH else []
    except LedgerError as error:
        raise LogBroken(
            f"the tiles of the log are damaged or missing: {error}; restore them from a copy"
        ) from error
    # 2. The entries beyond, from the journal.
    journal = read_journal(layout.journal)
    if journal.first > signed.size:
        raise LogBroken(
            f"entries {signed.size} to {journal.first - 1} are neither in tiles nor in the journal: "
            "the files of the log are not from one moment; restore a copy that is"
        )
    entries = journal.entries[signed.size - journal.first :]
    tail = Tail(signed.size, [], [])
    tail.extend(entries, [hash_leaf(entry) for entry in entries])
    # 3. Nothing that was signed before is larger or different.
    published = _read(layout.checkpoint, key)
    kept = _read(guard, key) if guard is not None else None
    for known, where in ((published, layout.checkpoint), (kept, guard)):
        if known is not None:
            _check_known(known.checkpoint, str(where), tiles, tail)
    return Recovered(tiles.edge(), bundle, tail, journal.time, signed, published)


def check_new(guard: Path | None, key: VerifierKey) -> None:
    """Check that no log was there before the one that is about to be created.

    Raises:
        LogRolledBack: the guard knows one.
        LogBroken: the guard cannot be read.
    """
    kept = _read(guard, key) if guard is not None else None
    if kept is not None and kept.size:
        raise LogRolledBack(
            f"{guard} says that this log had {kept.size} entries, and its folder is empty: restore the folder"
        )


def _read(path: Path, key: VerifierKey) -> SignedCheckpoint | None:
    try:
        return open_checkpoint(path.read_bytes(), key)
    except FileNotFoundError:
        return None
    except LedgerError as error:
        raise LogBroken(f"{path} is damaged or of another log: {error}") from error


def _check_known(known: Checkpoint, where: str, tiles: AuthenticTiles, tail: Tail) -> None:
    if known.size > tail.end:
        raise LogRolledBack(
            f"{where} was signed with {known.size} entries, and the log has {tail.end}: an older copy "
            "of it was restored. To go on would show two histories; restore the newest copy"
        )
    if _root_at(known.size, tiles, tail) != known.root:
        raise LogForked(
            f"{where} was signed with other entries than the log's first {known.size}: it is another "
            "history. Restore the log that belongs to it"
        )


def _root_at(size: int, tiles: AuthenticTiles, tail: Tail) -> bytes:
    if size < tail.first:
        try:
            return tree_root(size, tiles.node)
        except LedgerError as error:
            raise LogBroken(f"the tiles of the log are damaged or missing: {error}") from error
    edge = tiles.edge()
    _run(edge, tail.hashes[: size - tail.first])
    return edge.root()


def _run(edge: Edge, hashes: Sequence[bytes]) -> None:
    for _ in edge.append(b"".join(hashes)):
        pass
