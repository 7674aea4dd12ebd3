"""Commands that answer about drift: gate, report."""

import math
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli.common import (
    PASS,
    CommandTarget,
    DeployOption,
    DocumentFormat,
    Json,
    MonitorOptions,
    asks_monitor,
    need_file,
    say,
)
from monitor.cli.gating import AnswerFormat, AnswerPath, GateFormat, OnInconclusive, Undecided
from monitor.cli.streams import argument_text
from monitor.errors import ConfigurationError, UnreachableError


class HeadlineName(StrEnum):
    """Measures that are kept of every deploy and hour."""

    KEPT_ANSWERS = "kept_answers_ratio"
    NEW_RESULTS = "new_results"
    COLLAPSED_SWAPS = "collapsed_swaps"
    SWAPS = "swaps"
    JACCARD = "jaccard_ratio"
    RANK_CHURN = "rank_churn_ratio"


@asks_monitor
def gate(
    options: MonitorOptions,
    deploy: DeployOption,
    against: Annotated[str, typer.Option("--baseline", help="Another approved baseline than the configured.")] = "",
    form: AnswerFormat = GateFormat.TEXT,
    output: AnswerPath = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the deploy's barrier.")] = 300.0,
    at_end: Annotated[bool, typer.Option("--at-end", help="The deploy ends where the stream ends now.")] = False,
    on_inconclusive: Undecided = OnInconclusive.ERROR,
    dry_run: Annotated[
        Path | None, typer.Option(help="Forecast what this change set (JSON Lines) adds; write nothing.")
    ] = None,
) -> int:
    """Say whether a deploy may stay, once all of it was read: 0 pass, 1 fail, 2 usage, 3 undecided, 4 no answer."""
    from monitor.cli.answer_file import deploy_answer

    deploy = argument_text(deploy)
    answer = deploy_answer(deploy, output, form)
    answer.refuse_overwriting((*options.files, dry_run))
    with answer.answering():
        _sensible(deploy, timeout)
        whom = options.target()
        if dry_run is None:
            document = _gate(whom, deploy, against, timeout=timeout, at_end=at_end)
        else:
            document = _forecast(whom, dry_run, deploy, against, at_end=at_end)
    return answer.give(document, on_inconclusive)


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


@asks_monitor
def report(
    options: MonitorOptions,
    deploy: Annotated[str, typer.Option(help="A judged deploy; else the corpus now.")] = "",
    measure: Annotated[
        HeadlineName,
        typer.Option(
            metavar="NAME",
            help=f"The measure that is drawn over the last deploys and hours: {', '.join(HeadlineName)}.",
        ),
    ] = HeadlineName.KEPT_ANSWERS,
    form: Annotated[
        DocumentFormat, typer.Option("--format", help="What the answer is written in.")
    ] = DocumentFormat.TEXT,
    as_json: Json = False,
) -> int:
    """Show how far each segment's results moved, now or at a deploy, and over the last deploys and hours.

    A running monitor is asked; where none runs, the state that the last one left is read.
    """
    from monitor.app import asking, tables
    from monitor.app.wiring import read_state

    whom = options.target()
    monitor = whom.running()
    if monitor is not None:
        document, past = monitor.report(argument_text(deploy)), monitor.history()
    else:
        with read_state(whom.stored()) as store:
            document, past = asking.stored_report(store, argument_text(deploy)), asking.stored_history(store)
    if past is not None:
        document["history"] = past
    drawn = partial(tables.report_table, measure=measure.value)
    say(document, as_json=as_json or form is DocumentFormat.JSON, text=drawn)
    return PASS
