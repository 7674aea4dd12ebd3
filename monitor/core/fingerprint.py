"""Fingerprint: everything that must be equal for a comparison with a baseline to mean anything."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b

from monitor.core.anchors import Anchor


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The measuring set-up of a corpus. Two lists are comparable only at equal fingerprints.

    Numbers are kept as text, so that a stored fingerprint compares exactly whatever the store did to floats.
    """

    distance: str
    embedding_version: str
    quantization: str
    search: str
    tokenizer: str
    bm25: str
    k: str
    filters: str
    segments: str

    def digest(self) -> str:
        """64 bits of BLAKE2b over all fields, hexadecimal: short enough to show and to compare by eye."""
        text = "\x1f".join(f"{name}={value}" for name, value in sorted(asdict(self).items()))
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def differences(self, other: "Fingerprint") -> tuple[str, ...]:
        """One line per field that differs: `field: mine here, theirs there`; empty when comparable."""
        if self == other:
            return ()
        mine, theirs = asdict(self), asdict(other)
        return tuple(
            f"{name}: baseline {theirs[name]!r}, now {mine[name]!r}" for name in mine if mine[name] != theirs[name]
        )

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Fingerprint":
        """From stored fields; a field this version does not know makes the fingerprint another one."""
        known = {name: str(fields.get(name, "absent")) for name in cls.__slots__}
        for name in sorted(set(fields) - set(cls.__slots__)):
            known["search"] += f", {name}={fields[name]}"
        return cls(**known)


def anchor_digest(anchor: Anchor) -> str:
    """What identifies an anchor's question: text, vector bytes and embedding version (128 bits, hexadecimal).

    An anchor whose digest differs from the baseline's is left out of the comparison and counted.
    """
    digest = blake2b(digest_size=16)
    for part in (anchor.text, anchor.embedding_version):
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    if anchor.vector is not None:
        digest.update(anchor.vector.tobytes())
    return digest.hexdigest()
