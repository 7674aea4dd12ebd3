"""What is measured of a segment as a whole: hubs, the mix of sources and all scores against the baseline's."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.comparison.alignment import Alignment, Grouping
from monitor.core.comparison.summary import NO_ANCHORS
from monitor.core.lists import RankedLists
from monitor.core.measure.columns import NOT_REPLAYED, TOO_FEW_RESULTS
from monitor.core.measure.divergence import jensen_shannon
from monitor.core.measure.hubs import Occurrences, hubs
from monitor.core.measure.sources import NO_SOURCE, source_mix
from monitor.core.measure.wasserstein import PooledScores
from monitor.core.report import Leg, Measurement

HUB = "hub_share_ratio"
MIX = "source_mix_divergence"
SCORES = "score_wasserstein"
NO_SOURCES = "no_sources"
Sources = NDArray[np.int64]
HubShares = Mapping[int, Sequence[NDArray[np.float64]]]
_NONE = float("nan")


def own_hubs(lists: RankedLists, alignment: Alignment, depths: Sequence[int]) -> HubShares:
    """Hub shares of lists that stay, by depth, one array per dimension."""
    made = {}
    for k in depths:
        found = Occurrences.of(lists, k)
        made[k] = [hubs(found, alignment.weights, of.members, len(of.segments)).share for of in alignment.groupings]
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """One leg's lists of P anchors, whose segments are measured when somebody looks at the report.

    Args:
        leg: of the lists.
        then: the baseline's lists.
        now: the lists.
        sources: (P, k) source code of each slot then and now, NO_SOURCE for none.
        alignment: segments and weights.
        depths: the depths k to measure at.
        hubs_then: the baseline's own hub shares by depth, per dimension and segment; see `own_hubs`.
    """

    leg: Leg
    then: RankedLists
    now: RankedLists
    sources: tuple[Sources, Sources]
    alignment: Alignment
    depths: tuple[int, ...]
    hubs_then: HubShares

    def measurements(self) -> Iterator[Measurement]:
        """Per segment: `hub_share_ratio` with the baseline's own, `source_mix_divergence` in bits, 0..1, and the
        `score_wasserstein` of all scores pooled, which anchors that only traded scores do not move.
        """
        for k in self.depths:
            occurrences = Occurrences.of(self.now, k)
            for grouping, before in zip(self.alignment.groupings, self.hubs_then[k], strict=True):
                yield from self._hubs(grouping, k, occurrences, before)
            yield from self._mixes(k)
            yield from self._pooled(k)

    def _hubs(
        self, grouping: Grouping, k: int, occurrences: Occurrences, before: NDArray[np.float64]
    ) -> Iterator[Measurement]:
        now = hubs(occurrences, self.alignment.weights, grouping.members, len(grouping.segments))
        found = zip(now.share.tolist(), now.n.tolist(), before.tolist(), strict=True)
        yield from self._measured(HUB, grouping, k, (self.now.known, [NOT_REPLAYED] * len(now.n)), list(found))

    def _mixes(self, k: int) -> Iterator[Measurement]:
        known: NDArray[np.bool_] = self.then.known & self.now.known
        then, now = (np.where(known[:, None], of[:, :k], NO_SOURCE) for of in self.sources)
        named = np.unique(np.stack((then, now)))
        named = named[named != NO_SOURCE]
        codes = [np.where(of == NO_SOURCE, NO_SOURCE, np.searchsorted(named, of)) for of in (then, now)]
        for grouping in self.alignment.groupings:
            shape = (len(grouping.segments), max(1, len(named)))
            mixes = [source_mix(of, self.alignment.weights, grouping.members, shape) for of in codes]
            counts = np.bincount(grouping.members[known], minlength=shape[0]).tolist()
            found = [(bits, n, _NONE) for bits, n in zip(jensen_shannon(*mixes).tolist(), counts, strict=True)]
            yield from self._measured(MIX, grouping, k, (known, [NO_SOURCES] * shape[0]), found)

    def _pooled(self, k: int) -> Iterator[Measurement]:
        pooled = PooledScores.of(self.then, self.now, self.alignment.weights, k)
        for grouping in self.alignment.groupings:
            count = len(grouping.segments)
            distance, n = pooled.by_segment(grouping.members, count)
            replayed = np.bincount(grouping.members[self.now.known], minlength=count).tolist()
            why = [TOO_FEW_RESULTS if anchors else NOT_REPLAYED for anchors in replayed]
            found = [(value, counted, _NONE) for value, counted in zip(distance.tolist(), n.tolist(), strict=True)]
            yield from self._measured(SCORES, grouping, k, (pooled.usable, why), found, stat="pooled")

    def _measured(
        self,
        metric: str,
        grouping: Grouping,
        k: int,
        rests_on: tuple[NDArray[np.bool_], Sequence[str]],
        found: list[tuple[float, int, float]],
        *,
        stat: str = "mean",
    ) -> Iterator[Measurement]:
        """One (value, n, baseline's own value) per segment, and why it has none."""
        members, weights, (known, why) = grouping.members, self.alignment.weights, rests_on
        expected = np.bincount(members, minlength=len(found)).tolist()
        whole = np.bincount(members, weights=weights, minlength=len(found))
        part = np.bincount(members, weights=weights * known, minlength=len(found))
        covered = np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 0.0).tolist()
        for at, (value, n, before) in enumerate(found):
            reason = (why[at] if expected[at] else NO_ANCHORS) if math.isnan(value) else ""
            yield Measurement(
                metric, self.leg, k, grouping.dimension, grouping.segments[at], stat, value, n, expected[at],
                before, reason, covered[at],
            )  # fmt: skip
