"""The month's group of the anchors replaced from a query log: as a document, and as a new file."""

import json
from pathlib import Path
from typing import Any

from monitor.adapters.anchors_file import lines_by_id, load, write_new, written_line
from monitor.app.configuration import Configuration
from monitor.app.wiring.tools import LogCandidates, LogReading
from monitor.core.traffic.rotation import GROUPS, PanelMonth, PanelRotation, due, panel_group, rotation
from monitor.ports import ConfigurationError


def rotate_anchors(
    configuration: Configuration,
    log: Path,
    month: PanelMonth,
    *,
    reading: LogReading,
    kept: str = "",
    output: Path | None = None,
) -> dict[str, Any]:
    """Choose who takes the places of the month's group; the configured anchors file stays as it is.

    Args:
        configuration: names the anchors, the segments and the attribute of those that are held out.
        log: queries of late.
        month: whose group is replaced.
        reading: how the log is to be read.
        kept: `attribute=value` of anchors that never leave.
        output: where the changed anchors are written, as a new file; None: nowhere.

    Raises:
        ConfigurationError: the anchors or the log cannot be read, no candidate fits, new anchors would have no
            vector, or the output is there already.
    """
    path = configuration.located(configuration.anchors.path)
    anchors, problems = load(path, dimension=0, default_embedding_version="")
    if problems:
        raise ConfigurationError(problems[0])
    dense = configuration.dense.adapter is not None
    encoded = configuration.encoder.adapter is not None
    found = LogCandidates.read(log, reading, dimension=0 if encoded or not dense else configuration.corpus.dimension)
    held_out = configuration.traffic.held_out if configuration.traffic is not None else ""
    made = rotation(
        anchors,
        found.candidates,
        found.vectors,
        month,
        dimensions=[*configuration.segments.dimensions, *configuration.dense.filter_by],
        kept=_pair(kept),
        handed_on=held_out.partition("=")[0],
    )
    mine = due(anchors, month)
    document = _document(made, anchors=len(anchors), due=mine)
    if not mine:
        return document
    if not made.come:
        group = f"group {month.group} of {GROUPS}, due in {month}"
        fitting = sum(panel_group(of.text) == month.group for of in found.candidates)
        message = (
            f"{log}: nobody takes a place in {group}: {mine} anchors and {fitting} of the log's "
            f"{len(found.candidates)} questions are of it, and no question is new in an anchor's segment; "
            "expected a longer log, with the segments of the anchors"
        )
        raise ConfigurationError(message)
    bare = sum(of.vector is None for of in made.come)
    if dense and not encoded and bare:
        message = (
            f"{log}: {bare} of {len(made.come)} new anchors have no vector and encoder.kind = 'none'; "
            "expected JSON Lines with vector or vector_b64, or an encoder"
        )
        raise ConfigurationError(message)
    if output is not None:
        gone = {of.id for of in made.leave}
        stay = [line for name, line in lines_by_id(path).items() if name not in gone]
        write_new(output, [*stay, *map(written_line, made.come)])
    return document


def _pair(kept: str) -> tuple[tuple[str, str], ...]:
    name, equals, value = kept.partition("=")
    if kept and not (name and equals and value):
        message = f"--keep {kept!r}: expected attribute=value, such as panel=fixed"
        raise ConfigurationError(message)
    return ((name, value),) if kept else ()


def _document(made: PanelRotation, *, anchors: int, due: int) -> dict[str, Any]:
    after = made.month.next
    return {
        "month": str(made.month),
        "group": made.month.group,
        "groups": GROUPS,
        "due": due,
        "next": {"month": str(after), "group": after.group},
        "anchors": anchors,
        "common_weight": made.common,
        "waiting": made.waiting,
        "judged": sum(bool(of.relevant) for of in made.leave),
        "leave": [] if not due else [{"id": of.id, "text": of.text} for of in made.leave],
        "come": [] if not due else [json.loads(written_line(of)) for of in made.come],
    }
