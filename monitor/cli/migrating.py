"""Commands on an encoder migration: estimate, status, gate, explain."""

from typing import Annotated, Any

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    UNDECIDED,
    ConfigFile,
    Json,
    ListFormat,
    MonitorOptions,
    asks_monitor,
    configured,
    need_state,
    say,
    tell_fixes,
)
from monitor.cli.gating import AnswerFormat, AnswerPath, GateFormat, OnInconclusive, Undecided
from monitor.cli.streams import tell
from monitor.errors import ConfigurationError

migrate = typer.Typer(
    short_help="Replace the encoder: watch both versions of the vectors.",
    help="Encoder migration: two versions of the vectors side by side, until the new one is ready.",
    no_args_is_help=True,
)


@migrate.command(short_help="Before any backfill: can the new encoder be better?")
def estimate(
    config: ConfigFile,
    fraction: Annotated[float, typer.Option(help="Of the corpus that is encoded anew, beside candidates.")] = 0.02,
    seed: Annotated[int, typer.Option(help="Of the sample: the same seed draws the same chunks.")] = 0,
    as_json: Json = False,
) -> int:
    """Before any backfill: can the new encoder be better, and what does it cost. 0 PLAUSIBLE, 1 LIKELY_WORSE, 3 else.

    Encodes the anchors, their candidates and a sample of the committed corpus; writes nothing.
    """
    from monitor.app import migration_text
    from monitor.app.wiring.estimate import build_estimate

    if not 0.0 < fraction <= 1.0:
        message = f"--fraction {fraction}: expected above 0 and at most 1"
        raise ConfigurationError(message)
    configuration = configured(config)
    need_state(configuration)

    def announce(count: int) -> None:
        typer.echo(f"encoding {count:,} texts ...", err=True)

    document = build_estimate(configuration, fraction=fraction, seed=seed, announce=announce)
    say(document, as_json=as_json, text=migration_text.estimate_text)
    return {"PLAUSIBLE": PASS, "LIKELY_WORSE": FAIL}.get(document["outlook"], UNDECIDED)


@migrate.command(short_help="Where it stands, what is missing, what to do next.")
@asks_monitor
def status(
    options: MonitorOptions,
    as_json: Json = False,
    fix: Annotated[
        ListFormat | None,
        typer.Option("--fix", help="Instead: the chunks to write, embed again or delete, one JSON object per line."),
    ] = None,
    judge: Annotated[
        ListFormat | None,
        typer.Option("--judge", help="Instead: results in which the versions differ, for people to judge, likewise."),
    ] = None,
) -> int:
    """Say where the migration stands: what is missing, how fast it moves, whether it is better, what to do next."""
    from monitor.app import migration_text

    document = _document(options)
    if judge is not None:
        return _to_judge(document)
    if fix is None:
        say(document, as_json=as_json, text=migration_text.status_text)
        return PASS
    tell_fixes(document["coverage"])
    return PASS


@migrate.command(short_help="May the new version serve, or stay?")
@asks_monitor
def gate(
    options: MonitorOptions,
    form: AnswerFormat = GateFormat.TEXT,
    output: AnswerPath = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    on_inconclusive: Undecided = OnInconclusive.ERROR,
) -> int:
    """Say whether the new version may serve, or stay: 0 READY or COMPLETE, 1 NOT_READY or ROLL_BACK, 3 undecided."""
    from monitor.cli.answer_file import migration_answer

    if as_json and form not in (GateFormat.TEXT, GateFormat.JSON):
        message = f"--json and --format {form}: expected one of them"
        raise ConfigurationError(message)
    answer = migration_answer(output, GateFormat.JSON if as_json else form)
    answer.refuse_overwriting(options.files)
    with answer.answering():
        document = _document(options)
    return answer.give(document, on_inconclusive)


@migrate.command(short_help="Every rule with its reason.")
@asks_monitor
def explain(
    options: MonitorOptions,
    as_json: Json = False,
) -> int:
    """Show every rule with its reason, quality by segment, and both versions side by side."""
    from monitor.app import migration_text

    say(_document(options), as_json=as_json, text=migration_text.explain_text)
    return PASS


def _to_judge(document: dict[str, Any]) -> int:
    from monitor.app import migration_text

    sign, slots = document["judging"]["sign"], document["judging"]["slots"]
    if sign is not None and sign["sign"]:
        which = "better" if sign["sign"] > 0 else "worse"
        typer.echo(f"decided: the new version is {which}, whatever is judged of the rest", err=True)
    if slots:
        tell(migration_text.json_lines(slots), "json")
    return PASS


def _document(options: MonitorOptions) -> dict[str, Any]:
    """The migration as the running monitor knows it, else as the committed state does."""
    from monitor.app.asking import document_of
    from monitor.app.wiring import open_monitor
    from monitor.core.migration.document import addressed_migration

    whom = options.target()
    monitor = whom.running()
    if monitor is not None:
        return addressed_migration(monitor.migration(), whom.options, whom.config)
    with open_monitor(whom.stored()) as owned:
        return document_of(owned.published, whom.config)
