"""Verifies Candid's evidence offline, trusting nobody: a package of its own that needs only `cryptography`.

It knows the formats that an outsider must recompute: canonical JSON, entries, commitments, identity labels,
tree and map proofs, the VRF, bills. It imports nothing of `candid`, which imports from here what both sides
must agree on.
"""

from candid_verify.errors import InputError, VerifyError
from candid_verify.verdict import Verdict
from candid_verify.verifier import verify

__all__ = ["InputError", "Verdict", "VerifyError", "verify"]
