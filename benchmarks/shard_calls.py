"""What Ray's calls cost the coordinator, whatever they carry: actors that do nothing, called as shards are.

    python -m benchmarks.shard_calls --shards 4,8,16

A round is one call of every actor, with a message of 10 KB there and back, as `stage`, `rank` and the others are. To
settle is six rounds, in five of which every actor has a message for every other one: the coordinator passes
references to them on and sees none. Computing is that of this process alone, of the cheapest of several goes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import facts
from monitor.adapters.shards.ray.cluster import ray
from monitor.adapters.shards.ray.local_cluster import LocalCluster
from monitor.core.shards.routing import delivered

MESSAGE = bytes(10_240)
ROUNDS = 5
"""Of messages from all to all."""


class Nobody:
    """An actor that does nothing."""

    def answer(self, message: bytes) -> bytes:
        """As much as it got."""
        return message

    def tell(self, number: int, *received: bytes) -> Any:
        """A small message for each."""
        del received
        return tuple(b"" for _ in range(number))


def called(actors: list[Any]) -> None:
    """One round."""
    ray().get([actor.answer.remote(MESSAGE) for actor in actors])


def settled(actors: list[Any]) -> None:
    """All rounds of `settle`."""
    number = len(actors)
    inboxes: list[list[Any]] = [[] for _ in actors]
    for _ in range(ROUNDS):
        pairs = zip(actors, inboxes, strict=True)
        inboxes = delivered([actor.tell.options(num_returns=number).remote(number, *inbox) for actor, inbox in pairs])
    pairs = zip(actors, inboxes, strict=True)
    ray().get([actor.tell.remote(1, *inbox) for actor, inbox in pairs])


def least(action: Callable[[], object], goes: int) -> float:
    """Milliseconds of computing of the cheapest of several goes."""
    taken = []
    for _ in range(goes):
        began = time.process_time()
        action()
        taken.append(time.process_time() - began)
    return min(taken) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", default="4,8,16", help="how many, separated by commas")
    parser.add_argument("--goes", type=int, default=20)
    chosen = parser.parse_args()
    counts = [int(of) for of in chosen.shards.split(",")]
    print(facts())
    print("| shards | a round | a call | to settle | a message |\n|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as disk:
        cluster = LocalCluster(Path(disk), 1, cpus=max(counts))
        cluster.start()
        package = ray()
        package.init(address=cluster.address, log_to_driver=False, configure_logging=False)
        try:
            made = package.remote(Nobody).options(num_cpus=0.1)
            actors = [made.remote() for _ in range(max(counts))]
            called(actors)
            for count in counts:
                some = actors[:count]
                once = least(partial(called, some), chosen.goes)
                all_to_all = least(partial(settled, some), chosen.goes)
                each = all_to_all / (ROUNDS * count * count)
                print(
                    f"| {count} | {once:.1f} ms | {once / count * 1e3:.0f} µs | {all_to_all:.1f} ms | "
                    f"{each * 1e3:.0f} µs |",
                    flush=True,
                )
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
