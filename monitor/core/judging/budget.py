"""The expected-change budget: a deploy that says what it touches is held to it.

`expected` names a segment (source=pricing). Anchors of that segment have a limit of their own; all other rules judge
the other anchors. And of those others, few may have a list that chunks from outside of the segment have changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from monitor.core.judging.hypotheses import Hypothesis, JudgedAnchors
from monitor.core.judging.policy import Rule
from monitor.core.model.report import ALL

EXPECTED = "expected"
"""The dimension of what is tested because the deploy named a segment."""
EXPECTED_SWAPS_PER_K = 0.5
"""In the expected segment: half of the results may be others on average; a rewrite of a section is about that."""
EXPECTED_OF = ("collapsed_swaps", "new_results")
"""Metrics that count results, of which a deploy may announce changes."""
ELSEWHERE = 0.05
"""Elsewhere: of twenty anchors one may show a change that came from outside of the expected segment."""


def expected_hypotheses(rules: Sequence[Rule], ground: JudgedAnchors) -> Iterator[Hypothesis]:
    """What is tested besides the rules where the deploy named a segment; nothing where it did not.

    For each critical rule that counts results over all anchors: the same within the segment against
    `EXPECTED_SWAPS_PER_K`; for each leg: the share of anchors changed out of scope against `ELSEWHERE`.
    """
    expected = ground.evidence.expected
    if not expected:
        return
    named = ",".join(f"{name}={value}" for name, value in expected)
    for rule in rules:
        if rule.dimension == ALL and rule.metric in EXPECTED_OF and rule.severity == "critical":
            values = ground.column(rule)
            if values is not None and ground.inside.any():
                own = replace(rule, name=f"expected-{rule.leg}", segment=named, min=None, severe=None)
                limit = EXPECTED_SWAPS_PER_K * rule.k
                yield ground.tested(replace(own, dimension=EXPECTED, max=limit), 1, values, ground.inside)
    for leg, changed in sorted(ground.evidence.out_of_scope.items()):
        rule = Rule(f"elsewhere-{leg}", "elsewhere_ratio", leg, "mean", 0, EXPECTED, f"not {named}", max=ELSEWHERE)
        yield ground.tested(rule, 1, changed, np.ones(len(changed), np.bool_))
