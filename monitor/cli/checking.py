"""Commands that check and build files: anchors, events, quarantine, check-config, schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    UNDECIDED,
    USAGE,
    ConfigFile,
    Json,
    MonitorOptions,
    asks_monitor,
    configured,
    need_file,
    need_state,
    say,
)
from monitor.cli.streams import tell
from monitor.errors import ConfigurationError

anchors = typer.Typer(help="The queries under watch: choose, check and renew them.", no_args_is_help=True)
events = typer.Typer(help="Files of corpus events.", no_args_is_help=True)
quarantine = typer.Typer(help="Records that were set aside, and why.", no_args_is_help=True)


@anchors.command("build", short_help="Choose anchors from a query log.")
def anchors_build(
    log: Annotated[
        Path,
        typer.Argument(help="Queries: text lines, CSV or TSV, JSON Lines, UBI, MS MARCO, BEIR or TREC topics."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The anchors file to write.")],
    count: Annotated[int, typer.Option(help="How many anchors.", min=1)] = 1_000,
    by: Annotated[str, typer.Option(help="Segment attribute with a quota per value.")] = "",
    form: Annotated[
        str,
        typer.Option(help="text, jsonl, tsv, csv, ubi, msmarco, beir or trec; '': by suffix and first lines."),
    ] = "",
    query_field: Annotated[
        str, typer.Option(help="Column (name, or number from 1) or JSON field (a.b) of the query; '': recognised.")
    ] = "",
    count_field: Annotated[str, typer.Option(help="Column or field that says how often it was asked.")] = "",
    encoding: Annotated[
        str, typer.Option(help="Encoding of a file without a byte-order mark, such as latin-1; '': UTF-8.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Choose anchors from a query log: frequent and diverse ones, with a quota per segment."""
    from monitor.app import tables
    from monitor.app.wiring import tools

    reading = tools.LogReading(form, query_field, count_field, encoding)
    document = tools.build_anchor_file(log, output, count=count, by=by, reading=reading)
    say(document, as_json=as_json, text=tables.built_lines)
    return PASS


@anchors.command("check")
def anchors_check(
    path: Annotated[Path, typer.Argument(help="An anchors file.")],
    dimension: Annotated[int, typer.Option(help="Expected dimension of the vectors; 0: that of most of them.")] = 0,
    as_json: Json = False,
) -> int:
    """Check an anchors file, and say every problem at once."""
    from monitor.app import tables
    from monitor.app.wiring import tools

    document = tools.check_anchor_file(path, dimension)
    say(document, as_json=as_json, text=tables.anchors_lines)
    return USAGE if document["problems"] else PASS


@events.command("check")
def events_check(
    path: Annotated[Path, typer.Argument(help="A JSON Lines file of events, .gz too, or - for stdin.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "-c", "--config", help="Read them as a monitor with this configuration does: form, field paths."
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="Wire form; else the configured one, or each event's.")] = "",
    dimension: Annotated[
        int, typer.Option(help="Expected dimension of the vectors; 0: the configured one, else not checked.")
    ] = 0,
    as_json: Json = False,
) -> int:
    """Check a file of events: say which would be set aside, and why."""
    from monitor.app import tables
    from monitor.app.wiring import tools

    need_file(path)
    configuration = None if config is None else configured(config)
    reader = tools.events_decoder(configuration, form=form, dimension=dimension)
    document = tools.check_events(path, reader, versions=tools.version_paths(configuration))
    say(document, as_json=as_json, text=tables.problem_lines)
    return FAIL if document["problems"] else PASS


@quarantine.command("list")
def quarantine_list(
    config: ConfigFile, limit: Annotated[int, typer.Option(min=1)] = 50, as_json: Json = False
) -> int:
    """List the newest records that were set aside, with their reasons."""
    from monitor.app import tables
    from monitor.app.wiring import read_state

    configuration = configured(config)
    need_state(configuration)
    with read_state(configuration) as store:
        document = [tables.quarantine_entry(item) for item in store.quarantine(limit)]
    say(document, as_json=as_json, text=tables.quarantine_table)
    return PASS


@quarantine.command("show")
def quarantine_show(
    config: ConfigFile,
    where: Annotated[str, typer.Argument(help="topic/partition/offset, as list says it.")],
    as_json: Json = False,
) -> int:
    """Show one record that was set aside, and what is kept of it."""
    from monitor.app import tables
    from monitor.app.retrying import MOST
    from monitor.app.wiring import read_state

    configuration = configured(config)
    need_state(configuration)
    with read_state(configuration) as store:
        found = [item for item in store.quarantine(MOST) if "/".join(map(str, item.position)) == where]
    if not found:
        message = f"quarantine {where!r}: not there; expected topic/partition/offset as quarantine list says it"
        raise ConfigurationError(message)
    say(tables.quarantine_entry(found[0], most=found[0].size), as_json=as_json, text=tables.lines)
    return PASS


@quarantine.command("replay", short_help="Give what was set aside another try.")
@asks_monitor
def quarantine_replay(
    options: MonitorOptions,
    as_json: Json = False,
) -> int:
    """Try what was set aside again, with the configuration of now; exits with 1 when some of it stays aside."""
    from monitor.app import tables

    with options.target().changing() as monitor:
        document = monitor.retry()
    say(document, as_json=as_json, text=tables.retried_table)
    return FAIL if document["kept"] else PASS


def check_config(
    config: ConfigFile,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also ask the servers whether they have what is configured.")
    ] = False,
) -> int:
    """Read the configuration and say everything that is wrong with it; 3 when a server does not answer."""
    from monitor.app.wiring import tools

    configuration = configured(config)
    tools.check_references(configuration)
    met = [check(configuration) for check in (tools.check_server, tools.check_production) if connect]
    for line in (line for of in met for line in of.lines):
        typer.echo(line)
    if not all(of.known for of in met):
        return UNDECIDED
    typer.echo(f"{config}: ok, {len(configuration.rules())} rules")
    return PASS


def schema(what: Annotated[str, typer.Argument(help="events, anchors, config, report or explain")]) -> int:
    """A JSON Schema."""
    from monitor.app.wiring import tools

    if what not in tools.SCHEMAS:
        message = f"schema {what!r}: expected one of {', '.join(sorted(tools.SCHEMAS))}"
        raise ConfigurationError(message)
    tell(json.dumps(tools.SCHEMAS[what](), indent=2, sort_keys=True), "json")
    return PASS
