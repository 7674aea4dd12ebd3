"""Newcomers: documents whose new chunks stand in more lists than any document or chunk of the baseline did.

A new hub: a page that was written to be found (poison), a vector near all questions, a text with every keyword.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.facts import Facts
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import ALL, Concern, Leg, Measurement

METRIC = "new_hub_ratio"
NAMED = 10
"""Documents that are named."""
_COMES = frozenset({"upsert", "update", "copy"})
"""What an event did to a chunk that says something new where it stands."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A document with new chunks in the lists.

    Args:
        document: its id.
        segment: of one of these chunks.
        share: share of the anchors that have a new chunk of it in their lists.
        excess: how much more that is than any document had then, or one new chunk's share than any chunk had then,
            whichever is more; 0 where neither is.
    """

    document: str
    segment: Segment
    share: float
    excess: float


@dataclass(frozen=True, slots=True)
class Newcomers:
    """All newcomers of one leg, the greatest excess first.

    Args:
        leg: which.
        k: depth of the lists.
        anchors: whose lists are known now and were then.
        documents: at least one new chunk each.
    """

    leg: Leg
    k: int
    anchors: int
    documents: tuple[Newcomer, ...]

    def without(self, segment: Segment) -> "Newcomers":
        """Without those of a segment that was to change."""
        wanted = set(segment)
        rest = tuple(of for of in self.documents if not (wanted and wanted <= set(of.segment)))
        return Newcomers(self.leg, self.k, self.anchors, rest)

    @property
    def excess(self) -> float:
        """The greatest."""
        return max((of.excess for of in self.documents), default=0.0)

    def measurement(self) -> Measurement:
        """The greatest excess."""
        n = self.anchors
        value = self.excess if n else float("nan")
        return Measurement(METRIC, self.leg, self.k, ALL, ALL, "max", value, n, n, reason="" if n else "no_lists")

    def concern(self) -> Iterator[Concern]:
        """The documents that stand out; nothing where none does."""
        names = tuple(of.document for of in self.documents if of.excess > 0)
        if names:
            yield Concern(METRIC, self.leg, ALL, ALL, names[:NAMED], len(names))


def newcomers(
    baseline: Snapshot,
    alignment: Alignment,
    lists: Mapping[ListLeg, RankedLists],
    facts: Facts,
    hashes: Mapping[int, str],
    k: int,
) -> Iterator[Newcomers]:
    """The newcomers of each leg.

    Args:
        baseline: compared with.
        alignment: its anchors.
        lists: by leg, now.
        facts: what the chunks are now; nothing is found where their events are not known.
        hashes: content hash by chunk key now.
        k: depth.
    """
    if not facts.events:
        return
    said = {member.content_hash for member in baseline.members.values()}
    changes = facts.changes(baseline)
    legs: tuple[ListLeg, ...] = ("dense", "lexical")
    for leg in legs:
        if leg not in lists or leg not in baseline.lists:
            continue
        now, then = lists[leg].take(alignment.now).at(k), baseline.lists[leg].take(alignment.then).at(k)
        both = np.flatnonzero(now.known & then.known)
        count = len(both)
        earlier = _shares(then.keys[both], lambda key: _document(baseline, key))
        others: dict[int, tuple[str, Segment]] = {}
        for key in np.unique(now.keys[both]).tolist():
            if key == NO_CHUNK or hashes.get(key, "") in said:
                continue
            event = changes.event(key)
            if event is not None and event.kind in _COMES:
                others[key] = (event.doc_id, event.segment)
        later = _shares(now.keys[both], lambda key: others[key][0] if key in others else None)  # noqa: B023 - used at once
        segments = dict(others.values())
        made = [
            Newcomer(name, segments[name], share, max(0.0, share - earlier.document, one - earlier.chunk))
            for name, (share, one) in later.by_document.items()
        ]
        ranked = sorted(made, key=lambda of: (-of.excess, -of.share, of.document))
        yield Newcomers("lexical" if leg == "lexical" else "dense", k, count, tuple(ranked))


@dataclass(frozen=True, slots=True)
class _Shares:
    by_document: Mapping[str, tuple[float, float]]
    """Share of the anchors with any of its chunks, and with its most frequent one."""

    @property
    def document(self) -> float:
        return max((share for share, _ in self.by_document.values()), default=0.0)

    @property
    def chunk(self) -> float:
        return max((one for _, one in self.by_document.values()), default=0.0)


def _shares(keys: NDArray[np.int64], document: Callable[[int], str | None]) -> _Shares:
    """Shares of the lists (rows) that documents stand in; a chunk of no document (None) is passed over."""
    distinct, back = np.unique(keys, return_inverse=True)
    names: list[str] = []
    codes: dict[str, int] = {}
    of = np.full(len(distinct), -1, np.int64)
    for at, key in enumerate(distinct.tolist()):
        name = None if key == NO_CHUNK else document(key)
        if name is not None:
            of[at] = codes.setdefault(name, len(codes))
            names += [name] * (len(codes) - len(names))
    rows, columns = np.nonzero(of[back.reshape(keys.shape)] >= 0)
    chunks = back.reshape(keys.shape)[rows, columns]
    pairs = np.unique(np.stack((rows, of[chunks]), axis=1), axis=0)
    lists = np.bincount(pairs[:, 1], minlength=len(names))
    single = np.bincount(chunks, minlength=len(distinct))
    most = np.zeros(len(names), np.int64)
    held = of >= 0
    np.maximum.at(most, of[held], single[held])
    total = max(1, len(keys))
    shares = zip((lists / total).tolist(), (most / total).tolist(), strict=True)
    return _Shares(dict(zip(names, shares, strict=True)))


def _document(baseline: Snapshot, key: int) -> str | None:
    member = baseline.members.get(key)
    return None if member is None else member.doc_id
