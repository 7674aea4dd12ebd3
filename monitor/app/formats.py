"""Gate answers for people and pipelines: text, JSON, JUnit and Markdown from one document."""

import json
from collections.abc import Iterator
from typing import Any, Literal

from monitor.app.junit import JUnitSuite
from monitor.app.markdown import bounded, cell
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import ShareKind
from monitor.core.run_table import DriftTable

Format = Literal["text", "json", "junit", "markdown"]
_FORECAST = "forecast: the verdict is on what the change adds"
_UNJUDGED = {
    "unseen": "never seen",
    "waiting": "not judged yet, it has not arrived whole",
    "unsettled": "not judged yet, the index is not at rest or does not hold it",
    "forgotten": "its report is no longer kept",
    "refused": "not asked, the command or the configuration is wrong",
    "unanswered": "not answered",
}
"""By state, why there is no answer yet, or none any more."""
_JUDGED = {"unknown": "judged, but not measurable", "inconclusive": "judged, harm is neither shown nor excluded"}
_EROSION = frozenset(of.name for of in REGISTRY.group("pinned"))
"""Distances to the pinned baseline: what stands of them in doubt is told, small segments are not."""
_ROWS = 40
_CULPRITS = 3
_NOTABLE = 0.005
"""A smaller share would read 0%."""
_QUERIES = 5
"""Queries named per leg, and documents per advice, where an answer is for reading; the JSON document has more."""


def render_gate(document: dict[str, Any], form: Format) -> str:
    """One gate answer in the asked form, ending in a newline.

    Args:
        document: see `gate_document`; may carry a `warning`, and `already` where it is a forecast.
        form: text, json, junit or markdown.
    """
    return {"text": _text, "json": _json, "junit": _junit, "markdown": _markdown}[form](document)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def summary(document: dict[str, Any], most: int = 10) -> str:
    """A gate answer in a few lines, for who reads it whole elsewhere: verdict, warning, the first reasons."""
    return "\n".join(_head(document, most)) + "\n"


def _head(document: dict[str, Any], most: int) -> list[str]:
    lines = [f"{document['verdict'].upper()}  {_subject(document)}{_undecided(document)}"]
    baseline = document["baseline"]
    if baseline:
        lines.append(f"compared with baseline {baseline['name']} (approved by {_approval(baseline)})")
    if document.get("judged_again"):
        lines.append(f"judged again at {document['judged_again']}, when the index was at rest and held it")
    if document["state"] == "unsettled":
        lines.append("the monitor judges it again when the index is at rest and holds it")
    if document.get("warning"):
        lines.append(f"warning: {document['warning']}")
    lines += [_FORECAST] if "already" in document else []
    lines += [f"  - {reason}" for reason in document["reasons"][:most]]
    hidden = len(document["reasons"]) - most
    if hidden > 0:
        lines.append(f"  ... and {hidden} more; --format json shows all")
    if "already" in document:
        reasons = document["already"]["reasons"]
        lines += [_already(document["already"]), *(f"  = {reason}" for reason in reasons[:most])]
        lines += [f"  ... and {len(reasons) - most} more; --format json shows all"] if len(reasons) > most else []
    return lines


def _approval(baseline: dict[str, Any]) -> str:
    """Who stands behind a baseline, and why where nobody does; a monitor of another version may not say why."""
    author, reason = baseline["approved_by"] or "nobody", baseline.get("reason", "")
    return f"{author}: {reason}" if author == "nobody" and reason else str(author)


def _subject(document: dict[str, Any]) -> str:
    """What was judged: a deploy, or one run against another."""
    return document["deploy"] if "compared" in document else f"deploy {document['deploy']}"


def _undecided(document: dict[str, Any]) -> str:
    """What kind of no answer it is, where it is none: exit code 3 is of what was not judged and of what was."""
    if document["verdict"] not in _JUDGED:
        return ""
    return f": {_UNJUDGED.get(document['state'], _JUDGED[document['verdict']])}"


