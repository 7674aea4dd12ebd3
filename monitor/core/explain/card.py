"""The incident card: what moved, why, who did it and what to do, as one JSON document with a schema version."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import Attribution, DeployTimeline, blamed
from monitor.core.attribution.cause import causes
from monitor.core.attribution.culprits import BLAMED_LEGS
from monitor.core.explain.actions import actions
from monitor.core.explain.events import event_rows, range_rows
from monitor.core.explain.lists import AnchorLists, LegLists, lists_of
from monitor.core.index.baseline import Judged, ListLeg, Snapshot
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import SearchMode
from monitor.core.model.report import ALL, CauseClass, DriftReport, Share
from monitor.core.model.segments import value_of
from monitor.core.records.documents import baseline_document, loss_document, verdict_document

SCHEMA_VERSION = 1
MOST_SEGMENTS = 20
MOST_ANCHORS = 10
Document = dict[str, Any]
Said = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]
"""Content hash and text of live chunks by key."""


class NotThere(ValueError):  # noqa: N818 - an answer, not an error of the program
    """No such segment or anchor; the message is one line: what, and what there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """All that a card is made from.

    Args:
        deploy_id: the deploy, "" for the corpus as it is now.
        report: its report.
        verdict: of the report.
        before: the baseline compared with, None where it is no longer kept.
        after: the lists judged.
        attributions: who moved them; None where nobody was blamed or it is no longer kept.
        ledger: judged deploys, oldest first, up to this one.
        texts: question by anchor id.
        versions: embedding versions of the anchors.
    """

    deploy_id: str
    report: DriftReport
    verdict: Verdict
    before: Snapshot | None
    after: Snapshot
    attributions: tuple[Attribution, ...] | None
    ledger: Sequence[Judged]
    texts: Mapping[str, str]
    versions: frozenset[str]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The configured dimensions."""
        found = dict.fromkeys(size.dimension for size in self.report.segments)
        return tuple(dimension for dimension in found if dimension != ALL)

    @property
    def deploys(self) -> DeployTimeline:
        """To which deploy an event belongs."""
        known = [judged for judged in self.ledger if judged.deploy_id != self.deploy_id]
        return DeployTimeline(known, self.deploy_id, {} if self.before is None else self.before.positions)


@dataclass(frozen=True, slots=True)
class CardQuery:
    """What the card is about: everything, one segment (`language=de`), one anchor, or both."""

    segment: str = ""
    anchor: str = ""


def card(incident: Incident, question: CardQuery, said: Said, *, config: str = "corpus-drift.toml") -> Document:
    """The card as a document (see `explain_schema`); the same incident gives the same document.

    Args:
        incident: what happened.
        question: which anchors it is about.
        said: content hashes and texts, for snippets.
        config: the configuration file that commands name.

    Raises:
        NotThere: no such segment or anchor.
    """
    rows = chosen(incident.after, question)
    attributions = tuple(one.of(rows) for one in incident.attributions or ())
    sides = {leg: _side(incident, leg) for leg in _legs(incident)}
    found = _causes(incident, attributions, question)
    blame = _blame(incident, attributions)
    events = event_rows(attributions, incident.deploys, incident.versions)
    report, asked = incident.report, (incident.deploy_id, f"-c {quote(config)}")
    lost = (report.losses, incident.verdict.findings)
    made = {
        "schema_version": SCHEMA_VERSION,
        "deploy": incident.deploy_id,
        "now": report.now,
        "positions": dict(report.positions),
        "baseline": baseline_document(report.baseline),
        "verdict": verdict_document(incident.verdict),
        "question": asdict(question),
        "causes": [asdict(one) for one in found],
        "size": [_size(leg, side, rows, attributions) for leg, side in sides.items()],
        "segments": _segments(incident, rows, attributions),
        "losses": [loss_document(loss) for loss in report.losses],
        "blame": [asdict(share) for share in blame],
        "events": events,
        "ranges": range_rows(attributions),
        "anchors": _anchors(incident, rows, attributions, sides, said, question),
        "actions": actions(asked, [one.cause for one in found], lost, blame, events),
        "fix_list": report.fix_list.document(),
        "limits": _limits(incident),
    }
    return {key: finite(value) for key, value in made.items()}


def finite(value: Any) -> Any:
    """The value with null for every number that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def chosen(after: Snapshot, question: CardQuery) -> NDArray[np.int64]:
    """Rows of the anchors that a question is about, ascending.

    Raises:
        NotThere: no such segment or anchor.
    """
    marks = list(after.anchors.items())
    rows = list(range(len(marks)))
    if question.segment:
        dimension, _, value = question.segment.partition("=")
        rows = [row for row in rows if value_of(dimension, marks[row][1].segment) == value]
        if not rows:
            there = _segments_there(dimension, [mark.segment for _, mark in marks])
            message = (
                f"segment {question.segment!r}: no anchor is in it; expected DIMENSION=VALUE, there are: {there}"
            )
            raise NotThere(message)
    if question.anchor:
        rows = [row for row in rows if marks[row][0] == question.anchor]
        if not rows:
            where = f" in segment {question.segment!r}" if question.segment else ""
            names = ", ".join(name for name, _ in marks[:5])
            message = f"anchor {question.anchor!r}: not there{where}; the first anchors are: {names}"
            raise NotThere(message)
    return np.array(rows, np.int64)


