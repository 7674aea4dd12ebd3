"""Why the verdict is what it is: reasons, lost answers, and what the failing measurements are."""

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.core.judging.policy import Verdict
from monitor.core.measures.registry import REGISTRY

REASONS = 8
"""Reasons in view; the rest is folded away."""
MOST_REASONS = 60


def _made(page: PageContext) -> Document:
    subject = page.subject
    reasons = subject.verdict.reasons
    return {
        "reasons": reasons[:REASONS],
        "more_reasons": reasons[REASONS:MOST_REASONS],
        "left_out": max(0, len(reasons) - MOST_REASONS),
        "losses": [loss for loss in subject.report.losses if loss.lost],
        "meanings": _meanings(subject.verdict),
        "explainable": not (subject.deploy_id or page.found.card or page.asked.segment)
        and subject.report.baseline is not None,
    }


def _meanings(verdict: Verdict) -> list[tuple[str, str]]:
    """What the measurements are that fail the verdict, in words."""
    critical = (of for of in verdict.findings if of.severity == "critical")
    failing = dict.fromkeys(of.metric for of in critical if of.verdict == "fail")
    return [(name, REGISTRY.entries[name].help) for name in failing if name in REGISTRY.entries]


SECTION = PageSection("why", "", "why.html", _made)