def _measured(document: dict[str, Any]) -> str:
    """What was measured of two runs, as a table; "" for a deploy, of which `report` shows that."""
    return repr(DriftTable.of(document["compared"]["measurements"])) if "compared" in document else ""


def _already(already: dict[str, Any]) -> str:
    """What is there without the change, in one line, and what it means for the deploy."""
    said = f"there already, without the change: {already['verdict'].upper()}"
    return f"{said}; the deploy as a whole would be judged {already['outcome'].upper()}"


def _text(document: dict[str, Any]) -> str:
    lines = _head(document, _ROWS)
    failed = {
        _place(found) for found in document["findings"] if found["verdict"] == "fail" and not _is_warning(found)
    }
    warned = [found for found in document["findings"] if _is_warning(found) and _place(found) not in failed]
    told = [found for found in warned if found["verdict"] != "inconclusive" or found["metric"] in _EROSION]
    lines += [f"  (warning) {found['reason']}" for found in told[:10]]
    lines += [*_caused(document), *_blamed(document), *lost_answers(document), *_advised(document)]
    judged = sum(found["severity"] == "critical" for found in document["findings"])
    open_ = len(warned) - len(told)
    undecided = f", {open_} undecided on their own (small segments, warning limits)" if open_ else ""
    lines.append(f"{judged} critical rules judged, {len(told)} warnings{undecided}")
    lines += ["", _measured(document)] if "compared" in document else []
    return "\n".join(lines) + "\n"


def _place(found: dict[str, Any]) -> tuple[str, ...]:
    return found["metric"], found["leg"], found["dimension"], found["segment"]


def _blamed(document: dict[str, Any]) -> list[str]:
    """Who caused the churn, one line a leg, by source and document; only where something failed or is warned of."""
    if not document["reasons"] and not any(_is_warning(found) for found in document["findings"]):
        return []
    made = []
    for leg in ("dense", "lexical", "production"):
        shares = [one for one in document["blame"] if one["leg"] == leg and one["level"] == "source"]
        named = ", ".join(f"{one['name']} {one['share']:.0%}" for one in shares[:5] if one["share"] >= _NOTABLE)
        if named:
            said = f"blame, {leg}: {named} of {sum(one['slots'] for one in shares):,.0f} changed slots"
            made.append(said + _culprits(document, leg))
    return made


def _culprits(document: dict[str, Any], leg: str) -> str:
    """The documents that hold most of a leg's blame; a monitor of before kinds does not say what is a document."""
    ranked = [one for one in document["blame"] if (one["leg"], one["level"]) == (leg, "document")]
    named = [f"{one['name']} {one['share']:.0%}" for one in ranked if one.get("kind") == ShareKind.NAMED][:_CULPRITS]
    return f"; most: {', '.join(named)}" if named else ""


def _caused(document: dict[str, Any]) -> list[str]:
    """The classes of causes, in one line; only where something failed or is warned of."""
    named = ", ".join(one["cause"] for one in document.get("causes", ()))
    return [f"cause: {named}"] if named and document["reasons"] else []


def lost_answers(document: dict[str, Any]) -> list[str]:
    """How many queries lost their answer, where, and which ones; nothing of a leg that lost none."""
    return [line for headline, queries in _losses(document) for line in (headline, *(f"  {one}" for one in queries))]


