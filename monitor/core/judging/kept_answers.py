"""Undecided new results beside answers that are shown to be kept: a result that takes nobody's answer is no harm.

A page that comes in takes places in many lists. Where it may be too many, but cannot be shown to be, the answers
decide: who kept the answer they had lost nothing by a new result further down. Integrity comes before: what came in
may be copies, poison or boilerplate, and then it is not looked over here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.core.judging.policy import Finding
from monitor.core.model.report import ALL

NEW_RESULTS, KEPT_ANSWERS = "new_results", "kept_answers_ratio"
_Asked = tuple[str, int, str, str]
"""Leg, depth, dimension and segment."""


def beside_kept_answers(found: Iterable[Finding], integrity: Sequence[Finding]) -> list[Finding]:
    """The findings, of which undecided new results decide nothing where answers are shown to be kept.

    Shown is what the lower bound of `kept_answers_ratio` says of the same place at the same depth, or, where the
    place is too small for that and its estimate is within the limit, of all anchors.

    Args:
        found: what the rules on lists found.
        integrity: what those of integrity found. Nothing is looked over unless they were asked and all passed.

    Returns:
        all of them, in their order; those that decide nothing are warnings, with the reason.
    """
    made = list(found)
    if not integrity or any(one.verdict != "pass" for one in integrity):
        return made
    kept = {_asked(one): one for one in made if one.metric == KEPT_ANSWERS and one.stat == "mean"}
    return [_aside(one) if _concerned(one) and _shown(one, kept) else one for one in made]


def _concerned(found: Finding) -> bool:
    return found.metric == NEW_RESULTS and found.verdict == "inconclusive" and found.severity == "critical"


def _asked(found: Finding) -> _Asked:
    return found.leg, found.k, found.dimension, found.segment


def _shown(new: Finding, kept: Mapping[_Asked, Finding]) -> bool:
    here, whole = kept.get(_asked(new)), kept.get((new.leg, new.k, ALL, ALL))
    if here is None or here.verdict == "fail" or (here.verdict != "pass" and here.severity == "critical"):
        return False
    return _within(here) or (here.value >= here.limit and whole is not None and _within(whole))


def _within(kept: Finding) -> bool:
    """Whether no more than the limit is lost, with confidence."""
    return kept.verdict == "pass" and kept.lower >= kept.limit


def _aside(found: Finding) -> Finding:
    said = f"{found.reason}; decides nothing, for the answers there are shown to be kept"
    return replace(found, severity="warning", reason=said)
