"""What shards cost: computing per event, the longest way through a step, and bytes exchanged, at 1, 2, 4, 8 shards.

    python -m benchmarks.shards --size 20000 --anchors 500 --batch 1024 --rounds 10

One process beside shards in this process, fed the same batches of random changes; every shard's lists are the same to
the bit as those of one process, or the benchmark stops. A step is staged, summed, ranked, merged; then shards and
owners settle copies, documents and statistics, as at a barrier. Times are of this process's computing (one thread).
`way` is what a cluster would wait for: the slowest shard's calls, and all of the coordinator's work. With `--ray` the
same batches go to a Ray cluster of two nodes on this machine, and the computing of all its processes is told.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import DIMENSION, Material
from benchmarks.machine import facts
from benchmarks.scaling_picture import Panel, apart
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located, Position, Upsert
from monitor.core.model.scoring import Distance, prepare
from monitor.core.session_parts import anchor_set
from monitor.core.shards.local import LocalShards
from monitor.core.shards.shard import Shard, ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState

K = 10
PARTITIONS = 64
Point = tuple[int, dict[str, float]]
TIMED = ("stage", "rank", "rest", "look", "names")


@dataclass
class Meter:
    """Computing seconds of each shard since it was read last, and bytes that went up and down."""

    seconds: dict[int, float] = field(default_factory=dict)
    up: int = 0
    down: int = 0
    counting: float = 0.0
    """Seconds that counting took."""

    def watch(self, shard: Shard) -> None:
        """Count what calls of a shard take, and what they carry."""
        for name in TIMED:
            setattr(shard, name, self._counted(shard.number, getattr(shard, name)))

    def _counted(self, number: int, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Any:
            began = time.process_time()
            made = call(*given)
            self.seconds[number] = self.seconds.get(number, 0.0) + time.process_time() - began
            began = time.process_time()
            self.up += carried(made)
            self.down += sum(carried(of) for of in given[1:] if not _events(of))
            self.counting += time.process_time() - began
            return made

        return counted


def _events(given: object) -> bool:
    return isinstance(given, list) and bool(given) and isinstance(given[0], Located)


def carried(message: object) -> int:
    """Bytes of a message's arrays, and 200 for a row; what else it holds is small."""
    if isinstance(message, np.ndarray):
        return message.nbytes
    if isinstance(message, Mapping):
        return sum(carried(of) for of in message.values())
    if isinstance(message, list | tuple):
        return sum(carried(of) for of in message)
    if is_dataclass(message):
        rows = 200 * len(message.rows) if hasattr(message, "rows") else 0
        return rows + sum(carried(getattr(message, of.name)) for of in fields(message) if of.name != "rows")
    return 0


class Stream:
    """Batches of changes over the partitions; every chunk in that of its number."""

    def __init__(self, material: Material) -> None:
        self._material, self._next = material, [0] * PARTITIONS

    def batch(self, numbers: np.ndarray) -> list[Located]:
        """New content for these chunks."""
        events = self._material.upserts(numbers)
        vectors = prepare(
            np.stack([event.chunk.vector for event in events if event.chunk.vector is not None]), Distance.COSINE
        )
        made = []
        for number, event, vector in zip(numbers.tolist(), events, vectors, strict=True):
            part = number % PARTITIONS
            self._next[part] += 1
            chunk = event.chunk
            object.__setattr__(chunk, "vector", vector)
            made.append(Located(Position("events", part, self._next[part] - 1), Upsert(chunk, event.version)))
        return made


def sharded(anchors: AnchorSet, shards: int) -> tuple[ShardedState, ShardedCorpus, LocalShards]:
    """An empty corpus in shards."""
    depths = Depths(K, dense=True, lexical=True)
    config = ShardConfig(
        shards, DIMENSION, depths, Distance.COSINE, Bm25Config(), MinHashBands(), ("source", "language")
    )
    there = LocalShards(config, anchors)
    corpus = ShardedCorpus(DIMENSION, there)
    return ShardedState(config, anchors, there, corpus), corpus, there


