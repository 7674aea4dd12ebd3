"""Commands that answer about drift: gate, report, baseline ..."""

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.common import FAIL, PASS, UNDECIDED, ConfigFile, Deploy, Json, configured, need_file, need_state, say
from monitor.errors import ConfigurationError, UnreachableError

if TYPE_CHECKING:
    from monitor.app.configuration import Configuration

baseline = typer.Typer(help="Approved snapshots, with author, reason and time.", no_args_is_help=True)


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


def gate(
    config: ConfigFile,
    deploy: Deploy,
    against: Annotated[str, typer.Option("--baseline", help="Another approved baseline than the configured.")] = "",
    form: Annotated[GateFormat, typer.Option("--format")] = GateFormat.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write the answer there as well.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deploy's barrier.")] = 300.0,
    at_end: Annotated[bool, typer.Option("--at-end", help="The deploy ends where the stream ends now.")] = False,
    on_inconclusive: Annotated[OnInconclusive, typer.Option()] = OnInconclusive.ERROR,
    dry_run: Annotated[
        Path | None, typer.Option(help="Forecast this change set (JSON Lines); write nothing.")
    ] = None,
) -> int:
    """Wait for the deploy's barrier and judge it: 0 pass, 1 fail, 2 usage, 3 undecided, 4 no report can be had."""
    from monitor.app import formats

    configuration = configured(config)
    _sensible(deploy, timeout)
    if dry_run is None:
        document = _gate(configuration, deploy, against, timeout=timeout, at_end=at_end)
    else:
        document = _forecast(configuration, dry_run, deploy, against, at_end=at_end)
    code = {"pass": PASS, "fail": FAIL}.get(document["verdict"], UNDECIDED)
    if code == UNDECIDED and on_inconclusive is not OnInconclusive.ERROR:
        code = PASS if on_inconclusive is OnInconclusive.PASS else FAIL
        said = f"verdict {document['verdict']} taken as {on_inconclusive} by --on-inconclusive"
        document["warning"] = "; ".join(filter(None, (said, document.get("warning"))))
    made = formats.render_gate(document, form.value)
    if output is not None:
        _write(output, made)
    typer.echo(made.rstrip("\n"))
    return code


def _sensible(deploy: str, timeout: float) -> None:
    """A pipeline's variable that is empty is no deploy that nobody has seen."""
    if not deploy.strip():
        message = f"--deploy {deploy!r}: expected a deploy's id"
        raise ConfigurationError(message)
    if not 0.0 <= timeout < math.inf:
        message = f"--timeout {timeout}: expected seconds, 0 or more"
        raise ConfigurationError(message)


def _gate(
    configuration: "Configuration", deploy: str, against: str, *, timeout: float, at_end: bool
) -> dict[str, Any]:
    from monitor.app import asking
    from monitor.app.wiring import build_drift, read_state, running

    monitor = running(configuration, patience=timeout)  # one that is starting will answer soon
    if monitor is None:
        if at_end:
            message = "--at-end needs a running monitor: start corpus-drift run first"
            raise UnreachableError(message)
        need_state(configuration)
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


def _forecast(
    configuration: "Configuration", changeset: Path, deploy: str, against: str, *, at_end: bool
) -> dict[str, Any]:
    from monitor.app.wiring.forecast import build_forecast

    if against or at_end:
        message = "--dry-run: expected without --baseline and --at-end: it forecasts against the baseline in force"
        raise ConfigurationError(message)
    need_file(changeset)
    need_state(configuration)
    typer.echo("restoring the committed state, then applying the change set to it; nothing is written ...", err=True)
    return build_forecast(configuration, changeset, deploy)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"--output {path}: {error.strerror}; expected a writable file"
        raise ConfigurationError(message) from error


def report(config: ConfigFile, deploy: Annotated[str, typer.Option()] = "", as_json: Json = False) -> int:
    """Measurements per segment now: of the running monitor, else as the last one left them; or a deploy's."""
    from monitor.app import asking, tables
    from monitor.app.wiring import read_state, running

    configuration = configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.report(deploy)
    else:
        need_state(configuration)
        with read_state(configuration) as store:
            document = asking.stored_report(store, deploy)
    say(document, as_json=as_json, text=tables.report_table)
    return PASS


@baseline.command("list")
def baseline_list(config: ConfigFile, as_json: Json = False) -> int:
    """All captured baselines, oldest first."""
    from monitor.app import tables

    say(_baselines(configured(config)), as_json=as_json, text=tables.baseline_table)
    return PASS


@baseline.command("show")
def baseline_show(config: ConfigFile, name: Annotated[str, typer.Argument()], as_json: Json = False) -> int:
    """One baseline: identity, fingerprint, approval."""
    from monitor.app import tables

    found = [document for document in _baselines(configured(config)) if document["name"] == name]
    if not found:
        message = f"baseline {name!r}: not captured; see corpus-drift baseline list"
        raise ConfigurationError(message)
    say(found[0], as_json=as_json, text=tables.baseline_card)
    return PASS


def _baselines(configuration: "Configuration") -> list[dict[str, Any]]:
    from monitor.app import asking
    from monitor.app.snapshot import in_force
    from monitor.app.wiring import read_state, running

    monitor = running(configuration)
    if monitor is not None:
        return monitor.baselines()
    need_state(configuration)
    chosen = configuration.baseline
    with read_state(configuration) as store:
        name = in_force(store, name=chosen.name, mode=chosen.mode, window=chosen.window)
        return asking.stored_baselines(store, name)


@baseline.command("capture")
def baseline_capture(config: ConfigFile, name: Annotated[str, typer.Argument()], as_json: Json = False) -> int:
    """Freeze all ranked lists as they are now, to be looked at; nothing compares with them before `approve`."""
    from monitor.app import tables
    from monitor.app.wiring import open_monitor, running
    from monitor.core.documents import snapshot_document

    configuration = configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.capture(name)
    else:
        need_state(configuration)
        with open_monitor(configuration) as owned:
            document = snapshot_document(owned.operations.capture(name))
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("approve")
def baseline_approve(
    config: ConfigFile,
    name: Annotated[str, typer.Argument()],
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why it is good.")],
    as_json: Json = False,
) -> int:
    """Put a captured baseline in force: reports and gates compare with it from now on, whatever its name."""
    from monitor.app import asking, tables
    from monitor.app.wiring import open_monitor, running
    from monitor.core.documents import snapshot_document

    configuration = configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.approve(name, author, reason)
    else:
        need_state(configuration)
        with open_monitor(configuration) as owned:
            approval = asking.approval(author, reason)
            document = snapshot_document(owned.operations.approve(name, approval), in_force=True)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("accept")
def baseline_accept(
    config: ConfigFile,
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why it is good.")],
    name: Annotated[str, typer.Argument(help="Its name; else that of the configuration.")] = "",
    as_json: Json = False,
) -> int:
    """Capture the corpus as it is now and put it in force, in one step: `capture` and `approve`."""
    from monitor.app import asking, tables
    from monitor.app.wiring import open_monitor, running
    from monitor.core.documents import snapshot_document

    configuration = configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.accept(name, author, reason)
    else:
        need_state(configuration)
        with open_monitor(configuration) as owned:
            accepted = owned.operations.accept(name, asking.approval(author, reason))
            document = snapshot_document(accepted, in_force=True)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS
