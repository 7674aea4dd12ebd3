"""Commands on approved snapshots: baseline list, show, capture, approve, accept."""

from typing import Annotated, Any

import typer

from monitor.cli.common import PASS, CommandTarget, Json, MonitorOptions, asks_monitor, say
from monitor.errors import ConfigurationError

baseline = typer.Typer(
    help="The approved states that results are compared with.", no_args_is_help=True, rich_markup_mode=None
)


@baseline.command("list")
@asks_monitor
def baseline_list(
    options: MonitorOptions,
    as_json: Json = False,
) -> int:
    """List all captured baselines, oldest first."""
    from monitor.app import tables

    say(_baselines(options.target()), as_json=as_json, text=tables.baseline_table)
    return PASS


@baseline.command("show")
@asks_monitor
def baseline_show(
    options: MonitorOptions,
    name: Annotated[str, typer.Argument()],
    as_json: Json = False,
) -> int:
    """Show one baseline: identity, fingerprint, approval."""
    from monitor.app import tables

    documents = _baselines(options.target())
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


@baseline.command("capture", short_help="Freeze the ranked lists as they are now.")
@asks_monitor
def baseline_capture(
    options: MonitorOptions,
    name: Annotated[str, typer.Argument()],
    as_json: Json = False,
) -> int:
    """Freeze all ranked lists as they are now, to be looked at; nothing compares with them before `approve`."""
    from monitor.app import tables

    with options.target().changing() as monitor:
        document = monitor.capture(name)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("approve", short_help="Put a captured baseline in force.")
@asks_monitor
def baseline_approve(
    options: MonitorOptions,
    name: Annotated[str, typer.Argument()],
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why this state is good.")],
    as_json: Json = False,
) -> int:
    """Put a captured baseline in force: reports and gates compare with it from now on, whatever its name."""
    from monitor.app import tables

    with options.target().changing() as monitor:
        document = monitor.approve(name, author, reason)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS


@baseline.command("accept", short_help="Capture and put in force in one step.")
@asks_monitor
def baseline_accept(
    options: MonitorOptions,
    author: Annotated[str, typer.Option(help="Who takes responsibility.")],
    reason: Annotated[str, typer.Option(help="Why this state is good.")],
    name: Annotated[str, typer.Argument(help="The baseline's name; by default the configured one.")] = "",
    as_json: Json = False,
) -> int:
    """Capture the corpus as it is now and put it in force, in one step: `capture` and `approve`."""
    from monitor.app import tables

    with options.target().changing() as monitor:
        document = monitor.accept(name, author, reason)
    say(document, as_json=as_json, text=tables.baseline_card)
    return PASS
