"""The arrays that the lexical kernels read and write, in shapes that numba takes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EMPTY = -1
"""The slot of a buffer entry that holds nothing."""


class Lists(NamedTuple):
    """Forward lists of n chunks: which terms each contains, how often.

    `starts`, `sizes` cut `ids`, `frequencies` (a slab shared by all chunks); `lengths` are tokens with repeats.
    Frequencies are uint8, uint16 or uint32, by the greatest there ever was.
    """

    slots: NDArray[np.int32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int32]
    lengths: NDArray[np.int32]
    segments: NDArray[np.int32]
    ids: NDArray[np.int32]
    frequencies: NDArray[np.uint8]


def part(lists: Lists, of: slice | NDArray[np.int64]) -> Lists:
    """The lists of some of the chunks."""
    return lists._replace(
        slots=lists.slots[of],
        starts=lists.starts[of],
        sizes=lists.sizes[of],
        lengths=lists.lengths[of],
        segments=lists.segments[of],
    )


class Queries(NamedTuple):
    """A queries as rows of (term, weight) pairs, P in all; rows stand by falling number of terms.

    Pairs of row r are `start[r]` to `start[r + 1]`, in the order of the query. `term` indexes the M distinct
    terms; `local` maps a token id to that index, -1 for others. `weight` is idf times repeats, `average` the
    average length, both of the epoch that each row is in, or of now. Row r takes a chunk of segment s if
    `allowed[wanted[r], s]`.
    """

    start: NDArray[np.int64]
    term: NDArray[np.int32]
    weight: NDArray[np.float64]
    average: NDArray[np.float64]
    wanted: NDArray[np.int32]
    allowed: NDArray[np.bool_]
    local: NDArray[np.int32]
    k1: float
    b: float


class Postings(NamedTuple):
    """What R of the rows ask, by term: those that ask term t stand at `start[t]` to `start[t + 1]`.

    `local` is the one of `Queries` without the terms that none of the rows asks. `row` counts within `rows`, which
    ascend. `weight` is the positive part of the weight in the row's epoch, and a
    trace where that is 0, so that a hit never adds up to nothing. A term that very many rows ask has no postings but,
    at `wide[t]` (-1 for others), a line of `table`: the weight of each of the R rows, 0 where a row does not ask it.
    """

    rows: NDArray[np.int64]
    local: NDArray[np.int32]
    start: NDArray[np.int64]
    row: NDArray[np.uint32]
    weight: NDArray[np.float32]
    wide: NDArray[np.int32]
    table: NDArray[np.float32]


class Entries(NamedTuple):
    """Buffers of A rows: row r owns the places `offset[r]` to `offset[r + 1]`, the first `used[r]` taken. The first
    `ordered[r]` of these stand in the order of their scores.

    An entry is a chunk that hits the row: slot (EMPTY once its chunk is gone), score in the row's epoch, length,
    and its frequency of each of the row's terms: that of the j-th term stands at `frequency[column[j] + place]`.
    Rows with more terms come first, so column j is a prefix of the places.

    A full row is cut to its best `keep[r]`, or to some more or fewer (`WIDER`, `ENOUGH`) so that the cut does not run
    through equal scores. Twins (equal length and frequencies) have equal scores for ever, so that only their names
    decide between them: where the cut runs through ties, those with the larger names are left out, and the first of
    them, whose slot is `tied[r]` and whose numbers stand at the row's last place, stands for all. Every other
    live hit outside scores at most `floor[r]` in the row's epoch.

    A row that cannot be cut because names at the cut have no label takes nothing more: `stuck[r]` is the chunk, by
    number in what is offered, that it could not take (-1: none); `since[r]` is the first chunk it wants.
    """

    offset: NDArray[np.int64]
    used: NDArray[np.int64]
    ordered: NDArray[np.int64]
    keep: NDArray[np.int64]
    floor: NDArray[np.float64]
    tied: NDArray[np.int32]
    stuck: NDArray[np.int64]
    since: NDArray[np.int64]
    slot: NDArray[np.int32]
    score: NDArray[np.float64]
    length: NDArray[np.int32]
    frequency: NDArray[np.uint16]
    column: NDArray[np.int64]


class Ranking(NamedTuple):
    """The best k entries of R rows under the queries' weights: slots, scores (EMPTY and NaN behind the end).

    `open` are the places of entries whose name decides a tie and has no label yet: their rows are then to be ranked
    again. `outside` is the present score of the tied chunks that were left out, -inf if none were. `sure` says which
    rows nothing outside can change; of others that is to be found out.
    """

    slot: NDArray[np.int32]
    score: NDArray[np.float64]
    outside: NDArray[np.float64]
    open: NDArray[np.int64]
    sure: NDArray[np.bool_]


class Counted(NamedTuple):
    """Distinct ids of n documents with frequencies; document i has `offset[i]` to `offset[i + 1]`.

    The `heads[i]` ids that queries know stand first.
    """

    offset: NDArray[np.int64]
    heads: NDArray[np.int32]
    ids: NDArray[np.int32]
    frequencies: NDArray[np.int32]


WIDER, ENOUGH = 1.4, 0.4
"""A cut that would run through equal scores keeps all of them if it then keeps at most so many times as many, or none
if it then keeps at least this share: so names, which are dear, decide only where very many scores are equal."""
SLACK = 1e-12
"""Relative; far above the error of a sum of a few hundred positive float64, far below any real gap."""
TINY = 1e-9
"""A weight of an epoch below which no ratio to it is formed."""
ROUNDED = 2.0**-22
"""Relative error per term, and well above, of a sum of products in float32."""
TRACE = 1e-30
"""The weight of a term that adds nothing: tells a hit from a chunk that shares no term."""
