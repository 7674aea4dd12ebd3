"""Commands that answer about drift: gate, report, baseline ..."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    UNDECIDED,
    CaFile,
    CommandTarget,
    DeployOption,
    Json,
    MaybeConfig,
    MonitorUrl,
    TokenFile,
    asked,
    need_file,
    say,
)
from monitor.cli.streams import argument_text, tell
from monitor.errors import ConfigurationError, UnreachableError

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
    deploy: DeployOption,
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    against: Annotated[str, typer.Option("--baseline", help="Another approved baseline than the configured.")] = "",
    form: Annotated[GateFormat, typer.Option("--format")] = GateFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(help="Write the answer there, at every exit code; stdout then has a summary."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deploy's barrier.")] = 300.0,
    at_end: Annotated[bool, typer.Option("--at-end", help="The deploy ends where the stream ends now.")] = False,
    on_inconclusive: Annotated[OnInconclusive, typer.Option()] = OnInconclusive.ERROR,
    dry_run: Annotated[
        Path | None, typer.Option(help="Forecast what this change set (JSON Lines) adds; write nothing.")
    ] = None,
) -> int:
    """Wait for the deploy's barrier and judge it: 0 pass, 1 fail, 2 usage, 3 undecided, 4 no report can be had."""
    from monitor.app import formats
    from monitor.cli.answer_file import AnswerFile

    deploy = argument_text(deploy)
    answer = AnswerFile(output, form.value)
    answer.refuse_overwriting((config, token_file, ca_file, dry_run))
    with answer.answering(deploy):
        _sensible(deploy, timeout)
        whom = asked(config, url, token_file, ca_file)
        if dry_run is None:
            document = _gate(whom, deploy, against, timeout=timeout, at_end=at_end)
        else:
            document = _forecast(whom, dry_run, deploy, against, at_end=at_end)
    code = exit_code(document, on_inconclusive)
    answer.write(document)
    if output is None:
        tell(formats.render_gate(document, form.value), form.value)
    else:
        tell(f"{formats.summary(document)}{form.value} answer in {output}")
    return code


def exit_code(document: dict[str, Any], on_inconclusive: OnInconclusive) -> int:
    """The exit code of a verdict; a warning is put into the document where an option decides it."""
    code = {"pass": PASS, "fail": FAIL}.get(document["verdict"], UNDECIDED)
    if code == UNDECIDED and on_inconclusive is not OnInconclusive.ERROR:
        code = PASS if on_inconclusive is OnInconclusive.PASS else FAIL
        said = f"verdict {document['verdict']} taken as {on_inconclusive} by --on-inconclusive"
        document["warning"] = "; ".join(filter(None, (said, document.get("warning"))))
    return code


def _sensible(deploy: str, timeout: float) -> None:
    """A pipeline's variable that is empty is no deploy that nobody has seen."""
    if not deploy.strip() or not _is_text(deploy):
        message = f"--deploy {deploy!r}: expected a deploy's id"
        raise ConfigurationError(message)
    if not 0.0 <= timeout < math.inf:
        message = f"--timeout {timeout}: expected seconds, 0 or more"
        raise ConfigurationError(message)


def _is_text(said: str) -> bool:
    """Whether an argument is text: bytes that are not UTF-8 come as half characters."""
    return not any("\ud800" <= character <= "\udfff" for character in said)


def _gate(whom: CommandTarget, deploy: str, against: str, *, timeout: float, at_end: bool) -> dict[str, Any]:
    from monitor.app import asking
    from monitor.app.wiring import build_drift, read_state

    monitor = whom.running(patience=timeout)  # one that is starting will answer soon
    if monitor is None:
        if at_end:
            message = "--at-end needs a running monitor: start corpus-drift run first"
            raise UnreachableError(message)
        with read_state(whom.stored()) as store:
            document = asking.stored_gate(store, deploy)
    else:
        if at_end:
            monitor.deploy_at_end(deploy)
        document = asking.wait_for_gate(lambda: monitor.gate(deploy), timeout)
    if not against:
        return document
    if monitor is not None:
        return monitor.gate(deploy, against) if document["state"] == "judged" else document
    configuration = whom.stored()
    with read_state(configuration) as store:
        return asking.judged_against(build_drift(configuration), configuration.rules(), store, deploy, against)


