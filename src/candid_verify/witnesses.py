"""Which witnesses cosigned a checkpoint, and whether they are enough by a policy (C2SP tlog-policy).

Lines of a policy: `log <key> [<url>]`, `witness <name> <key> [<url>]`, `group <name> all|any|<k> <member>…`, and once
`quorum <name>|none`; `#` begins a comment line. A line names only what stands above it, each name is a member at most
once, no key stands twice. At most 256 KiB and 1,024 definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from candid_verify.errors import FormatError, InputError
from candid_verify.notes import COSIGNATURE, Key, Note, decimal

_MOST_BYTES, _MOST_DEFINITIONS = 1 << 18, 1024
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Seen:
    """A witness's cosignature that was checked.

    Attributes:
        witness: its name in the policy.
        name: the name of its key.
        time: when it saw the log so, by its own clock; seconds since the epoch, UTC.
    """

    witness: str
    name: str
    time: int


@dataclass(slots=True)
class Policy:
    """A policy; make it with `parse`.

    Attributes:
        logs: the logs that it is for; none: for any.
        witnesses: their keys by their names in the policy.
        groups: by name, how many of which members must have cosigned.
        quorum: whose cosignature is demanded; None: nobody's.
    """

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str | None = None

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read a policy.

        Raises:
            InputError: with the number of the line that is wrong.
        """
        if len(text) > _MOST_BYTES or any(each < " " and each not in "\t\n" for each in text):
            raise InputError("a witness policy has at most 256 KiB and no control characters")
        policy = cls()
        closed = False
        for number, line in enumerate(text.split("\n"), 1):
            items = [each for each in line.replace("\t", " ").split(" ") if each]
            if not items or items[0].startswith("#"):
                continue
            try:
                closed = policy._read(items, closed=closed)
            except (FormatError, InputError) as error:
                raise InputError(f"line {number} of the witness policy: {error}") from error
        if not closed:
            raise InputError("the witness policy has no quorum line; `quorum none` demands no witness")
        return policy

    @classmethod
    def parse_for(cls, text: str, log: Key) -> Policy:
        """Read a policy for a log.

        Raises:
            InputError: it is none, or names logs and not this one.
        """
        policy = cls.parse(text)
        if policy.logs and log not in policy.logs:
            raise InputError(f"the witness policy is for other logs than {log.name} with the key given")
        return policy

    def seen_by(self, note: Note) -> list[Seen]:
        """Check every cosignature of a witness that the policy knows; a witness that signed twice counts once.

        Raises:
            ProofError: one is false.
        """
        found = []
        for witness, key in self.witnesses.items():
            times = [each for each in note.signed_by(key) if each is not None]
            if times:
                found.append(Seen(witness, key.name, min(times)))
        return found

    def is_satisfied_by(self, seen: list[Seen]) -> bool:
        """Whether these witnesses are enough."""
        witnessed = {each.witness for each in seen}
        for name, (threshold, members) in self.groups.items():
            if len(witnessed.intersection(members)) >= threshold:
                witnessed.add(name)
        return self.quorum is None or self.quorum in witnessed

    def _read(self, items: list[str], *, closed: bool) -> bool:
        """Take in a line; returns whether there was a quorum line by now."""
        if len(self.logs) + len(self.witnesses) + len(self.groups) >= _MOST_DEFINITIONS:
            raise FormatError(f"more than {_MOST_DEFINITIONS} definitions")
        match items:
            case ["log", key] | ["log", key, _]:
                self.logs.append(self._key(Key.parse(key), self.logs))
            case ["witness", name, key] | ["witness", name, key, _]:
                self.witnesses[self._new(name)] = self._key(
                    Key.parse(key, algorithm=COSIGNATURE), self.witnesses.values()
                )
            case ["group", name, threshold, *members] if members:
                count = self._threshold(threshold, members)
                self.groups[self._new(name)] = count, tuple(members)
            case ["quorum", name] if not closed:
                if name != _NONE and name not in self.witnesses and name not in self.groups:
                    raise FormatError(f"{name} is not defined above")
                self.quorum = None if name == _NONE else name
                return True
            case _:
                raise FormatError("expected a line of log, witness, group or, once, quorum in its form")
        return closed

    @staticmethod
    def _key(key: Key, others: Iterable[Key]) -> Key:
        if any(each.public == key.public for each in others):
            raise FormatError(f"the key of {key.name} stands twice")
        return key

    def _new(self, name: str) -> str:
        if name == _NONE or name in self.witnesses or name in self.groups:
            raise FormatError(f"the name {name} is taken")
        return name

    def _threshold(self, threshold: str, members: list[str]) -> int:
        grouped = {each for _, others in self.groups.values() for each in others}
        for place, member in enumerate(members):
            if member not in self.witnesses and member not in self.groups:
                raise FormatError(f"{member} is not defined above")
            if member in grouped or member in members[:place]:
                raise FormatError(f"{member} is a member twice")
        words = {"all": len(members), "any": 1}
        count = words[threshold] if threshold in words else decimal(threshold)
        if not 1 <= count <= len(members):
            raise FormatError(f"{count} of {len(members)} members cannot be demanded")
        return count
