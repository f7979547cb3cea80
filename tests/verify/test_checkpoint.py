"""Checkpoints."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import pytest

from candid.ledger import SigningKey, sign_note
from candid_verify.checkpoint import open_checkpoint
from candid_verify.errors import FormatError, ProofError
from candid_verify.notes import Key

LOG = SigningKey.generate("log.example", randomness=lambda size: bytes([1]) * size)
KEY = Key.parse(str(LOG.verifier))
ROOT, EMPTY = b64encode(bytes(32)).decode(), b64encode(sha256(b"").digest()).decode()


def signed(text):
    return bytes(sign_note(text.encode(), [LOG])).decode()


@pytest.mark.parametrize(("size", "root"), [(7, ROOT), (0, EMPTY)])
def test_a_checkpoint(size, root):
    found = open_checkpoint(signed(f"log.example\n{size}\n{root}\n"), KEY)
    assert (found.origin, found.size, b64encode(found.root).decode()) == ("log.example", size, root)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"log.example\n7\n{ROOT}\nextension\n", "nothing else"),
        ("log.example\n7\n", "nothing else"),
        (f"log.example\n07\n{ROOT}\n", "decimal"),
        ("log.example\n7\nAAAA\n", "root"),
        (f"log.example\n0\n{ROOT}\n", "root"),
        (f"log.example\n7\n{EMPTY}\n", "root"),
        (f"other.example\n7\n{ROOT}\n", "other.example"),
    ],
)
def test_what_is_no_checkpoint_of_this_log(text, why):
    with pytest.raises((FormatError, ProofError), match=why):
        open_checkpoint(signed(text), KEY)
