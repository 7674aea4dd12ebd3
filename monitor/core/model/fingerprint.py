"""Fingerprint: everything that must be equal for a comparison with a baseline to mean anything."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

from monitor.core.model.anchors import Anchor, query_vector_bytes

ABSENT = "absent"
"""Shown in place of a field that was not stored."""


class SearchMode(StrEnum):
    """Whether the dense index looks at every vector."""

    EXACT = "exact"
    """Two builds of the index serve the same lists."""
    APPROXIMATE = "approximate"
    """A graph: what is served depends on how it was built."""
    FUSED = "fused"
    """A query of production's own, whose scores are not those of the vectors: they compare with nothing."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How the dense index searches.

    Args:
        engine: the configured engine.
        mode: exact or approximate.
        parameters: (name, value) of an approximate search, in the order they are shown in.
    """

    engine: str
    mode: SearchMode
    parameters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As it is shown, and as digests have it: `embedded:exact`, `server:hnsw:m=16:ef=default`."""
        named = (f"{name}={value}" for name, value in self.parameters)
        method = "hnsw" if self.mode is SearchMode.APPROXIMATE else self.mode.value
        return ":".join((self.engine, method, *named))

    @classmethod
    def of(cls, stored: object) -> "SearchConfig":
        """From what a state keeps; until fingerprints had types that was the text that is shown."""
        if isinstance(stored, Mapping):
            pairs = tuple((str(name), str(value)) for name, value in stored["parameters"])
            return cls(str(stored["engine"]), SearchMode(stored["mode"]), pairs)
        engine, _, rest = str(stored).partition(":")
        method, *named = rest.split(":")
        pairs = tuple((name, value) for name, _, value in (one.partition("=") for one in named))
        return cls(engine, SearchMode.EXACT if method == "exact" else SearchMode.APPROXIMATE, pairs)


class Difference(NamedTuple):
    """A field in which two fingerprints differ, with both values as they are shown."""

    field: str
    then: str
    now: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.field}: baseline {self.then!r}, now {self.now!r}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The measuring set-up of a corpus. Two lists are comparable only at equal fingerprints.

    Numbers are kept as text, so that a stored fingerprint compares exactly whatever the store did to floats.
    `others` are stored fields that this version does not know: they make the fingerprint another one.
    """

    distance: str
    embedding_version: str
    quantization: str
    search: SearchConfig
    tokenizer: str
    bm25: str
    k: str
    filters: str
    segments: str
    others: tuple[tuple[str, str], ...] = ()

    def shown(self) -> dict[str, str]:
        """Every field as text, by name."""
        names = [of.name for of in fields(self) if of.name != "others"]
        return {name: str(getattr(self, name)) for name in names} | dict(self.others)

    def digest(self) -> str:
        """64 bits of BLAKE2b over all fields, hexadecimal: short enough to show and to compare by eye."""
        text = "\x1f".join(f"{name}={value}" for name, value in sorted(self.shown().items()))
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def differences(self, other: "Fingerprint") -> tuple[Difference, ...]:
        """What differs from a baseline's fingerprint, `other`; empty when comparable."""
        if self == other:
            return ()
        mine, theirs = self.shown(), other.shown()
        pairs = [(name, theirs.get(name, ABSENT), mine.get(name, ABSENT)) for name in {**mine, **theirs}]
        return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Fingerprint":
        """From stored fields; a field this version does not know makes the fingerprint another one."""
        names = [of.name for of in fields(cls) if of.name not in ("search", "others")]
        known = {name: str(stored.get(name, ABSENT)) for name in names}
        more = {str(name): str(value) for name, value in stored.get("others", ())}
        more |= {name: str(stored[name]) for name in stored if name not in (*names, "search", "others")}
        search = SearchConfig.of(stored.get("search", ABSENT))
        return cls(search=search, others=tuple(sorted(more.items())), **known)


def anchor_digest(anchor: Anchor) -> str:
    """What identifies an anchor's question: text, bytes of its vectors, embedding version (128 bits, hexadecimal).

    An anchor whose digest differs from the baseline's is left out of the comparison and counted.
    """
    digest = blake2b(digest_size=16)
    for part in (anchor.text, anchor.embedding_version):
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    if anchor.vector is not None:
        digest.update(anchor.vector.tobytes())
    digest.update(query_vector_bytes(anchor))
    return digest.hexdigest()
