"""The ranking of buffers, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.lexical.arrays import EMPTY, Entries, Queries, Ranking
from monitor.core.lexical.compile import compiled


@compiled
def _score(row: int, start: int, size: int, entries: Entries, queries: Queries) -> NDArray[np.float64]:
    """Present scores of some places of a row; one term after the other, so that the loops over places vectorise."""
    norm = np.empty(size)
    score = np.zeros(size)
    for at in range(size):
        norm[at] = queries.k1 * (1.0 - queries.b + queries.b * (entries.length[start + at] / queries.average[row]))
    for pair in range(queries.start[row], queries.start[row + 1]):
        column = entries.column[pair - queries.start[row]] + start
        weight = queries.weight[pair]
        for at in range(size):
            frequency = float(entries.frequency[column + at])
            score[at] += weight * (frequency * (queries.k1 + 1.0)) / (frequency + norm[at])
    return score


@compiled
def _place(value: float, label: int, held: int, scores: NDArray[np.float64], labels: NDArray[np.int64]) -> int:
    """Where a value belongs among the held best ones, best first; equal ones stand by label."""
    into = held
    while into > 0 and (value > scores[into - 1] or (value == scores[into - 1] and label < labels[into - 1])):
        into -= 1
    return into


@compiled
def rank(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]) -> Ranking:
    """See `Kernels`."""
    made = Ranking(
        np.full((len(rows), k), EMPTY, np.int32),
        np.full((len(rows), k), np.nan),
        np.full(len(rows), -np.inf),
        np.zeros(len(entries.slot), np.bool_),
    )
    labels = np.zeros(k, np.int64)
    for at in range(len(rows)):
        start = entries.offset[rows[at]]
        score = _score(rows[at], start, entries.used[rows[at]], entries, queries)
        if entries.twin[rows[at]] != EMPTY:
            made.outside[at] = _score(rows[at], entries.offset[rows[at] + 1] - 1, 1, entries, queries)[0]
        slots, scores = made.slot[at], made.score[at]
        held = 0
        for place in range(len(score)):
            slot = entries.slot[start + place]
            if slot == EMPTY:
                continue
            into = _place(score[place], label[slot], held, scores, labels)
            if into == k:
                continue
            held = min(held + 1, k)
            for move in range(held - 1, into, -1):
                scores[move], slots[move], labels[move] = scores[move - 1], slots[move - 1], labels[move - 1]
            scores[into], slots[into], labels[into] = score[place], slot, label[slot]
        _open(scores[:held], score, made.open[start : start + len(score)], (entries.slot[start:], label))
    return made


@compiled
def _open(
    scores: NDArray[np.float64],
    score: NDArray[np.float64],
    undecided: NDArray[np.bool_],
    names: tuple[NDArray[np.int32], NDArray[np.int64]],
) -> None:
    """Mark the entries without a label whose score is in the list and equals another entry's."""
    slots, label = names
    if len(scores) == 0:
        return
    at_cut = 0  # all that equal the last one count; all that are better are in the list
    for place in range(len(score)):
        at_cut += score[place] == scores[-1] and slots[place] != EMPTY
    for place in range(len(score)):
        value = score[place]
        if slots[place] != EMPTY and value >= scores[-1] and label[slots[place]] == 0:
            undecided[place] = (at_cut if value == scores[-1] else np.sum(scores == value)) > 1
