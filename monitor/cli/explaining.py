"""The command that answers what happened: explain."""

from typing import Annotated

import typer

from monitor.cli.common import PASS, ConfigFile, Json, configured, need_state, say


def explain(
    config: ConfigFile,
    deploy: Annotated[
        str, typer.Option("--deploy", help="A judged deploy; else the corpus now, or the newest.")
    ] = "",
    segment: Annotated[str, typer.Option("--segment", help="Only this segment, as language=de.")] = "",
    anchor: Annotated[str, typer.Option("--anchor", help="Only this anchor, with its lists before and after.")] = "",
    as_json: Json = False,
) -> int:
    """What moved, why, who did it and what to do: the incident card of a deploy, a segment or an anchor."""
    from monitor.app.card_text import explain_card
    from monitor.app.explaining import stored_card
    from monitor.app.wiring import around, read_state, running
    from monitor.core.explain.card import Question

    configuration = configured(config)
    monitor = running(configuration)
    if monitor is not None:
        document = monitor.explain(deploy, segment, anchor)
    else:
        need_state(configuration)
        with read_state(configuration) as store:
            document = stored_card(store, deploy, Question(segment, anchor), around(configuration, str(config)))
    say(document, as_json=as_json, text=explain_card)
    return PASS
