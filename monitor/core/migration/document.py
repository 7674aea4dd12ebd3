"""A migration as a document: what the endpoint, the commands and the page say. Unknown is null, never 0."""

import math
from dataclasses import asdict
from shlex import quote
from typing import Any

from monitor.core.migration.fixes import fix_list
from monitor.core.migration.model import Coverage, EncoderContract
from monitor.core.migration.next_step import next_command, next_step
from monitor.core.migration.verdict import MigrationAssessment

SCHEMA = 1
Document = dict[str, Any]
FIELDS = frozenset(
    {"migration", "verdict", "gate", "reasons", "phase", "from", "to", "next", "rules", "coverage", "pace", "serving"}
    | {"shadow", "quality", "other_quality", "judging", "clicks", "problems", "remarks"}
)
"""What a reader of the document may count on."""


def migration_document(of: MigrationAssessment, config: str = "corpus-drift.toml") -> Document:
    """All that is said of a migration, finite throughout.

    Args:
        of: the migration, judged.
        config: the configuration file that printed commands name.
    """
    view, audit = of.view, of.evidence.audit
    step = next_step(of)
    made = {
        "schema": SCHEMA,
        "migration": view.migration_id,
        "verdict": str(of.verdict),
        "gate": of.verdict.gate,
        "reasons": list(of.reasons),
        "phase": str(view.phase),
        "from": _contract(view.old),
        "to": _contract(view.new),
        "steps": [asdict(change) for change in view.changes],
        "event_time": view.now,
        "positions": dict(view.positions),
        "window_left_seconds": of.window_left,
        "next": {"do": step.do, "verb": step.verb, "command": next_command(step.verb, f"-c {quote(config)}", config)},
        "rules": [asdict(found) for found in of.findings],
        "limits": asdict(of.limits),
        "coverage": _coverage(view.coverage),
        "pace": asdict(view.pace),
        "vectors": asdict(view.faults),
        "serving": [asdict(figures) for figures in view.serving],
        "shadow": [asdict(figures) for figures in view.shadow],
        "quality": [asdict(found) for found in of.evidence.quality],
        "other_quality": [asdict(found) for found in of.evidence.other_quality],
        "audit": None if audit is None else {**asdict(audit), "mixed_most": audit.mixed_most},
        "clicks": None if of.evidence.clicks is None else asdict(of.evidence.clicks),
        "production": None if of.evidence.production is None else asdict(of.evidence.production),
        "side_effects": _side_effects(of),
        "judging": _judging(of),
        "events": [
            {"kind": kind, "outcome": outcome, "count": count}
            for (kind, outcome), count in sorted(view.events.items())
        ],
        "alias": None if view.alias is None else asdict(view.alias),
        "problems": list(view.problems),
        "remarks": list(of.evidence.remarks),
    }
    finite: Document = _finite(made)
    return finite


def addressed_migration(document: Document, options: str, config: str) -> Document:
    """The document with the command of whoever asked for it: the monitor's own names a file that may not be here.

    Args:
        document: of this monitor, or of another; an older one does not say which command its step is.
        options: how a command was told whom to ask.
        config: the configuration file here, "" for none.
    """
    verb = document["next"].get("verb")
    if verb is None:
        return document
    return {**document, "next": {**document["next"], "command": next_command(verb, options, config)}}


def _contract(of: EncoderContract) -> Document:
    return {**asdict(of), "metric": str(of.metric), "digest": of.digest()}


def _coverage(of: Coverage) -> Document:
    told = {name: value for name, value in asdict(of).items() if name != "about"}
    return {**told, "ratio": of.ratio, **fix_list(of).document()}


def _judging(of: MigrationAssessment) -> Document:
    """Whether judgements decide the sign, and the results that are worth judging next."""
    known, view = of.evidence, of.view
    sign = known.sign
    return {
        "sign": None if sign is None else {**asdict(sign), "sign": sign.sign},
        "slots": [
            {
                "query_id": view.anchors.anchors[slot.row].id,
                "query": view.anchors.anchors[slot.row].text,
                "chunk_id": view.names.get(slot.key, ""),
                "old_rank": slot.old_rank,
                "new_rank": slot.new_rank,
                "weight": slot.weight,
            }
            for slot in known.to_judge
        ],
    }


def _side_effects(of: MigrationAssessment) -> Document:
    known = of.evidence
    return {
        "shapes": None if known.shapes is None else [asdict(shape) for shape in known.shapes],
        "source_mix_divergence": known.source_mix_divergence,
        "thresholds": {name: asdict(found) for name, found in known.thresholds.items()},
        "proxies": [asdict(proxy) for proxy in known.proxies],
    }


def _finite(value: Any) -> Any:
    """A copy in which numbers that are not finite are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
