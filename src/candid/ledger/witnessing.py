"""Asking witnesses for cosignatures, from the log's side."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from candid.ledger.checkpoint import SignedCheckpoint
from candid.ledger.encoding import decode_decimal, encode_base64
from candid.ledger.errors import (
    FormatError,
    LedgerError,
    QuorumError,
    WitnessAhead,
    WitnessDisputes,
    WitnessError,
)
from candid.ledger.keys import VerifierKey
from candid.ledger.notes import MAX_NOTE, Note, Signature, verify_note
from candid.ledger.policy import Policy
from candid.ledger.sources import valid_address

# (old size) → the proof that the checkpoint in hand extends the log of that size.
Prover = Callable[[int], Sequence[bytes]]


class WitnessClient:
    """One witness, reached over HTTP. Not for several threads at once."""

    def __init__(self, key: VerifierKey, url: str, *, timeout: float = 5.0) -> None:
        """Name the witness.

        Args:
            key: its public key.
            url: its submission prefix.
            timeout: seconds for each step of a request.

        Raises:
            WitnessError: the URL is not one of http or https.
        """
        if not valid_address(url):
            raise WitnessError(f"the witness {key.name} has no address of http or https: {url}")
        self.key = key
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._timeout = timeout
        self._known = 0  # the size that the witness cosigned last, as far as we know

    def cosign(self, signed: SignedCheckpoint, prove: Prover) -> Signature:
        """Get the witness's cosignature of a checkpoint.

        Raises:
            WitnessAhead: it has seen the log larger.
            WitnessDisputes: it has seen the log with other entries.
            WitnessError: it cannot be reached, or its answer is of no use.
        """
        asked = min(self._known, signed.size)
        status, body = self._ask(signed, prove, asked)
        if status == 409 and (known := self._size(body, signed)) != asked:
            asked = known
            status, body = self._ask(signed, prove, asked)
        # What the witness has cosigned is not the beginning of this log (422), or has another root (409).
        if status == 422 or (status == 409 and asked == signed.size):
            raise WitnessDisputes(
                f"the witness {self.key.name} knows other entries of this log: {_text(body)}"
            )
        if status != 200:
            raise WitnessError(f"the witness {self.key.name} answers {status}: {_text(body)}")
        signature = self._check(signed, body)
        self._known = signed.size
        return signature

    def _size(self, body: bytes, signed: SignedCheckpoint) -> int:
        """What the witness cosigned last, from its answer 409."""
        try:
            known = decode_decimal(body.removesuffix(b"\n"), "the size that the witness has")
        except FormatError as error:
            raise WitnessError(f"the witness {self.key.name}: {error}") from error
        if known > signed.size:
            raise WitnessAhead(
                f"the witness {self.key.name} has cosigned this log with {known} entries, "
                f"and it has {signed.size}"
            )
        return known

    def _ask(self, signed: SignedCheckpoint, prove: Prover, old: int) -> tuple[int, bytes]:
        lines = [b"old %d" % old, *(encode_base64(item) for item in prove(old))]
        data = b"\n".join(lines) + b"\n\n" + bytes(signed)
        request = urllib.request.Request(self._url, data=data, method="POST")  # noqa: S310 - checked
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as reply:  # noqa: S310 - checked above
                return int(reply.status), bytes(reply.read(MAX_NOTE))
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(MAX_NOTE)
        except (OSError, HTTPException) as error:
            raise WitnessError(f"the witness {self.key.name} cannot be reached: {error}") from error

    def _check(self, signed: SignedCheckpoint, body: bytes) -> Signature:
        try:
            answer = Note.parse(signed.checkpoint.text + b"\n" + body)
            return verify_note(answer, [self.key])[0].signature
        except LedgerError as error:
            raise WitnessError(f"the witness {self.key.name} sent no valid cosignature: {error}") from error


class Witnesses:
    """The witnesses of a policy that have an address. Not for several threads at once."""

    def __init__(self, policy: Policy, *, timeout: float = 5.0) -> None:
        """Name the policy.

        Raises:
            WitnessError: an address in it is not one of http or https.
        """
        self._policy = policy
        self._clients = [
            WitnessClient(witness.key, witness.url, timeout=timeout)
            for witness in policy.witnesses
            if witness.url is not None
        ]

    def cosigned(self, note: Note) -> list[tuple[str, int]]:
        """Who of the policy cosigned a checkpoint, and when: name, and seconds since the epoch by its clock.

        Raises:
            SignatureError, QuorumError: a cosignature is false, or there are too few.
        """
        return [(found.key.name, found.time or 0) for found in self._policy.check_cosignatures(note)]

    def cosign(self, signed: SignedCheckpoint, prove: Prover) -> Note:
        """Ask all of them, at the same time.

        Args:
            signed: the log's own checkpoint.
            prove: makes consistency proofs to it; called from one thread at a time, before any is asked anew.

        Returns:
            The checkpoint's note with the cosignatures that were given.

        Raises:
            WitnessAhead, WitnessDisputes: one of them has seen more, or something else. Do not go on.
            QuorumError: too few cosigned; says what each of the others answered.
        """
        outcomes: list[Signature | WitnessError] = []
        with ThreadPoolExecutor(max_workers=max(1, len(self._clients))) as pool:
            outcomes.extend(pool.map(lambda client: _outcome(client, signed, prove), self._clients))
        for outcome in outcomes:
            if isinstance(outcome, WitnessAhead | WitnessDisputes):
                raise outcome
        given = tuple(outcome for outcome in outcomes if isinstance(outcome, Signature))
        note = Note(signed.note.text, (*signed.note.signatures, *given))
        try:
            self._policy.check_cosignatures(note)
        except QuorumError as error:
            reasons = "; ".join(str(outcome) for outcome in outcomes if isinstance(outcome, WitnessError))
            raise QuorumError(f"{error}: {reasons or 'the others have no address'}") from error
        return note


def _outcome(client: WitnessClient, signed: SignedCheckpoint, prove: Prover) -> Signature | WitnessError:
    try:
        return client.cosign(signed, prove)
    except WitnessError as error:
        return error


def _text(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace").strip()
