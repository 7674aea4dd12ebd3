"""The timeline of deploys: how much each changed, what the gate said, and what was approved behind it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from monitor.adapters.web.page import svg
from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.over_time import past_of
from monitor.adapters.web.page.words import shown
from monitor.core.index.baseline import Judged
from monitor.core.records.history import DeploySize, History

DEPLOYS = 60
"""Newest deploys on the timeline."""
BAR: svg.Place = (10.0, 40.0)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One deploy.

    Args:
        judged: its id, time and verdict.
        bar: its size as a picture; empty where nobody counted.
        size: the same in words.
        approvals: what people and the gate approved with it, in words.
    """

    judged: Judged
    bar: Markup
    size: str
    approvals: tuple[str, ...]


def _made(page: PageContext) -> Document:
    ledger, past = page.view.ledger[-DEPLOYS:], page.once(past_of) or History()
    sizes = {point.deploy_id: point.size for point in past.deploys}
    most = max((size.total for entry in ledger if (size := sizes.get(entry.deploy_id))), default=0)
    approved = _approved(ledger, past)
    entries = [_entry(one, sizes.get(one.deploy_id), most, approved.get(one.deploy_id, ())) for one in ledger]
    return {
        "deploys": entries[::-1],
        "earlier": max(0, len(page.view.ledger) - DEPLOYS),
        "sized": any(entry.bar for entry in entries),
    }


def _entry(judged: Judged, size: DeploySize | None, most: int, approvals: tuple[str, ...]) -> TimelineEntry:
    if size is None:
        return TimelineEntry(judged, Markup(""), "", approvals)
    parts = zip(("new", "rewritten", "deleted"), size, strict=True)
    said = ", ".join(f"{count:,} {name}" for name, count in parts if count)
    return TimelineEntry(judged, bar(size.total, most), said or "nothing changed", approvals)


def bar(total: int, most: int) -> Markup:
    """A bar from the ground up, as high as the logarithm of 1 and the size beside that of the greatest."""
    part = math.log1p(total) / math.log1p(most) if most else 0.0
    high = max(1.0, part * BAR[1])
    shape = svg.element("rect", {"y": f"{BAR[1] - high:.2f}", "width": f"{BAR[0]:g}", "height": f"{high:.2f}"})
    return svg.picture(BAR, "", [shape], "bar")


def _approved(ledger: tuple[Judged, ...], past: History) -> Mapping[str, tuple[str, ...]]:
    """By deploy: who put a baseline in force behind it, and whether a moving baseline went on to it."""
    made: dict[str, list[str]] = {}
    for mark in past.approvals:
        made.setdefault(mark.after, []).append(f"⚑ {shown(mark.author, 24)} approved {shown(mark.name, 40)}")
    for deploy_id in dict.fromkeys(point.moved_on for point in past.deploys if point.moved_on):
        adopted = any(one.adopted and one.adopted.deploy_id == deploy_id for one in ledger)
        said = "⚑ baseline, nobody decided" if adopted else "⚑ baseline, by its gate"
        made.setdefault(deploy_id, []).append(said)
    return {deploy_id: tuple(said) for deploy_id, said in made.items()}


SECTION = PageSection("deploys", "Deploys", "deploys.html", _made)
