"""With relevance judgements: recall, nDCG and MRR, always beside how much of the list was judged at all.

A judged chunk is found where it stands in the list, or where another chunk stands that says what it said when it was
judged: who moves a document to another path loses no answer. One that was cut anew is found where the list has said
all of it: at the last of the chunks that together do (`Judgements.parts`). One whose text is nowhere is not found.

Each function gives (A,) float64, NaN where a list is unknown or an anchor has nothing to measure against.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import Ranks, first_ranks
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists

RELEVANT = 1.0
"""The lowest grade that counts as relevant (as in trec_eval)."""

Column = NDArray[np.float64]
Says = NDArray[np.int64] | None
"""(A, k) content keys of the results, NO_CHUNK behind the last; None: judged chunks are found by their ids alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgements:
    """Relevance judgements (qrels) of A anchors.

    Args:
        keys: (A, j) int64, `chunk_key` of the judged chunks, NO_CHUNK behind the last.
        grades: (A, j) float64, the grade of each, 0 behind the last.
        contents: (A, j) int64, the content key of each, NO_CHUNK where none is known; None: of none.
        parts: (A, j, k) bool, the results of the lists of now that together say all of a judged chunk which was cut
            anew; None: of none.
    """

    keys: NDArray[np.int64]
    grades: NDArray[np.float64]
    contents: NDArray[np.int64] | None = None
    parts: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> "Judgements":
        """From chunk id -> grade of each anchor."""
        width = max((len(row) for row in rows), default=0)
        keys, grades = np.full((len(rows), width), NO_CHUNK, np.int64), np.zeros((len(rows), width))
        for at, row in enumerate(rows):
            keys[at, : len(row)] = [chunk_key(chunk_id) for chunk_id in row]
            grades[at, : len(row)] = list(row.values())
        return cls(keys, grades)


def recall(lists: RankedLists, judged: Judgements, depth: int, says: Says = None) -> Column:
    """Share of the relevant chunks found: |relevant ∩ top-k| / |relevant|, in [0, 1].

    NaN without a relevant chunk; 0 for an empty list. Source: trec_eval `recall_k`; ir-measures `R@k`.
    """
    relevant = (judged.grades >= RELEVANT).T
    found = np.count_nonzero(relevant & (_ranks(lists, judged, depth, says) > 0), axis=0)
    return _measured(lists, found, np.count_nonzero(relevant, axis=0))


def carried_recall(lists: RankedLists, judged: Judgements, depth: int, says: Says = None) -> Column:
    """The part of `recall` that rests on what judged chunks said, not on their ids; in [0, recall].

    NaN without a relevant chunk; 0 for an empty list.
    """
    relevant = (judged.grades >= RELEVANT).T
    by_id = first_ranks(judged.keys, lists.keys[:, :depth]) > 0
    found = np.count_nonzero(relevant & (_ranks(lists, judged, depth, says) > 0) & ~by_id, axis=0)
    return _measured(lists, found, np.count_nonzero(relevant, axis=0))


def ndcg(lists: RankedLists, judged: Judgements, depth: int, says: Says = None) -> Column:
    """Normalised discounted cumulative gain: Σ_{i≤k} g_i / log2(i+1) over that of the best possible list; in [0, 1].

    The gain is the grade; grades below 0 gain nothing. NaN without a positive grade; 0 for an empty list. Of judged
    chunks that were cut into one, no list can hold more than that one: the best possible list has it once.
    Source: Järvelin, Kekäläinen, TOIS 20(4), 2002, in trec_eval's form `ndcg_cut`; ir-measures `nDCG@k`.
    """
    ranks = _ranks(lists, judged, depth, says).T
    gains = _in_one(np.maximum(judged.grades, 0.0), ranks, judged, depth)
    # a place gains once: of several judged chunks that say what stands there, the best
    found = (np.max(np.where(ranks == place, gains, 0.0), axis=1, initial=0.0) for place in range(1, depth + 1))
    best = -np.sort(-gains, axis=1)[:, :depth]
    return _measured(lists, _discounted(found, len(gains)), _discounted(best.T, len(gains)))


def _discounted(gains: Iterable[Column], anchors: int) -> Column:
    """Σ_i g_i / log2(i+1) of (A,) gains place by place.

    The places are added up in their order: a matrix product rounds a row otherwise beside other rows, and the best
    possible list, which has fewer places where few chunks are judged, is to come out as one that is as good.
    """
    total = np.zeros(anchors)
    for place, gained in enumerate(gains, start=1):
        total += gained / np.log2(place + 1.0)
    return total


