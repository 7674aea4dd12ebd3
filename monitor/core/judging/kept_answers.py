"""New results beside answers that are shown to be kept: a result that takes nobody's answer is no harm.

A page that comes in takes places in many lists, and a corpus that is edited renews them. Where that may be too many,
or is, the answers decide: who kept the answer they had lost nothing by a new result further down. So many that they
are severe decide all the same. Integrity comes before: what came in may be copies, poison or boilerplate, and then
nothing is looked over here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.core.judging.policy import Finding, Rule
from monitor.core.model.report import ALL

NEW_RESULTS, KEPT_ANSWERS = "new_results", "kept_answers_ratio"
_Asked = tuple[str, int, str, str]
"""Leg, depth, dimension and segment."""


def beside_kept_answers(
    found: Iterable[Finding], integrity: Sequence[Finding], rules: Iterable[Rule] = ()
) -> list[Finding]:
    """The findings, of which new results decide nothing where answers are shown to be kept.

    That concerns undecided ones, and those that are too many and shown not to be severe. Kept is what
    `kept_answers_ratio` says of the same place at the same depth, or, where the place is too small for that and its
    estimate is within the limit, of all anchors: its lower bound is within the limit; or it passes, severe loss
    excluded, and no more are lost than its rule calls usual.

    Args:
        found: what the rules on lists found.
        integrity: what those of integrity found. Nothing is looked over unless they were asked and all passed.
        rules: the policy, which says what is usual.

    Returns:
        all of them, in their order; those that decide nothing are warnings, with the reason.
    """
    made = list(found)
    if not integrity or any(one.verdict != "pass" for one in integrity):
        return made
    usual = {rule.name: rule.usual for rule in rules if rule.usual is not None}
    kept = {_asked(one): one for one in made if one.metric == KEPT_ANSWERS and one.stat == "mean"}
    return [_aside(one) if _concerned(one) and _shown(one, kept, usual) else one for one in made]


def _concerned(found: Finding) -> bool:
    if found.metric != NEW_RESULTS or found.severity != "critical":
        return False
    return found.verdict == "inconclusive" or (found.verdict == "fail" and found.upper <= found.severe)


def _asked(found: Finding) -> _Asked:
    return found.leg, found.k, found.dimension, found.segment


def _shown(new: Finding, kept: Mapping[_Asked, Finding], usual: Mapping[str, float]) -> bool:
    here, whole = kept.get(_asked(new)), kept.get((new.leg, new.k, ALL, ALL))
    if here is None or here.verdict == "fail" or (here.verdict != "pass" and here.severity == "critical"):
        return False
    if _within(here, usual):
        return True
    return here.value >= here.limit and whole is not None and _within(whole, usual)


def _within(kept: Finding, usual: Mapping[str, float]) -> bool:
    """Whether no more than the limit is lost, with confidence, or no more than is usual."""
    return kept.verdict == "pass" and (kept.lower >= kept.limit or kept.value >= usual.get(kept.rule, math.inf))


def _aside(found: Finding) -> Finding:
    said = f"{found.reason}; decides nothing, for the answers there are shown to be kept"
    return replace(found, severity="warning", reason=said)