def _segments_there(dimension: str, segments: Sequence[Segment]) -> str:
    """The segments of a dimension; where it is none, of every attribute."""
    attributes = sorted({name for segment in segments for name, _ in segment})
    known = set(dimension.split("+")) <= set(attributes)
    there = sorted({f"{of}={value_of(of, one)}" for of in ([dimension] if known else attributes) for one in segments})
    return ", ".join(there[:10]) or "none"


def _legs(incident: Incident) -> list[ListLeg]:
    return [leg for leg in BLAMED_LEGS if leg in incident.after.lists]


def _side(incident: Incident, leg: ListLeg) -> LegLists:
    return LegLists.of(incident.before, incident.after, leg)


def _causes(incident: Incident, attributions: Sequence[Attribution], question: CardQuery) -> Sequence[CauseClass]:
    """As in the report; of a part of the anchors with the sizes of that part."""
    if question == CardQuery() or incident.attributions is None:
        return incident.report.causes
    fused = incident.after.fingerprint.search.mode is SearchMode.FUSED
    sized = {one.cause: one for one in causes(attributions, incident.versions, fused=fused)}
    whole = [replace(one, slots=0.0, anchors=0) for one in incident.report.causes if not one.slots]
    return tuple(whole) + tuple(sized.values())


def _size(leg: ListLeg, side: LegLists, rows: NDArray[np.int64], attributions: Sequence[Attribution]) -> Document:
    compared = rows[side.known[rows]]
    one = next((of for of in attributions if of.leg == leg), None)
    entered, left = (0.0, 0.0) if one is None else (float(one.part[at].sum()) for at in (one.entered, ~one.entered))
    swaps = _swaps(one, int(rows.max(initial=-1)) + 1)
    open_part = 0.0 if one is None else float(one.part[one.cause < 0].sum())
    return {
        "leg": leg,
        "anchors": len(compared),
        "changed_anchors": int((swaps > 0).sum()),
        "entered": entered,
        "left": left,
        "moved": side.moved(compared),
        "swaps": float(swaps.sum()),
        "mean_swaps": float(swaps.sum()) / len(compared) if len(compared) else math.nan,
        "unexplained_churn_ratio": open_part / (entered + left) if entered + left else 0.0,
    }


def _swaps(one: Attribution | None, rows: int) -> NDArray[np.float64]:
    """(rows,) results exchanged by content, by anchor: the greater of those that came and those that left."""
    made: NDArray[np.float64] = np.zeros(rows) if one is None else one.slots(rows).max(axis=0)
    return made


def _segments(incident: Incident, rows: NDArray[np.int64], attributions: Sequence[Attribution]) -> list[Document]:
    """Segments by their mean swaps, the worst first; those without any are left out."""
    marks, found = list(incident.after.anchors.values()), []
    for one in attributions:
        swaps = _swaps(one, len(marks))
        for dimension in incident.dimensions:
            members: dict[str, list[int]] = {}
            for row in rows.tolist():
                members.setdefault(value_of(dimension, marks[row].segment), []).append(row)
            for value, mine in members.items():
                total = float(swaps[mine].sum())
                row_count, changed = len(mine), int((swaps[mine] > 0).sum())
                found.append((one.leg, f"{dimension}={value}", row_count, changed, total, total / row_count))
    ranked = sorted((of for of in found if of[4]), key=lambda of: (-of[5], of[:2]))[:MOST_SEGMENTS]
    names = ("leg", "segment", "anchors", "changed_anchors", "swaps", "mean_swaps")
    return [dict(zip(names, of, strict=True)) for of in ranked]


def _blame(incident: Incident, attributions: Sequence[Attribution]) -> list[Share]:
    since = {} if incident.before is None else incident.before.positions
    of = (blamed(one, incident.deploys, since=since, dimensions=incident.dimensions) for one in attributions)
    return [share for shares in of for share in shares]


def _anchors(
    incident: Incident,
    rows: NDArray[np.int64],
    attributions: Sequence[Attribution],
    sides: Mapping[ListLeg, LegLists],
    said: Said,
    question: CardQuery,
) -> list[Document]:
    """The most shaken anchors with their lists; of a named anchor every leg, shaken or not."""
    ids = list(incident.after.anchors)
    found: list[tuple[float, str, ListLeg, int]] = []
    for leg in sides:
        one = next((of for of in attributions if of.leg == leg), None)
        swaps = _swaps(one, len(ids))
        found += [(float(swaps[row]), ids[row], leg, row) for row in rows.tolist() if swaps[row] or question.anchor]
    worst = sorted(found, key=lambda of: (-of[0], of[1], of[2]))[:MOST_ANCHORS]
    context = AnchorLists(incident.before, incident.after, incident.deploys, said)
    made = []
    for exchanged, name, leg, row in worst:
        one = next((of for of in attributions if of.leg == leg), None)
        segment = dict(incident.after.anchors[name].segment)
        head = {"id": name, "text": incident.texts.get(name, ""), "segment": segment, "leg": leg, "swaps": exchanged}
        made.append({**head, **lists_of(context, sides[leg], row, one)})
    return made


def _limits(incident: Incident) -> list[str]:
    """What the card cannot show."""
    said = []
    if incident.report.baseline is not None and incident.before is None:
        name = incident.report.baseline.name
        said.append(f"baseline {name!r} as it was then is no longer kept: no lists of before")
    if incident.attributions is None:
        said.append("no events were kept for this deploy: no blame beyond the report's")
    return said
