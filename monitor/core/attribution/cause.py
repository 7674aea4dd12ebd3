"""Causes: which class of fault each changed slot belongs to, and what else was found, by construction.

CORPUS: events that changed content explain the slot. ENCODER: the event changed a vector or its version alone, or
the chunk is embedded by another contract than the anchors. INDEX: the served list changed and no event explains it,
serves what is deleted, or misses more of the exact list than in the baseline. CONFIG: a parameter of the index is
another one than in the baseline. LEXICAL STATISTICS: only the BM25 statistics moved, because content did: it stands
behind CORPUS, however many slots followed. PRODUCTION: what users get changed, no event explains it, and both legs'
lists of the same anchors stand still: the retriever itself (its reranker, filters, query rewriting, configuration).
QUERY SIDE: anchors ask something else. PIPELINE: the stream lost or lacks events. Several may hold.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.attribution import Attribution, Cause, Statistics
from monitor.core.model.report import CauseClass, CauseEvidence, CauseName

ORDER: tuple[CauseName, ...] = (
    "PIPELINE", "QUERY SIDE", "ENCODER", "CONFIG", "INDEX", "PRODUCTION", "CORPUS", "LEXICAL STATISTICS",
)  # fmt: skip
OF_FIELD: Mapping[str, CauseName] = {
    "embedding_version": "ENCODER",
    "distance": "INDEX",
    "quantization": "INDEX",
    "search": "INDEX",
    "tokenizer": "LEXICAL STATISTICS",
    "bm25": "LEXICAL STATISTICS",
    "k": "QUERY SIDE",
    "filters": "QUERY SIDE",
    "production": "QUERY SIDE",
}
"""The class of a fingerprint's field that differs from the baseline's."""


def causes(
    attributions: Sequence[Attribution],
    versions: frozenset[str],
    evidence: Sequence[CauseEvidence] = (),
    *,
    settling: frozenset[int] = frozenset(),
    fused: bool = False,
) -> tuple[CauseClass, ...]:
    """The classes that hold: those without a size first (they say why sizes may mean nothing), then by slots.

    Args:
        attributions: of the legs.
        versions: embedding versions of the anchors.
        evidence: what else was found.
        settling: anchors (rows) whose unexplained slots may be writes still on their way; they say nothing.
        fused: whether the dense lists are those of a fused query: its unexplained slots say nothing either.
    """
    return holding(sizes(attributions, versions, settling, fused=fused), evidence)


def holding(sized: Mapping[CauseName, "CauseSize"], evidence: Sequence[CauseEvidence] = ()) -> tuple[CauseClass, ...]:
    """`causes`, of sizes that are known.

    Statistics move where content does, so they are no cause beside CORPUS but the way it takes to chunks that nobody
    touched: they stand behind it, unless a tokenizer or a parameter of BM25 is another one.
    """
    said: dict[CauseName, list[str]] = {}
    for one in evidence:
        said.setdefault(one.cause, []).append(one.said)
    made = [
        CauseClass(
            name, *sized.get(name, _NOTHING).size, (*sized.get(name, _NOTHING).said(name), *said.get(name, ()))
        )
        for name in ORDER
        if name in sized or name in said
    ]
    corpus = sized.get("CORPUS", _NOTHING).slots
    follows = corpus > 0.0 and "LEXICAL STATISTICS" not in said

    def ranked(one: CauseClass) -> tuple[bool, float, int]:
        slots = min(one.slots, corpus) if follows and one.cause == "LEXICAL STATISTICS" else one.slots
        return one.slots > 0.0, -slots, ORDER.index(one.cause)

    return tuple(sorted(made, key=ranked))


def with_evidence(found: Sequence[CauseClass], one: CauseEvidence) -> tuple[CauseClass, ...]:
    """The classes with one more piece of evidence: added to its class, or a class of its own without a size."""
    if any(of.cause == one.cause for of in found):
        return tuple(replace(of, evidence=(*of.evidence, one.said)) if of.cause == one.cause else of for of in found)
    return (CauseClass(one.cause, 0.0, 0, (one.said,)), *found)


def cause_of(cause: Cause, versions: frozenset[str]) -> CauseName:
    """The class of one cause."""
    if isinstance(cause, Statistics):
        return "LEXICAL STATISTICS"
    other = bool(cause.embedding_version and versions and cause.embedding_version not in versions)
    if cause.kind == "reencode" or (other and cause.kind != "delete"):
        return "ENCODER"
    return "CORPUS"


@dataclass(frozen=True, slots=True)
class CauseSize:
    """How many changed slots of how many anchors a class explains."""

    slots: float = 0.0
    anchors: int = 0
    names: tuple[tuple[str, int], ...] = ()
    """How many events of each kind; of statistics how many slots each source moved."""

    @property
    def size(self) -> tuple[float, int]:
        """Slots and anchors."""
        return self.slots, self.anchors

    def said(self, name: CauseName) -> tuple[str, ...]:
        """The size in words."""
        if not self.slots:
            return ()
        named = ", ".join(what if name == "LEXICAL STATISTICS" else f"{count} x {what}" for what, count in self.names)
        where = f"{self.slots:,.{0 if self.slots >= 10 else 1}f} changed slots of {self.anchors} anchors"
        if name == "PRODUCTION":
            return (f"{where} of production's lists are explained by no event, and both legs stand still there",)
        if name == "INDEX":
            return (f"{where} of the served lists are explained by no event",)
        if name == "LEXICAL STATISTICS":
            return (f"{where}: only the BM25 statistics moved ({named})",)
        return (f"{where}: events {named}",)


_NOTHING = CauseSize()


def sizes(
    attributions: Sequence[Attribution], versions: frozenset[str], settling: frozenset[int], *, fused: bool
) -> dict[CauseName, CauseSize]:
    """The size of each class that explains any slot; arguments as of `causes`."""
    slots: dict[CauseName, float] = {}
    anchors: dict[CauseName, set[int]] = {}
    found: dict[CauseName, set[Cause]] = {}
    calm_from = np.fromiter(settling, np.int64, len(settling))
    for one in attributions:
        calm = ~np.isin(one.row, calm_from) | (one.cause >= 0)
        if one.leg == "production":  # what a leg moved, production follows: the leg's cause says it already
            calm &= (one.cause >= 0) | ~np.isin(one.row, _moved(attributions))
        if fused and one.leg == "dense":
            calm &= one.cause >= 0
        at = np.flatnonzero(calm)
        order = at[np.argsort(one.cause[at], kind="stable")]
        numbers, starts, counts = np.unique(one.cause[order], return_index=True, return_counts=True)
        nobody: CauseName = "PRODUCTION" if one.leg == "production" else "INDEX"
        causes_of = [one.causes[number] if number >= 0 else None for number in numbers.tolist()]
        names = [nobody if cause is None else cause_of(cause, versions) for cause in causes_of]
        for name, cause, part in zip(names, causes_of, _sums(one.part[order], starts, counts).tolist(), strict=True):
            slots[name] = slots.get(name, 0.0) + part
            found.setdefault(name, set()).update(() if cause is None else (cause,))
        owners = np.repeat([ORDER.index(name) for name in names], counts)
        for name in set(names):
            rows = np.unique(one.row[order][owners == ORDER.index(name)])
            anchors.setdefault(name, set()).update(rows.tolist())
    return {name: CauseSize(slots[name], len(anchors[name]), _most(found[name])) for name in slots}


def _moved(attributions: Sequence[Attribution]) -> NDArray[np.int64]:
    """Anchors (rows) of which a leg's own list changed."""
    return np.concatenate([np.zeros(0, np.int64), *(of.row for of in attributions if of.leg != "production")])


def _most(found: set[Cause]) -> tuple[tuple[str, int], ...]:
    """Events by kind, an event on both legs once; of statistics their sources."""
    names = Counter(f"source {of.name or '(unknown)'}" if isinstance(of, Statistics) else of.kind for of in found)
    return tuple(sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))[:4])


def _sums(parts: NDArray[np.float64], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) the sums of n pieces, to the bit those that `numpy.sum` makes of each: pieces of one length together."""
    sums = np.zeros(len(starts))
    for count in np.unique(counts).tolist():
        some = counts == count
        sums[some] = parts[starts[some][:, None] + np.arange(count)].sum(axis=1)
    return sums
