"""Holm's step-down correction: many tests, one level for any false rejection."""

from collections.abc import Sequence


def rejected(p: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's procedure rejects: P(any true one among them) <= alpha, however the tests depend.

    The i-th smallest p-value (from 0) is compared with alpha / (m - i); the first that is greater ends it.

    Args:
        p: m p-values; NaN is never rejected and counts as a test.
        alpha: 0 to 1.

    Returns:
        m booleans, in the order given; equal p-values share one fate, for the level only rises.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    >>> rejected([0.01, 0.04, 0.03], 0.05)
    [True, False, False]
    """
    made = [False] * len(p)
    order = sorted(range(len(p)), key=lambda at: (p[at] != p[at], p[at], at))
    for left, at in zip(range(len(p), 0, -1), order, strict=True):
        if not p[at] * left <= alpha:
            break
        made[at] = True
    return made
