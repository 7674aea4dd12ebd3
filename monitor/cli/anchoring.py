"""Commands on the anchors beside the traffic: coverage, propose, rotate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    UNDECIDED,
    ConfigFile,
    Json,
    MonitorOptions,
    asks_monitor,
    configured,
    need_file,
    say,
)
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from monitor.core.traffic.rotation import PanelMonth

TrafficFile = Annotated[
    Path | None,
    typer.Option(
        help="Read this file of queries (JSON Lines in the form that [traffic] says, .gz too) over the committed "
        "corpus, instead of asking the monitor."
    ),
]


@asks_monitor
def coverage(options: MonitorOptions, traffic: TrafficFile = None, as_json: Json = False) -> int:
    """Say how much of what users ask the anchors represent: 0 enough or not decidable, 1 too little, 3 unknown."""
    from monitor.app import traffic_text

    document = _document(options, traffic)
    say(document, as_json=as_json, text=traffic_text.coverage_text)
    return {"behind": FAIL, "unknown": UNDECIDED}.get(document["verdict"], PASS)


def _document(options: MonitorOptions, traffic: Path | None) -> dict[str, Any]:
    """The traffic of a file, else as the running monitor knows it, else as the committed state does."""
    from monitor.app.wiring.traffic_survey import stored_document, surveyed_document

    whom = options.target()
    if traffic is not None:
        need_file(traffic)
        return surveyed_document(whom.stored(), traffic)
    monitor = whom.running()
    return stored_document(whom.stored()) if monitor is None else monitor.traffic()


@asks_monitor
def propose(
    options: MonitorOptions,
    traffic: TrafficFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Also write a new anchors file with every proposal taken."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Propose what to change in the anchors so that they represent what users ask: a difference to merge.

    Each line has its reason. + adds a question that 20 clients or more asked and no anchor represents. - drops an
    anchor that users no longer ask. ~ is an anchor whose judged chunks were cut anew, ? one that stands in the corpus
    or in the tuning data.
    """
    from monitor.app import traffic_text
    from monitor.app.wiring.traffic_survey import write_proposed

    document = _document(options, traffic)
    if output is not None:
        written = write_proposed(options.target().here(), document, output)
        typer.echo(f"{output}: {written:,} anchors; check and merge it yourself", err=True)
    say(document["proposals"] if as_json else document, as_json=as_json, text=traffic_text.proposals_text)
    return PASS


def rotate(
    log: Annotated[Path, typer.Argument(help="Recent queries, in any form that anchors build reads.")],
    config: ConfigFile,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Also write a new anchors file with the change."),
    ] = None,
    month: Annotated[str, typer.Option(help="The month whose group is replaced, as 2026-11; '': this one.")] = "",
    keep: Annotated[str, typer.Option(help="Anchors that never leave, as attribute=value.")] = "",
    form: Annotated[str, typer.Option(help="Form of the log, as of anchors build; '': recognised.")] = "",
    query_field: Annotated[str, typer.Option(help="Column or field of the query; '': recognised.")] = "",
    count_field: Annotated[str, typer.Option(help="Column or field that says how often it was asked.")] = "",
    encoding: Annotated[str, typer.Option(help="Encoding of a file without a byte-order mark; '': UTF-8.")] = "",
    as_json: Json = False,
) -> int:
    """Replace an eighth of the anchors, this month's group, by questions of a log: a difference to merge.

    - leaves and + comes, one for one within a segment. A group that was already replaced this month is left alone.
    """
    from monitor.app import traffic_text
    from monitor.app.wiring.rotating import rotate_anchors
    from monitor.app.wiring.tools import LogReading

    need_file(log)
    document = rotate_anchors(
        configured(config),
        log,
        _month(month),
        reading=LogReading(form, query_field, count_field, encoding),
        kept=keep,
        output=output,
    )
    if output is not None and document["due"]:
        typer.echo(f"{output}: {document['anchors']:,} anchors; check it and put it in their place", err=True)
    say(document, as_json=as_json, text=traffic_text.rotation_text)
    return PASS


def _month(said: str) -> "PanelMonth":
    from monitor.core.traffic.rotation import PanelMonth

    try:
        at = datetime.strptime(said, "%Y-%m").replace(tzinfo=UTC) if said else datetime.now(UTC)
    except ValueError:
        message = f"--month {said!r}: expected a month such as 2026-11"
        raise ConfigurationError(message) from None
    return PanelMonth.at(at.timestamp())