def reciprocal_rank(lists: RankedLists, judged: Judgements, depth: int, says: Says = None) -> Column:
    """1 / rank of the first relevant result in the top-k, 0 if there is none; its mean is MRR@k; in [0, 1].

    NaN without a relevant chunk. Source: TREC-8 question answering track, 1999; ir-measures `RR@k`.
    """
    relevant = (judged.grades >= RELEVANT).T
    ranks = _ranks(lists, judged, depth, says)
    first = np.min(np.where(relevant & (ranks > 0), ranks, depth + 1), axis=0, initial=depth + 1)
    some = np.count_nonzero(relevant, axis=0) > 0
    return _measured(lists, np.where(first > depth, 0.0, 1.0 / first), some.astype(np.float64))


def judged_ratio(lists: RankedLists, judged: Judgements, depth: int, says: Says = None) -> Column:
    """Share of the top-k results that have a judgement; in [0, 1]. The other metrics mean little where it is low.

    NaN for an empty list, and for an anchor without judgements. Source: ir-measures `Judged@k`.
    """
    found = _places(lists, judged, depth, says)
    labelled = np.any(judged.keys != NO_CHUNK, axis=1)
    return _measured(lists, found, np.where(labelled, np.minimum(lists.lengths, depth), 0))


def _places(lists: RankedLists, judged: Judgements, depth: int, says: Says) -> NDArray[np.int64]:
    """(A,) results of the top-k that are judged: each once, whatever judged chunks say the same."""
    own = first_ranks(lists.keys[:, :depth], judged.keys) > 0
    if says is not None and judged.contents is not None:
        own |= first_ranks(says[:, :depth], judged.contents) > 0
    if judged.parts is not None:
        cut = judged.parts & (_whole(judged.parts, depth) > 0)[:, :, None]
        own |= cut[:, :, :depth].any(axis=1).T
    places: NDArray[np.int64] = np.count_nonzero(own, axis=0)
    return places


def dead_qrel_ratio(judged: Judgements, live: NDArray[np.bool_]) -> Column:
    """Share of an anchor's judged chunks that no longer exist; in [0, 1], NaN without judgements.

    Args:
        judged: judgements of A anchors.
        live: (A, j) bool, whether the chunk is in the corpus now.
    """
    named = judged.keys != NO_CHUNK
    whole = np.count_nonzero(named, axis=1)
    return np.where(whole == 0, np.nan, np.count_nonzero(named & ~live, axis=1) / np.maximum(whole, 1))


def _ranks(lists: RankedLists, judged: Judgements, depth: int, says: Says) -> Ranks:
    """(j, A) rank of each judged chunk in the top-k, by its id, content or parts; 0 where it is not there."""
    found = first_ranks(judged.keys, lists.keys[:, :depth])
    if says is not None and judged.contents is not None:
        found = _first(found, first_ranks(judged.contents, says[:, :depth]))
    return found if judged.parts is None else _first(found, _whole(judged.parts, depth).T)


def _first(one: Ranks, other: Ranks) -> Ranks:
    """The lower of two ranks where both are there, else the one that is."""
    return np.where((one > 0) & (other > 0), np.minimum(one, other), np.maximum(one, other))


def _whole(parts: NDArray[np.bool_], depth: int) -> Ranks:
    """(A, j) rank of the last part of each, 0 where there is none or it stands below the depth."""
    last = np.where(parts.any(axis=2), parts.shape[2] - np.argmax(parts[:, :, ::-1], axis=2), 0)
    return np.where(last <= depth, last, 0).astype(np.int16)


def _in_one(gains: NDArray[np.float64], ranks: Ranks, judged: Judgements, depth: int) -> NDArray[np.float64]:
    """The gains, 0 for a chunk that one result holds beside another judged one of no less gain."""
    if judged.parts is None:
        return gains
    made = gains.copy()
    alone = np.where(judged.parts.sum(axis=2) == 1, _whole(judged.parts, depth), 0)
    for row in np.flatnonzero((alone > 0).any(axis=1)).tolist():
        best: dict[int, int] = {}
        for at in np.flatnonzero(ranks[row] > 0).tolist():
            rank = int(ranks[row, at])
            held = best.setdefault(rank, at)
            if held != at and rank in (int(alone[row, at]), int(alone[row, held])):
                less, best[rank] = (at, held) if made[row, held] >= made[row, at] else (held, at)
                made[row, less] = 0.0
    return made


def _measured(lists: RankedLists, part: NDArray[np.number], whole: NDArray[np.number]) -> Column:
    """Part over whole; NaN where whole is 0 or the list unknown."""
    return np.where(lists.known & (whole > 0), part / np.where(whole > 0, whole, 1), np.nan)
