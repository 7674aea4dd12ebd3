"""The command that answers what happened: explain."""

from typing import Annotated

import typer

from monitor.cli.common import PASS, Json, ListFormat, MonitorOptions, asks_monitor, say, tell_fixes
from monitor.cli.streams import argument_text


@asks_monitor
def explain(
    options: MonitorOptions,
    deploy: Annotated[
        str, typer.Option("--deploy", help="A judged deploy; else the corpus now, or the newest.")
    ] = "",
    segment: Annotated[str, typer.Option("--segment", help="Only this segment, as language=de.")] = "",
    anchor: Annotated[str, typer.Option("--anchor", help="Only this anchor, with its lists before and after.")] = "",
    as_json: Json = False,
    fix: Annotated[
        ListFormat | None,
        typer.Option("--fix", help="Instead: what to do to the served index, one JSON object per chunk and line."),
    ] = None,
) -> int:
    """Say what moved, why, who did it and what to do: the incident card of a deploy, a segment or an anchor."""
    from monitor.app.card_text import explain_card
    from monitor.app.explaining import stored_card
    from monitor.app.wiring import around, read_state
    from monitor.core.explain.actions import addressed
    from monitor.core.explain.card import CardQuery

    deploy, segment, anchor = map(argument_text, (deploy, segment, anchor))
    whom = options.target()
    monitor = whom.running()
    if monitor is not None:
        document = addressed(monitor.explain(deploy, segment, anchor), whom.options)
    else:
        configuration = whom.stored()
        with read_state(configuration) as store:
            document = stored_card(store, deploy, CardQuery(segment, anchor), around(configuration, whom.config))
    if fix is not None:
        tell_fixes(document.get("fix_list") or {"fixes": [], "unnamed": 0})
        return PASS
    say(document, as_json=as_json, text=explain_card)
    return PASS
