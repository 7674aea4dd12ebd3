"""The ranking of buffers, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import EMPTY, SLACK, TINY, Entries, Queries, Ranking
from monitor.core.model.lists import NO_CHUNK


@compiled
def _insert(place: int, into: int, width: int, entries: Entries) -> None:
    """Move an entry of a row to a place before it; those between make room."""
    slot, score, length = entries.slot[place], entries.score[place], entries.length[place]
    for at in range(place, into, -1):
        entries.slot[at], entries.score[at] = entries.slot[at - 1], entries.score[at - 1]
        entries.length[at] = entries.length[at - 1]
    entries.slot[into], entries.score[into], entries.length[into] = slot, score, length
    for j in range(width):
        first = entries.column[j]
        frequency = entries.frequency[first + place]
        for at in range(first + place, first + into, -1):
            entries.frequency[at] = entries.frequency[at - 1]
        entries.frequency[first + into] = frequency


@compiled
def rank(
    entries: Entries, queries: Queries, epoch: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]
) -> Ranking:
    """The best k of some rows; `label` orders names by slot, 0 is not known.

    Entries are put in the order of their score in the epoch, which those that came since the last time are out of.
    No contribution to a score has grown by more than `steep` since, so that what stands behind need not be scored.
    """
    k1, b, query, weights, average = queries.k1, queries.b, queries.start, queries.weight, queries.average
    offset, used, tied, column = entries.offset, entries.used, entries.tied, entries.column
    slot, length, frequencies, before = entries.slot, entries.length, entries.frequency, entries.score
    slots, scores = np.full((len(rows), k), EMPTY, np.int32), np.full((len(rows), k), np.nan)
    outside, undecided = np.full(len(rows), -np.inf), np.zeros(len(slot), np.bool_)
    score = np.empty((offset[1:] - offset[:-1]).max() if len(offset) > 1 else 0)
    for at in range(len(rows)):
        row = rows[at]
        start, own, its_average = offset[row], offset[row + 1] - 1, average[row]
        end, first, last = start + used[row], query[row], query[row + 1]
        for place in range(start + 1, end):
            if before[place] > before[place - 1]:
                into = place - 1
                while into > start and before[place] > before[into - 1]:
                    into -= 1
                _insert(place, into, last - first, entries)
        steep = max(1.0, its_average / epoch.average[row]) * (1.0 + SLACK)
        most = 0.0
        for pair in range(first, last):
            most = max(most, weights[pair] / epoch.weight[pair] if epoch.weight[pair] > TINY else np.inf)
        steep *= most
        held, best, names, reached = 0, scores[at], slots[at], start
        for place in range(start, end):
            if held == k and steep < np.inf and best[k - 1] > steep * before[place]:
                break
            reached = place + 1
            value, norm = 0.0, k1 * (1.0 - b + b * (length[place] / its_average))
            for pair in range(first, last):
                frequency = float(frequencies[column[pair - first] + place])
                value += weights[pair] * (frequency * (k1 + 1.0)) / (frequency + norm)
            name, into = slot[place], held
            score[place - start] = value if name != EMPTY else -np.inf
            if name == EMPTY or (held == k and value < best[k - 1]):
                continue
            while into > 0 and (
                value > best[into - 1] or (value == best[into - 1] and label[name] < label[names[into - 1]])
            ):
                into -= 1
            held = min(held + (into < k), k)
            for move in range(held - 1, into, -1):
                best[move], names[move] = best[move - 1], names[move - 1]
            if into < k:
                best[into], names[into] = value, name
        if tied[row] != EMPTY:
            norm, outside[at] = k1 * (1.0 - b + b * (length[own] / its_average)), 0.0
            for pair in range(first, last):
                frequency = float(frequencies[column[pair - first] + own])
                outside[at] += weights[pair] * (frequency * (k1 + 1.0)) / (frequency + norm)
        if held == 0:
            continue
        # Entries without a label whose score is in the list and equals another one's are left open.
        least, among, equal = best[held - 1], 0, False
        for place in range(reached - start):
            among += score[place] >= least
        for one in range(1, held):
            equal |= best[one] == best[one - 1]
        if among > held or equal:  # in few lists
            for place in range(reached - start):
                if score[place] >= least and label[slot[start + place]] == 0:
                    undecided[start + place] = np.sum(score[: reached - start] == score[place]) > 1
    return Ranking(slots, scores, outside, undecided)


@compiled
def name(
    ranking: Ranking,
    order: NDArray[np.int64],
    named: NDArray[np.int64],
    keys: NDArray[np.int64],
    scores: NDArray[np.float64],
    lengths: NDArray[np.int64],
) -> None:
    """Write row r of a ranking as list order[r], in the form of `RankedLists`; `named` are the keys by slot."""
    for row in range(len(order)):
        into, held = order[row], 0
        for at in range(ranking.slot.shape[1]):
            slot = ranking.slot[row, at]
            held += slot != EMPTY
            keys[into, at] = named[slot] if slot != EMPTY else NO_CHUNK
            scores[into, at] = ranking.score[row, at]
        lengths[into] = held
