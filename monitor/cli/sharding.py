"""The commands on shards."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import PASS

shards = typer.Typer(help="A corpus in several parts, on several machines.", no_args_is_help=True)


@shards.command(short_help="Run a Ray cluster on this machine, to try shards on.")
def up(
    *,
    nodes: Annotated[int, typer.Option(min=1, max=64, help="Nodes beside the head, each a process group.")] = 3,
    folder: Annotated[Path, typer.Option(help="For the nodes' disks and the archive.")] = Path(
        "corpus-drift-cluster"
    ),
    cpus: Annotated[float, typer.Option(min=0.1, help="Cores that a node offers; a shard takes one.")] = 1.0,
    port: Annotated[int, typer.Option(min=1_024, max=9_999, help="Of the head, on the loopback address.")] = 6_379,
) -> int:
    """Run a Ray cluster on this machine until Ctrl-C, and print what to write into a configuration to use it.

    It listens on the loopback address alone. Needs the extra: pip install 'corpus-drift[ray]'.
    """
    from monitor.app.running import leaving_on_sigterm, stopping_on_signals
    from monitor.app.wiring.local_cluster import local_cluster

    stopping = threading.Event()
    with leaving_on_sigterm(), local_cluster(folder, nodes, cpus=cpus, port=port) as configuration:
        sys.stdout.write(configuration)
        sys.stdout.flush()
        sys.stderr.write(f"{nodes} nodes are up; Ctrl-C ends them\n")
        with stopping_on_signals(stopping):
            stopping.wait()
    return PASS
