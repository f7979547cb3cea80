"""Face model versions: the number that clients see for an embedding contract.

Amazon's `FaceModelVersion` and `IndexFacesModelVersion` are dotted numbers (`[0-9.]+` in the service model). A
contract (model, version, file digest, preprocessing, dimension) is an exact identity, and its version is such a
number: Candid's own embedders have short ones, an operator's own has `100.` and eight hex digits of its file's
digest as a number, so that two files never share one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from candid.vision import EmbeddingContract
from candid.vision.calibration import Calibration

# Decimals of a similarity. The scores of one pair differ by about 1e-7 from one operation to the next, because
# sums in float32 depend on how many faces are computed at once: up to 7e-6 of a similarity where it was
# measured (78 pairs), 2e-5 on the steepest part of the shipped calibration. What is told must hardly depend on
# that, and a face must reach 100 with itself.
DECIMALS = 4

# The version within `EmbeddingContract.id`.
_VERSION = re.compile(r"-(?P<version>[0-9]+(?:\.[0-9]+)*)-[0-9a-f]{12}-[^-]+-[0-9]+\Z")


class VersionNotServed(Exception):
    """A collection stands under an embedding contract whose model this server does not have."""


class FaceModels:
    """The embedders that are served, by contract id, each with its calibration."""

    def __init__(
        self,
        contracts: Iterable[EmbeddingContract],
        *,
        default: EmbeddingContract,
        calibrations: Mapping[str, Calibration],
    ) -> None:
        self._contracts = {contract.id: contract for contract in contracts}
        self.default = default
        self._calibrations = dict(calibrations)

    def version(self, contract_id: str) -> str:
        """The version number of a contract, also of one that is no longer served.

        Raises:
            ValueError: it is no id of a contract.
        """
        match = _VERSION.search(contract_id)
        if match is None:
            raise ValueError(f"{contract_id!r} is no embedding contract")
        return match["version"]

    def served(self, contract_id: str) -> bool:
        """Whether faces can be embedded under this contract now."""
        return contract_id in self._contracts

    def require(self, contract_id: str) -> str:
        """The contract's id, once it is sure that it is served.

        Raises:
            VersionNotServed: the server has no such embedder, or no calibration of it.
        """
        if not self.served(contract_id) or contract_id not in self._calibrations:
            raise VersionNotServed(
                f"This collection has face model version {self.version(contract_id)}, which this server does "
                "not serve; its operator must add that model again."
            )
        return contract_id

    def similarity(self, contract_id: str, score: float) -> float:
        """Similarity 0–100 of a raw score of this contract's embedder, with `DECIMALS` decimals.

        Raises:
            VersionNotServed: see `require`.
        """
        return round(self._calibrations[self.require(contract_id)].similarity(score), DECIMALS)

    def score(self, contract_id: str, similarity: float) -> float:
        """The least raw score of this contract's embedder whose similarity, rounded, reaches a given one.

        Raises:
            VersionNotServed: see `require`.
        """
        return self._calibrations[self.require(contract_id)].score(similarity - 0.5 * 10**-DECIMALS)
