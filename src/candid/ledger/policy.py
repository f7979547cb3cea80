"""Witness policies of C2SP tlog-policy: which logs are accepted, and which witnesses must have cosigned.

Layout: lines of octets; items apart by spaces and tabs; `#` begins a comment line.
`log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, `group <name> all|any|<k> <member>...`, and exactly one
`quorum <name>|none`. A line names only what stands above it; each name is a member at most once; no public
key stands twice. Limits: 256 KiB, 1,024 definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from candid.ledger.checkpoint import SignedCheckpoint, open_checkpoint
from candid.ledger.encoding import decode_decimal
from candid.ledger.errors import FormatError, PolicyError, QuorumError, UnknownKeyError
from candid.ledger.keys import Algorithm, VerifierKey
from candid.ledger.notes import Note, Verified, verify_note

MAX_POLICY = 1 << 18
MAX_DEFINITIONS = 1024
_NONE = b"none"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log that the policy accepts; `url` is where it can be read, if it is said."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessEntry:
    """A witness that the policy knows; `url` is its submission prefix, if it is said."""

    name: bytes
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses in the sense of the policy once `threshold` of its members are."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was read; `quorum` is None where no cosignature is demanded."""

    logs: tuple[LogEntry, ...] = ()
    witnesses: tuple[WitnessEntry, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read a policy file.

        Raises:
            PolicyError: with the number of the line that is wrong.
        """
        if len(data) > MAX_POLICY:
            raise PolicyError(f"a witness policy has at most {MAX_POLICY} bytes")
        if any((octet < 0x20 and octet not in b"\t\n") or octet == 0x7F for octet in data):
            raise PolicyError("a witness policy must have no control characters but tabs and newlines")
        reader = _Reader()
        for number, line in enumerate(data.split(b"\n"), start=1):
            words = line.replace(b"\t", b" ").split(b" ")
            items = [word for word in words if word]
            if not items or items[0].startswith(b"#"):
                continue
            try:
                reader.read(items)
            except FormatError as error:
                raise PolicyError(f"line {number} of the witness policy: {error}") from error
        if reader.quorum is None:
            raise PolicyError("the witness policy has no quorum line; `quorum none` demands no witness")
        quorum = None if reader.quorum == _NONE else reader.quorum
        return cls(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), quorum)

    def check_cosignatures(self, note: Note) -> tuple[Verified, ...]:
        """Check that enough witnesses cosigned a checkpoint.

        Returns:
            The cosignatures of witnesses that the policy knows, all of them true.

        Raises:
            SignatureError: one of them is false.
            QuorumError: there are too few.
        """
        keys = {witness.key: witness.name for witness in self.witnesses}
        # 1. Every cosignature of a known witness is true.
        try:
            verified = tuple(verify_note(note, list(keys)))
        except UnknownKeyError:
            verified = ()
        # 2. Together they satisfy the quorum.
        if not self.satisfied_by(keys[found.key] for found in verified):
            names = ", ".join(sorted(found.key.name for found in verified)) or "no witness of the policy"
            raise QuorumError(f"too few witnesses cosigned this checkpoint (cosigned by {names})")
        return verified

    def satisfied_by(self, witnesses: Iterable[bytes]) -> bool:
        """Whether cosignatures of these witnesses, by their names in the policy, are enough."""
        witnessed = set(witnesses)
        for group in self.groups:
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum is None or self.quorum in witnessed

    def open_checkpoint(self, data: bytes) -> tuple[SignedCheckpoint, tuple[Verified, ...]]:
        """Check a checkpoint in full: signed by a log of the policy and cosigned by enough witnesses.

        Returns:
            The checkpoint, and the cosignatures that count.

        Raises:
            LedgerError: of the families that `open_checkpoint` and `check_cosignatures` name.
        """
        note = Note.parse(data)
        # 1. A log of the policy signed it.
        found = verify_note(note, [log.key for log in self.logs])
        signed = open_checkpoint(data, found[0].key)
        # 2. Enough witnesses cosigned it.
        return signed, self.check_cosignatures(note)


@dataclass(slots=True)
class _Reader:
    """What was read so far of a policy."""

    logs: list[LogEntry] = field(default_factory=list)
    witnesses: list[WitnessEntry] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: bytes | None = None
    names: set[bytes] = field(default_factory=set)
    grouped: set[bytes] = field(default_factory=set)

    def read(self, items: list[bytes]) -> None:
        if len(self.logs) + len(self.names) >= MAX_DEFINITIONS:
            raise PolicyError(f"more than {MAX_DEFINITIONS} definitions")
        match items:
            case [b"log", vkey, *url] if len(url) <= 1:
                key = self._key(vkey, Algorithm.ED25519, [log.key for log in self.logs])
                self.logs.append(LogEntry(key, _url(url)))
            case [b"witness", name, vkey, *url] if len(url) <= 1:
                key = self._key(vkey, Algorithm.COSIGNATURE, [witness.key for witness in self.witnesses])
                self.witnesses.append(WitnessEntry(self._new(name), key, _url(url)))
            case [b"group", name, threshold, *members] if members:
                count = self._threshold(threshold, members)
                self.groups.append(Group(self._new(name), count, tuple(members)))
            case [b"quorum", name]:
                if self.quorum is not None:
                    raise PolicyError("there is a second quorum line")
                if name != _NONE and name not in self.names:
                    raise PolicyError(f"{_show(name)} is not defined above")
                self.quorum = name
            case _:
                raise PolicyError("expected a line of log, witness, group or quorum in its form")

    def _key(self, vkey: bytes, algorithm: Algorithm, others: list[VerifierKey]) -> VerifierKey:
        try:
            key = VerifierKey.parse(vkey.decode())
        except UnicodeDecodeError as error:
            raise PolicyError("the key is not UTF-8 text") from error
        if key.algorithm is not algorithm:
            raise PolicyError(f"the key of {key.name} is of the wrong type for this line")
        if any(other.public == key.public for other in others):
            raise PolicyError(f"the key of {key.name} stands twice")
        return key

    def _new(self, name: bytes) -> bytes:
        if name == _NONE or name in self.names:
            raise PolicyError(f"the name {_show(name)} is taken")
        self.names.add(name)
        return name

    def _threshold(self, threshold: bytes, members: list[bytes]) -> int:
        for member in members:
            if member not in self.names:
                raise PolicyError(f"{_show(member)} is not defined above")
            if member in self.grouped:
                raise PolicyError(f"{_show(member)} is a member twice")
            self.grouped.add(member)
        words = {b"all": len(members), b"any": 1}
        count = words[threshold] if threshold in words else decode_decimal(threshold, "the threshold")
        if not 1 <= count <= len(members):
            raise PolicyError(f"{count} of {len(members)} members cannot be demanded")
        return count


def _url(items: list[bytes]) -> str | None:
    return items[0].decode("utf-8", "replace") if items else None


def _show(name: bytes) -> str:
    return repr(name.decode("utf-8", "replace"))
