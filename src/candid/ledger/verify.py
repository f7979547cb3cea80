"""Verifying a whole log from its public files alone, entry by entry, in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from candid.ledger.authentic import read_bundle, read_tile
from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint
from candid.ledger.errors import ProofError
from candid.ledger.keys import VerifierKey
from candid.ledger.notes import Verified
from candid.ledger.policy import Policy
from candid.ledger.reader import LogReader, read_checkpoint
from candid.ledger.sources import Source
from candid.ledger.tiles import ENTRIES, Tile, bundle_hashes, width_at
from candid.ledger.tree import TILE_WIDTH, Edge


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """What was established of a whole log.

    Attributes:
        signed: its checkpoint.
        cosignatures: of witnesses of the policy that was given, all true.
        tiles: how many tiles of hashes were compared.
        entry_bytes: how many bytes its entries have.
    """

    signed: SignedCheckpoint
    cosignatures: tuple[Verified, ...]
    tiles: int
    entry_bytes: int


def verify_log(
    source: Source,
    key: VerifierKey,
    *,
    policy: Policy | None = None,
    extends: Checkpoint | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerifiedLog:
    """Check that every entry leads through every tile to the signed root.

    Args:
        source: where the log is.
        key: the log's public key, from somebody whom the caller trusts.
        policy: which witnesses must have cosigned; None asks for none.
        extends: an older checkpoint that the caller trusts; the log must hold its entries unchanged.
        progress: called now and then with the entries verified so far and all of them.

    Raises:
        FormatError, SignatureError, ProofError, SourceError: the first thing that is wrong.
    """
    # 1. The checkpoint is signed by the log, and cosigned by enough witnesses.
    signed = read_checkpoint(source, key)
    cosignatures = policy.check_cosignatures(signed.note) if policy is not None else ()
    # 2. Every entry hashes into every tile above it.
    edge, tiles, entry_bytes = Edge(), 0, 0
    for index in range(-(-signed.size // TILE_WIDTH)):
        bundle = Tile(ENTRIES, index, width_at(ENTRIES, index, signed.size))
        data = read_bundle(source, bundle)
        entry_bytes += len(data) - 2 * bundle.width
        for level, number, expected in edge.append(bundle_hashes(bundle, data)):
            _compare(source, Tile(level, number), expected)
            tiles += 1
        if progress is not None and index % 256 == 0:
            progress(edge.size, signed.size)
    for level, number, expected in edge.partial_tiles():
        _compare(source, Tile(level, number, width_at(level, number, signed.size)), expected)
        tiles += 1
    # 3. Together they give the root that was signed.
    if edge.root() != signed.root:
        raise ProofError(
            f"the {signed.size} entries do not give the root of the checkpoint: "
            "an entry was changed, added or lost"
        )
    # 4. The older checkpoint's entries are all there.
    if extends is not None:
        LogReader(source, signed).check_extends(extends)
    return VerifiedLog(signed, cosignatures, tiles, entry_bytes)


def _compare(source: Source, tile: Tile, expected: bytes) -> None:
    if read_tile(source, tile) != expected:
        raise ProofError(f"{tile.path} is not what the entries below it give: one of them was changed")
