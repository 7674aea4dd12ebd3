"""The commands; results on stdout, logs and progress on stderr, exit codes as the interface says."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from monitor import __version__
from monitor.app import asking, formats, tables
from monitor.app.configuration import Configuration, load
from monitor.app.demonstration import demonstrate
from monitor.app.history import replay_history
from monitor.app.running import run_to_end
from monitor.app.service import approve as approve_in_loop
from monitor.app.service import capture as capture_in_loop
from monitor.app.wiring import build_drift, open_monitor, read_state, running, serving, tools
from monitor.core.documents import snapshot_document
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError

PASS, FAIL, USAGE, UNDECIDED, NO_REPORT = 0, 1, 2, 3, 4

app = typer.Typer(
    name="corpus-drift",
    help="Which corpus change moved which answers, and may it stay?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
baseline = typer.Typer(help="Approved snapshots, with author, reason and time.", no_args_is_help=True)
anchors = typer.Typer(help="The queries under watch.", no_args_is_help=True)
events = typer.Typer(help="Corpus events.", no_args_is_help=True)
quarantine = typer.Typer(help="What was set aside, and why.", no_args_is_help=True)
for name, group in (("baseline", baseline), ("anchors", anchors), ("events", events), ("quarantine", quarantine)):
    app.add_typer(group, name=name)

ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="The configuration file (TOML).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Deploy = Annotated[str, typer.Option("--deploy", help="A deploy's id.")]


class OnInconclusive(StrEnum):
    """What INCONCLUSIVE and UNKNOWN make of the exit code."""

    ERROR = "error"
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"


class GateFormat(StrEnum):
    """Forms of a gate answer."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def _configured(path: Path) -> Configuration:
    return load(path, os.environ)


def _say(document: Any, *, as_json: bool, text: Callable[[Any], str]) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else text(document).rstrip("\n"))


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Then keep the page and /metrics up.")] = False,
    flooded: Annotated[str, typer.Option(help="The source that the incident floods ('' chooses).")] = "",
    lost: Annotated[str, typer.Option(help="The source that the incident loses ('' chooses).")] = "",
    folder: Annotated[Path | None, typer.Option(help="Keep corpus, state and configuration here.")] = None,
) -> int:
    """A real corpus (this Python's documentation strings), real updates and a planted incident, all in process."""
    return demonstrate(folder, flooded=flooded, lost=lost, serve=serve)


@app.command()
def run(
    config: ConfigFile,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop when exhausted or caught up.")] = False,
) -> int:
    """The monitor: consume, measure, export, until told to stop."""
    configuration = _configured(config)
    with open_monitor(configuration) as monitor, serving(configuration, monitor) as url:
        if url:
            typer.echo(f"listening on {url}", err=True)
        run_to_end(monitor, until_end=until_end)
    return PASS


