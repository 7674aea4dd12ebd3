"""The gate of an encoder migration for people and pipelines: text, JSON, JUnit and Markdown from one document."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.app.formats import Format
from monitor.app.junit import JUnitSuite
from monitor.app.markdown import bounded, cell
from monitor.app.migration_text import headline, next_step, reasons

Document = Mapping[str, Any]


def render_migration_gate(document: Document, form: Format) -> str:
    """The answer in the asked form, ending in a newline.

    Args:
        document: see `migration_document`; may carry a `warning`.
        form: text, json, junit or markdown.
    """
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if form == "text":
        return gate_text(document) + "\n"
    return _junit(document) if form == "junit" else _markdown(document)


def migration_summary(document: Document) -> str:
    """The answer in a few lines, for who reads it whole elsewhere."""
    return "\n".join((*headline(document), *_warning(document), *reasons(document))) + "\n"


def unanswered(state: str, why: tuple[str, ...]) -> dict[str, Any]:
    """What stands for an answer that nobody gave: UNKNOWN, and why."""
    return {
        "schema": 1, "migration": "", "verdict": "UNKNOWN", "gate": "unknown", "state": state, "reasons": list(why),
        "phase": state, "from": {"version": ""}, "to": {"version": ""}, "rules": [],
        "next": {"do": "", "command": ""},
    }  # fmt: skip


def _warning(of: Document) -> Iterator[str]:
    if of.get("warning"):
        yield f"warning: {of['warning']}"


def gate_text(of: Document) -> str:
    """The verdict and its reasons, and the rules in short."""
    rules = (f"  {rule['rule']:<4}{rule['verdict'].upper():<14}{rule['title']}" for rule in of["rules"])
    return "\n".join((*headline(of), *_warning(of), *reasons(of), *rules, *next_step(of)))


def _junit(of: Document) -> str:
    """One test case per rule."""
    suite = JUnitSuite(f"corpus-drift migration {of['migration']}".rstrip())
    suite.case("corpus-drift.migration", "verdict", of["gate"], "; ".join((of["verdict"], *of["reasons"])))
    for rule in of["rules"]:
        name = f"{rule['rule']} {rule['title']}"
        suite.case("corpus-drift.migration", name, rule["verdict"], rule["reason"], decides=rule["decides"])
    return suite.text([*headline(of), *_warning(of), *next_step(of)])


def _markdown(of: Document) -> str:
    lines = [f"## Encoder migration: {of['verdict']}", "", *(cell(line) for line in headline(of))]
    lines += ["", *(f"> **Warning:** {cell(of['warning'])}" for _ in _warning(of))]
    lines += [f"* {cell(reason)}" for reason in of["reasons"]]
    if of["rules"]:
        lines += ["", "| verdict | rule | what it asks | what was found |", "|---|---|---|---|"]
    for rule in of["rules"]:
        asks = rule["title"] if rule["decides"] else f"{rule['title']} (warns only)"
        lines.append(f"| {' | '.join(map(cell, (rule['verdict'].upper(), rule['rule'], asks, rule['reason'])))} |")
    if of["next"]["do"]:
        lines += ["", f"**Next:** {cell(of['next']['do'])}"]
    if of["next"]["command"]:
        lines += ["", "```sh", of["next"]["command"], "```"]
    return bounded(lines)
