"""With relevance judgements: recall, nDCG and MRR, always beside how much of the list was judged at all.

Each function gives (A,) float64, NaN where a list is unknown or an anchor has nothing to measure against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import Ranks, first_ranks
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists

RELEVANT = 1.0
"""The lowest grade that counts as relevant (as in trec_eval)."""

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judgements:
    """Relevance judgements (qrels) of A anchors.

    Args:
        keys: (A, j) int64, `chunk_key` of the judged chunks, NO_CHUNK behind the last.
        grades: (A, j) float64, the grade of each, 0 behind the last.
    """

    keys: NDArray[np.int64]
    grades: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> "Judgements":
        """From chunk id -> grade of each anchor."""
        width = max((len(row) for row in rows), default=0)
        keys, grades = np.full((len(rows), width), NO_CHUNK, np.int64), np.zeros((len(rows), width))
        for at, row in enumerate(rows):
            keys[at, : len(row)] = [chunk_key(chunk_id) for chunk_id in row]
            grades[at, : len(row)] = list(row.values())
        return cls(keys, grades)


def recall(lists: RankedLists, judged: Judgements, depth: int) -> Column:
    """Share of the relevant chunks found: |relevant ∩ top-k| / |relevant|, in [0, 1].

    NaN without a relevant chunk; 0 for an empty list. Source: trec_eval `recall_k`; ir-measures `R@k`.
    """
    relevant = (judged.grades >= RELEVANT).T
    found = np.count_nonzero(relevant & (_ranks(lists, judged, depth) > 0), axis=0)
    return _measured(lists, found, np.count_nonzero(relevant, axis=0))


def ndcg(lists: RankedLists, judged: Judgements, depth: int) -> Column:
    """Normalised discounted cumulative gain: Σ_{i≤k} g_i / log2(i+1) over that of the best possible list; in [0, 1].

    The gain is the grade; grades below 0 gain nothing. NaN without a positive grade; 0 for an empty list.
    Source: Järvelin, Kekäläinen, TOIS 20(4), 2002, in trec_eval's form `ndcg_cut`; ir-measures `nDCG@k`.
    """
    gains, ranks = np.maximum(judged.grades, 0.0), _ranks(lists, judged, depth).T
    discounts = np.concatenate([[0.0], 1.0 / np.log2(np.arange(2, max(depth, gains.shape[1]) + 2))])
    best = -np.sort(-gains, axis=1)[:, :depth]
    ideal = np.sum(best * discounts[1 : best.shape[1] + 1], axis=1)
    return _measured(lists, np.sum(gains * discounts[ranks], axis=1), ideal)


def reciprocal_rank(lists: RankedLists, judged: Judgements, depth: int) -> Column:
    """1 / rank of the first relevant result in the top-k, 0 if there is none; its mean is MRR@k; in [0, 1].

    NaN without a relevant chunk. Source: TREC-8 question answering track, 1999; ir-measures `RR@k`.
    """
    relevant = (judged.grades >= RELEVANT).T
    ranks = _ranks(lists, judged, depth)
    first = np.min(np.where(relevant & (ranks > 0), ranks, depth + 1), axis=0, initial=depth + 1)
    some = np.count_nonzero(relevant, axis=0) > 0
    return _measured(lists, np.where(first > depth, 0.0, 1.0 / first), some.astype(np.float64))


def judged_ratio(lists: RankedLists, judged: Judgements, depth: int) -> Column:
    """Share of the top-k results that have a judgement; in [0, 1]. The other metrics mean little where it is low.

    NaN for an empty list, and for an anchor without judgements. Source: ir-measures `Judged@k`.
    """
    found = np.count_nonzero(_ranks(lists, judged, depth) > 0, axis=0)
    labelled = np.any(judged.keys != NO_CHUNK, axis=1)
    return _measured(lists, found, np.where(labelled, np.minimum(lists.lengths, depth), 0))


def dead_qrel_ratio(judged: Judgements, live: NDArray[np.bool_]) -> Column:
    """Share of an anchor's judged chunks that no longer exist; in [0, 1], NaN without judgements.

    Args:
        judged: judgements of A anchors.
        live: (A, j) bool, whether the chunk is in the corpus now.
    """
    named = judged.keys != NO_CHUNK
    whole = np.count_nonzero(named, axis=1)
    return np.where(whole == 0, np.nan, np.count_nonzero(named & ~live, axis=1) / np.maximum(whole, 1))


def _ranks(lists: RankedLists, judged: Judgements, depth: int) -> Ranks:
    """(j, A) rank of each judged chunk in the top-k, 0 where it is not there."""
    return first_ranks(judged.keys, lists.keys[:, :depth])


def _measured(lists: RankedLists, part: NDArray[np.number], whole: NDArray[np.number]) -> Column:
    """Part over whole; NaN where whole is 0 or the list unknown."""
    return np.where(lists.known & (whole > 0), part / np.where(whole > 0, whole, 1), np.nan)