@app.command(name="replay-git")
def replay_git(
    repository: Annotated[Path, typer.Argument(help="A git repository of documentation.")],
    glob: Annotated[list[str] | None, typer.Option(help="Which files; may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="Start with the corpus of this date.")] = "",
    deploys: Annotated[str, typer.Option(help="What makes a deploy: tags, daily or weekly.")] = "tags",
    folder: Annotated[Path | None, typer.Option(help="Keep state and configuration here.")] = None,
    as_json: Json = False,
) -> int:
    """Turn a documentation repository's history into events and show which past updates shook retrieval."""
    document = replay_history(repository, globs=glob or [], since=since, deploys=deploys, folder=folder)
    _say(document, as_json=as_json, text=tables.history_table)
    return PASS


@app.command()
def gate(
    config: ConfigFile,
    deploy: Deploy,
    against: Annotated[str, typer.Option("--baseline", help="Another approved baseline than the configured.")] = "",
    form: Annotated[GateFormat, typer.Option("--format")] = GateFormat.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write the answer there as well.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deploy's barrier.")] = 300.0,
    at_end: Annotated[bool, typer.Option("--at-end", help="The deploy ends where the stream ends now.")] = False,
    on_inconclusive: Annotated[OnInconclusive, typer.Option()] = OnInconclusive.ERROR,
) -> int:
    """Wait for the deploy's barrier and judge it: 0 pass, 1 fail, 2 usage, 3 undecided, 4 no report can be had."""
    document = _gate(_configured(config), deploy, against, timeout=timeout, at_end=at_end)
    code = {"pass": PASS, "fail": FAIL}.get(document["verdict"], UNDECIDED)
    if code == UNDECIDED and on_inconclusive is not OnInconclusive.ERROR:
        code = PASS if on_inconclusive is OnInconclusive.PASS else FAIL
        document["warning"] = f"verdict {document['verdict']} taken as {on_inconclusive} by --on-inconclusive"
    made = formats.render_gate(document, form.value)
    if output is not None:
        _write(output, made)
    typer.echo(made.rstrip("\n"))
    return code


def _gate(configuration: Configuration, deploy: str, against: str, *, timeout: float, at_end: bool) -> dict[str, Any]:
    monitor = running(configuration)
    if monitor is None:
        if at_end:
            message = "--at-end needs a running monitor: start corpus-drift run first"
            raise UnreachableError(message)
        _need_state(configuration)
        with read_state(configuration) as store:
            document = asking.stored_gate(store, deploy)
    else:
        if at_end:
            monitor.deploy_at_end(deploy)
        document = asking.wait_for_gate(lambda: monitor.gate(deploy), timeout)
    if not against:
        return document
    with read_state(configuration) as store:
        return asking.judged_against(build_drift(configuration), configuration.rules(), store, deploy, against)


def _need_state(configuration: Configuration) -> None:
    path = configuration.located(configuration.state.path)
    if not path.is_file():
        message = f"no monitor is running and there is no state at {path}: no report can be had"
        raise UnreachableError(message)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"--output {path}: {error.strerror}; expected a writable file"
        raise ConfigurationError(message) from error


@app.command()
def report(config: ConfigFile, deploy: Annotated[str, typer.Option()] = "", as_json: Json = False) -> int:
    """Measurements per segment: of the running monitor, else of the newest (or the named) deploy."""
    configuration = _configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.report(deploy)
    else:
        _need_state(configuration)
        with read_state(configuration) as store:
            document = asking.stored_report(store, deploy)
    _say(document, as_json=as_json, text=tables.report_table)
    return PASS


@baseline.command("list")
def baseline_list(config: ConfigFile, as_json: Json = False) -> int:
    """All captured baselines, oldest first."""
    _say(_baselines(_configured(config)), as_json=as_json, text=tables.baseline_table)
    return PASS


@baseline.command("show")
def baseline_show(config: ConfigFile, name: Annotated[str, typer.Argument()], as_json: Json = False) -> int:
    """One baseline: identity, fingerprint, approval."""
    found = [document for document in _baselines(_configured(config)) if document["name"] == name]
    if not found:
        message = f"baseline {name!r}: not captured; see corpus-drift baseline list"
        raise ConfigurationError(message)
    _say(found[0], as_json=as_json, text=tables.baseline_card)
    return PASS


def _baselines(configuration: Configuration) -> list[dict[str, Any]]:
    monitor = running(configuration)
    if monitor is not None:
        return monitor.baselines()
    with read_state(configuration) as store:
        return asking.stored_baselines(store)


@baseline.command("capture")
def baseline_capture(config: ConfigFile, name: Annotated[str, typer.Argument()], as_json: Json = False) -> int:
    """Freeze all ranked lists as they are now; nobody compares with them until they are approved."""
    configuration = _configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.capture(name)
    else:
        _need_state(configuration)
        with open_monitor(configuration) as owned:
            document = snapshot_document(capture_in_loop(owned, name))
    _say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("approve")
def baseline_approve(
    config: ConfigFile,
    name: Annotated[str, typer.Argument()],
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why it is good.")],
    as_json: Json = False,
) -> int:
    """Make a captured baseline the one to compare with."""
    configuration = _configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.approve(name, author, reason)
    else:
        _need_state(configuration)
        with open_monitor(configuration) as owned:
            approval = asking.approval(author, reason)
            document = snapshot_document(approve_in_loop(owned, name, approval))
    _say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@anchors.command("build")
def anchors_build(
    log: Annotated[Path, typer.Argument(help="A query log: lines, TSV with counts, or JSON Lines.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The anchors file to write.")],
    count: Annotated[int, typer.Option(help="How many anchors.", min=1)] = 1_000,
    by: Annotated[str, typer.Option(help="Segment attribute with a quota per value.")] = "",
    as_json: Json = False,
) -> int:
    """Choose anchors from a query log: frequent, diverse, with a quota per segment."""
    _say(tools.build_anchor_file(log, output, count=count, by=by), as_json=as_json, text=tables.lines)
    return PASS


@anchors.command("check")
def anchors_check(
    path: Annotated[Path, typer.Argument(help="An anchors file.")],
    dimension: Annotated[int, typer.Option(help="Expected dimension of the vectors, 0: any.")] = 0,
    as_json: Json = False,
) -> int:
    """Check an anchors file; every problem at once."""
    document = tools.check_anchor_file(path, dimension)
    _say(document, as_json=as_json, text=tables.problem_lines)
    return USAGE if document["problems"] else PASS


@events.command("check")
def events_check(
    path: Annotated[Path, typer.Argument(help="A JSON Lines file of events, .gz too, or - for stdin.")],
    form: Annotated[str, typer.Option("--format", help="Wire form; auto recognises each event's.")] = "auto",
    dimension: Annotated[int, typer.Option(help="Expected dimension of the vectors; 0: not checked.")] = 0,
    as_json: Json = False,
) -> int:
    """Validate events: what would be quarantined, and why."""
    document = tools.check_events(path, form=form, dimension=dimension)
    _say(document, as_json=as_json, text=tables.problem_lines)
    return FAIL if document["problems"] else PASS


@quarantine.command("list")
def quarantine_list(
    config: ConfigFile, limit: Annotated[int, typer.Option(min=1)] = 50, as_json: Json = False
) -> int:
    """The newest records set aside, with their reasons."""
    with read_state(_configured(config)) as store:
        document = [tables.quarantine_entry(item) for item in store.quarantine(limit)]
    _say(document, as_json=as_json, text=tables.quarantine_table)
    return PASS


@app.command(name="check-config")
def check_config(config: ConfigFile) -> int:
    """Read the configuration and say everything that is wrong with it."""
    configuration = _configured(config)
    tools.check_references(configuration)
    typer.echo(f"{config}: ok, {len(configuration.rules())} rules")
    return PASS


@app.command()
def schema(what: Annotated[str, typer.Argument(help="events, anchors, config or report")]) -> int:
    """A JSON Schema."""
    if what not in tools.SCHEMAS:
        message = f"schema {what!r}: expected one of {', '.join(sorted(tools.SCHEMAS))}"
        raise ConfigurationError(message)
    typer.echo(json.dumps(tools.SCHEMAS[what](), indent=2, sort_keys=True))
    return PASS


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"corpus-drift {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    del version


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code: 0 pass, 1 fail, 2 usage or configuration, 3 undecided, 4 no report can be had.
    """
    try:
        code = app(list(argv), standalone_mode=False)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except UnreachableError as error:
        return _failed(str(error), NO_REPORT)
    except CorpusDriftError as error:
        return _failed(str(error), USAGE)
    except TyperException as error:
        return _failed(error.format_message(), USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except Exception as error:
        traceback.print_exc()
        return _failed(f"internal error: {type(error).__name__}: {error}", NO_REPORT)
    return int(code or 0)


def _failed(message: str, code: int) -> int:
    for line in message.splitlines():
        typer.echo(f"corpus-drift: {line}", err=True)
    return code


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))
