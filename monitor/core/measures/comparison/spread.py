"""What is measured of a segment as a whole: hubs, the mix of sources and all scores against the baseline's."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.summary import NO_ANCHORS
from monitor.core.measures.formulas.columns import NOT_REPLAYED, TOO_FEW_RESULTS
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.hubs import HubShares
from monitor.core.measures.formulas.sources import SourceMixes
from monitor.core.measures.formulas.wasserstein import PooledScores
from monitor.core.measures.measure import AnyMeasure, SegmentValues
from monitor.core.measures.views import ByDepth
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Leg, Measurement

NO_SOURCES = "no_sources"
Sources = NDArray[np.int64]
_NONE = float("nan")
Kept = TypeVar("Kept")


class SegmentsThen:
    """What is known of the baseline's lists of one leg, which stay, and what was found of those looked at last.

    Args:
        lists: of P anchors.
        alignment: segments and weights.
        depths: the depths k to measure at.
    """

    def __init__(self, lists: RankedLists, alignment: Alignment, depths: Sequence[int]) -> None:
        self.lists = lists
        self.anchors = Grouped.of(alignment.weights, [(of.codes, len(of.segments)) for of in alignment.groupings])
        self.hubs = {k: HubShares.of(self.anchors, lists, k).share for k in depths}
        """Hub shares by depth."""
        self.lately: dict[tuple[str, int], Any] = {}
        """By name and depth, what was found last; whoever moves it on takes it away for that time."""
        self.places = [(of.dimension, segment) for of in alignment.groupings for segment in of.segments]
        """Dimension and name of each segment."""
        self.said: dict[tuple[str, int], _Said] = {}
        """By measure and depth, what was said: replaced whole, any thread may look."""

    def next(self, name: str, k: int, make: Callable[[], Kept], move: Callable[[Kept], Kept]) -> Kept:
        """What was found last moved on, or made where nothing was, or where somebody else is moving it on."""
        kept = self.lately.pop((name, k), None)
        found = self.lately[name, k] = make() if kept is None else move(kept)
        return found


class SegmentsView:
    """One leg's lists of P anchors, of which segments are measured as a whole: those of all dimensions at once.

    Args:
        before: the baseline's lists, and the segments.
        now: the lists.
        sources: (P, k) source code of each slot then and now, NO_SOURCE for none.
    """

    def __init__(self, before: SegmentsThen, now: RankedLists, sources: tuple[Sources, Sources]) -> None:
        self.before, self._then, self._now = before, before.lists, now
        self._sources, self._made = sources, ByDepth()

    def hubs(self, k: int) -> SegmentValues:
        """See `HubShares`; with the baseline's own shares."""
        before, of = self.before, (self.before.anchors, self._now, k)
        now = self._made.once(
            "hubs", k, lambda: before.next("hubs", k, lambda: HubShares.of(*of), lambda kept: kept.moved(*of))
        )
        return SegmentValues(now.share, now.n, self._now.known, self._all(NOT_REPLAYED), before.hubs[k])

    def source_mix(self, k: int) -> SegmentValues:
        """Divergence of the sources in the lists from the baseline's, see `SourceMixes`; in bits, 0..1."""
        found = self._made.once("sources", k, lambda: self._mix(k))
        return SegmentValues(found.divergence, found.n, found.known, self._all(NO_SOURCES))

    def _mix(self, k: int) -> SourceMixes:
        known: NDArray[np.bool_] = self._then.known & self._now.known
        then, now = self._sources
        of = self.before.anchors, (then[:, :k], now[:, :k]), known
        made: SourceMixes = self.before.next("sources", k, lambda: SourceMixes.of(*of), lambda kept: kept.moved(*of))
        return made

    def pooled_scores(self, k: int) -> SegmentValues:
        """Distance of all scores pooled, see `PooledScores`: anchors that only traded scores do not move it."""
        before, of = self.before, (self.before.anchors, self._then, self._now, k)
        found = self._made.once(
            "pooled", k, lambda: before.next("pooled", k, lambda: PooledScores.of(*of), lambda kept: kept.moved(*of))
        )
        why = self._all(TOO_FEW_RESULTS)
        if np.isnan(found.distance).any():
            replayed = np.bincount(before.anchors.codes[:, self._now.known].ravel(), minlength=len(why))
            why = [TOO_FEW_RESULTS if anchors else NOT_REPLAYED for anchors in replayed.tolist()]
        return SegmentValues(found.distance, found.n, found.usable, why, stat="pooled")

    def _all(self, why: str) -> list[str]:
        return [why] * len(self.before.places)


class _Said(NamedTuple):
    """What was said of some values."""

    of: SegmentValues
    measurements: tuple[Measurement, ...]

    def holds(self, found: SegmentValues) -> bool:
        """Whether these are the same values, by their bits."""
        was = self.of
        return (
            found.why == was.why
            and _same(found.value, was.value)
            and _same(found.n, was.n)
            and _same(found.known, was.known)
            and (
                found.then is was.then
                or (found.then is not None and was.then is not None and _same(found.then, was.then))
            )
        )


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one is other or one.tobytes() == other.tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class SegmentMeasures:
    """One leg's measures of segments as a whole, worked out when somebody looks at the report.

    Args:
        leg: of the lists.
        view: the lists.
        measures: what is measured.
        depths: the depths k to measure at.
    """

    leg: Leg
    view: SegmentsView
    measures: Sequence[AnyMeasure]
    depths: tuple[int, ...]

    def measurements(self) -> Iterator[Measurement]:
        """By depth, measure, dimension and segment."""
        for k in self.depths:
            for measure in self.measures:
                if measure.by_segment is not None:
                    yield from self._said(measure, k, measure.by_segment(self.view, k))

    def _said(self, measure: AnyMeasure, k: int, found: SegmentValues) -> Sequence[Measurement]:
        """What is said of each segment; the very objects of the last time where nothing moved."""
        kept, where = self.view.before.said, (measure.name, k)
        said = kept.get(where)
        if said is None or not said.holds(found):
            said = kept[where] = _Said(found, tuple(self._anew(measure, k, found)))
        return said.measurements

    def _anew(self, measure: AnyMeasure, k: int, found: SegmentValues) -> Iterator[Measurement]:
        before, anchors = self.view.before, self.view.before.anchors
        count, whole, expected = len(before.places), anchors.masses, np.diff(anchors.starts).tolist()
        part: NDArray[Any] = whole
        if not found.known.all():
            counted = np.tile(anchors.weights * found.known, len(anchors.codes))
            part = np.bincount(anchors.codes.ravel(), weights=counted, minlength=count)
        covered = np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 0.0).tolist()
        values, counts = found.value.tolist(), found.n.tolist()
        then = [_NONE] * count if found.then is None else found.then.tolist()
        for at, (dimension, segment) in enumerate(before.places):
            reason = (found.why[at] if expected[at] else NO_ANCHORS) if math.isnan(values[at]) else ""
            yield Measurement(
                measure.name, self.leg, k, dimension, segment, found.stat, values[at], counts[at],
                expected[at], then[at], reason, covered[at],
            )  # fmt: skip
