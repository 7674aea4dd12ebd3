"""The total order of results, score descending then chunk id, vectorised over many anchors at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def name_ranks(slots: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """The place of each slot's chunk id among the ids of all the slots given; (n,) int64, equal for equal slots."""
    distinct, inverse = np.unique(slots, return_inverse=True)
    by_name = sorted(range(len(distinct)), key=[names[slot] for slot in distinct.tolist()].__getitem__)
    ranks = np.empty(len(distinct), np.int64)
    ranks[by_name] = np.arange(len(distinct))
    placed: NDArray[np.int64] = ranks[inverse]
    return placed


def ranked(
    rows: NDArray[np.int64], values: NDArray[np.float64], slots: NDArray[np.int64], names: Sequence[str]
) -> NDArray[np.int64]:
    """The permutation that sorts n results by (row, value descending, chunk id).

    Chunk ids are compared only where a row holds equal values: strings are slow, ties are few.
    """
    order = np.lexsort((-values, rows))
    row, value = rows[order], values[order]
    tie = (row[1:] == row[:-1]) & (value[1:] == value[:-1])
    if tie.any():
        tied = np.zeros(len(order), np.bool_)
        tied[1:] |= tie
        tied[:-1] |= tie
        ranks = np.zeros(len(order), np.int64)
        ranks[order[tied]] = name_ranks(slots[order[tied]], names)
        order = np.lexsort((ranks, -values, rows))
    return order


def places(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each entry within its row, 0 first, for ascending `rows`."""
    starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(rows)), np.bool_), rows[1:] != rows[:-1])))
    lengths = np.diff(np.append(starts, len(rows)))
    within: NDArray[np.int64] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return within


def dedup_candidates(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], slots: NDArray[np.int64], names: Sequence[str], keep: int
) -> NDArray[np.bool_]:
    """Which rows can be among the best `keep` of any list: of bit-equal vectors the first `keep` chunk ids.

    Equal vectors have equal scores, so of a flood of copies only the first ids can be listed. Copies count as
    such only within one group, because a filter may admit some of them and not the others.

    Args:
        vectors: (n, d) float32.
        groups: (n,) int64, what a filter sees of each row.
        slots: (n,) int64.
        names: chunk id by slot.
        keep: how many of each set of copies to keep.
    """
    copies: dict[tuple[int, bytes], list[int]] = {}
    for at, group in enumerate(groups.tolist()):
        copies.setdefault((group, vectors[at].tobytes()), []).append(at)
    kept = np.ones(len(slots), np.bool_)
    for members in copies.values():
        if len(members) > keep:
            by_name = sorted(members, key=lambda at: names[int(slots[at])])
            kept[by_name[keep:]] = False
    return kept
