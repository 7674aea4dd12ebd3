"""The ranking of buffers, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import EMPTY, Entries, Queries, Ranking


@compiled
def _place(
    value: float,
    name: int,
    scores: NDArray[np.float64],
    names: NDArray[np.int32],
    label: NDArray[np.int64],
) -> int:
    """Where a value belongs among the held best ones, best first; equal ones stand by label."""
    into = len(scores)
    while into > 0 and (
        value > scores[into - 1] or (value == scores[into - 1] and label[name] < label[names[into - 1]])
    ):
        into -= 1
    return into


@compiled
def _open(
    best: NDArray[np.float64],
    score: NDArray[np.float64],
    slots: NDArray[np.int32],
    label: NDArray[np.int64],
    undecided: NDArray[np.bool_],
) -> None:
    """Mark the entries without a label whose score is in the list and equals another entry's."""
    least, among = best[-1], 0
    for place in range(len(score)):
        among += score[place] >= least
    tied = among > len(best)
    for at in range(1, len(best)):
        tied |= best[at] == best[at - 1]
    if not tied:
        return  # as in nearly all lists
    for place in range(len(score)):
        value = score[place]
        if value >= least and label[slots[place]] == 0:
            undecided[place] = np.sum(score == value) > 1


@compiled
def rank(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]) -> Ranking:
    """The best k of some rows; `label` orders names by slot, 0 is not known."""
    k1, b, query, weights, average = queries.k1, queries.b, queries.start, queries.weight, queries.average
    offset, used, tied, column = entries.offset, entries.used, entries.tied, entries.column
    slot, length, frequencies = entries.slot, entries.length, entries.frequency
    slots, scores = np.full((len(rows), k), EMPTY, np.int32), np.full((len(rows), k), np.nan)
    outside, undecided = np.full(len(rows), -np.inf), np.zeros(len(slot), np.bool_)
    most = (offset[1:] - offset[:-1]).max() if len(offset) > 1 else 0
    norm, score = np.empty(most), np.empty(most)
    for at in range(len(rows)):
        row = rows[at]
        start, size, own = offset[row], used[row], offset[row + 1] - 1
        # one term after the other, so that the loops over places vectorise
        its_length, its_average = length[start : start + size], average[row]
        for place in range(size):
            norm[place] = k1 * (1.0 - b + b * (its_length[place] / its_average))
            score[place] = 0.0
        for pair in range(query[row], query[row + 1]):
            first, weight = column[pair - query[row]] + start, weights[pair]
            its_frequency = frequencies[first : first + size]
            for place in range(size):
                frequency = float(its_frequency[place])
                score[place] += weight * (frequency * (k1 + 1.0)) / (frequency + norm[place])
        if tied[row] != EMPTY:
            its_norm, outside[at] = k1 * (1.0 - b + b * (length[own] / average[row])), 0.0
            for pair in range(query[row], query[row + 1]):
                frequency = float(frequencies[column[pair - query[row]] + own])
                outside[at] += weights[pair] * (frequency * (k1 + 1.0)) / (frequency + its_norm)
        held, best, names = 0, scores[at], slots[at]
        for place in range(size):
            value, name = score[place], slot[start + place]
            if name == EMPTY:
                score[place] = -np.inf
            elif held < k or value >= best[k - 1]:
                into = _place(value, name, best[:held], names, label)
                held = min(held + (into < k), k)
                for move in range(held - 1, into, -1):
                    best[move], names[move] = best[move - 1], names[move - 1]
                if into < k:
                    best[into], names[into] = value, name
        if held > 0:
            end = start + size
            _open(best[:held], score[:size], slot[start:end], label, undecided[start:end])
    return Ranking(slots, scores, outside, undecided)
