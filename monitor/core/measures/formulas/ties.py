"""Ties at the cut: which of several equally good results made it into the list is no drift."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import first_ranks
from monitor.core.model.lists import RankedLists


def settle_ties(baseline: RankedLists, current: RankedLists, eps: float) -> RankedLists:
    """The current lists as they would be, had their ties at the cut been broken as in the baseline.

    t is the score of a list's last result at full depth k. Only where both lists are full and |t_B - t_C| <= eps:

    1. Results that left and results that came, all with a score within eps of both t_B and t_C, are tied at the cut.
       They are paired in rank order, and the slot of the one that came is given the key of the one that left.
    2. Results in the tied tail of both lists (score <= t + eps) take the slots they hold there in baseline order.

    Scores, lengths and what is known stay. A list with no such tie is returned as it is, so `overlap(baseline,
    settle_ties(...))` counts tied slots neither as churn nor as moved. A deleted result that tied at the cut is not
    told from one cut by the tie: with an equally good result in its place it is no drift either.

    Args:
        baseline: A lists of depth k.
        current: A lists of depth k.
        eps: how far two scores of equal worth may lie apart, >= 0, in units of the score.

    Raises:
        ValueError: if depths or numbers of anchors differ, or eps is negative or NaN.
    """
    if (len(baseline), baseline.depth) != (len(current), current.depth) or not eps >= 0.0:
        message = (
            f"ties of {len(baseline)} x {baseline.depth} against {len(current)} x {current.depth} lists, eps {eps}: "
            "expected equal shapes and eps >= 0"
        )
        raise ValueError(message)
    rows = _suspects(baseline, current, eps)
    if not len(rows):
        return current
    keys = current.keys.copy()
    exited, entered = _exchanged(baseline.take(rows), current.take(rows), eps)
    for row, out, new in zip(rows, exited, entered, strict=True):  # few rows have a tie across the cut
        pairs = min(np.count_nonzero(out), np.count_nonzero(new))
        keys[row, np.flatnonzero(new)[:pairs]] = baseline.keys[row, np.flatnonzero(out)[:pairs]]
        _reorder(keys[row], baseline.keys[row], _tail(baseline.scores[row], eps), _tail(current.scores[row], eps))
    return RankedLists(keys, current.scores, current.lengths, current.known)


def _suspects(baseline: RankedLists, current: RankedLists, eps: float) -> NDArray[np.int64]:
    """Rows whose lists differ although both are full and end at the same score."""
    full = (baseline.lengths == baseline.depth) & (current.lengths == current.depth)
    level = np.abs(baseline.scores[:, -1] - current.scores[:, -1]) <= eps
    differs = np.any(baseline.keys != current.keys, axis=1)
    return np.flatnonzero(full & level & differs & baseline.known & current.known)


def _exchanged(
    baseline: RankedLists, current: RankedLists, eps: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Slots (rows, k) of the exited and of the entered results that tie at both cuts."""
    ends = np.stack([baseline.scores[:, -1], current.scores[:, -1]])
    low, high = np.max(ends, axis=0)[:, None] - eps, np.min(ends, axis=0)[:, None] + eps
    exited = (first_ranks(baseline.keys, current.keys).T == 0) & (baseline.scores >= low) & (baseline.scores <= high)
    entered = (first_ranks(current.keys, baseline.keys).T == 0) & (current.scores >= low) & (current.scores <= high)
    return exited, entered


def _tail(scores: NDArray[np.float64], eps: float) -> NDArray[np.bool_]:
    """Slots of one full list that tie with its last."""
    tied: NDArray[np.bool_] = scores <= scores[-1] + eps
    return tied


def _reorder(
    keys: NDArray[np.int64], baseline: NDArray[np.int64], tied_before: NDArray[np.bool_], tied_now: NDArray[np.bool_]
) -> None:
    """Put the keys that are in both tied tails into the baseline's order, in the slots they hold (in place)."""
    both = set(baseline[tied_before].tolist())
    slots = [slot for slot in np.flatnonzero(tied_now).tolist() if int(keys[slot]) in both]
    at = {key: place for place, key in enumerate(baseline.tolist())}
    keys[slots] = sorted((int(keys[slot]) for slot in slots), key=at.__getitem__)