def _losses(document: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The same, by leg: a headline and the queries under it."""
    for loss in document.get("losses", ()):
        if not loss["lost"]:
            continue
        named = [
            f"{query['anchor']} {query['text'][:80]!r}: {query['chunk_id'] or '?'} is {query['fate']}"
            + (f", {query['instead']} stands first" if query["instead"] else "")
            for query in loss["queries"][:_QUERIES]
        ]
        hidden = loss["lost"] - len(named)
        more = [f"... and {hidden} more; --format json names {len(loss['queries'])}"] if hidden > 0 else []
        yield f"lost answers, {loss['said']}", named + more


def _advised(document: dict[str, Any]) -> list[str]:
    """What to do, a line each with the documents it is about, under a head; nothing of a pass.

    The queries stand above already, with what became of each answer.
    """
    made = []
    for one in document.get("actions", ()):
        named, more = one["items"][:_QUERIES], len(one["items"]) - _QUERIES
        said = f"  {one['title']}{': ' if named else ''}{', '.join(named)}"
        made += [said + (f" and {more} more" if more > 0 else "")] if one["action"] != "try_queries" else []
    return ["what to do:", *made] if made else []


def _is_warning(found: dict[str, Any]) -> bool:
    return bool(found["severity"] == "warning" and found["verdict"] != "pass")


def _junit(document: dict[str, Any]) -> str:
    """One test case per finding; what was there already without the change decides nothing."""
    suite = JUnitSuite(f"corpus-drift {document['deploy']}")
    suite.case("corpus-drift", "verdict", document["verdict"], "; ".join(document["reasons"]))
    for found in document["findings"]:
        name = f"{found['rule']} {found['dimension']}={found['segment']}"
        decides = found["severity"] == "critical"
        suite.case(f"corpus-drift.{found['leg']}", name, found["verdict"], found["reason"], decides=decides)
    for found in document["already"]["findings"] if "already" in document else ():
        name = f"{found['rule']} {found['dimension']}={found['segment']}"
        said = f"there already, without the change: {found['reason']}"
        suite.case(f"corpus-drift.already.{found['leg']}", name, found["verdict"], said, decides=False)
    notes = [f"warning: {document['warning']}"] if document.get("warning") else []
    notes += [_FORECAST, _already(document["already"])] if "already" in document else []
    notes += [*_caused(document), *_blamed(document), *lost_answers(document), *_advised(document)]
    return suite.text(notes)


def _markdown(document: dict[str, Any]) -> str:
    lines = [f"## Corpus drift gate: {document['verdict'].upper()}", ""]
    lines.append(f"{'' if 'compared' in document else 'Deploy '}`{cell(document['deploy'])}`")
    if document["baseline"]:
        lines.append(f"compared with baseline `{cell(document['baseline']['name'])}`")
    if document.get("warning"):
        lines += ["", f"> **Warning:** {cell(document['warning'])}"]
    if document["reasons"]:
        lines += ["", *(f"* {cell(reason)}" for reason in document["reasons"][:_ROWS])]
    if "already" in document:
        there = document["already"]
        lines += ["", f"{_FORECAST}.", "", f"**{_already(there)}**"]
        lines += ["", *(f"* {cell(reason)}" for reason in there["reasons"][:_ROWS])] if there["reasons"] else []
    lines += [f"\n{cell(line)}" for line in (*_caused(document), *_blamed(document))]
    losses = list(_losses(document))
    lines += [""] if losses else []
    for headline, queries in losses:
        lines += [f"* {cell(headline)}", *(f"  * {cell(one)}" for one in queries)]
    advised = [f"* {cell(line.strip())}" for line in _advised(document)[1:]]
    lines += ["", "**What to do**", "", *advised] if advised else []
    shown = [found for found in document["findings"] if found["verdict"] != "pass"] or document["findings"]
    if shown:
        lines += [
            "",
            "| verdict | severity | rule | segment | value | 95% bounds | limit | anchors | would decide |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(found) for found in shown[:_ROWS]]
    lines += ["", "```text", *_measured(document).splitlines(), "```"] if "compared" in document else []
    return bounded(lines)


def _row(found: dict[str, Any]) -> str:
    value = "unknown" if found["value"] is None else f"{found['value']:.3f}"
    segment = f"{found['leg']} {found['dimension']}={found['segment']}"
    cells = (
        found["verdict"].upper(), found["severity"], found["rule"], segment, value, _bounds(found), found["limit"],
        found["n"], found["anchors_needed"] or "",
    )  # fmt: skip
    return f"| {' | '.join(cell(str(one)) for one in cells)} |"


def _bounds(found: dict[str, Any]) -> str:
    """Of what the gate judged by bounds; an open end is one that nothing is known of."""
    if found["lower"] is None and found["upper"] is None:
        return ""
    low, high = ("open" if end is None else f"{end:.3f}" for end in (found["lower"], found["upper"]))
    return f"{low} to {high}"
