"""Holm's step-down correction: many tests, one level for any false rejection."""

from collections.abc import Sequence


def rejected(p: Sequence[float], alpha: float, weights: Sequence[float] | None = None) -> list[bool]:
    """Which hypotheses Holm's procedure rejects: P(any true one among them) <= alpha, however the tests depend.

    Without weights the i-th smallest p-value (from 0) is compared with alpha / (m - i). With weights the smallest p/w
    is compared with alpha / (sum of the weights not yet rejected), and so on; the first that is greater ends it. That
    is closed testing with a weighted Bonferroni test of every intersection: the level of what is rejected passes on
    to what is left.

    Args:
        p: m p-values; NaN is never rejected and counts as a test.
        alpha: 0 to 1.
        weights: m positive numbers, chosen without looking at the p-values; None: equal ones.

    Returns:
        m booleans, in the order given; equal p-values of equal weight share one fate, for the level only rises.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979
    (sections 2 and 4).

    >>> rejected([0.01, 0.04, 0.03], 0.05)
    [True, False, False]
    >>> rejected([0.03, 0.04], 0.05), rejected([0.03, 0.04], 0.05, [4.0, 1.0])
    ([False, False], [True, True])
    """
    made = [False] * len(p)
    own = [1.0] * len(p) if weights is None else weights
    ratio = [value / weight for value, weight in zip(p, own, strict=True)]
    order = sorted(range(len(p)), key=lambda at: (p[at] != p[at], ratio[at], at))
    left = sum(own)
    for at in order:
        if not p[at] * left <= alpha * own[at]:
            break
        made[at] = True
        left -= own[at]
    return made
