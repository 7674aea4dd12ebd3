"""The memory of the anchors' buffers: made, widened for single rows, and cleared."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ragged import ragged
from monitor.core.index.lexical.arrays import EMPTY, Entries, Queries
from monitor.core.index.lexical.queries import QueryPlan

_KNOWN = 0.85
"""Share of `keep` that a row must hold to be seeded; a full row that was just widened holds at most 0.8."""
_BELOW = 1e-9
"""Relative distance of a floor from the entry it must let in again."""


def empty(plan: QueryPlan, keep: NDArray[np.int64], wide: bool = False) -> Entries:
    """Empty buffers with room for 1.6 times what a cut keeps (so that cuts are rare), and a tied representative.

    Args:
        plan: the queries, A rows.
        keep: (A,) int64, entries that a full row is cut to.
        wide: frequencies as uint32 (some chunk repeats a term more than 65,535 times).
    """
    offset = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep * 8 // 5 + 1)))
    places = int(offset[-1])
    # column j covers the rows with more than j terms; they stand first
    longest = int(plan.sizes.max(initial=0))
    covered = offset[np.searchsorted(-plan.sizes, -np.arange(longest))]
    return Entries(
        offset=offset,
        used=np.zeros(len(plan), np.int64),
        ordered=np.zeros(len(plan), np.int64),
        keep=keep,
        floor=np.full(len(plan), -np.inf),
        tied=np.full(len(plan), EMPTY, np.int32),
        stuck=np.full(len(plan), -1, np.int64),
        since=np.zeros(len(plan), np.int64),
        slot=np.full(places, EMPTY, np.int32),
        score=np.zeros(places),
        length=np.zeros(places, np.int32),
        frequency=np.zeros(int(covered.sum()), np.uint32 if wide else np.uint16),
        column=np.concatenate((np.zeros(1, np.int64), np.cumsum(covered)))[:-1],
    )


def resized(plan: QueryPlan, entries: Entries, keep: NDArray[np.int64]) -> Entries:
    """The same buffers with other `keep`s, each at least the places the row uses."""
    made = empty(plan, keep, entries.frequency.dtype == np.uint32)
    every = np.arange(len(plan))
    carry(entries, every, made, every, plan.sizes)
    return made


def carry(
    entries: Entries, source: NDArray[np.int64], made: Entries, target: NDArray[np.int64], sizes: NDArray[np.int64]
) -> None:
    """Copy buffers of some rows into other, empty ones that keep at least as much.

    Args:
        entries: where from.
        source: (R,) int64 rows there.
        made: where to, with frequencies of the same width.
        target: (R,) int64 rows there, ascending.
        sizes: (R,) int64, terms of each row, falling: the same terms in the same order in both.
    """
    for own in ("used", "ordered", "floor", "tied", "stuck", "since"):
        getattr(made, own)[target] = getattr(entries, own)[source]
    used = entries.used[source]
    places = ragged(entries.offset[source], used), ragged(made.offset[target], used)
    _copy(entries, made, places, (sizes, used))
    tied = entries.offset[source + 1] - 1, made.offset[target + 1] - 1
    _copy(entries, made, tied, (sizes, np.ones(len(source), np.int64)))


def _copy(
    entries: Entries,
    made: Entries,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Copy places; `rows` are the terms of each row, falling, and its places."""
    source, target = places
    sizes, per_row = rows
    made.slot[target], made.score[target] = entries.slot[source], entries.score[source]
    made.length[target] = entries.length[source]
    for j in range(int(sizes.max(initial=0))):
        upto = int(per_row[: np.searchsorted(-sizes, -j)].sum())
        made.frequency[made.column[j] + target[:upto]] = entries.frequency[entries.column[j] + source[:upto]]


def widened(entries: Entries) -> Entries:
    """The same buffers with uint32 frequencies."""
    return entries._replace(frequency=entries.frequency.astype(np.uint32))


def clear(entries: Entries, rows: NDArray[np.int64]) -> None:
    """Empty some rows; nothing is outside their floors then but what is offered again."""
    entries.slot[ragged(entries.offset[rows], entries.used[rows])] = EMPTY
    entries.used[rows] = entries.ordered[rows] = 0
    entries.floor[rows] = -np.inf
    entries.tied[rows] = EMPTY
    entries.stuck[rows] = -1


def expose(entries: Entries, slots: NDArray[np.int64]) -> None:
    """Give up representatives in some slots, which other chunks hold now: the floor covers those they stood for."""
    rows = np.flatnonzero((entries.tied != EMPTY) & np.isin(entries.tied, slots))
    entries.floor[rows] = np.maximum(entries.floor[rows], entries.score[entries.offset[rows + 1] - 1])
    entries.tied[rows] = EMPTY


def held(entries: Entries, row: int) -> NDArray[np.int64]:
    """Slots of a row's entries."""
    slots = entries.slot[int(entries.offset[row]) : int(entries.offset[row] + entries.used[row])]
    live: NDArray[np.int64] = slots[slots != EMPTY].astype(np.int64)
    return live


def at_cut(entries: Entries, row: int) -> NDArray[np.int64]:
    """Slots of a row's entries whose score is the one that a cut would run through."""
    place = slice(int(entries.offset[row]), int(entries.offset[row] + entries.used[row]))
    scores = entries.score[place][entries.slot[place] != EMPTY]
    if not len(scores):
        return np.zeros(0, np.int64)
    kept = min(int(entries.keep[row]), len(scores))
    tied: NDArray[np.int64] = held(entries, row)[scores == -np.partition(-scores, kept - 1)[kept - 1]]
    return tied


def least_known(entries: Entries, queries: Queries, rows: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Just below the least score of the up to `keep` best entries of some rows under the queries' weights; (R,).

    -inf for a row that holds fewer than k, or much less than `keep`: what was widened is to be filled anew.
    """
    score = _scores(entries, queries, rows)
    made = np.full(len(rows), -np.inf)
    for at, row in enumerate(rows.tolist()):
        place = slice(int(entries.offset[row]), int(entries.offset[row] + entries.used[row]))
        held = np.sort(score[place][entries.slot[place] != EMPTY])[-int(entries.keep[row]) :]
        if len(held) >= max(k, _KNOWN * int(entries.keep[row])):
            made[at] = held[0] - _BELOW * max(1.0, abs(held[0]))
    return made


def _scores(entries: Entries, queries: Queries, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores under the queries' weights, by place: of all that these rows (ascending) hold, -inf elsewhere."""
    place, row = ragged(entries.offset[rows], entries.used[rows]), np.repeat(rows, entries.used[rows])
    norm = queries.k1 * (1.0 - queries.b + queries.b * (np.maximum(entries.length[place], 1) / queries.average[row]))
    total = np.zeros(len(place))
    first, sizes = queries.start[row], (queries.start[1:] - queries.start[:-1])[row]
    for j in range(int(sizes.max(initial=0))):
        upto = int(np.searchsorted(-sizes, -j))
        frequency = entries.frequency[entries.column[j] + place[:upto]].astype(np.float64)
        total[:upto] += (
            queries.weight[first[:upto] + j] * (frequency * (queries.k1 + 1.0)) / (frequency + norm[:upto])
        )
    score = np.full(len(entries.slot), -np.inf)
    score[place] = total
    return score
