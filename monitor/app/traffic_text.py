"""What is said of the traffic, as text for people."""

import json
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from monitor.app.tables import drawn
from monitor.core.records.documents import Document

SAID = {
    "covered": "COVERED: the anchors speak for the traffic",
    "undecided": "UNDECIDED: the interval holds the limit; more clients decide it",
    "behind": "BEHIND: the anchors no longer speak for the traffic",
    "unknown": "UNKNOWN: no traffic was read, or too little of it is judged",
}
"""Verdicts in words."""
_SEGMENTS = 40


def coverage_text(document: Document) -> str:
    """Coverage, what is unseen, who left, and how the log is read."""
    window, outcomes = document["window"], document["log"]["outcomes"]
    asked = f"{window['asks']:,} queries of {window['clients']:,} clients, {window['questions']:,} questions"
    newest = window["newest_day"]
    until = "" if newest is None else f", until {datetime.fromtimestamp(newest, UTC):%Y-%m-%d}"
    table = Table("weight", "segment", "represented", "95% interval", "n (effective)")
    for of in document["coverage"][:_SEGMENTS]:
        name = "all" if of["dimension"] == "all" else f"{of['dimension']}={of['segment']}"
        table.add_row(of["weight"], name, share(of), interval(of), f"{of['n']:,.0f}")
    more = len(document["coverage"]) - _SEGMENTS
    lines: list[Table | Text | str] = [
        f"{SAID[document['verdict']]} (limit {document['least']:.0%})",
        f"{asked} in {window['days']} days{until}{_judged_by(window)}",
        *([table] if document["coverage"] else []),
        *([f"... and {more} more; --json has them all"] if more > 0 else []),
        f"never asked in the window: {share(document['unseen'])} of the coming queries "
        f"({interval(document['unseen'])}, Good-Turing)",
        *_mix(document),
        f"anchors that users have left (below 0.1% of 28 days): {len(document['historical']):,}"
        + _named([of["anchor"] for of in document["historical"]]),
        f"new intents of 20 clients or more in two weeks: {len(document['new_intents']):,}",
        f"anchors that stand elsewhere word for word: {len(document['leaks']):,}"
        + _named([of["anchor"] for of in document["leaks"]]),
        *(
            f"{of['metric']}, {of['leg']}: {of['shown']:.3f} shown, {of['held_out']:.3f} held out, "
            f"gap {of['gap']:+.3f} ({of['lower']:+.3f} to {of['upper']:+.3f})"
            for of in document["held_out_gap"]
            if of["gap"] is not None
        ),
        *_judged_chunks(document["judgements"]),
        *_panel(document.get("panel")),
        *(["`corpus-drift anchors propose` says what to do about them"] if document["proposals"] else []),
        "the log: " + (", ".join(f"{count:,} {name}" for name, count in outcomes.items()) or "nothing was read"),
        *([f"the log: {document['log']['last_error']}"] if document["log"]["last_error"] else []),
    ]
    return drawn(*lines)


def share(of: dict[str, Any]) -> str:
    """A share of the document, or that it is unknown."""
    return "unknown" if of["share"] is None else f"{of['share']:.1%}"


def interval(of: dict[str, Any]) -> str:
    """Its interval."""
    return "" if of["share"] is None else f"{of['lower']:.1%} to {of['upper']:.1%}"


def _judged_by(window: dict[str, Any]) -> str:
    names = {"dense": "by vector", "lexical": "by words alone", "": "found nothing"}
    said = ", ".join(f"{count:,} {names[leg]}" for leg, count in window["judged_by"].items())
    sampled = "" if window["sampled_clients"] == 1.0 else f"; {window['sampled_clients']:.3%} of the clients"
    return (f"; judged: {said}" if said else "") + sampled


def _judged_chunks(states: dict[str, int]) -> list[str]:
    said = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    return [f"judgements: {said}"] if said else []


def _panel(of: dict[str, Any] | None) -> list[str]:
    """Whose turn it is; nothing in an answer of an older monitor."""
    if of is None:
        return []
    group, after = f"group {of['group']} of {of['groups']}", of["next"]
    if not of["due"]:
        return [
            f"the panel: nothing is due of {group} in {of['month']}; group {after['group']} is in {after['month']}"
        ]
    return [f"the panel: {of['due']:,} anchors of {group} are due in {of['month']}: `corpus-drift anchors rotate`"]


def _mix(document: Document) -> list[str]:
    known = {name: bits for name, bits in document["divergence_bits"].items() if bits is not None}
    said = ", ".join(f"{name} {bits:.3f}" for name, bits in known.items())
    return [f"mix of the anchors against that of the traffic, in bits: {said}"] if said else []


def _named(names: list[str], most: int = 8) -> str:
    more = ", ..." if len(names) > most else ""
    return f": {', '.join(names[:most])}{more}" if names else ""


def proposals_text(document: Document) -> str:
    """What to add, drop and look at, each with its reason, as a person reads a difference."""
    signs = {"add": "+", "drop": "-", "relabel": "~", "review": "?"}
    lines = [
        f"{signs[of['kind']]} {json.dumps(_short(of['anchor']), ensure_ascii=False)}\n    # {of['reason']}"
        for of in document["proposals"]
    ]
    return "\n".join(lines or ["nothing to propose"]) + "\n"


def rotation_text(document: Document) -> str:
    """Whose month it is, who leaves and who comes, and when the next group is due."""
    after = document["next"]
    due = f"group {after['group']} is due in {after['month']}"
    said = f"group {document['group']} of {document['groups']}"
    if not document["due"]:
        return f"nothing is due of {said} in {document['month']}: it has nobody, or was replaced already; {due}\n"
    leave, come = ([_short(of) for of in document[side]] for side in ("leave", "come"))
    lines = [
        f"{said}, {document['month']}: {len(leave):,} of {document['anchors']:,} anchors leave, {len(come):,} come; "
        f"{document['common_weight']:.1%} of the weight stays; {due}",
        *(f"- {json.dumps(of, ensure_ascii=False)}" for of in leave),
        *(f"+ {json.dumps(of, ensure_ascii=False)}" for of in come),
    ]
    if document["waiting"]:
        lines.append(f"{document['waiting']:,} of the group stay: the log has nobody new for their segment")
    if document["judged"]:
        lines.append(f"{document['judged']:,} that leave have judgements, which leave with them; see --keep")
    return "\n".join(lines) + "\n"


def _short(anchor: dict[str, Any]) -> dict[str, Any]:
    """Without the vector, which no person reads."""
    return {name: value for name, value in anchor.items() if name != "vector_b64"}
