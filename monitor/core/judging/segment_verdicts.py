"""What is said of each segment: the worst that any critical rule finds, or a warning where only a warning holds."""

from collections.abc import Mapping

from monitor.core.judging.policy import Finding, Verdict
from monitor.core.model.report import DriftReport

ORDER = ("fail", "unknown", "inconclusive", "warning", "pass", "not watched")
"""The worst first."""


def segment_verdicts(report: DriftReport, verdict: Verdict, *, old: bool = False) -> Mapping[tuple[str, str], str]:
    """The worst critical finding of each segment; a warning where only a warning rule fails.

    Where nothing was judged at all (the report has problems, or the input is stale) every segment is unknown: an old
    or an incomparable number is no calm one. A segment that no rule concerns is not watched.
    """
    everywhere = {(of.dimension, of.segment) for of in report.segments}
    everywhere |= {(of.dimension, of.segment) for of in report.measurements}
    if old or report.problems or not verdict.findings:
        return dict.fromkeys(everywhere, "unknown")
    made = dict.fromkeys(everywhere, ORDER[-1])
    for found in verdict.findings:
        at, said = (found.dimension, found.segment), _said(found)
        made[at] = min(made.get(at, said), said, key=ORDER.index)
    return made


def _said(found: Finding) -> str:
    """A warning never decides: where it cannot be told whether it holds, the critical rules speak alone."""
    if found.severity == "critical":
        return found.verdict
    return "pass" if found.verdict in ("pass", "inconclusive") else "warning"
