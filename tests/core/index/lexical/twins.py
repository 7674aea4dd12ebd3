"""The inner loops of the lexical leg in numpy: the oracles of the compiled ones."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ragged import ragged
from monitor.core.index.lexical.arrays import (
    EMPTY,
    ENOUGH,
    ROUNDED,
    WIDER,
    Entries,
    Lists,
    Postings,
    Queries,
    Ranking,
    part,
)

_Block = tuple[int, NDArray[np.int64], NDArray[np.bool_]]
"""Of chunks offered at once: the number of the first, the labels, and which of them were missed."""
_Terms = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Chunk, term and frequency of what the chunks contain."""
_POST = 1000
"""Multiplications of a matrix product that cost as much as one posting."""
_CELLS = 4_000_000
"""Most cells of a (chunks, terms) or (rows, chunks) table that `offer` makes at once."""


def recount(frequency: NDArray[np.int32], histogram: NDArray[np.int64], ids: NDArray[np.int32], step: int) -> int:
    """Move document frequencies by step per occurrence, and the histogram of them; returns how many were done."""
    distinct, times = np.unique(ids, return_counts=True)
    before = frequency[distinct]
    after = before + step * times
    if len(ids) and int(after.min()) < 0:
        return 0
    top = len(histogram) - 1
    frequency[distinct] = after
    np.subtract.at(histogram, np.minimum(before, top), 1)
    np.add.at(histogram, np.minimum(after, top), 1)
    return len(ids)


