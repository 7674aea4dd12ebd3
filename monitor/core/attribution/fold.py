"""Attributions folded up to sources, documents, segments, deploys and offset ranges."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.attribution import Attribution, ChangedPart, Statistics
from monitor.core.attribution.deploys import DeployTimeline
from monitor.core.attribution.prefixes import heavy_prefixes
from monitor.core.index.lexical.sources import REST
from monitor.core.index.since_baseline import Event
from monitor.core.model.events import Segment
from monitor.core.model.report import Leg, Share, ShareKind
from monitor.core.model.segments import value_of


class ShareOwner(NamedTuple):
    """Who a share is of: a name, and whether it is somebody's; a document may be called `(others)` too."""

    name: str
    kind: ShareKind = ShareKind.NAMED


STATISTICS = ShareOwner("(lexical statistics)", ShareKind.STATISTICS)
UNEXPLAINED = ShareOwner("(unexplained)", ShareKind.UNEXPLAINED)
UNNAMED = ShareOwner("(no source)", ShareKind.NO_SOURCE)
OTHERS = ShareOwner("(others)", ShareKind.OTHERS)
LEAST_LEFT = 1e-9
"""Below this, what the parts of statistics leave of 1 is rounding."""
MOST = 20
"""Shares kept per leg and level; the rest is summed under `(others)`."""
Naming = Callable[[Event], ShareOwner]
Names = Sequence[tuple[ShareOwner, float]]
"""Who a cause is, with shares that add up to 1."""
OfStatistics = Callable[[Statistics], Names]


def blamed(
    attribution: Attribution, deploys: DeployTimeline, *, since: Mapping[str, int], dimensions: Sequence[str] = ()
) -> tuple[Share, ...]:
    """One leg's shares by source, path, document, segment of each dimension, and deploy; the largest first.

    Args:
        attribution: of the leg.
        deploys: to which deploy an event belongs.
        since: next offsets of the baseline.
        dimensions: the configured ones.
    """
    culprit = by_culprit(attribution)
    return (
        *folded(attribution, "source", by_source, statistics=whose),
        *by_path(attribution, culprit),
        *folded(attribution, "document", culprit, statistics=documents_of),
        *(
            share
            for dimension in dimensions
            for share in folded(attribution, "segment", by_segment(dimension), statistics=segments_of(dimension))
        ),
        *by_deploys(attribution, deploys, since),
    )


def by_deploys(attribution: Attribution, deploys: DeployTimeline, since: Mapping[str, int]) -> list[Share]:
    """One leg's shares by deploy; where nobody knows whose statistics moved, a deploy's if it is the only one."""
    told, only = attribution.by_deploy(), deploys.only_since(tuple(since.items()))
    statistics = whose if told is not None else nobodys(ShareOwner(only)) if only else unnamed
    of = attribution if told is None else told
    return folded(of, "deploy", lambda event: ShareOwner(deploys.of(event.position)), statistics=statistics)


def by_path(attribution: Attribution, culprit: Naming) -> list[Share]:
    """One leg's shares by the path prefixes that hold the blame, see `heavy_prefixes`."""
    slots = _slots_by_name(attribution, culprit, documents_of)
    prefixes = heavy_prefixes({who.name: of for who, of in slots.items() if who.kind is ShareKind.NAMED})

    owners = {document: ShareOwner(of) for document, of in prefixes.items()}

    def prefix(who: ShareOwner) -> ShareOwner:
        return owners.get(who.name, OTHERS) if who.kind is ShareKind.NAMED else who

    return folded(
        attribution,
        "path",
        lambda event: prefix(culprit(event)),
        statistics=lambda cause: [(prefix(who), share) for who, share in documents_of(cause)],
    )


def by_source(event: Event) -> ShareOwner:
    """The event's source."""
    return ShareOwner(event.source) if event.source else UNNAMED


def by_document(event: Event) -> ShareOwner:
    """The event's document."""
    return ShareOwner(event.doc_id)


def by_culprit(attribution: Attribution) -> Naming:
    """The event's document; the copies of one text are one culprit, named by the document of the first that came."""
    first: dict[str, Event] = {}
    for cause in attribution.causes:
        if isinstance(cause, Event) and cause.says:
            known = first.setdefault(cause.says, cause)
            first[cause.says] = min(known, cause, key=lambda of: (of.position, of.chunk_id))
    owners: dict[str, ShareOwner] = {}

    def culprit(event: Event) -> ShareOwner:
        document = (first.get(event.says, event) if event.says else event).doc_id
        return owners.get(document) or owners.setdefault(document, ShareOwner(document))

    return culprit


def by_segment(dimension: str) -> Naming:
    """The event's segment in a dimension, as `language=de`."""
    owners: dict[Segment, ShareOwner] = {}

    def segment(event: Event) -> ShareOwner:
        of = event.segment
        return owners.get(of) or owners.setdefault(of, ShareOwner(f"{dimension}={value_of(dimension, of)}"))

    return segment


