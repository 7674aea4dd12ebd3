"""Which answers are kept and which results are new, compiled by numba: a turn looks at a few dozen anchors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import NOWHERE, Enough, SetLists, held_at

Codes = NDArray[np.int64]
NONE = -1
"""Fills the unused tail of a row of codes."""
UNSEEN = 0
"""The depth of what was not looked for."""


class ListedTexts(NamedTuple):
    """What stands in the slots of R lists of one side.

    Args:
        keys: (R, m) int64 chunk keys, NONE behind the end.
        said: (R, m) int64 content keys.
        texts: shingles.
    """

    keys: Codes
    said: Codes
    texts: SetLists


@compiled
def kept_shares(
    then: ListedTexts,
    now: ListedTexts,
    known: NDArray[np.bool_],
    close: Codes,
    within: tuple[int, int],
    enough: Enough,
) -> NDArray[np.float64]:
    """(R,) share of the first results then that are kept; 1 where there was none.

    Args:
        then: the baseline's lists.
        now: the lists now.
        known: (R,) bool, whether both are.
        close: (R, f) int64, the depth at which the shingles of each result then stand, UNSEEN where nobody looked;
            is written to.
        within: how many of the first results then, at most f, and of those now.
        enough: what holds a text.
    """
    first, k = within
    equal = np.full(close.shape, NOWHERE, np.int64)
    rows, slots, count = np.empty(equal.size, np.int64), np.empty(equal.size, np.int64), 0
    for row in range(len(known)):
        for slot in range(close.shape[1] if known[row] else 0):  # most is what a list holds, which all slots share
            if then.keys[row, slot] == NONE:
                continue
            equal[row, slot] = _place(then.said[row, slot], now.said[row])
            if equal[row, slot] > k and close[row, slot] == UNSEEN:
                rows[count], slots[count] = row, slot
                count += 1
    _look(then, now, (rows[:count], slots[:count]), close, enough)
    made = np.ones(len(known))
    for row in range(len(known)):
        asked, held = 0, 0
        for slot in range(first if known[row] else 0):
            if then.keys[row, slot] != NONE:
                asked += 1
                held += equal[row, slot] <= k or UNSEEN < close[row, slot] <= k
        if asked > 0:
            made[row] = held / asked
    return made


@compiled
def new_counts(
    now: ListedTexts,
    then: ListedTexts,
    known: NDArray[np.bool_],
    heard: Codes,
    within: tuple[int, int],
    enough: Enough,
) -> NDArray[np.float64]:
    """(R,) how many of the first results now say what none of the first did then.

    Args:
        now: the lists now.
        then: the baseline's lists.
        known: (R,) bool, whether both are.
        heard: (R, m) int64, the depth at which the shingles of each result now stood then, UNSEEN where nobody
            looked; is written to.
        within: how many of the first results now, and of those then.
        enough: what holds a text.
    """
    first, k = min(within[0], now.keys.shape[1]), within[1]
    fresh = np.zeros((len(known), first), np.bool_)
    rows, slots, count = np.empty(fresh.size, np.int64), np.empty(fresh.size, np.int64), 0
    for row in range(len(known)):
        for slot in range(first if known[row] else 0):
            said = now.said[row, slot]
            fresh[row, slot] = said != NONE and _place(said, then.said[row, :k]) == NOWHERE
            if fresh[row, slot] and heard[row, slot] == UNSEEN:
                rows[count], slots[count] = row, slot
                count += 1
    _look(now, then, (rows[:count], slots[:count]), heard, enough)
    made = np.zeros(len(known))
    for row in range(len(known)):
        for slot in range(first):
            made[row] += fresh[row, slot] and heard[row, slot] > k
    return made


@compiled
def carry(
    heard: Codes, before: Codes, now: Codes, others: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Take what was looked for along to where it stands now: the baseline's lists stay.

    Args:
        heard: (R, m) int64, see `new_counts`, of lists before; is written to.
        before: (R, m) int64 chunk keys before.
        now: (R, m) int64 chunk keys now.
        others: (R, m) bool, slots of which the chunk may say something else than before.

    Returns:
        (R,) bool, rows with slots of another chunk, or of such a chunk, and all these slots, numbered row by row.
    """
    old, slots = np.empty(heard.shape[1], np.int64), heard.shape[1]
    rows, places, count = np.zeros(len(heard), np.bool_), np.empty(heard.size, np.int64), 0
    for row in range(len(heard)):
        for slot in range(slots):
            if others[row, slot] or before[row, slot] != now[row, slot]:
                rows[row] = True
                places[count] = row * slots + slot
                count += 1
        if not rows[row]:
            continue
        old[:] = heard[row]
        for slot in range(slots):
            place = slot + 1
            if before[row, slot] != now[row, slot]:
                place = _place(now[row, slot], before[row])
            heard[row, slot] = UNSEEN if others[row, slot] or place == NOWHERE else old[place - 1]
    return rows, places[:count].copy()


@compiled
def _place(sought: int, listed: Codes) -> int:
    """The first place, from 1, at which a code stands, NOWHERE if at none."""
    for place in range(len(listed)):
        if listed[place] == sought:
            return place + 1
    return NOWHERE


@compiled
def _look(own: ListedTexts, other: ListedTexts, sought: tuple[Codes, Codes], depths: Codes, enough: Enough) -> None:
    """Write down at which depth the other lists of their rows hold the texts of some slots, given by row and slot."""
    rows, slots = sought
    same = np.empty((len(rows), other.keys.shape[1]), np.bool_)
    for at in range(len(rows)):
        for place in range(other.keys.shape[1]):
            same[at, place] = own.keys[rows[at], slots[at]] == other.keys[rows[at], place]
    found = held_at(own.texts, other.texts, rows, slots, same, enough)
    for at in range(len(rows)):
        depths[rows[at], slots[at]] = found[at]
