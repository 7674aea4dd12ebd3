"""Commands that run the monitor: demo, run, replay-git."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    ConfigFile,
    Json,
    MonitorOptions,
    asks_monitor,
    configured,
    say,
)
from monitor.cli.streams import argument_text
from monitor.errors import ConfigurationError, UnreachableError

WELL = "ok"
"""What a probe answers where nothing is amiss."""


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Then keep the page and /metrics up.")] = False,
    flooded: Annotated[str, typer.Option(help="The source that the incident floods ('' chooses).")] = "",
    lost: Annotated[str, typer.Option(help="The source that the incident loses ('' chooses).")] = "",
    folder: Annotated[Path | None, typer.Option(help="Keep corpus, state and configuration here.")] = None,
    migration: Annotated[
        bool, typer.Option("--migration", help="Instead: an encoder migration, step by step.")
    ] = False,
) -> int:
    """Play a story: a real corpus (this Python's documentation strings), real updates and a planted incident.

    It needs no broker, no index and no model.
    """
    if migration:
        if flooded or lost:
            message = "--flooded, --lost: a migration has no such incident; expected them without --migration"
            raise ConfigurationError(message)
        from monitor.demo.migrating import demonstrate_migration

        return demonstrate_migration(folder, serve=serve)
    from monitor.demo.demonstration import demonstrate

    return demonstrate(folder, flooded=flooded, lost=lost, serve=serve)


def run(
    config: ConfigFile,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop where the source ends now.")] = False,
    deploy: Annotated[
        str,
        typer.Option("--deploy", help="With --until-end: judge what was read as this deploy, without a marker."),
    ] = "",
) -> int:
    """Run the monitor: read corpus changes, measure, serve the page and the metrics.

    With --until-end it exits with 1 when more events were set aside than source.max_refused_ratio allows.
    """
    from monitor.app.apart import PARENT
    from monitor.app.running import leaving_on_sigterm, restoring, run_to_end
    from monitor.app.wiring import open_monitor, serving
    from monitor.app.wiring.history import source_notes

    deploy = argument_text(deploy)
    if deploy and not until_end:
        message = f"--deploy {deploy!r}: expected --until-end with it; a running monitor is asked by gate --at-end"
        raise ConfigurationError(message)
    configuration = configured(config)
    shards = configuration.shards
    if shards.there and shards.adapter.ends is not None and PARENT not in os.environ:
        options = ["--until-end"] * until_end + ["--deploy", deploy] * bool(deploy)
        return _apart(["run", "-c", str(config), *options], shards.adapter.ends(shards.settings))
    opened = open_monitor(configuration, restoring=restoring)
    with leaving_on_sigterm(), opened as monitor, serving(configuration, monitor) as url:
        if url:
            typer.echo(f"listening on {url}", err=True)
        refused = run_to_end(monitor, until_end=until_end, deploy=deploy)
        for note in source_notes(monitor):
            typer.echo(f"note: {note}", err=True)
    if refused and until_end:
        typer.echo(f"corpus-drift: {refused} -c {config}", err=True)
        return FAIL
    return PASS


def _apart(arguments: Sequence[str], ends: str) -> int:
    """The same command in a process of its own, which a library may end."""
    from monitor.app.apart import run_apart

    ended = run_apart(["-m", "monitor", *arguments])
    if ended.said is not None:
        return ended.said
    message = ends if ended.code == 1 else f"the process of this run ended with {ended.code}; expected it to say why"
    raise UnreachableError(message)


@asks_monitor
def health(
    options: MonitorOptions,
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it is ready, not only alive.")] = False,
) -> int:
    """Ask the running monitor whether it is well, as probes do: 0 well, 4 not running or not well."""
    whom = options.target()
    monitor = whom.running()
    if monitor is None:
        configuration = whom.here()
        message = f"no monitor with endpoints owns {configuration.located(configuration.state.path)}"
        raise UnreachableError(message)
    said = monitor.probe("/readyz" if ready else "/healthz")
    if said != WELL:  # alive, and yet not well
        raise UnreachableError(said)
    typer.echo(said)
    return PASS


def replay_git(
    repository: Annotated[Path, typer.Argument(help="A git repository of documentation.")],
    glob: Annotated[list[str] | None, typer.Option(help="Which files; may be repeated.")] = None,
    since: Annotated[
        str, typer.Option(help="Start with the corpus of this date; '': the first with enough pages.")
    ] = "",
    deploys: Annotated[Literal["tags", "daily", "weekly"], typer.Option(help="What makes a deploy.")] = "tags",
    folder: Annotated[Path | None, typer.Option(help="Keep state and configuration here.")] = None,
    as_json: Json = False,
) -> int:
    """Replay a documentation repository's history and show which of its past updates shook retrieval."""
    from monitor.app import tables
    from monitor.app.history import replay_history

    document = replay_history(repository, globs=glob or [], since=since, deploys=deploys, folder=folder)
    say(document, as_json=as_json, text=tables.history_table)
    return PASS
