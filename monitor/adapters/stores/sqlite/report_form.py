"""Reports and points as they were stored before their facts had types, brought to the form of now.

The one place that reads a fact from a text: what version 0.1.0 wrote is fixed for ever, nobody writes it any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import msgspec

from monitor.core.model.problems import ProblemKind
from monitor.core.model.report import DriftReport, Measurement, ShareKind

_BEGINNINGS = (
    ("no approved baseline", ProblemKind.NO_BASELINE),
    ("fingerprint differs from baseline", ProblemKind.FINGERPRINT),
    ("no anchor of baseline", ProblemKind.NO_COMMON_ANCHORS),
    ("the stream lost events", ProblemKind.STREAM_LOSS),
    ("deploy ", ProblemKind.BARRIER),
    ("audit: ", ProblemKind.AUDIT),
)
"""How the problems of version 0.1.0 began."""
_MOVING = "deploy:"
"""How a baseline was called that was a deploy's own snapshot; names that people give have no colon."""
_PENDING = "~pending"
"""How a capture was called that was to replace an approved baseline; names that people give have no tilde."""

_NOBODY = {
    "(lexical statistics)": ShareKind.STATISTICS,
    "(unexplained)": ShareKind.UNEXPLAINED,
    "(no source)": ShareKind.NO_SOURCE,
    "(others)": ShareKind.OTHERS,
}
"""Names of shares that were nobody's before a share had a kind."""


def plain_report(report: DriftReport) -> dict[str, Any]:
    """A report as it is stored: a map of maps, measurements too."""
    made = {field.name: getattr(report, field.name) for field in fields(report)}
    return {**made, "measurements": [of._asdict() for of in report.measurements]}


def report_of(stored: Mapping[str, Any]) -> DriftReport:
    """A stored report of whatever version."""
    known = Measurement._fields
    measured = [Measurement(**{name: of[name] for name in known if name in of}) for of in stored["measurements"]]
    problems = [_problem(of) if isinstance(of, str) else of for of in stored.get("problems", ())]
    baseline = stored.get("baseline")
    if baseline is not None and "kept_as" not in baseline:
        baseline = {**baseline, "kept_as": "deploy" if moved_on(baseline["name"]) else "baseline"}
    blame = [
        of if "kind" in of else {**of, "kind": _NOBODY.get(of["name"], ShareKind.NAMED)} for of in _blame(stored)
    ]
    typed = {"problems": problems, "baseline": baseline, "blame": blame, "measurements": measured}
    return msgspec.convert({**stored, **typed}, DriftReport)


def moved_on(baseline: str) -> str:
    """The deploy that a moving mode had advanced to, by the name of the baseline; "" for none."""
    return baseline.removeprefix(_MOVING) if baseline.startswith(_MOVING) else ""


def replaced_baseline(capture: str) -> str:
    """The approved baseline that a capture of this name was to replace; "" for none."""
    return capture.removesuffix(_PENDING) if capture.endswith(_PENDING) else ""


def _blame(stored: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = stored.get("blame", ())
    return found


def _problem(text: str) -> dict[str, str]:
    found = (kind for begins, kind in _BEGINNINGS if text.startswith(begins))
    return {"kind": next(found, ProblemKind.UNCLASSIFIED), "text": text}
