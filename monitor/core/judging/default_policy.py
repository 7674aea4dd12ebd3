"""The default policy, stated in swaps: how many of an anchor's k results were exchanged for others.

Grounds. At k = 10 one swap is a Jaccard of .818, two are .667, three .538. Rebuilding one HNSW index on the same
data exchanged about 0.7 results in the lists it touched at a recall of .93 (measured while this system was designed),
so a mean of one swap is the first level that an index alone does not reach, and a mean of two means that a fifth of
what readers get is something else. Anchors are judged on *content* (`collapsed_swaps`): another chunk id that says
the same is not drift. Limits scale with k, because a swap is a share of k.
"""

from collections.abc import Sequence

from monitor.core.judging.policy import Rule
from monitor.core.model.report import ALL, Leg

MEAN_SWAPS_PER_K = 0.2
"""Critical: a mean of two exchanged results in ten."""
WARNING_SWAPS_PER_K = 0.1
"""Warning: one in ten."""
TOP1_CHANGED = 0.25
"""Critical: a quarter of the anchors has another first result (users read the first result first)."""


def default_rules(dimensions: Sequence[str], legs: Sequence[Leg], *, k: int, min_anchors: int) -> tuple[Rule, ...]:
    """The rules used when the configuration names none.

    Args:
        dimensions: configured dimensions; `all` is always judged.
        legs: the legs that are switched on.
        k: the depth to judge at.
        min_anchors: the fewest baseline anchors a watched segment has.
    """
    made: list[Rule] = []
    for leg in legs:
        for dimension in (ALL, *dimensions):
            watched = f"{leg}-{dimension}"
            made += [
                Rule(
                    f"swaps-{watched}",
                    "collapsed_swaps",
                    leg,
                    "mean",
                    k,
                    dimension,
                    max=MEAN_SWAPS_PER_K * k,
                    min_anchors=min_anchors,
                    ground=f"a fifth of the top {k} exchanged on average, by content",
                ),
                Rule(
                    f"swaps-warning-{watched}",
                    "collapsed_swaps",
                    leg,
                    "mean",
                    k,
                    dimension,
                    max=WARNING_SWAPS_PER_K * k,
                    severity="warning",
                    min_anchors=min_anchors,
                    ground=f"a tenth of the top {k} exchanged on average, by content: above an index's own noise",
                ),
                Rule(
                    f"top1-{watched}",
                    "collapsed_top1_changed_ratio",
                    leg,
                    "mean",
                    k,
                    dimension,
                    max=TOP1_CHANGED,
                    severity="critical" if dimension == ALL else "warning",
                    min_anchors=min_anchors,
                    ground="a quarter of the anchors answers with another first result, by content",
                ),
            ]
    return tuple(made)
