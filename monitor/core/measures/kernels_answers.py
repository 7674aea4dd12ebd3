"""Which answers are kept and which results are new, compiled by numba: a turn looks at a few dozen anchors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import NOWHERE, Enough, SetLists, Sieves, held_at, sift_one

Codes = NDArray[np.int64]
NONE = -1
"""Fills the unused tail of a row of codes."""
UNSEEN, SIFTED = 0, -1
"""The depth of what was not looked for, and of that where the sieve of its list has it already."""


class ListedTexts(NamedTuple):
    """What stands in the slots of R lists of one side.

    Args:
        keys: (R, m) int64 chunk keys, NONE behind the end.
        said: (R, m) int64 content keys.
        texts: shingles.
        sieves: of the lists.
    """

    keys: Codes
    said: Codes
    texts: SetLists
    sieves: Sieves


class Heard(NamedTuple):
    """At which depth the shingles of results stand in the other side's lists, UNSEEN or SIFTED where nobody looked.

    Args:
        then: (R, f) int64, of the first results then.
        now: (N, m) int64, of all results now, of all lists there are.
        rows: (R,) int64, which of these lists are looked at.
    """

    then: Codes
    now: Codes
    rows: Codes


@compiled
def answered(
    then: ListedTexts,
    now: ListedTexts,
    known: NDArray[np.bool_],
    heard: Heard,
    within: tuple[int, int, int],
    enough: tuple[Enough, Enough],
) -> NDArray[np.float64]:
    """What became of the answers at a depth k, (4, R): the share of the first result then, and of the first three (as
    far as there are so many), that is kept, 1 where there was none; how many of the first k results now say what none
    of the first k did then, and whether the first one says what none of all did.

    Args:
        then: the baseline's lists.
        now: the lists now.
        known: (R,) bool, whether both are.
        heard: what was looked for; is written to.
        within: k, how many results are first ones, at most f and k, and the depth of the lists.
        enough: what holds a text: one of then in a list of now, and the other way round.
    """
    k, first, depth = within
    made = np.ones((4, len(known)))
    for row in range(len(known)):
        for slot in range(now.keys.shape[1]):
            if heard.now[heard.rows[row], slot] == UNSEEN:
                heard.now[heard.rows[row], slot] = SIFTED
                if now.texts.places[row, slot] >= 0:
                    sift_one(now.sieves.bits[now.sieves.of[row]], now.texts.sets, now.texts.places[row, slot])
    _keep(then, now, known, heard.then, (k, first), enough[0], made)
    _renew(now, then, known, heard, (k, depth), enough[1], made)
    return made


@compiled
def _keep(
    then: ListedTexts,
    now: ListedTexts,
    known: NDArray[np.bool_],
    close: Codes,
    within: tuple[int, int],
    enough: Enough,
    made: NDArray[np.float64],
) -> None:
    """The shares of the first results that are kept."""
    k, first = within
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
    found = _look(then, now, (rows[:count], slots[:count]), enough)
    for at in range(count):
        close[rows[at], slots[at]] = found[at]
    for row in range(len(known)):
        asked, held = 0, 0
        for slot in range(first if known[row] else 0):
            if then.keys[row, slot] != NONE:
                asked += 1
                held += equal[row, slot] <= k or UNSEEN < close[row, slot] <= k
                made[1, row] = held / asked
            if slot == 0:
                made[0, row] = made[1, row]


@compiled
def _renew(
    now: ListedTexts,
    then: ListedTexts,
    known: NDArray[np.bool_],
    heard: Heard,
    within: tuple[int, int],
    enough: Enough,
    made: NDArray[np.float64],
) -> None:
    """How many results are new, and whether the first one is."""
    k, depth = within
    first = min(k, now.keys.shape[1])
    equal = np.zeros((len(known), first), np.int64)
    rows, slots, count = np.empty(equal.size, np.int64), np.empty(equal.size, np.int64), 0
    for row in range(len(known)):
        for slot in range(first if known[row] else 0):
            said = now.said[row, slot]
            if said != NONE:
                equal[row, slot] = _place(said, then.said[row])
                if equal[row, slot] > k and heard.now[heard.rows[row], slot] == SIFTED:
                    rows[count], slots[count] = row, slot
                    count += 1
    found = _look(now, then, (rows[:count], slots[:count]), enough)
    for at in range(count):
        heard.now[heard.rows[rows[at]], slots[at]] = found[at]
    for row in range(len(known)):
        made[2, row] = made[3, row] = 0.0
        for slot in range(first):
            depths = equal[row, slot], heard.now[heard.rows[row], slot]
            made[2, row] += depths[0] > k and depths[1] > k
            if slot == 0:
                made[3, row] = depths[0] > depth and depths[1] > depth


@compiled
def carry(
    heard: Codes, before: Codes, now: Codes, others: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Take what was looked for along to where it stands now: the baseline's lists stay.

    Args:
        heard: (R, m) int64, see `Heard`, of lists before; is written to.
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
def _look(own: ListedTexts, other: ListedTexts, slots: tuple[Codes, Codes], enough: Enough) -> Codes:
    """At which depth the other lists of their rows hold the texts of some slots, given by row and slot."""
    rows, of = slots
    same = np.empty((len(rows), other.keys.shape[1]), np.bool_)
    for at in range(len(rows)):
        for place in range(other.keys.shape[1]):
            same[at, place] = own.keys[rows[at], of[at]] == other.keys[rows[at], place]
    return held_at(own.texts, other.texts, other.sieves, slots, same, enough)
