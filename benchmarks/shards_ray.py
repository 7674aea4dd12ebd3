"""What Ray costs: computing per event of coordinator, shards and Ray's own, beside shards in this process."""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.corpus import DIMENSION, Material
from benchmarks.shards import K, Stream
from monitor.adapters.shards.ray.local_cluster import NODE_FOLDER, LocalCluster
from monitor.adapters.shards.ray.section import RaySection
from monitor.adapters.shards.ray.shards import RayShards
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located
from monitor.core.model.scoring import Distance
from monitor.core.session_parts import anchor_set
from monitor.core.shards.local import LocalShards
from monitor.core.shards.port import Shards
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from tests.adapters.shards.ray.faults import children

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Computing:
    """Seconds of computing so far: of this process, of the shards', of all others of the cluster."""

    own: float
    shards: float
    others: float

    @classmethod
    def now(cls, shards: Sequence[int]) -> "Computing":
        """Of this process and its descendants."""
        taken = {process: _spent(process) for process in children(os.getpid())}
        of = sum(taken.get(process, 0.0) for process in shards)
        return cls(taken[os.getpid()], of, sum(taken.values()) - of - taken[os.getpid()])

    def plus(self, other: "Computing") -> "Computing":
        """Both together."""
        return Computing(self.own + other.own, self.shards + other.shards, self.others + other.others)

    def minus(self, other: "Computing") -> "Computing":
        """What came since."""
        return Computing(self.own - other.own, self.shards - other.shards, self.others - other.others)


def _spent(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


class Pair:
    """The same corpus in shards on the cluster, and in shards in this process."""

    def __init__(self, address: str, count: int, asked: AnchorSet) -> None:
        config = ShardConfig(
            count,
            DIMENSION,
            Depths(K, dense=True, lexical=True),
            Distance.COSINE,
            Bm25Config(),
            MinHashBands(),
            ("source", "language"),
        )
        of = RaySection(address=address, folder=f"${NODE_FOLDER}/shards", cpus=0.1)
        self.there = RayShards(config, asked, of, name=f"bench-{count}", stream="events", space=str(DIMENSION))
        self._both: list[Shards] = [self.there, LocalShards(config, asked)]
        at, loaded = self.there.start(0)
        self._corpora = [ShardedCorpus(DIMENSION, shards) for shards in self._both]
        self._states = [
            ShardedState(config, asked, shards, corpus)
            for shards, corpus in zip(self._both, self._corpora, strict=True)
        ]
        self._states[0].resume(at, loaded)
        self.alone = 0.0
        """Seconds of computing of the steps in this process."""
        self.spent, self.waited = Computing(0.0, 0.0, 0.0), list[float]()
        """Computing, and seconds, of the steps on the cluster."""

    def step(self, events: Sequence[Located]) -> None:
        """A step of both, and a commit on the cluster; their lists are the same, or the benchmark stops."""
        began = time.process_time()
        self._states[1].ingest(self._corpora[1], events)
        self.alone += time.process_time() - began
        processes = [seen.process for seen in self.there._seen]
        before, began = Computing.now(processes), time.monotonic()
        self._states[0].ingest(self._corpora[0], events)
        self.there.commit(self._corpora[0].epoch)
        self.waited.append(time.monotonic() - began)
        self.spent = self.spent.plus(Computing.now(processes).minus(before))
        for leg, lists in self._states[1].lists().items():
            found = self._states[0].lists()[leg]
            assert np.array_equal(found.scores, lists.scores, equal_nan=True), leg
            assert np.array_equal(found.keys, lists.keys), leg

    def settle(self) -> None:
        """Both."""
        for of, corpus in zip(self._both, self._corpora, strict=True):
            of.settle(corpus.epoch, corpus.newest_event_time)

    def exchanged(self) -> tuple[int, int]:
        """Bytes up and down so far; those from shard to shard are counted as up."""
        return sum(seen.received for seen in self.there._seen), sum(seen.sent for seen in self.there._seen)


def measure_ray(folder: Path | None, size: int, anchors: int, batch: int, rounds: int, counts: Sequence[int]) -> None:
    """Print the table."""
    material = Material(folder, "kw")
    asked = anchor_set(material.anchors(anchors), DIMENSION, Distance.COSINE)
    print(f"{size:,} chunks, {anchors} anchors, k = {K}, batches of {batch}, {rounds} rounds;", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}; microseconds of computing an event, bytes an event")
    print("| shards | in this process | Ray: coordinator | shards | Ray's own | step | up, down | `settle` |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as disk:
        cluster = LocalCluster(Path(disk), 2, cpus=max(counts))
        cluster.start()
        try:
            for count in counts:
                stream, generator = Stream(material), np.random.default_rng(3)
                pair = Pair(cluster.address, count, asked)
                for first in range(0, size, 8_192):
                    pair.step(stream.batch(np.arange(first, min(size, first + 8_192))))
                pair.settle()
                pair.alone, pair.spent, pair.waited = 0.0, Computing(0.0, 0.0, 0.0), []
                before = pair.exchanged()
                for _ in range(rounds):
                    pair.step(stream.batch(generator.choice(size, batch, replace=False)))
                stepped = pair.exchanged()
                pair.settle()
                events, spent = rounds * batch, pair.spent
                each = [seconds / events * 1e6 for seconds in (pair.alone, spent.own, spent.shards, spent.others)]
                up, down = ((now - was) / events for now, was in zip(stepped, before, strict=True))
                settled = (pair.exchanged()[0] - stepped[0]) / events
                said = " | ".join(f"{of:.0f}" for of in each)
                step = f"{statistics.median(pair.waited) * 1e3:.0f} ms"
                print(f"| {count} | {said} | {step} | {up:,.0f}, {down:,.0f} | {settled:,.0f} |", flush=True)
                pair.there.close()
        finally:
            cluster.stop()
