"""Which deploy moved the BM25 statistics: the path they took since the baseline, barrier by barrier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.sources import TermOccurrences, Totals

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StatisticsCheckpoint:
    """The statistics at a deploy's barrier; no totals where they are no longer kept."""

    deploy: str
    totals: Totals | None


class StatisticsTrajectory:
    """The states that the statistics went through, and what each deploy did to a score.

    A deploy's contribution to the score of a chunk that did not change is score(at its barrier) - score(at the
    barrier before it): what happened to the score while that deploy came. The average idf is known at each barrier
    too, so nothing is approximated, and the contributions add up to the score now minus then.

    Args:
        bm25: the scoring function.
        then: the statistics of the baseline.
        milestones: the barriers since, oldest first, and now as the last one.
    """

    def __init__(self, bm25: Bm25Scorer, then: Totals, milestones: Sequence[StatisticsCheckpoint]) -> None:
        self._bm25, self._then, self._milestones = bm25, then, milestones
        self._places: dict[tuple[str, ...], dict[str, int]] = {}

    def contributions(self, found: TermOccurrences) -> tuple[tuple[str, ...], Vector]:
        """What each deploy added to each chunk's score.

        Args:
            found: what C chunks contain of one query.

        Returns:
            E names and (E, C) float64. Deploys whose statistics are not kept, or did not count a term of the query
            yet, are one with the next that does, under the name "": nobody can tell them apart. Nothing where
            the baseline or the last milestone did not count a term.
        """
        start = self._state(self._then, found.terms)
        names, states, joined = list[str](), [start], False
        for milestone in self._milestones:
            state = None if milestone.totals is None else self._state(milestone.totals, found.terms)
            if state is not None:
                names.append("" if joined else milestone.deploy)
                states.append(state)
            joined = state is None
        if start is None or joined or not names:
            return (), np.zeros((0, len(found.lengths)))
        known = np.stack([state for state in states if state is not None])
        return tuple(names), np.diff(scores(self._bm25, known, found), axis=0)

    def _state(self, totals: Totals, terms: Sequence[str]) -> Vector | None:
        """(T + 3,) N, total length, average idf, document frequencies; None where a term was not counted."""
        places = self._places.get(totals.terms)
        if places is None:
            places = self._places[totals.terms] = {term: at for at, term in enumerate(totals.terms)}
        at = [places.get(term, -1) for term in terms]
        if -1 in at:
            return None
        whole = (totals.documents, totals.length, totals.average_idf)
        made: Vector = np.concatenate((np.array(whole, np.float64), totals.frequency[at]))
        return made


def scores(bm25: Bm25Scorer, states: Vector, found: TermOccurrences) -> Vector:
    """BM25 scores of the same chunks under other statistics.

    Args:
        bm25: the scoring function.
        states: (E, T + 3) float64: N, total length, average idf, document frequencies of the T terms.
        found: what C chunks contain of the terms.

    Returns:
        (E, C) float64.
    """
    documents, average = np.maximum(states[:, 0], 0.0), states[:, 2]
    frequency = np.clip(states[:, 3:], 0.0, documents[:, None])
    idf = bm25.idf(documents[:, None], frequency, average[:, None]) * found.repeats
    length = states[:, 1] / np.where(documents > 0.0, documents, 1.0)
    relative = found.lengths / np.where(length > 0.0, length, 1.0)[:, None]
    norm = (bm25.k1 * (1.0 - bm25.b + bm25.b * relative))[:, :, None]
    weights = found.frequency * (bm25.k1 + 1.0) / (found.frequency + norm)
    made: Vector = np.einsum("et,ect->ec", idf, weights)
    return made
