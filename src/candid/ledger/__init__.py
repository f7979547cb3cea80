"""The transparency log, a library usable alone. It imports nothing else of Candid.

It knows entries as bytes, Merkle trees, tiles, checkpoints, proofs, witnesses and the verifiable map. It
must not know what an entry means, who a customer is, or what is billed.

Writing: `Log`. Reading what one does not trust: `LogReader`, `verify_log`, `TlogProof`, `Policy`.
Everything that is found wrong is raised as a `LedgerError` that says what was checked, expected and found;
nothing here answers True or False to "is it genuine".
"""

from candid.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from candid.ledger.errors import LedgerError
from candid.ledger.keys import Algorithm, SigningKey, VerifierKey
from candid.ledger.log import Log, LogOptions, LogStatus
from candid.ledger.notes import Note, sign_note, verify_note
from candid.ledger.policy import Policy
from candid.ledger.reader import LogReader, read_checkpoint
from candid.ledger.sequencer import Pending, Sequenced
from candid.ledger.serving import PublicFile, public_file
from candid.ledger.sources import FolderSource, Source, UrlSource, open_source
from candid.ledger.tlogproof import TlogProof
from candid.ledger.tree import hash_leaf
from candid.ledger.verify import VerifiedLog, verify_log
from candid.ledger.witness import Witness
from candid.ledger.witness_http import WitnessServer
from candid.ledger.witnessing import Witnesses

__all__ = [
    "Algorithm",
    "Checkpoint",
    "FolderSource",
    "LedgerError",
    "Log",
    "LogOptions",
    "LogReader",
    "LogStatus",
    "Note",
    "Pending",
    "Policy",
    "PublicFile",
    "Sequenced",
    "SignedCheckpoint",
    "SigningKey",
    "Source",
    "TlogProof",
    "UrlSource",
    "VerifiedLog",
    "VerifierKey",
    "Witness",
    "WitnessServer",
    "Witnesses",
    "hash_leaf",
    "open_checkpoint",
    "open_source",
    "public_file",
    "read_checkpoint",
    "sign_checkpoint",
    "sign_note",
    "verify_log",
    "verify_note",
]