def offer(
    lists: Lists, queries: Queries, postings: Postings, entries: Entries, label: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Insert every (row, chunk) pair of the postings whose epoch score is above the row's floor."""
    rows, terms = len(queries.start) - 1, len(postings.start) - 1
    missed = np.zeros(len(lists.slots), np.bool_)
    step = max(1, min(len(lists.slots), _CELLS // max(rows, terms, 1)))
    for at in range(0, len(lists.slots), step):
        some = slice(at, at + step)
        _offer(part(lists, some), queries, postings, entries, (at, label, missed[some]))
    return missed


def _offer(lists: Lists, queries: Queries, postings: Postings, entries: Entries, block: _Block) -> None:
    begin, _, missed = block
    chunks = len(lists.slots)
    at = ragged(lists.starts, lists.sizes.astype(np.int64))
    chunk = np.repeat(np.arange(chunks), lists.sizes).astype(np.int64)
    term = queries.local[lists.ids[at]].astype(np.int64)
    known = term >= 0
    at, chunk, term = at[known], chunk[known], term[known]
    table = np.zeros((chunks, len(postings.start) - 1), lists.frequencies.dtype)
    table[chunk, term] = lists.frequencies[at]
    terms = chunk, term, lists.frequencies[at].astype(np.float64)
    row, chunk = _near(terms, lists, queries, postings, entries.floor)
    passes = queries.allowed[queries.wanted[row], lists.segments[chunk]]
    passes &= begin + chunk >= entries.since[row]
    row, chunk = row[passes], chunk[passes]
    norm = queries.k1 * (1.0 - queries.b + queries.b * (lists.lengths[chunk] / queries.average[row]))
    score = np.zeros(len(row))
    first, sizes = queries.start[row], (queries.start[1:] - queries.start[:-1])[row]
    for j in range(int(sizes.max(initial=0))):
        upto = int(np.searchsorted(-sizes, -j))
        pair = first[:upto] + j
        frequency = table[chunk[:upto], queries.term[pair]].astype(np.float64)
        score[:upto] += queries.weight[pair] * (frequency * (queries.k1 + 1.0)) / (frequency + norm[:upto])
    better, stuck = score > entries.floor[row], entries.stuck[row] >= 0
    missed[chunk[better & stuck]] = True
    better &= ~stuck
    _insert(_Found(row[better], chunk[better], score[better], table, lists), queries, entries, block)


def _near(
    terms: _Terms, lists: Lists, queries: Queries, postings: Postings, floor: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, chunk) pairs, ascending by row, that can score above the floor: a sum that is partly in float32 as bound.

    Every summand is positive, so its relative error is below terms * 2^-23; a term of weight 0 counts as a trace, so
    that a hit is never 0.
    """
    chunk, term, frequency = terms
    rows, chunks = postings.rows, len(lists.slots)
    longest = queries.average[rows].max()
    norm = queries.k1 * (1.0 - queries.b + queries.b * (np.maximum(lists.lengths, 1) / longest))
    most = frequency * (queries.k1 + 1.0) / (frequency + norm[chunk])
    place, weights = _heavy(term, chunks, postings)
    line = place[term]
    dense = np.zeros((len(weights), chunks), np.float32)
    dense[line[line >= 0], chunk[line >= 0]] = most[line >= 0]
    total = weights.T @ dense
    rest = line < 0
    chunk, term, most = chunk[rest], term[rest], most[rest]
    sizes = np.diff(postings.start)[term]
    post = ragged(postings.start[term], sizes)
    cell = postings.row[post].astype(np.int64) * chunks + np.repeat(chunk, sizes)
    added = np.bincount(cell, np.repeat(most, sizes) * postings.weight[post], minlength=total.size)
    total += added.reshape(total.shape).astype(np.float32)
    slack = 1.0 + (8 + len(weights) + queries.start[1]) * ROUNDED
    near, chunk = np.nonzero(total > (np.maximum(floor[rows], 0.0) / slack)[:, None])
    return rows[near], chunk


def _heavy(term: NDArray[np.int64], chunks: int, postings: Postings) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Terms for which a product with all rows is less work than their postings in all chunks: the line of each term
    (-1 for others), and per line the weights of all rows.
    """
    asked = np.diff(postings.start)
    often = np.bincount(term, minlength=len(asked)) * asked * _POST > chunks * len(postings.rows)
    heavy = np.flatnonzero(often | (postings.wide >= 0))
    place = np.full(len(asked), -1, np.int64)
    place[heavy] = np.arange(len(heavy))
    weights = np.zeros((len(heavy), len(postings.rows)), np.float32)
    weights[place[postings.wide >= 0]] = postings.table[postings.wide[postings.wide >= 0]]
    pair = ragged(postings.start[heavy], asked[heavy])
    weights[np.repeat(np.arange(len(heavy)), asked[heavy]), postings.row[pair]] = postings.weight[pair]
    return place, weights


class _Found:
    """Pairs to insert, ascending by row."""

    def __init__(
        self,
        row: NDArray[np.int64],
        chunk: NDArray[np.int64],
        score: NDArray[np.float64],
        table: NDArray[np.uint8],
        lists: Lists,
    ) -> None:
        self.row, self.chunk, self.score, self.table, self.lists = row, chunk, score, table, lists


def _insert(found: _Found, queries: Queries, entries: Entries, block: _Block) -> None:
    rows, first, fresh = np.unique(found.row, return_index=True, return_counts=True)
    room = np.diff(entries.offset)[rows] - 1
    full = entries.used[rows] + fresh > room
    for row, at, new in zip(rows[full].tolist(), first[full].tolist(), fresh[full].tolist(), strict=True):
        _merge(row, slice(at, at + new), found, queries, entries, block)
    fits = ~full
    pick = ragged(first[fits], fresh[fits])
    place = ragged((entries.offset[rows] + entries.used[rows])[fits], fresh[fits])
    entries.used[rows[fits]] += fresh[fits]
    chunk, row = found.chunk[pick], found.row[pick]
    entries.slot[place] = found.lists.slots[chunk]
    entries.score[place] = found.score[pick]
    entries.length[place] = found.lists.lengths[chunk]
    sizes = (queries.start[1:] - queries.start[:-1])[row]
    for j in range(int(sizes.max(initial=0))):
        upto = int(np.searchsorted(-sizes, -j))
        term = queries.term[queries.start[row[:upto]] + j]
        entries.frequency[entries.column[j] + place[:upto]] = found.table[chunk[:upto], term]


def _merge(
    row: int,
    new: slice,
    found: _Found,
    queries: Queries,
    entries: Entries,
    block: _Block,
) -> None:
    """Cut a row that would overflow to its best `keep` of old and new; see `Entries` for what is left out."""
    start, own = int(entries.offset[row]), int(entries.offset[row + 1]) - 1
    old = start + np.flatnonzero(entries.slot[start : start + int(entries.used[row])] != EMPTY)
    chunk, (begin, label, missed) = found.chunk[new], block
    columns = entries.column[: int(queries.start[row + 1] - queries.start[row])]
    terms = queries.term[queries.start[row] : queries.start[row + 1]]
    score = np.concatenate((entries.score[old], found.score[new]))
    slot = np.concatenate((entries.slot[old], found.lists.slots[chunk]))
    length = np.concatenate((entries.length[old], found.lists.lengths[chunk]))
    table = np.concatenate((entries.frequency[columns + old[:, None]], found.table[chunk][:, terms]))
    ranked = np.lexsort((label[slot], -score))
    keep = int(entries.keep[row])
    least = score[ranked[:keep][-1]]
    above, with_tied = int(np.count_nonzero(score > least)), int(np.count_nonzero(score >= least))
    if with_tied <= int(keep * WIDER):
        keep = with_tied
    elif above >= keep * ENOUGH:
        keep = above
    best, rest = ranked[:keep], ranked[keep:]
    if len(rest) and score[rest[0]] == score[best[-1]]:
        if (label[slot[score == score[best[-1]]]] == 0).any():
            entries.stuck[row] = begin
            missed[chunk] = True
            return
        if _represent(row, rest[0], (slot, score, length, table), entries, label):
            signature = entries.frequency[columns + own]
            same = (length[rest] == entries.length[own]) & (table[rest] == signature).all(axis=1)
            rest = rest[~(same & (score[rest] == entries.score[own]))]
    entries.floor[row] = max(entries.floor[row], score[rest].max(initial=-np.inf))
    end = start + len(best)
    entries.slot[start:own] = EMPTY
    entries.slot[start:end], entries.score[start:end], entries.length[start:end] = (
        slot[best],
        score[best],
        length[best],
    )
    entries.frequency[columns + np.arange(start, end)[:, None]] = table[best]
    entries.used[row] = len(best)


def _represent(
    row: int,
    first: int,
    rows: tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32], NDArray[np.uint16]],
    entries: Entries,
    label: NDArray[np.int64],
) -> bool:
    """Let an entry that is left out stand for its equals; False if others, with a better score, need that more."""
    slot, score, length, table = rows
    own, columns = int(entries.offset[row + 1]) - 1, entries.column[: table.shape[1]]
    if entries.tied[row] != EMPTY:
        if entries.length[own] == length[first] and (entries.frequency[columns + own] == table[first]).all():
            if label[entries.tied[row]] <= label[slot[first]]:
                return True
        elif entries.score[own] > score[first]:
            return False
        else:
            entries.floor[row] = max(entries.floor[row], entries.score[own])
    entries.tied[row], entries.score[own], entries.length[own] = slot[first], score[first], length[first]
    entries.frequency[columns + own] = table[first]
    return True


def rank(
    entries: Entries, queries: Queries, _: Queries, rows: NDArray[np.int64], k: int, label: NDArray[np.int64]
) -> Ranking:
    """The best k of each row now: score descending, then the order of names."""
    score = np.full(len(entries.slot), -np.inf)
    places = ragged(entries.offset[rows], entries.used[rows])
    _score((places, np.repeat(rows, entries.used[rows])), entries, queries, score)
    tied = rows[entries.tied[rows] != EMPTY]
    own = np.full(len(score), -np.inf)
    _score((entries.offset[tied + 1] - 1, tied), entries, queries, own)
    made = Ranking(
        np.full((len(rows), k), EMPTY, np.int32),
        np.full((len(rows), k), np.nan),
        own[entries.offset[rows + 1] - 1],
        np.zeros(0, np.int64),
        np.zeros(len(rows), np.bool_),
    )
    nameless = np.zeros(len(score), np.bool_)
    score[entries.slot == EMPTY] = -np.inf
    room = np.diff(entries.offset)[rows]
    for size in np.unique(room).tolist():
        group = np.flatnonzero(room == size)
        place = _cut(entries.offset[rows[group]][:, None] + np.arange(size), score, k)
        _best(place, (score, entries.slot, label), (made, group), nameless)
    return made._replace(open=np.flatnonzero(nameless))


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
    nameless: NDArray[np.bool_],
) -> None:
    """Order what was found, fill a group of the ranking's rows, and mark where a label is missing."""
    (row, place), (score, slot, label), (made, group) = found, entries, into
    ranked = np.lexsort((label[slot[place]], -score[place], row))
    row, place = row[ranked], place[ranked]
    value = score[place]
    same = np.flatnonzero((row[1:] == row[:-1]) & (value[1:] == value[:-1]))
    decides = place[np.concatenate((same, same + 1))]
    nameless[decides[label[slot[decides]] == 0]] = True
    at = np.arange(len(row)) - np.searchsorted(row, row)
    top = at < made.slot.shape[1]
    made.slot[group[row[top]], at[top]] = slot[place[top]]
    made.score[group[row[top]], at[top]] = value[top]
