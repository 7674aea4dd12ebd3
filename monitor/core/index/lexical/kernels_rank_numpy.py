"""The ranking of buffers in plain numpy."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.arrays import EMPTY, Entries, Queries, Ranking, ragged


def rank(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]) -> Ranking:
    """The best k of each row now: score descending, then the order of names."""
    score = held_scores(entries, queries, rows)
    twins = rows[entries.twin[rows] != EMPTY]
    own = np.full(len(score), -np.inf)
    _score((entries.offset[twins + 1] - 1, twins), entries, queries, own)
    made = Ranking(
        np.full((len(rows), k), EMPTY, np.int32),
        np.full((len(rows), k), np.nan),
        own[entries.offset[rows + 1] - 1],
        np.zeros(len(score), np.bool_),
    )
    score[entries.slot == EMPTY] = -np.inf
    room = np.diff(entries.offset)[rows]
    for size in np.unique(room).tolist():
        group = np.flatnonzero(room == size)
        place = _cut(entries.offset[rows[group]][:, None] + np.arange(size), score, k)
        _best(place, (score, entries.slot, label), (made, group))
    return made


def held_scores(entries: Entries, queries: Queries, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores under the queries' weights, by place: of all that these rows (ascending) hold, -inf elsewhere."""
    score = np.full(len(entries.slot), -np.inf)
    places = ragged(entries.offset[rows], entries.used[rows])
    _score((places, np.repeat(rows, entries.used[rows])), entries, queries, score)
    return score


def _score(
    at: tuple[NDArray[np.int64], NDArray[np.int64]], entries: Entries, queries: Queries, score: NDArray[np.float64]
) -> None:
    """Score some places, given with their rows (ascending), under the queries' weights."""
    place, row = at
    norm = queries.k1 * (1.0 - queries.b + queries.b * (np.maximum(entries.length[place], 1) / queries.average[row]))
    total = np.zeros(len(place))
    first, sizes = queries.start[row], (queries.start[1:] - queries.start[:-1])[row]
    for j in range(int(sizes.max(initial=0))):
        upto = int(np.searchsorted(-sizes, -j))
        frequency = entries.frequency[entries.column[j] + place[:upto]].astype(np.float64)
        total[:upto] += (
            queries.weight[first[:upto] + j] * (frequency * (queries.k1 + 1.0)) / (frequency + norm[:upto])
        )
    score[place] = total


def _cut(place: NDArray[np.int64], score: NDArray[np.float64], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, place) of what can be among the best k of rows with equally many places, ties at the cut included."""
    values = score[place]
    least = -np.partition(-values, k - 1, axis=1)[:, k - 1 : k]
    row, column = np.nonzero((values >= least) & (values > -np.inf))
    return row, place[row, column]


def _best(
    found: tuple[NDArray[np.int64], NDArray[np.int64]],
    entries: tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int64]],
    into: tuple[Ranking, NDArray[np.int64]],
) -> None:
    """Order what was found and fill a group of the ranking's rows."""
    (row, place), (score, slot, label), (made, group) = found, entries, into
    ranked = np.lexsort((label[slot[place]], -score[place], row))
    row, place = row[ranked], place[ranked]
    value = score[place]
    same = np.flatnonzero((row[1:] == row[:-1]) & (value[1:] == value[:-1]))
    decides = place[np.concatenate((same, same + 1))]
    made.open[decides[label[slot[decides]] == 0]] = True
    at = np.arange(len(row)) - np.searchsorted(row, row)
    top = at < made.slot.shape[1]
    made.slot[group[row[top]], at[top]] = slot[place[top]]
    made.score[group[row[top]], at[top]] = value[top]
