"""Steady changes: of a retriever that answers the same question otherwise each time, what both calls agree on."""

import numpy as np

from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import NO_CHUNK, RankedLists


def settle_calls(
    then: tuple[RankedLists, RankedLists | None], now: tuple[RankedLists, RankedLists | None]
) -> RankedLists:
    """The first lists now, with what a second call takes back given to the baseline's results.

    A result that left is no change where the second call now has it, or the second call then lacked it. A result that
    came is none where the second call now lacks it, or the second call then had it. Results of the two kinds are
    paired in rank order, and the slot of the one that came is given the key of the one that left; what finds no
    partner stays. A second call that is not known says nothing: everything counts. Order in a list is not settled.

    Args:
        then: A lists of the baseline, and those of its second call at the same position; None for none.
        now: A lists of the same depth, and those of their second call.

    Returns:
        A lists; scores, lengths and what is known are those of the first call.
    """
    (before, before_again), (current, current_again) = then, now
    if before_again is None and current_again is None:
        return current
    left = (first_ranks(before.keys, current.keys).T == 0) & (before.keys != NO_CHUNK)
    came = (first_ranks(current.keys, before.keys).T == 0) & (current.keys != NO_CHUNK)
    loose_left, loose_came = np.zeros_like(left), np.zeros_like(came)
    if current_again is not None:
        asked = current_again.known[:, None]
        loose_left |= asked & (first_ranks(before.keys, current_again.keys).T > 0)
        loose_came |= asked & (first_ranks(current.keys, current_again.keys).T == 0)
    if before_again is not None:
        asked = before_again.known[:, None]
        loose_left |= asked & (first_ranks(before.keys, before_again.keys).T == 0)
        loose_came |= asked & (first_ranks(current.keys, before_again.keys).T > 0)
    left, came = left & loose_left, came & loose_came
    keys = current.keys.copy()
    for row in np.flatnonzero(left.any(axis=1) & came.any(axis=1) & before.known & current.known).tolist():
        out, new = np.flatnonzero(left[row]), np.flatnonzero(came[row])
        pairs = min(len(out), len(new))
        keys[row, new[:pairs]] = before.keys[row, out[:pairs]]
    return RankedLists(keys, current.scores, current.lengths, current.known)
