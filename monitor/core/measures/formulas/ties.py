"""Ties at the cut: which of several equally good results made it into the list is no drift."""

from monitor.core.measures.formulas.arrays_of import arrays_of
from monitor.core.measures.formulas.kernels_match import settle, tied
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
    before, after = arrays_of(baseline), arrays_of(current)
    rows = tied(before, after, eps)
    if not len(rows):
        return current
    keys = settle(before[:2], after[:2], rows, eps)
    return RankedLists(keys, current.scores, current.lengths, current.known)
