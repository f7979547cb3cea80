"""Labels in the verifiable map: a name is looked up by its VRF output, so that the map gives no names away.

Layout of a label proof: the VRF proof (80 bytes), then the map proof. The map's key is the first 32 bytes
of the VRF's output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from candid.ledger.errors import FormatError
from candid.ledger.map.hashing import KEY_SIZE
from candid.ledger.map.nodes import Version
from candid.ledger.map.proofs import MapProof
from candid.ledger.map.store import VerifiableMap
from candid.ledger.vrf import PROOF_SIZE, VrfPublicKey, VrfSecretKey


@dataclass(frozen=True, slots=True)
class LabelProof:
    """Proves whether a label is in the map, and with which value.

    Attributes:
        vrf: that the map's key is the label's.
        map: that the key is in the map, or is not.
    """

    vrf: bytes
    map: MapProof

    def __bytes__(self) -> bytes:
        return self.vrf + bytes(self.map)

    @classmethod
    def decode(cls, data: bytes) -> LabelProof:
        """Read a proof.

        Raises:
            FormatError: these bytes are none.
        """
        if len(data) < PROOF_SIZE:
            raise FormatError("these bytes are no proof of a label: they are cut off")
        return cls(data[:PROOF_SIZE], MapProof.decode(data[PROOF_SIZE:]))

    def verify(self, label: bytes, *, key: VrfPublicKey, root: bytes) -> bytes | None:
        """Check the proof.

        Args:
            label: what was asked for.
            key: the log's VRF key.
            root: the map's root, from the log.

        Returns:
            The label's value, or None: it is proved that the label is not in the map.

        Raises:
            VrfError, ProofError: neither is established.
        """
        # 1. The map's key belongs to the label.
        output = key.verify(label, self.vrf)
        # 2. The map has it, or has it not.
        return self.map.verify(output[:KEY_SIZE], root)


class LabelMap:
    """A verifiable map with the VRF key that turns labels into its keys."""

    def __init__(self, entries: VerifiableMap, secret: VrfSecretKey) -> None:
        """Put the two together."""
        self._map, self._secret = entries, secret

    def key(self, label: bytes) -> bytes:
        """The map's key of a label."""
        return self._secret.output(label)[:KEY_SIZE]

    def add(self, labels: Mapping[bytes, bytes]) -> Version:
        """Add labels with their 32-byte values, as one new version.

        Raises:
            MapError: as `VerifiableMap.insert`.
        """
        return self._map.insert({self.key(label): value for label, value in labels.items()})

    def prove(self, label: bytes, version: Version | None = None) -> LabelProof:
        """The proof whether a label is in a version of the map, None being the newest."""
        return LabelProof(self._secret.prove(label), self._map.prove(self.key(label), version))
