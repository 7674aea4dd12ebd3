"""The command that plays a corpus to Kafka: the producer of the compose file's living demo."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import PASS


def produce(
    bootstrap: Annotated[str, typer.Argument(help="Kafka brokers, host:port with commas between.")],
    *,
    topic: Annotated[str, typer.Option(help="The topic to write to; it exists.")],
    folder: Annotated[Path, typer.Option(help="Write anchors and the monitor's configuration here.")],
    qdrant: Annotated[str, typer.Option(help="URL of a Qdrant server to keep up to date; '': none.")] = "",
    pace: Annotated[float, typer.Option(min=0, help="Events per second, 0: as fast as can be.")] = 200.0,
    rest: Annotated[float, typer.Option(min=0, help="Seconds between two deploys.")] = 60.0,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds after the initial corpus, 0: for ever.")] = 0,
    most: Annotated[int, typer.Option(min=0, help="About how many chunks; 0: all.")] = 0,
) -> int:
    """Play the demo's corpus to Kafka: the initial load, then updates, an incident and its revert in rounds."""
    from monitor.app.running import leaving_on_sigterm, stopping_on_signals
    from monitor.demo.playing import Tempo, play
    from monitor.demo.production import open_production, target

    chosen = target(bootstrap, topic, folder, qdrant=qdrant, most=most)
    with leaving_on_sigterm(), open_production(chosen, count=rounds) as made:
        _tell(f"{made.chunks:,} chunks, {made.anchors:,} anchors; corpus-drift run -c {made.configuration}")
        stopping = threading.Event()
        with stopping_on_signals(stopping):
            play(made.story, made.writers, Tempo(pace, rest), stopping=stopping, tell=_tell)
    return PASS


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
