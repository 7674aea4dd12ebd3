"""What a change adds: the verdict that would follow it, beside the verdict without it, finding by finding. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from monitor.core.judging.policy import Finding, Rule, Verdict, fold

WORSE = 0.0005
"""A value this much further beyond its limit is worse: half a unit of the last place that is printed."""


def added(rules: Sequence[Rule], now: Verdict, then: Verdict) -> Verdict:
    """The verdict on what a change adds.

    Rule 1: where the outcome has no findings (a gap, another fingerprint, no baseline), it is UNKNOWN, as that.
    Rule 2: a finding that FAILs or is INCONCLUSIVE in both, rests on no fewer anchors and is not worse, was there
    already: it is left out. Rule 3: UNKNOWN stays UNKNOWN, whatever it was before. Rule 4: all else counts as in the
    outcome. Rule 5: where nothing critical is left but what was there already, PASS. Warnings never decide; those
    that FAIL in both alike are left out too.

    Args:
        rules: the policy that both were judged by.
        now: the verdict on the corpus without the change.
        then: the outcome: the verdict on the corpus with the change.
    """
    if not then.findings:
        return then
    by_name = {rule.name: rule for rule in rules}
    before = {_place(found): found for found in now.findings}
    kept: list[Finding] = []
    left_out = False
    for found in then.findings:
        old = before.get(_place(found))
        wrong_before = old is not None and old.verdict in ("fail", "inconclusive")
        if old is None or not (_wrong(found) and wrong_before) or _worse(by_name.get(found.rule), old, found):
            kept.append(found)
        else:
            left_out = left_out or found.severity == "critical"
    if left_out and not any(found.severity == "critical" for found in kept):
        return Verdict("pass", (), tuple(kept))
    return fold(kept)


def already_document(now: Verdict, then: Verdict) -> dict[str, Any]:
    """What was there already, for the gate's document: the verdict without the change, and the outcome's."""
    return {
        "verdict": now.verdict,
        "reasons": list(now.reasons),
        "findings": [_finite(asdict(found)) for found in now.findings if _wrong(found) or found.verdict == "unknown"],
        "outcome": then.verdict,
    }


def _wrong(found: Finding) -> bool:
    return found.verdict == "fail" or (found.verdict == "inconclusive" and found.severity == "critical")


def _place(found: Finding) -> tuple[object, ...]:
    return found.rule, found.metric, found.leg, found.k, found.stat, found.dimension, found.segment


def _worse(rule: Rule | None, old: Finding, new: Finding) -> bool:
    """Whether a finding is further beyond its limits; what cannot be compared is."""
    if rule is None or new.n < old.n or math.isnan(old.value) or math.isnan(new.value):
        return True
    return _excess(rule, new.value) > _excess(rule, old.value) + WORSE


def _excess(rule: Rule, value: float) -> float:
    """How far beyond the limit that is passed furthest; negative inside."""
    over = -math.inf if rule.max is None else value - rule.max
    under = -math.inf if rule.min is None else rule.min - value
    return max(over, under)


def _finite(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in found.items()
    }
