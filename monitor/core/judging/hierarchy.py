"""Many tests, one level for any false rejection, from the top down: all anchors, each dimension, its segments.

A family is what one rule asks: of all anchors one test, of a dimension one for each of its segments. The level is
split between the families by weight, before anything is seen. Whether a dimension holds any harm beyond the limit is
Simes' test of its segments, which need not pay for each other: they are disjoint anchors, so their errors are
independent, or rise together where one document has questions in several. Which segments hold it, Hommel's procedure
says, at the same level. A family all of which is rejected hands its level on to the others, so what is plain is named
everywhere.

Sources: Simes, An improved Bonferroni procedure for multiple tests of significance, Biometrika 73, 1986; Hommel, A
stagewise rejective multiple test procedure based on a modified Bonferroni test, Biometrika 75, 1988; Holm, A simple
sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979. That the whole keeps the
level: Goeman, Solari, The sequential rejection principle of familywise error control, Annals of Statistics 38, 2010,
theorem 1: levels only rise as more is rejected, and at the levels that hold when all that is false is rejected, the
families with anything true share alpha.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROUNDING = 1e-12
"""A level this little below a p-value is at it, relative to it."""


@dataclass(frozen=True, slots=True)
class RuleTests:
    """The tests of one rule.

    Args:
        p: p-values; NaN is never rejected and counts as a test.
        weight: its part of the level beside the other families', > 0; chosen without looking at the p-values.
    """

    p: Sequence[float]
    weight: float = 1.0


def rejected(families: Sequence[RuleTests], alpha: float) -> list[list[bool]]:
    """What is rejected: P(anything true among it) <= alpha.

    Families depend on each other in any way; within a family the tests are independent, or positively dependent.

    Args:
        families: m of them; one without tests has no part in the level.
        alpha: 0 to 1.

    Returns:
        for each family one boolean a test, in the order given.

    One test on all anchors, and one on two segments that only together are beyond what chance does:

    >>> rejected([RuleTests([0.04]), RuleTests([0.024, 0.021])], 0.05)
    [[True], [True, True]]
    >>> rejected([RuleTests([0.04]), RuleTests([0.024, 0.9])], 0.05)
    [[False], [False, False]]
    """
    made = [[False] * len(of.p) for of in families]
    while True:
        open_ = [of.weight for of, found in zip(families, made, strict=True) if not all(found)]
        level = alpha / sum(open_) if open_ else 0.0
        now = [
            found if all(found) else hommel(of.p, level * of.weight) for of, found in zip(families, made, strict=True)
        ]
        if now == made:
            return made
        made = now


def hommel(p: Sequence[float], alpha: float) -> list[bool]:
    """Which of m hypotheses Hommel's procedure rejects: closed testing with Simes' test of every intersection.

    With the p-values sorted, h is the greatest j at which Simes' test accepts the j greatest together: the k-th
    smallest of them is above k alpha / j for every k. At most alpha / h is rejected; all, where no j is accepted.

    Args:
        p: m p-values; NaN is never rejected and counts as a test.
        alpha: 0 to 1.

    Returns:
        m booleans, in the order given.

    >>> hommel([0.01, 0.02, 0.022, 0.9], 0.05)
    [True, True, True, False]
    >>> hommel([0.04, 0.05], 0.05), hommel([0.03, 0.9], 0.05)
    ([True, True], [False, False])
    """
    ranked = sorted(1.0 + ROUNDING if math.isnan(value) else value for value in p)
    h = next((j for j in range(len(ranked), 0, -1) if _accepted(ranked[len(ranked) - j :], alpha)), 0)
    limit = alpha / h if h else alpha
    return [value <= limit * (1.0 + ROUNDING) for value in p]


def _accepted(ranked: Sequence[float], alpha: float) -> bool:
    """Whether Simes' test does not reject that all of these sorted p-values are of true hypotheses."""
    return all(value * len(ranked) > k * alpha * (1.0 + ROUNDING) for k, value in enumerate(ranked, 1))
