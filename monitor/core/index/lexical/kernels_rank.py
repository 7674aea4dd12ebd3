"""The ranking of buffers, compiled by numba."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical.arrays import EMPTY, SLACK, TINY, Entries, Queries, Ranking
from monitor.core.model.lists import NO_CHUNK

_TOGETHER = 16
"""Entries that are scored in one pass over a row's terms: a list is mostly among so many."""


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
    No contribution to a score has grown by more than `steep` since, so that what stands behind need not be scored:
    neither the rest of the entries nor, where the row is `sure`, what is outside.
    """
    k1, b, query, weights, average = queries.k1, queries.b, queries.start, queries.weight, queries.average
    offset, used, ordered, tied, column = entries.offset, entries.used, entries.ordered, entries.tied, entries.column
    slot, length, frequencies, before = entries.slot, entries.length, entries.frequency, entries.score
    slots, scores = np.full((len(rows), k), EMPTY, np.int32), np.full((len(rows), k), np.nan)
    outside, sure = np.full(len(rows), -np.inf), np.zeros(len(rows), np.bool_)
    open_places, opened = np.empty(0, np.int64), 0
    score, norm = np.empty((offset[1:] - offset[:-1]).max() if len(offset) > 1 else 0), np.empty(_TOGETHER)
    for at in range(len(rows)):
        row = rows[at]
        start, own, its_average = offset[row], offset[row + 1] - 1, average[row]
        end, first, last = start + used[row], query[row], query[row + 1]
        for place in range(start + max(ordered[row], 1), end):
            into = place
            while into > start and before[place] > before[into - 1]:
                into -= 1
            if into < place:
                _insert(place, into, last - first, entries)
        ordered[row] = used[row]
        steep = 0.0
        for pair in range(first, last):
            steep = max(steep, weights[pair] / epoch.weight[pair] if epoch.weight[pair] > TINY else np.inf)
        steep *= max(1.0, its_average / epoch.average[row])
        most = steep * (1.0 + SLACK)
        held, best, names, reached, nameless = 0, scores[at], slots[at], start, False
        while reached < end and not (held == k and most < np.inf and best[k - 1] > most * before[reached]):
            count = min(end - reached, _TOGETHER)
            value, tokens = score[reached - start : reached - start + count], length[reached : reached + count]
            for one in range(count):
                norm[one] = k1 * (1.0 - b + b * (tokens[one] / its_average))
                value[one] = 0.0
            for pair in range(first, last):
                weight, said = weights[pair], column[pair - first] + reached
                often = frequencies[said : said + count]
                for one in range(count):
                    frequency = float(often[one])
                    value[one] += weight * (frequency * (k1 + 1.0)) / (frequency + norm[one])
            for one in range(count):
                own_score, name, into = value[one], slot[reached + one], held
                if name == EMPTY:
                    value[one] = -np.inf
                if name == EMPTY or (held == k and own_score < best[k - 1]):
                    continue
                while into > 0 and not own_score < best[into - 1]:
                    if own_score == best[into - 1]:
                        mine, other = label[name], label[names[into - 1]]
                        nameless |= mine == 0 or other == 0
                        if mine >= other:
                            break
                    into -= 1
                if into == k:
                    continue
                held = min(held + 1, k)
                for move in range(held - 1, into, -1):
                    best[move], names[move] = best[move - 1], names[move - 1]
                best[into], names[into] = own_score, name
            reached += count
        if tied[row] != EMPTY:
            its_norm, outside[at] = k1 * (1.0 - b + b * (length[own] / its_average)), 0.0
            for pair in range(first, last):
                frequency = float(frequencies[column[pair - first] + own])
                outside[at] += weights[pair] * (frequency * (k1 + 1.0)) / (frequency + its_norm)
        least, floor = best[k - 1] if held == k else -np.inf, entries.floor[row]
        bound = -np.inf if floor == -np.inf else max(floor, 0.0) * steep
        sure[at] = (floor == -np.inf or least > bound + SLACK * abs(bound)) and (
            outside[at] < least or tied[row] == EMPTY
        )
        if nameless:  # in few lists
            least, seen = best[held - 1], score[: reached - start]
            for place in range(start, reached):
                of = seen[place - start]
                if of >= least and label[slot[place]] == 0 and np.sum(seen == of) > 1:
                    if opened == len(open_places):
                        open_places = np.concatenate((open_places, np.empty(opened + 16, np.int64)))
                    open_places[opened] = place
                    opened += 1
    return Ranking(slots, scores, outside, open_places[:opened].copy(), sure)


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