def whose(cause: Statistics) -> Names:
    """Statistics are whoever's moved them."""
    if cause.name == REST:
        return [(OTHERS, 1.0)]
    return [(ShareOwner(cause.name) if cause.name else STATISTICS, 1.0)]


def nobodys(name: ShareOwner) -> OfStatistics:
    """Statistics under one name, whoever moved them."""
    return lambda _: [(name, 1.0)]


def unnamed(cause: Statistics) -> Names:
    """Statistics by themselves."""
    del cause
    return [(STATISTICS, 1.0)]


def documents_of(cause: Statistics) -> Names:
    """Statistics are the documents' whose changes moved them."""
    return _parts(cause, lambda part: ShareOwner(part.doc_id))


def segments_of(dimension: str) -> OfStatistics:
    """Statistics are the segments' whose changes moved them."""
    return lambda cause: _parts(cause, lambda part: ShareOwner(f"{dimension}={value_of(dimension, part.segment)}"))


def _parts(cause: Statistics, name: Callable[[ChangedPart], ShareOwner]) -> Names:
    shares: dict[ShareOwner, float] = {}
    for part in cause.parts:
        shares[name(part)] = shares.get(name(part), 0.0) + part.share
    left = 1.0 - sum(shares.values())
    if left > LEAST_LEFT:
        shares[OTHERS if shares else STATISTICS] = left
    return list(shares.items())


def folded(
    attribution: Attribution,
    level: str,
    name: Naming,
    *,
    statistics: OfStatistics = unnamed,
    most: int = MOST,
) -> list[Share]:
    """Shares of one leg's churn by name, the largest first; they add up to 1, or there are none.

    Moved statistics that nobody can be named for, and the rest, stand behind all who are named: a card's first name
    is somebody to ask.

    Args:
        attribution: of the leg.
        level: what the names are.
        name: of an event.
        statistics: the names of moved BM25 statistics.
        most: shares kept; the rest is summed under `(others)`.
    """
    if not len(attribution.row):
        return []
    entries = _Entries.of(attribution, name, statistics)
    slots, anchors = entries.sizes()
    total = sum(slots)
    named = [at for at in range(len(slots)) if anchors[at] and entries.names[at] != OTHERS]
    kept = nsmallest(most, named, key=lambda at: (entries.names[at] == STATISTICS, -slots[at], entries.names[at]))
    rest = {*range(len(slots))} - {*kept}
    leg: Leg = attribution.leg
    made = [
        Share(leg, level, who.name, slots[at] / total, slots[at], anchors[at], who.kind)
        for at, who in ((at, entries.names[at]) for at in kept)
    ]
    left = sum(slots[at] for at in sorted(rest))
    if left:
        made.append(Share(leg, level, OTHERS.name, left / total, left, entries.anchors_of(rest), OTHERS.kind))
    return made


def _slots_by_name(attribution: Attribution, name: Naming, statistics: OfStatistics) -> dict[ShareOwner, float]:
    entries = _Entries.of(attribution, name, statistics)
    return dict(zip(entries.names, entries.sizes()[0], strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """The entries of an attribution by name: one that is several names' stands once for each."""

    names: list[ShareOwner]
    number: NDArray[np.int64]
    row: NDArray[np.int64]
    part: NDArray[np.float64]

    @classmethod
    def of(cls, attribution: Attribution, name: Naming, statistics: OfStatistics) -> "_Entries":
        """Naming all causes; -1, the unexplained, comes last."""
        said, parts, counts = list[ShareOwner](), list[float](), np.ones(len(attribution.causes) + 1, np.int64)
        for number, cause in enumerate(attribution.causes):
            if isinstance(cause, Statistics):
                names = statistics(cause)
                said += [owner for owner, _ in names]
                parts += [share for _, share in names]
                counts[number] = len(names)
            else:
                said.append(name(cause))
                parts.append(1.0)
        distinct: dict[ShareOwner, int] = {}
        numbers = np.array([distinct.setdefault(owner, len(distinct)) for owner in (*said, UNEXPLAINED)])
        shares = np.array([*parts, 1.0])
        starts, times = np.cumsum(counts) - counts, counts[attribution.cause]
        first = np.repeat(starts[attribution.cause], times)
        within = np.arange(len(first)) - np.repeat(np.cumsum(times) - times, times)
        at = first + within
        return cls(
            list(distinct),
            numbers[at],
            np.repeat(attribution.row, times),
            np.repeat(attribution.part, times) * shares[at],
        )

    def sizes(self) -> tuple[list[float], list[int]]:
        """Slots and anchors by name; added one by one, in the order of the lists."""
        count = len(self.names)
        slots: list[float] = np.bincount(self.number, weights=self.part, minlength=count).tolist()
        width = int(self.row.max(initial=0)) + 1
        pairs = np.unique(self.number * width + self.row)
        anchors: list[int] = np.bincount(pairs // width, minlength=count).tolist()
        return slots, anchors

    def anchors_of(self, numbers: Iterable[int]) -> int:
        """Anchors that any of these names moved."""
        return len(np.unique(self.row[np.isin(self.number, list(numbers))]))
