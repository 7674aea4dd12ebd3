"""Which source, and which deploy, moved the BM25 statistics that moved a slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.path import StatisticsTrajectory, scores
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.sources import SourceStatistics, TermOccurrences

STEPS = 4
"""Steps of the path from the statistics then to those now; sources take turns in each."""
TIE = 1e-9
"""A push that is this small a part of the movement of a score is rounding."""
Vector = NDArray[np.float64]
Keys = NDArray[np.int64]
Shares = dict[str, float]
Occurring = Callable[[int, Keys], TermOccurrences | None]
"""(row of an anchor, keys of chunks) -> how often the chunks contain its terms; None where one is not live."""


@dataclass(frozen=True, slots=True, eq=False)
class StatisticsMoves:
    """What S sources moved, as seen by one query of T terms; row 0 of each array is the start, all sources together.

    Args:
        sources: S names.
        state: (T + 3,) start: N, total length, average idf, document frequencies.
        steps: (S, T + 3) what each source adds.
    """

    sources: tuple[str, ...]
    state: Vector
    steps: Vector


@dataclass(frozen=True, slots=True)
class StatisticsShares:
    """Whose statistics moved a slot: shares by source, and by deploy; empty where none can be said."""

    sources: Shares
    deploys: Shares


NOBODY_WEIGHED = StatisticsShares({}, {})


class AumannShapleyAttributor:
    """Shares of sources and of deploys in score differences that only the statistics moved.

    The difference D = score(entered) - mean score(left) is followed along the straight path from the statistics then
    to those now, in STEPS steps; within a step the sources move theirs one after the other, once forwards and once
    backwards. What D moved while a source moved, on average, is that source's contribution. So the contributions add
    up to the whole movement of D but for rounding, jumps of the floored idf included; as the steps get finer they
    are those of Aumann and Shapley (Values of Non-Atomic Games, 1974). A source's share is its contribution in the
    direction of the slot's move over the sum of those of all sources that pushed that way.

    N, lengths and document frequencies are exact sums by source. The average idf (it counts only for okapi terms
    that more than half of the chunks contain) is nobody's sum: its movement is given to the sources in proportion to
    the chunks and term occurrences they added or took away, and this alone is an approximation.

    Deploys came one after the other, so theirs is the path that the statistics took (`blame.path`), and exact.

    Args:
        bm25: the scoring function.
        then, now: the statistics of the baseline, and now.
        occurring: terms of live chunks.
        path: from the one to the other, deploy by deploy; None where nobody knows it.
    """

    def __init__(
        self,
        bm25: Bm25Scorer,
        then: SourceStatistics,
        now: SourceStatistics,
        occurring: Occurring,
        *,
        path: StatisticsTrajectory | None = None,
    ) -> None:
        self._bm25, self._occurring, self._path = bm25, occurring, path
        self.sources = tuple(sorted({*then.sources, *now.sources}))
        self._then, self._now = _spread(then, self.sources), _spread(now, self.sources)
        self._term_then = {term: at for at, term in enumerate(then.terms)}
        self._term_now = {term: at for at, term in enumerate(now.terms)}
        self._averages = then.average_idf, now.average_idf
        moved = np.abs(self._now.frequency.sum(axis=1) - self._then.frequency.sum(axis=1)).astype(np.float64)
        moved += np.abs(self._now.documents - self._then.documents)
        total = float(moved.sum())
        self._weights: Vector = moved / total if total else np.full(len(moved), 1.0 / max(1, len(moved)))

    def __call__(self, row: int, keys: Keys, others: Keys, entered: bool) -> Sequence[StatisticsShares]:
        """Shares by slot, see `attribution.Weigh`; a slot that none pushed the right way gets none."""
        found = self._occurring(row, np.concatenate((keys, others)))
        moved = None if found is None else self.moved(found.terms)
        if found is None or moved is None:
            return [NOBODY_WEIGHED for _ in keys]
        sign, slots = 1.0 if entered else -1.0, len(keys)
        sources = _by_slot(moved.sources, self.contributions(moved, found), slots, sign)
        if self._path is None:
            return [StatisticsShares(of, {}) for of in sources]
        deploys = _by_slot(*self._path.contributions(found), slots, sign)
        return [StatisticsShares(*of) for of in zip(sources, deploys, strict=True)]

    def moved(self, terms: Sequence[str]) -> StatisticsMoves | None:
        """What the sources moved of what one query sees; None where a term was not counted then."""
        if any(term not in self._term_then or term not in self._term_now for term in terms):
            return None
        then = _columns(self._then, [self._term_then[term] for term in terms])
        now = _columns(self._now, [self._term_now[term] for term in terms])
        steps = now - then
        steps[:, 2] = (self._averages[1] - self._averages[0]) * self._weights
        state = then.sum(axis=0)
        state[2] = self._averages[0]
        active = np.flatnonzero(np.any(steps != 0.0, axis=1))
        return StatisticsMoves(tuple(self.sources[at] for at in active.tolist()), state, steps[active])

    def contributions(self, moved: StatisticsMoves, found: TermOccurrences) -> Vector:
        """(S, C) what each source's changes added to each chunk's score; summed over sources: now minus then."""
        count = len(moved.sources)
        made = np.zeros((count, len(found.lengths)))
        starts = moved.state + np.arange(STEPS)[:, None] * moved.steps.sum(axis=0) / STEPS
        for order in (np.arange(count), np.arange(count)[::-1]):
            for start in starts:
                states = np.concatenate((start[None, :], moved.steps[order] / STEPS)).cumsum(axis=0)
                made[order] += np.diff(scores(self._bm25, states, found), axis=0) / 2.0
        return made


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    documents: NDArray[np.int64]
    lengths: NDArray[np.int64]
    frequency: NDArray[np.int64]


def _spread(statistics: SourceStatistics, sources: Sequence[str]) -> _Sums:
    """The sums in the order of some sources, 0 for those that had nothing."""
    at = {source: place for place, source in enumerate(sources)}
    rows = [at[source] for source in statistics.sources]
    documents, lengths = np.zeros(len(sources), np.int64), np.zeros(len(sources), np.int64)
    frequency = np.zeros((len(sources), len(statistics.terms)), np.int64)
    documents[rows], lengths[rows] = statistics.documents, statistics.lengths
    frequency[rows] = statistics.frequency
    return _Sums(documents, lengths, frequency)


def _columns(sums: _Sums, terms: Sequence[int]) -> Vector:
    """(S, T + 3) N, length, nothing (the average idf is nobody's), document frequencies."""
    nothing = np.zeros(len(sums.documents), np.int64)
    made: Vector = np.column_stack((sums.documents, sums.lengths, nothing, sums.frequency[:, list(terms)])).astype(
        float
    )
    return made


def _by_slot(names: Sequence[str], contributions: Vector, slots: int, sign: float) -> list[Shares]:
    """Shares in the move of each of the first `slots` chunks against the mean of the others.

    Args:
        names: of those who contribute.
        contributions: (S, C) to the chunks' scores.
        slots: how many of the C chunks are slots.
        sign: 1.0 where the slots rose, -1.0 where they fell.
    """
    against = contributions[:, slots:].mean(axis=1)
    pushed = sign * (contributions[:, :slots] - against[:, None])
    return [_shares(names, pushed[:, at], contributions[:, at]) for at in range(slots)]


def _shares(names: Sequence[str], pushed: Vector, moved: Vector) -> Shares:
    """Shares of those that pushed; of a tie that only rounding broke otherwise, of those that moved the score."""
    forward = np.maximum(pushed, 0.0)
    if not float(forward.sum()) > TIE * float(np.abs(moved).sum()):
        forward = np.abs(moved)
    total = float(forward.sum())
    made: Shares = {}
    for name, of in zip(names, forward.tolist(), strict=True):
        if of > 0.0:
            made[name] = made.get(name, 0.0) + of / total
    return made
