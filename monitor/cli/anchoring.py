"""Commands on the anchors beside the traffic: coverage, propose."""

from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli.common import FAIL, PASS, UNDECIDED, Json, MonitorOptions, asks_monitor, need_file, say

TrafficFile = Annotated[
    Path | None,
    typer.Option(
        help="Read this file of queries (JSON Lines in the form that [traffic] says, .gz too) over the committed "
        "corpus, instead of asking the monitor."
    ),
]


@asks_monitor
def coverage(options: MonitorOptions, traffic: TrafficFile = None, as_json: Json = False) -> int:
    """How much of what users ask the anchors represent: 0 enough or not decidable, 1 too little, 3 unknown."""
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
        typer.Option("--output", "-o", help="Also write the anchors file with every proposal taken, as a new file."),
    ] = None,
    as_json: Json = False,
) -> int:
    """What to change in the anchors so that they speak for the traffic again: a difference to merge, with reasons.

    + a new intent of 20 clients or more, - an anchor that users have left, ~ one whose judged chunks were cut anew,
    ? one that stands in the corpus or in the tuning data.
    """
    from monitor.app import traffic_text
    from monitor.app.wiring.traffic_survey import write_proposed

    document = _document(options, traffic)
    if output is not None:
        written = write_proposed(options.target().here(), document, output)
        typer.echo(f"{output}: {written:,} anchors; check and merge it yourself", err=True)
    say(document["proposals"] if as_json else document, as_json=as_json, text=traffic_text.proposals_text)
    return PASS
