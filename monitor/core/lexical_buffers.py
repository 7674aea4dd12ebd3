"""The memory of the anchors' buffers: made, widened for single rows, and cleared."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.lexical_arrays import EMPTY, Entries, ragged
from monitor.core.lexical_queries import Plan


def empty(plan: Plan, keep: NDArray[np.int64], wide: bool = False) -> Entries:
    """Buffers that hold nothing, with room for 1.6 times what a cut keeps (so that cuts are rare).

    Args:
        plan: the queries, A rows.
        keep: (A,) int64, entries that a full row is cut to.
        wide: frequencies as uint32 (some chunk repeats a term more than 65,535 times).
    """
    offset = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep * 8 // 5)))
    places = int(offset[-1])
    # column j covers the rows with more than j terms; they stand first
    longest = int(plan.sizes.max(initial=0))
    covered = offset[np.searchsorted(-plan.sizes, -np.arange(longest))]
    return Entries(
        offset=offset,
        used=np.zeros(len(plan), np.int64),
        keep=keep,
        floor=np.full(len(plan), -np.inf),
        slot=np.full(places, EMPTY, np.int32),
        score=np.zeros(places),
        length=np.zeros(places, np.int32),
        frequency=np.zeros(int(covered.sum()), np.uint32 if wide else np.uint16),
        column=np.concatenate((np.zeros(1, np.int64), np.cumsum(covered)))[:-1],
    )


def resized(plan: Plan, entries: Entries, keep: NDArray[np.int64]) -> Entries:
    """The same buffers with other `keep`s, each at least the places the row uses."""
    made = empty(plan, keep, entries.frequency.dtype == np.uint32)
    source, target = ragged(entries.offset[:-1], entries.used), ragged(made.offset[:-1], entries.used)
    made.used[:], made.floor[:] = entries.used, entries.floor
    made.slot[target], made.score[target] = entries.slot[source], entries.score[source]
    made.length[target] = entries.length[source]
    for j in range(len(made.column)):
        upto = int(entries.used[: np.searchsorted(-plan.sizes, -j)].sum())
        made.frequency[made.column[j] + target[:upto]] = entries.frequency[entries.column[j] + source[:upto]]
    return made


def widened(entries: Entries) -> Entries:
    """The same buffers with uint32 frequencies."""
    return entries._replace(frequency=entries.frequency.astype(np.uint32))


def clear(entries: Entries, rows: NDArray[np.int64]) -> None:
    """Empty some rows; nothing is outside their floors then but what is offered again."""
    entries.slot[ragged(entries.offset[rows], entries.used[rows])] = EMPTY
    entries.used[rows] = 0
    entries.floor[rows] = -np.inf
