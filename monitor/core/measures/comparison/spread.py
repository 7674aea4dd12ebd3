"""What is measured of a segment as a whole: hubs, the mix of sources and all scores against the baseline's."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.arrays.numbering import ranked
from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.comparison.summary import NO_ANCHORS
from monitor.core.measures.formulas.columns import NOT_REPLAYED, TOO_FEW_RESULTS
from monitor.core.measures.formulas.hubs import ChunkOccurrences, hubs
from monitor.core.measures.formulas.sources import NO_SOURCE, source_mix
from monitor.core.measures.formulas.wasserstein import PooledScores, SortedScores
from monitor.core.measures.measure import AnyMeasure, SegmentValues
from monitor.core.measures.views import ByDepth
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Leg, Measurement

NO_SOURCES = "no_sources"
Sources = NDArray[np.int64]
HubShares = dict[int, Sequence[NDArray[np.float64]]]
_NONE = float("nan")


class SegmentsThen:
    """What is known of the baseline's lists of one leg, which stay.

    Args:
        lists: of P anchors.
        alignment: segments and weights.
        depths: the depths k to measure at.
    """

    def __init__(self, lists: RankedLists, alignment: Alignment, depths: Sequence[int]) -> None:
        self.lists = lists
        self.scores = {k: SortedScores.of(lists, k) for k in depths}
        """By depth, all scores."""
        self.lately: dict[int, SortedScores] = {}
        """By depth, those of the lists looked at last: replaced whole, any thread may look."""
        self.hubs: HubShares = {}
        """Hub shares by depth, one array per dimension."""
        for k in depths:
            found, weights = ChunkOccurrences.of(lists, k), alignment.weights
            self.hubs[k] = [hubs(found, weights, of.codes, len(of.segments)).share for of in alignment.groupings]


class SegmentsView:
    """One leg's lists of P anchors, of which segments are measured as a whole.

    Args:
        before: the baseline's lists.
        now: the lists.
        sources: (P, k) source code of each slot then and now, NO_SOURCE for none.
        alignment: segments and weights.
    """

    def __init__(
        self, before: SegmentsThen, now: RankedLists, sources: tuple[Sources, Sources], alignment: Alignment
    ) -> None:
        self._before, self._then, self._now = before, before.lists, now
        self._sources, self.alignment = sources, alignment
        self._made = ByDepth()

    def hubs(self, grouping: Grouping, k: int) -> SegmentValues:
        """See `hubs`; with the baseline's own shares."""
        found = self._made.once("occurrences", k, lambda: ChunkOccurrences.of(self._now, k))
        now = hubs(found, self.alignment.weights, grouping.codes, len(grouping.segments))
        before = self._before.hubs[k][self.alignment.groupings.index(grouping)]
        return SegmentValues(now.share, now.n, self._now.known, [NOT_REPLAYED] * len(now.n), before)

    def source_mix(self, grouping: Grouping, k: int) -> SegmentValues:
        """Divergence of the sources in the lists from the baseline's, see `jensen_shannon`; in bits, 0..1."""
        codes, known, named = self._made.once("codes", k, lambda: self._codes(k))
        shape = (len(grouping.segments), max(1, named))
        mixes = [source_mix(of, self.alignment.weights, grouping.codes, shape) for of in codes]
        n = np.bincount(grouping.codes[known], minlength=shape[0])
        return SegmentValues(jensen_shannon(*mixes), n, known, [NO_SOURCES] * shape[0])

    def _codes(self, k: int) -> tuple[list[Sources], NDArray[np.bool_], int]:
        known: NDArray[np.bool_] = self._then.known & self._now.known
        then, now = (np.where(known[:, None], of[:, :k], NO_SOURCE) for of in self._sources)
        codes, named = ranked(np.stack((then, now)).ravel())
        return list(codes.reshape(2, *then.shape)), known, named

    def pooled_scores(self, grouping: Grouping, k: int) -> SegmentValues:
        """Distance of all scores pooled, see `PooledScores`: anchors that only traded scores do not move it."""
        count = len(grouping.segments)
        pooled = self._made.once("pooled", k, lambda: self._pool(k))
        distance, n = pooled.by_segment(grouping.codes, count)
        replayed = np.bincount(grouping.codes[self._now.known], minlength=count).tolist()
        why = [TOO_FEW_RESULTS if anchors else NOT_REPLAYED for anchors in replayed]
        return SegmentValues(distance, n, pooled.usable, why, stat="pooled")

    def _pool(self, k: int) -> PooledScores:
        before = self._before
        known = before.scores[k], before.lately.get(k)
        pooled = PooledScores.of(self._then, self._now, self.alignment.weights, k, known)
        before.lately[k] = pooled.after
        return pooled


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
                for grouping in self.view.alignment.groupings:
                    if measure.by_segment is not None:
                        yield from self._said(measure, grouping, k, measure.by_segment(self.view, grouping, k))

    def _said(self, measure: AnyMeasure, grouping: Grouping, k: int, found: SegmentValues) -> Iterator[Measurement]:
        members, weights, count = grouping.codes, self.view.alignment.weights, len(grouping.segments)
        expected = np.bincount(members, minlength=count).tolist()
        whole = np.bincount(members, weights=weights, minlength=count)
        part = np.bincount(members, weights=weights * found.known, minlength=count)
        covered = np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 0.0).tolist()
        values, counts = found.value.tolist(), found.n.tolist()
        before = [_NONE] * count if found.then is None else found.then.tolist()
        for at, segment in enumerate(grouping.segments):
            reason = (found.why[at] if expected[at] else NO_ANCHORS) if math.isnan(values[at]) else ""
            yield Measurement(
                measure.name, self.leg, k, grouping.dimension, segment, found.stat, values[at], counts[at],
                expected[at], before[at], reason, covered[at],
            )  # fmt: skip
