"""The page as HTML: what was asked for, from the last published view or from a judged deploy."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.adapters.web.page import words
from monitor.adapters.web.page.bars import blamed, culprits
from monitor.adapters.web.page.card import STATE_SIGNS, card_of
from monitor.adapters.web.page.detail import detail, known_segments
from monitor.adapters.web.page.heat import COLUMNS, LEGS, heat
from monitor.adapters.web.page.pipeline import pipeline
from monitor.adapters.web.page.production import production_lines
from monitor.adapters.web.page.style import STYLE
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.published import Published

REASONS = 8
"""Reasons in view; the rest is folded away."""
MOST_REASONS = 60
DEPLOYS = 60
"""Newest deploys on the timeline."""
CONFIG = "corpus-drift.toml"
"""The configuration file where none is named."""
Document = Mapping[str, Any]

TEMPLATES = Environment(
    loader=PackageLoader("monitor.adapters.web.page", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals |= {
    "link": words.link, "marks": words.VERDICT_SIGNS, "became_marks": STATE_SIGNS, "legs": LEGS, "columns": COLUMNS,
}  # fmt: skip
TEMPLATES.filters |= {
    "shown": words.shown, "moment": words.moment, "clock": words.clock, "age": words.age, "size": words.size,
    "number": words.number, "percent": words.percent,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which view of the page: a deploy ("": now), a segment (`dimension=value`), an anchor; or an encoder migration.

    `explain` asks for the incident card of now (a deploy's comes with it); `refresh`: the plain page loads itself
    again.
    """

    deploy: str = ""
    segment: str = ""
    anchor: str = ""
    explain: bool = False
    refresh: bool = True
    migration: str = ""

    @property
    def plain(self) -> bool:
        """Whether this is the page that everybody looks at."""
        return not (self.deploy or self.segment or self.anchor or self.explain or self.migration)


@dataclass(frozen=True, slots=True, eq=False)
class PageData:
    """What there is for what was asked: the deploy's record, the incident card, and what is to be said first."""

    record: DeployRecord | None = None
    card: Document | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The report that is shown, with its verdict; `old` where the input is stale now."""

    report: DriftReport
    verdict: Verdict
    old: bool
    deploy_id: str

    @classmethod
    def of(cls, view: Published, record: DeployRecord | None) -> "Subject":
        """A judged deploy as it was judged, else the corpus as it is now."""
        if record is not None:
            return cls(record.report, record.verdict, old=False, deploy_id=record.deploy_id)
        old = (view.own.verdict, view.own.reasons) != (view.verdict.verdict, view.verdict.reasons)
        return cls(view.report, view.verdict, old, "")


def render_page(
    view: Published | None, asked: PageQuery | None = None, found: PageData | None = None, *, config: str = CONFIG
) -> str:
    """The page; before the first report it says that the state is being restored.

    Args:
        view: the last published view.
        asked: which view of it; by default the plain one.
        found: what belongs to what was asked.
        config: the configuration file that commands on the page name.
    """
    given, there = asked or PageQuery(), found or PageData()
    template = TEMPLATES.get_template("page.html")
    style = Markup(STYLE)  # noqa: S704 - our own file, named by its hash in the policy
    if view is None:
        return template.render(view=None, style=style, asked=given, notices=there.notices)
    subject = Subject.of(view, there.record)
    shown = detail(subject.report, subject.verdict, given.segment, old=subject.old)
    notices = [*there.notices, *_no_such_segment(subject.report, given, lacks=shown is None)]
    reasons, shares = subject.verdict.reasons, blamed(subject.report.blame)
    return template.render(
        view=view,
        config=quote(config),
        style=style,
        asked=given,
        subject=subject,
        notices=notices,
        reasons=reasons[:REASONS],
        more_reasons=reasons[REASONS:MOST_REASONS],
        left_out=max(0, len(reasons) - MOST_REASONS),
        detail=shown,
        card=None if there.card is None else card_of(there.card),
        heat=heat(subject.report, subject.verdict, old=subject.old),
        blame=shares,
        losses=[loss for loss in subject.report.losses if loss.lost],
        culprits=culprits(shares),
        passed=_passed(view, subject),
        meanings=_meanings(subject.verdict),
        deploys=view.ledger[-DEPLOYS:][::-1],
        earlier=max(0, len(view.ledger) - DEPLOYS),
        lines=pipeline(view),
        production=production_lines(subject.report),
    )


def _passed(view: Published, subject: Subject) -> Judged | None:
    """The newest deploy that passed before a subject that does not: where one can go back to."""
    if subject.verdict.verdict == "pass":
        return None
    before = list(itertools.takewhile(lambda entry: entry.deploy_id != subject.deploy_id, view.ledger))
    return next((entry for entry in reversed(before) if entry.verdict == "pass"), None)


def _meanings(verdict: Verdict) -> list[tuple[str, str]]:
    """What the measurements are that fail the verdict, in words."""
    critical = (of for of in verdict.findings if of.severity == "critical")
    failing = dict.fromkeys(of.metric for of in critical if of.verdict == "fail")
    return [(name, REGISTRY.entries[name].help) for name in failing if name in REGISTRY.entries]


def _no_such_segment(report: DriftReport, asked: PageQuery, *, lacks: bool) -> list[str]:
    if not asked.segment or not lacks:
        return []
    there = ", ".join(known_segments(report)) or "none yet"
    return [f"Segment {words.shown(asked.segment)!r} is not in this report. There are: {there}."]
