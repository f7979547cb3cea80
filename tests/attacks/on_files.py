"""Attacks on the files alone: whoever can write to the web server, but does not have the log's key."""

from __future__ import annotations

from collections.abc import Callable

from tests.attacks.attack import GO, RECEIPTS, VERIFY, Attack, auditor, customer
from tests.attacks.scene import Scene

from candid.ledger import SigningKey
from candid.ledger.tiles import ENTRIES, Tile, decode_bundle, encode_bundle

_BUNDLE, _TILE = Tile(ENTRIES, 0), Tile(0, 0)
_PLACE = 100  # an entry in the middle of the first bundle


def changed_bundle(change: Callable[[list[bytes]], object]) -> Callable[[Scene], None]:
    """Write the first bundle anew."""

    def does(scene: Scene) -> None:
        path = scene.log / _BUNDLE.path
        entries = decode_bundle(_BUNDLE, path.read_bytes())
        change(entries)
        path.write_bytes(encode_bundle(entries))

    return does


def alter(entries: list[bytes]) -> None:
    entries[_PLACE] = entries[_PLACE].replace(b'"units":1', b'"units":2')


def exchange(entries: list[bytes]) -> None:
    entries[_PLACE], entries[_PLACE + 1] = entries[_PLACE + 1], entries[_PLACE]


def insert(entries: list[bytes]) -> None:
    entries.insert(_PLACE, entries[_PLACE])
    entries.pop()  # a bundle has 256 entries


def truncate_tile(scene: Scene) -> None:
    path = scene.log / _TILE.path
    path.write_bytes(path.read_bytes()[:-32])


def take_bundle_away(scene: Scene) -> None:
    (scene.log / _BUNDLE.path).unlink()


def other_key(scene: Scene) -> None:
    scene.rewrite(scene.entries(), signer=SigningKey.generate(scene.signer.name))


def checkpoint_of_fewer(scene: Scene) -> None:
    """Say that the log has one entry less than was signed."""
    path = scene.log / "checkpoint"
    origin, size, *rest = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join((origin, b"%d" % (int(size) - 1), *rest)))


_CHANGED = "is not what the entries below it give: one of them was changed"
ATTACKS = (
    Attack(
        "alter an entry in its file",
        changed_bundle(alter),
        (auditor(VERIFY, 1, _CHANGED), auditor(GO, 1, "entry 100 is not the one in the tree")),
    ),
    Attack(
        "drop an entry from its file",
        changed_bundle(lambda found: found.pop(_PLACE)),
        (auditor(VERIFY, 1, "does not hold exactly 256 entries"),),
        slow=True,
    ),
    Attack("insert an entry into its file", changed_bundle(insert), (auditor(VERIFY, 1, _CHANGED),), slow=True),
    Attack("exchange two entries in their file", changed_bundle(exchange), (auditor(VERIFY, 1, _CHANGED),), slow=True),
    Attack(
        "truncate a tile",
        truncate_tile,
        (
            auditor(VERIFY, 1, "tile/0/000 has 8160 bytes, expected 8192"),
            auditor(GO, 1, "tile 0 of level 0 has 8160 bytes, not 8192"),
            customer(RECEIPTS, 1, "the log does not prove entry"),
        ),
    ),
    Attack(
        "take a file of entries away",
        take_bundle_away,
        (auditor(VERIFY, 1, "tile/entries/000 answers 404"), auditor(GO, 1, "there is no such file")),
    ),
    Attack(
        "write another size into the checkpoint",
        checkpoint_of_fewer,
        (auditor(VERIFY, 1, "the text was changed"), auditor(GO, 1, "invalid signature")),
    ),
    Attack(
        "show the log under another key of the same name",
        other_key,
        (auditor(VERIFY, 2, "signed by another key of"), auditor(GO, 1, "no verifiable signatures")),
    ),
)