def measure(
    folder: Path | None, size: int, anchors: int, batch: int, rounds: int, counts: Sequence[int]
) -> list[Panel]:
    """Print the table; it as a picture's panels."""
    material = Material(folder, "kw")
    asked = anchor_set(material.anchors(anchors), DIMENSION, Distance.COSINE)
    stream, generator = Stream(material), np.random.default_rng(3)
    corpus = Corpus(DIMENSION)
    depths = Depths(K, dense=True, lexical=True)
    one = Engine(
        asked,
        corpus,
        depths,
        Distance.COSINE,
        Bm25Config(),
        bands=MinHashBands(),
        dimensions=("source", "language"),
    )
    many = {count: sharded(asked, count) for count in counts}
    for at in range(0, size, 8_192):
        events = stream.batch(np.arange(at, min(size, at + 8_192)))
        one.ingest(corpus, events)
        for state, table, _ in many.values():
            state.ingest(table, events)
    meters = {count: Meter() for count in counts}
    for count, (_, _, there) in many.items():
        for shard in there.shards:
            meters[count].watch(shard)
    alone: list[float] = []
    steps: dict[int, list[tuple[float, float, float]]] = {count: [] for count in counts}
    for _ in range(rounds):
        events = stream.batch(generator.choice(size, batch, replace=False))
        began = time.process_time()
        one.ingest(corpus, events)
        alone.append(time.process_time() - began)
        for count, (state, table, there) in many.items():
            meters[count].seconds.clear()
            meters[count].counting, began = 0.0, time.process_time()
            state.ingest(table, events)
            whole = time.process_time() - began - meters[count].counting
            own = meters[count].seconds
            way = whole - sum(own.values()) + max(own.values())
            began = time.process_time()
            there.settle(table.epoch, table.newest_event_time)
            steps[count].append((whole, way, time.process_time() - began))
            for leg, lists in one.lists().items():
                found = state.lists()[leg]
                same = np.array_equal(found.scores, lists.scores, equal_nan=True)
                if not (same and np.array_equal(found.keys, lists.keys)):
                    message = f"{count} shards: {leg} lists differ from those of one process"
                    raise SystemExit(message)
    each = 1e6 / batch
    print(f"{size:,} chunks, {anchors} anchors, k = {K}, batches of {batch}, {rounds} rounds; one process:", end=" ")
    print(f"{statistics.median(alone) * each:.0f} µs an event")
    cost, exchanged = list[Point](), list[Point]()
    print("shards | microseconds an event: step | way | settle | bytes an event: up, down | second rounds")
    for count, taken in steps.items():
        whole, way, settled = (statistics.median(of) * each for of in zip(*taken, strict=True))
        up, down = (of / rounds / batch for of in (meters[count].up, meters[count].down))
        again = many[count][0].second_rounds
        of_one = {"one process": statistics.median(alone) * each}
        cost.append((count, of_one | {"all shards": whole, "longest way": way, "settle": settled}))
        exchanged.append((count, {"up": up, "down": down}))
        print(f"{count} | {whole:.0f} | {way:.0f} | {settled:.0f} | {up:.0f}, {down:.0f} | {again}")
    return [
        Panel("microseconds of computing an event, by shards", cost),
        Panel("bytes an event, by shards", exchanged),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="folder of real texts and vectors")
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--anchors", type=int, default=500)
    parser.add_argument("--batch", type=int, default=1_024)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--shards", default="1,2,4,8", help="how many, separated by commas")
    parser.add_argument("--picture", type=Path, default=None, help="write it as an SVG here")
    parser.add_argument("--ray", action="store_true", help="on a Ray cluster on this machine, beside this process")
    chosen = parser.parse_args()
    print(facts())
    counts = [int(of) for of in chosen.shards.split(",")]
    if chosen.ray:
        from benchmarks.shards_ray import measure_ray

        measure_ray(chosen.data, chosen.size, chosen.anchors, chosen.batch, chosen.rounds, counts)
        return
    made = measure(chosen.data, chosen.size, chosen.anchors, chosen.batch, chosen.rounds, counts)
    if chosen.picture is not None:
        chosen.picture.write_text(apart("What a step over shards costs", made), encoding="utf-8")


if __name__ == "__main__":
    main()
