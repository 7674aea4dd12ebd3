"""The page as HTML: what was asked for, from the last published view or from a judged deploy."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.adapters.web.page import words
from monitor.adapters.web.page.bars import culprits
from monitor.adapters.web.page.card import STATE_SIGNS
from monitor.adapters.web.page.context import CONFIG, PageContext, PageData, PageQuery, PageSection, Subject
from monitor.adapters.web.page.detail import detail_of, known_segments
from monitor.adapters.web.page.heat import COLUMNS, LEGS, heat_of
from monitor.adapters.web.page.sections import APART, SECTIONS
from monitor.adapters.web.page.shares import blame_of
from monitor.adapters.web.page.style import STYLE
from monitor.core.index.baseline import Judged
from monitor.core.records.published import Published
from monitor.ports import CorpusDriftError, Service

__all__ = ["CONFIG", "TEMPLATES", "PageData", "PageQuery", "render_page"]

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
    "shown": words.shown, "moment": words.moment, "clock": words.clock, "size": words.size,
    "number": words.number, "percent": words.percent,
}  # fmt: skip


def render_page(
    view: Published | None,
    asked: PageQuery | None = None,
    found: PageData | None = None,
    *,
    config: str = CONFIG,
    service: Service | None = None,
) -> str:
    """The page; before the first report it says that the state is being restored.

    Args:
        view: the last published view.
        asked: which view of it; by default the plain one.
        found: what belongs to what was asked.
        config: the configuration file that commands on the page name.
        service: what sections may ask of the monitor besides.
    """
    given, there = asked or PageQuery(), found or PageData()
    template = TEMPLATES.get_template("page.html")
    style = Markup(STYLE)  # noqa: S704 - our own file, named by its hash in the policy
    if view is None:
        return template.render(view=None, style=style, asked=given, notices=there.notices)
    page = PageContext(view, given, there, Subject.of(view, there.record), config, service)
    sections = list(_rendered(page))
    return template.render(
        **_common(page),
        style=style,
        notices=[*there.notices, *_no_such_segment(page)],
        heat=page.once(heat_of),
        culprits=culprits(page.once(blame_of)),
        passed=_passed(page),
        sections=[text for _, text in sections],
        parts=[(section.part, section.title) for section, _ in sections if section.title],
    )


def _common(page: PageContext) -> Mapping[str, Any]:
    """What every template knows."""
    return {"view": page.view, "asked": page.asked, "subject": page.subject, "card": page.found.card}


def _rendered(page: PageContext) -> Iterator[tuple[PageSection, Markup]]:
    """The sections that have something to show; one that cannot be had says so, and the others stand."""
    for section in APART if page.asked.apart else SECTIONS:
        template, more = TEMPLATES.get_template(section.template), None
        try:
            more = section.made(page)
        except CorpusDriftError as error:
            template, more = TEMPLATES.get_template("refused.html"), {"section": section, "why": str(error)}
        if more is not None:
            yield section, Markup(template.render(**{**_common(page), **more}))  # noqa: S704 - rendered, so escaped


def _passed(page: PageContext) -> Judged | None:
    """The newest deploy that passed before a subject that does not: where one can go back to."""
    subject = page.subject
    if subject.verdict.verdict == "pass":
        return None
    before = list(itertools.takewhile(lambda entry: entry.deploy_id != subject.deploy_id, page.view.ledger))
    return next((entry for entry in reversed(before) if entry.verdict == "pass"), None)


def _no_such_segment(page: PageContext) -> list[str]:
    if not page.asked.segment or page.once(detail_of) is not None:
        return []
    there = ", ".join(known_segments(page.subject.report)) or "none yet"
    return [f"Segment {words.shown(page.asked.segment)!r} is not in this report. There are: {there}."]