def _forecast(whom: CommandTarget, changeset: Path, deploy: str, against: str, *, at_end: bool) -> dict[str, Any]:
    from monitor.app.wiring.forecast import build_forecast

    if whom.remote is not None:
        message = "--dry-run: expected -c FILE without --monitor: it works on a copy of the committed state"
        raise ConfigurationError(message)
    if against or at_end:
        message = "--dry-run: expected without --baseline and --at-end: it forecasts against the baseline in force"
        raise ConfigurationError(message)
    need_file(changeset)
    configuration = whom.stored()
    typer.echo("restoring the committed state, then applying the change set to it; nothing is written ...", err=True)
    return build_forecast(configuration, changeset, deploy)


def report(
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    deploy: Annotated[str, typer.Option()] = "",
    as_json: Json = False,
) -> int:
    """Measurements per segment now: of the running monitor, else as the last one left them; or a deploy's."""
    from monitor.app import asking, tables
    from monitor.app.wiring import read_state

    whom = asked(config, url, token_file, ca_file)
    monitor = whom.running()
    if monitor is not None:
        document = monitor.report(argument_text(deploy))
    else:
        with read_state(whom.stored()) as store:
            document = asking.stored_report(store, argument_text(deploy))
    say(document, as_json=as_json, text=tables.report_table)
    return PASS


@baseline.command("list")
def baseline_list(
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """All captured baselines, oldest first."""
    from monitor.app import tables

    say(_baselines(asked(config, url, token_file, ca_file)), as_json=as_json, text=tables.baseline_table)
    return PASS


@baseline.command("show")
def baseline_show(
    name: Annotated[str, typer.Argument()],
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """One baseline: identity, fingerprint, approval."""
    from monitor.app import tables

    documents = _baselines(asked(config, url, token_file, ca_file))
    found = [document for document in documents if document["name"] == name]
    if not found:
        message = f"baseline {name!r}: not captured; see corpus-drift baseline list"
        raise ConfigurationError(message)
    say(found[0], as_json=as_json, text=tables.baseline_card)
    return PASS


def _baselines(whom: CommandTarget) -> list[dict[str, Any]]:
    from monitor.app import asking
    from monitor.app.snapshot import Snapshots
    from monitor.app.wiring import read_state

    monitor = whom.running()
    if monitor is not None:
        return monitor.baselines()
    configuration = whom.stored()
    chosen = configuration.baseline
    with read_state(configuration) as store:
        return asking.stored_baselines(Snapshots(store, chosen.name, chosen.mode, chosen.window, bootstrap=False))


@baseline.command("capture")
def baseline_capture(
    name: Annotated[str, typer.Argument()],
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """Freeze all ranked lists as they are now, to be looked at; nothing compares with them before `approve`."""
    from monitor.app import tables

    with asked(config, url, token_file, ca_file).changing() as monitor:
        document = monitor.capture(name)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("approve")
def baseline_approve(
    name: Annotated[str, typer.Argument()],
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why this state is good.")],
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """Put a captured baseline in force: reports and gates compare with it from now on, whatever its name."""
    from monitor.app import tables

    with asked(config, url, token_file, ca_file).changing() as monitor:
        document = monitor.approve(name, author, reason)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("accept")
def baseline_accept(
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why this state is good.")],
    name: Annotated[str, typer.Argument(help="The baseline's name; by default the configured one.")] = "",
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """Capture the corpus as it is now and put it in force, in one step: `capture` and `approve`."""
    from monitor.app import tables

    with asked(config, url, token_file, ca_file).changing() as monitor:
        document = monitor.accept(name, author, reason)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS
