"""Commands on an encoder migration: estimate, status, gate, explain."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli.common import (
    FAIL,
    PASS,
    UNDECIDED,
    CaFile,
    ConfigFile,
    Json,
    MaybeConfig,
    MonitorUrl,
    TokenFile,
    asked,
    configured,
    need_state,
    say,
)
from monitor.cli.judging import OnInconclusive
from monitor.cli.streams import tell
from monitor.errors import ConfigurationError

migrate = typer.Typer(
    help="Encoder migration: two versions of the vectors side by side, until the new one is ready.",
    no_args_is_help=True,
)


class ListFormat(StrEnum):
    """Forms of the lists for other programs."""

    JSONL = "jsonl"


@migrate.command()
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


@migrate.command()
def status(
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
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
    """Where the migration stands, what is missing, how fast it moves, is it better, what to do next."""
    from monitor.app import migration_text

    document = _document(config, url, token_file, ca_file)
    if judge is not None:
        return _to_judge(document)
    if fix is None:
        say(document, as_json=as_json, text=migration_text.status_text)
        return PASS
    if document["coverage"]["fixes"]:
        tell(migration_text.json_lines(document["coverage"]["fixes"]), "json")
    if document["coverage"]["unnamed"]:
        more = document["coverage"]["unnamed"]
        typer.echo(f"{more:,} more are counted but not named yet: fix these, then ask again", err=True)
    return PASS


@migrate.command()
def gate(
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
    on_inconclusive: Annotated[OnInconclusive, typer.Option()] = OnInconclusive.ERROR,
) -> int:
    """May the new version serve, or stay: 0 READY or COMPLETE, 1 NOT_READY or ROLL_BACK, 2 usage, 3 undecided."""
    from monitor.app import migration_text

    document = _document(config, url, token_file, ca_file)
    code = {"pass": PASS, "fail": FAIL}.get(document["gate"], UNDECIDED)
    if code == UNDECIDED and on_inconclusive is not OnInconclusive.ERROR:
        code = PASS if on_inconclusive is OnInconclusive.PASS else FAIL
        document["warning"] = f"verdict {document['verdict']} taken as {on_inconclusive} by --on-inconclusive"
        typer.echo(document["warning"], err=True)
    say(document, as_json=as_json, text=migration_text.gate_text)
    return code


@migrate.command()
def explain(
    config: MaybeConfig = None,
    url: MonitorUrl = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    as_json: Json = False,
) -> int:
    """Every rule with its reason, quality by segment, both versions side by side."""
    from monitor.app import migration_text

    say(_document(config, url, token_file, ca_file), as_json=as_json, text=migration_text.explain_text)
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


def _document(config: Path | None, url: str | None, token_file: Path | None, ca_file: Path | None) -> dict[str, Any]:
    """The migration as the running monitor knows it, else as the committed state does."""
    from monitor.app.asking import document_of
    from monitor.app.wiring import open_monitor

    whom = asked(config, url, token_file, ca_file)
    monitor = whom.running()
    if monitor is not None:
        made = monitor.migration()
    else:
        with open_monitor(whom.stored()) as owned:
            made = document_of(owned.published, whom.options)
    return made
