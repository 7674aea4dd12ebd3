"""What is said of segments as a whole, of all dimensions at once: each dimension by itself is the oracle."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.measures.comparison.alignment import Alignment, Grouping
from monitor.core.measures.comparison.spread import NO_SOURCES, SegmentMeasures, SegmentsThen, SegmentsView
from monitor.core.measures.comparison.summary import NO_ANCHORS
from monitor.core.measures.formulas.columns import NOT_REPLAYED, TOO_FEW_RESULTS
from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.hubs import HubShares
from monitor.core.measures.formulas.sources import SourceMixes
from monitor.core.measures.formulas.wasserstein import PooledScores
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Measurement
from tests.core.measures.formulas.test_segments_moved import ANCHORS, drawn, moved, sourced

DEPTHS = (2, 5)
CHUNKS = 40
Sources = tuple[NDArray[np.int64], NDArray[np.int64]]
Row = tuple[str, int, str, str, float, int, int, float, str, float]
NAN = math.nan


def aligned(random: np.random.Generator) -> Alignment:
    """The last segment of a dimension has no anchor."""
    codes = random.integers(0, 4, ANCHORS), random.integers(0, 2, ANCHORS)
    groupings = (
        Grouping("all", ("all",), np.zeros(ANCHORS, np.int64)),
        Grouping("source", ("a", "b", "c", "d", "nobody"), codes[0]),
        Grouping("kind", ("x", "y"), codes[1]),
    )
    return Alignment(np.arange(ANCHORS), np.arange(ANCHORS), random.random(ANCHORS) + 0.1, groupings, (), 0)


def alone(of: Alignment, then: RankedLists, now: RankedLists, sources: Sources) -> list[Row]:
    """By depth, measure, dimension and segment, each dimension by itself and each segment by a loop."""
    made: list[Row] = []
    for k in DEPTHS:
        for metric in ("hub_share_ratio", "source_mix_divergence", "score_wasserstein"):
            for grouping in of.groupings:
                anchors = Grouped.of(of.weights, [(grouping.codes, len(grouping.segments))])
                both, before = then.known & now.known, np.full(len(grouping.segments), NAN)
                if metric == "hub_share_ratio":
                    shares = HubShares.of(anchors, now, k)
                    values, n, known, before = shares.share, shares.n, now.known, HubShares.of(anchors, then, k).share
                elif metric == "source_mix_divergence":
                    mixes = SourceMixes.of(anchors, (sources[0][:, :k], sources[1][:, :k]), both)
                    values, n, known = mixes.divergence, mixes.n, both
                else:
                    pooled = PooledScores.of(anchors, then, now, k)
                    values, n, known = pooled.distance, pooled.n, pooled.usable
                rows = zip(grouping.segments, values.tolist(), n.tolist(), before.tolist(), strict=True)
                for at, (segment, value, count, earlier) in enumerate(rows):
                    here = grouping.codes == at
                    part = sum(of.weights[here & known].tolist()) / (sum(of.weights[here].tolist()) or 1.0)
                    replayed = metric != "hub_share_ratio" and bool((here & now.known).any())
                    why = NO_SOURCES if metric == "source_mix_divergence" else NOT_REPLAYED
                    why = TOO_FEW_RESULTS if metric == "score_wasserstein" and replayed else why
                    why = (why if here.any() else NO_ANCHORS) if math.isnan(value) else ""
                    where = metric, k, grouping.dimension, segment
                    made.append((*where, value, count, int(here.sum()), earlier, why, part))
    return made


def row(of: Measurement) -> Row:
    where = of.metric, of.k, of.dimension, of.segment
    return (*where, of.value, of.n, of.expected, of.baseline, of.reason, of.covered)


@pytest.mark.parametrize("seed", range(5))
def test_all_dimensions_at_once_are_each_by_itself(seed: int) -> None:
    random = np.random.default_rng(seed)
    alignment, then, now = aligned(random), drawn(random, ANCHORS, CHUNKS), drawn(random, ANCHORS, CHUNKS)
    kept, measures = SegmentsThen(then, alignment, DEPTHS), REGISTRY.by_segment()
    for step in range(8):
        if step == 4:  # nobody knows any list of a whole segment
            gone = alignment.groupings[1].codes == 1
            now = RankedLists(now.keys, now.scores, now.lengths, now.known & ~gone)
        if step == 6:
            now = drawn(random, ANCHORS, CHUNKS)
            now = RankedLists(now.keys, now.scores, now.lengths, np.ones(ANCHORS, np.bool_))
        sources = sourced(then, 3), sourced(now, 3)
        said = SegmentMeasures("dense", SegmentsView(kept, now, sources), measures, DEPTHS)
        found = list(said.measurements())
        expected = alone(alignment, then, now, sources)
        assert sorted(map(repr, map(row, found))) == sorted(map(repr, expected))
        order = [(of.k, of.metric, of.dimension, of.segment) for of in found]
        assert [of[2:] for of in order[: len(kept.places)]] == [
            (of.dimension, segment) for of in alignment.groupings for segment in of.segments
        ]
        again = list(SegmentMeasures("dense", SegmentsView(kept, now, sources), measures, DEPTHS).measurements())
        assert all(one is other for one, other in zip(found, again, strict=True))
        now = moved(random, now, CHUNKS)
