"""Proofs of presence and absence: true ones verify, any other key, value, root or byte does not."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from candid.ledger.errors import FormatError, ProofError
from candid.ledger.map import EMPTY, MapProof, map_root
from candid.ledger.map.hashing import bit, leaf_hash, node_hash

LEFT, RIGHT, OTHER = bytes(32), b"\x80" + bytes(31), b"\x40" + bytes(31)
VALUE, VALUE_2 = b"v" * 32, b"w" * 32
PAIR = {LEFT: VALUE, RIGHT: VALUE_2}
ROOT = map_root(PAIR)
KINDS = {
    "nothing": MapProof((VALUE, EMPTY, VALUE_2)),
    "present": MapProof((leaf_hash(RIGHT, VALUE_2),), value=VALUE),
    "another": MapProof((EMPTY,) * 9, other=(OTHER, VALUE)),
    "of the empty map": MapProof(()),
}
hashes = st.binary(min_size=32, max_size=32)


def prove(entries, key):
    """A proof by the plain way: siblings are the roots of all that leaves the key's path at each depth."""
    siblings, mine = [], dict(entries)
    while len(mine) > 1:
        depth = len(siblings)
        beside = {k: v for k, v in mine.items() if bit(k, depth) != bit(key, depth)}
        siblings.append(part_root(beside, depth + 1))
        mine = {k: v for k, v in mine.items() if k not in beside}
    if key in mine:
        return MapProof(tuple(siblings), value=mine[key])
    return MapProof(tuple(siblings), other=next(iter(mine.items()), None))


def part_root(entries, depth):
    if len(entries) < 2:
        return next((leaf_hash(key, value) for key, value in entries.items()), EMPTY)
    halves = [{k: v for k, v in entries.items() if bit(k, depth) == side} for side in (0, 1)]
    return node_hash(*(part_root(half, depth + 1) for half in halves))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(hashes, hashes, max_size=15), hashes)
@example({}, LEFT)
@example({LEFT: VALUE}, LEFT)
@example({bytes(32): VALUE, bytes(31) + b"\x02": VALUE}, bytes(31) + b"\x01")
def test_presence_and_absence_are_proved(entries, absent):
    root = map_root(entries)
    for key, value in entries.items():
        assert MapProof.decode(bytes(prove(entries, key))).verify(key, root) == value
    if absent not in entries:
        assert MapProof.decode(bytes(prove(entries, absent))).verify(absent, root) is None


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(hashes, hashes, min_size=1, max_size=8), st.data())
def test_a_key_that_is_there_cannot_be_proved_absent(entries, data):
    """Any absence proof of another key, and any cut of its own, fails for it."""
    root = map_root(entries)
    victim = data.draw(st.sampled_from(sorted(entries)))
    own = prove(entries, victim)
    attempts = [MapProof(own.siblings), MapProof(own.siblings, other=(victim, entries[victim]))]
    attempts += [MapProof(own.siblings[:depth]) for depth in range(len(own.siblings))]
    attempts += [MapProof(prove(entries, key).siblings, other=(key, entries[key])) for key in entries]
    attempts += [prove({k: v for k, v in entries.items() if k != victim}, victim)]
    for attempt in attempts:
        with pytest.raises(ProofError):
            attempt.verify(victim, root)


def test_what_is_wrong_is_said():
    proof = KINDS["present"]
    assert proof.verify(LEFT, ROOT) == VALUE
    with pytest.raises(ProofError, match="leads to another root of the map"):
        proof.verify(LEFT, bytes(32))
    with pytest.raises(ProofError, match="leads to another root of the map"):
        MapProof(proof.siblings, value=VALUE_2).verify(LEFT, ROOT)
    with pytest.raises(ProofError, match="no proof for a key of the map"):
        proof.verify(LEFT[:-1], ROOT)
    with pytest.raises(ProofError, match="no proof for a key of the map"):
        MapProof((EMPTY,) * 257).verify(LEFT, ROOT)


@pytest.mark.parametrize(
    "other", [LEFT, RIGHT, LEFT[:-1], b""], ids=["the key itself", "on another way", "short", "nothing"]
)
def test_the_leaf_in_the_way_must_be_in_the_way(other):
    with pytest.raises(ProofError, match="does not stand where the key's would"):
        MapProof((leaf_hash(RIGHT, VALUE_2),), other=(other, VALUE)).verify(LEFT, ROOT)


@pytest.mark.parametrize("name", KINDS)
def test_a_proof_has_one_encoding(name):
    proof = KINDS[name]
    data = bytes(proof)
    assert MapProof.decode(data) == proof
    for wrong in (data[:-1], data + b"\0", b"", b"\3" + data[1:], data[:1] + b"\xff\xff" + data[3:]):
        with pytest.raises(FormatError):
            MapProof.decode(wrong)


def test_spare_bits_are_zero_and_an_empty_sibling_is_not_spelt_out():
    data = bytearray(bytes(KINDS["another"]))
    data[4] |= 1  # the ninth step is the first bit of the fifth byte; this is one of the spare ones
    with pytest.raises(FormatError, match="not in its canonical encoding"):
        MapProof.decode(bytes(data))
    spelt = b"\0" + (1).to_bytes(2, "big") + b"\x80" + EMPTY
    with pytest.raises(FormatError, match="not in its canonical encoding"):
        MapProof.decode(spelt)


@settings(deadline=None)
@given(st.binary(max_size=150), st.sampled_from(sorted(KINDS)))
def test_no_bytes_raise_anything_else(data, name):
    good = bytes(KINDS[name])
    for candidate in (data, good[: len(data)] + data, data + good[len(data) :]):
        try:
            proof = MapProof.decode(candidate)
        except FormatError:
            continue
        assert bytes(proof) == candidate


def test_every_flipped_bit_of_a_proof_is_refused():
    entries = {bytes([n]) + bytes(31): VALUE for n in range(20)}
    root, absent = map_root(entries), b"\x05" + b"\xff" * 31
    for key in (absent, b"\x07" + bytes(31)):
        data = bytes(prove(entries, key))
        MapProof.decode(data).verify(key, root)
        for position in range(len(data)):
            for number in range(8):
                changed = bytearray(data)
                changed[position] ^= 1 << number
                with pytest.raises((FormatError, ProofError)):
                    MapProof.decode(bytes(changed)).verify(key, root)


def test_the_size_that_the_documentation_says():
    """About log2(n) siblings: a thousand entries need about ten, so some 400 bytes."""
    from hashlib import sha256

    entries = {sha256(b"%d" % n).digest(): VALUE for n in range(1000)}
    sizes = [len(bytes(prove(entries, key))) for key in list(entries)[:20]]
    assert 300 < sum(sizes) / len(sizes) < 550
