"""A file whose entries are proved to be in the log, as the claims see it; and that nothing in it is left unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from candid_verify import labels
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.checkpoint import Checkpoint, open_checkpoint
from candid_verify.commitments import Opening
from candid_verify.entries import Placed
from candid_verify.errors import ProofError
from candid_verify.evidence import Evidence
from candid_verify.notes import Key, open_note
from candid_verify.times import spoken
from candid_verify.tree import check_inclusion, leaf_hash
from candid_verify.vrf import PROOF_SIZE, VrfKey


@dataclass(frozen=True, slots=True)
class Finding:
    """What a claim's evidence shows.

    Attributes:
        holds: whether the claim is established.
        established: sentences.
        not_established: sentences.
        as_of: the time of the newest entry that it rests on, milliseconds since the epoch.
    """

    holds: bool
    established: Sequence[str]
    not_established: Sequence[str]
    as_of: int


@dataclass
class Case:
    """Evidence whose entries were checked to be in the log; make it with `open_case`.

    Whatever a claim takes counts as used; `check_all_used` finds the rest.
    """

    evidence: Evidence
    key: Key
    checkpoint: Checkpoint
    _used: set[int] = field(default_factory=lambda: {0})  # indexes of entries that were taken
    _opened: set[str] = field(default_factory=set)  # commitments whose openings were taken
    _labels_used: bool = False
    _keys_used: bool = False
    _stated_used: bool = False

    def all(self, kind: str) -> list[Placed]:
        """Take all entries of a kind, by rising index."""
        found = [each for each in self.evidence.entries if each.entry["kind"] == kind]
        self._used.update(each.index for each in found)
        return found

    def at_most_one(self, kind: str) -> Placed | None:
        """Take the entry of a kind.

        Raises:
            ProofError: there are several.
        """
        found = self.all(kind)
        if len(found) > 1:
            raise ProofError(f"there are {len(found)} entries {kind} in the file, where the claim has use for one")
        return found[0] if found else None

    def one(self, kind: str) -> Placed:
        """Take the one entry of a kind.

        Raises:
            ProofError: there is none, or there are several.
        """
        found = self.at_most_one(kind)
        if found is None:
            raise ProofError(f"the file lacks the entry {kind} that the claim {self.evidence.claim.name} needs")
        return found

    def opening(self, commitment: str) -> Opening | None:
        """Take the opening of a commitment, if the file has it."""
        self._opened.add(commitment)
        return self.evidence.openings.get(commitment)

    def take_stated(self) -> object:
        """Take the operator's figures, if the file has them."""
        self._stated_used = True
        return self.evidence.stated

    @cached_property
    def vrf(self) -> VrfKey:
        """The log's VRF key.

        Raises:
            ProofError: it is none, or the labels in the map are of another version.
        """
        entry = self.evidence.entries[0].entry
        if entry["labels"] != labels.VERSION:
            raise ProofError(f"the labels of this log are {entry['labels']}; this version knows {labels.VERSION}")
        return VrfKey(decode_bytes(entry["vrf"], 32))

    def keys(self, wanted: Sequence[bytes]) -> list[str]:
        """Take the VRF's proofs for exactly these labels, and give their map keys or tags.

        Raises:
            ProofError: the file has others, or one is false.
        """
        self._keys_used = True
        found = self.evidence.keys
        if [each.label for each in found] != list(wanted):
            raise ProofError("the file proves the map keys of other labels than those that the claim needs")
        return [encode_bytes(self.vrf.output(each.label, each.proof)[:32]) for each in found]

    def map_proofs(self, wanted: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """Take the map's proofs for exactly these labels: pairs of map key and proof.

        Raises:
            ProofError: the file has others, or a VRF's proof is false.
        """
        self._labels_used = True
        found = self.evidence.labels
        if [each.label for each in found] != list(wanted):
            raise ProofError("the file looks up other labels in the map than those that the claim needs")
        return [
            (self.vrf.output(each.label, each.proof[:PROOF_SIZE])[:32], each.proof[PROOF_SIZE:]) for each in found
        ]

    def open_note(self, note: bytes) -> bytes:
        """The text of a note in an entry, which the log's key must have signed."""
        return open_note(note.decode(), self.key, "a price list").text.encode()

    def check_all_used(self) -> None:
        """Check that the claim had a use for everything in the file.

        Raises:
            ProofError: for something it had none.
        """
        evidence = self.evidence
        unused = [each for each in evidence.entries if each.index not in self._used]
        if unused:
            raise ProofError(
                f"entry {unused[0].index} ({unused[0].entry['kind']}) has no place in evidence of {evidence.claim.name}"
            )
        left = {
            "a proof of the map": bool(evidence.labels) and not self._labels_used,
            "a proof of a map key": bool(evidence.keys) and not self._keys_used,
            "an opening": not evidence.openings.keys() <= self._opened,
            "a statement of figures": evidence.stated is not None and not self._stated_used,
        }
        for what, there in left.items():
            if there:
                raise ProofError(f"the file has {what} for which the claim {evidence.claim.name} has no use")


def open_case(evidence: Evidence, key: Key) -> Case:
    """Check that the log signed the checkpoint and has the entries.

    Raises:
        FormatError, ProofError, WrongKeyError: it does not.
    """
    # 1. The log signed the checkpoint.
    checkpoint = open_checkpoint(evidence.checkpoint, key)
    # 2. All entries are in the tree of the checkpoint.
    leaves = {index: leaf_hash(text) for index, text in evidence.texts.items()}
    check_inclusion(leaves, evidence.tree, size=checkpoint.size, root=checkpoint.root)
    # 3. The log's first entry says that it is this log.
    origin = evidence.entries[0].entry["origin"]
    if origin != checkpoint.origin:
        raise ProofError(f"the log of {checkpoint.origin} begins as the log of {origin}")
    return Case(evidence, key, checkpoint)


def place(found: Placed) -> str:
    """An entry in a sentence."""
    return f"entry {found.index} of {spoken(found.entry['time'])}"
