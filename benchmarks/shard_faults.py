"""Seconds to go on after a fault: a real history over shards of a Ray cluster of three nodes, beside one process.

    python -m benchmarks.shard_faults --data FOLDER

The folder is that of a history of documents (events.jsonl.gz, vectors.npy, hashes.txt, anchors.jsonl,
anchor_vectors.npy). After every batch all lists are those of one process, to the bit, or the benchmark stops; after
every fault the report, too. `cost` is the time of the batch beyond that of the batch before it.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks.machine import facts
from monitor.adapters.shards.ray.cluster import ray
from monitor.adapters.shards.ray.local_cluster import LocalCluster
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert, text_hash
from monitor.core.model.scoring import Distance, prepare
from monitor.core.session import Session
from monitor.core.session_parts import anchor_set
from monitor.core.shards.shard import ShardConfig
from tests.adapters.shards.ray import faults
from tests.adapters.shards.ray.coordinating import Coordinator, section
from tests.core.shards.streams import drift_of
from tests.core.shards.test_exact import same_lists, whole

DIMENSION = 384
PARTITIONS = 16
VERSION = "all-minilm-l6-v2"
SHARDS = 3
BM25 = Bm25Config("okapi")
ONE = ShardConfig(
    1,
    DIMENSION,
    Depths(10, dense=True, lexical=True),
    Distance.COSINE,
    BM25,
    MinHashBands(),
    ("language", "source"),
)


def history(folder: Path, size: int) -> Iterator[list[Located]]:
    """Batches of upserts and deletes in order, each chunk's in the partition of its id."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    row = {name: at for at, name in enumerate((folder / "hashes.txt").read_text().split())}
    after = [0] * PARTITIONS

    def events() -> Iterator[Located]:
        with gzip.open(folder / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event["op"] not in {"upsert", "delete"}:
                    continue
                at = int(datetime.fromisoformat(event["event_time"]).timestamp() * 1e6)
                part = crc32(event["chunk_id"].encode()) % PARTITIONS
                after[part] += 1
                place = Position("events", part, after[part] - 1)
                if event["op"] == "delete":
                    yield Located(place, Delete(event["chunk_id"], at))
                    continue
                text = event["text"]
                found = vectors[row[hashlib.blake2b(text.encode(), digest_size=8).hexdigest()]]
                vector = prepare(np.asarray(found, np.float32)[None], Distance.COSINE)[0]
                segment = tuple(sorted(event.get("segment", {}).items()))
                chunk = Chunk(
                    event["chunk_id"],
                    event["doc_id"],
                    event["position"],
                    text,
                    vector,
                    VERSION,
                    segment,
                    at,
                    text_hash(text),
                )
                yield Located(place, Upsert(chunk, None))

    every = events()
    while batch := list(islice(every, size)):
        yield batch


def watched(folder: Path, count: int) -> AnchorSet:
    """The anchors."""
    vectors = np.load(folder / "anchor_vectors.npy").astype(np.float32)
    lines = (folder / "anchors.jsonl").read_text(encoding="utf-8").splitlines()
    made = [
        Anchor(of["id"], of["text"], vector, tuple(sorted(of["segment"].items())))
        for of, vector in zip(map(json.loads, lines), vectors, strict=True)
    ]
    return anchor_set(made[:count], DIMENSION, Distance.COSINE)


def single(anchors: AnchorSet) -> Session:
    """One process."""
    corpus = Corpus(DIMENSION)
    engine = Engine(anchors, corpus, ONE.depths, ONE.distance, BM25, bands=ONE.bands, dimensions=ONE.dimensions)
    return Session.of(corpus, engine, drift_of(anchors, BM25, 10), index=False)


@dataclass(slots=True)
class Faults:
    """One cluster, one coordinator at a time, and what is done to them.

    Args:
        folder: for disks, the archive, and what is published.
        anchors: under watch.
    """

    folder: Path
    anchors: AnchorSet
    cluster: LocalCluster
    many: Coordinator
    seconds: float = 0.0
    """That the last step took."""

    @classmethod
    def begun(cls, folder: Path, anchors: AnchorSet) -> "Faults":
        """A cluster, and a coordinator that has begun."""
        cluster = LocalCluster(folder / "disks", SHARDS)
        cluster.start()
        return cls(folder, anchors, cluster, cls.coordinator(cluster, folder, anchors))

    @staticmethod
    def coordinator(cluster: LocalCluster, folder: Path, anchors: AnchorSet) -> Coordinator:
        """Another one, from what was published."""
        of = section(cluster.address, folder, timeout=15.0)
        chosen = replace(ONE, shards=SHARDS)
        return Coordinator(chosen, anchors, drift_of(anchors, BM25, 10), of, folder / "published")

    def node(self, shard: int) -> int:
        """On which a shard is."""
        return faults.node_of(self.cluster, self.many.shards._seen[shard].process)

    def between(self, action: Callable[[], object]) -> None:
        """Act once between `stage` and `rank` of the next step."""
        stage = self.many.shards.stage

        def staged(*given: Any) -> Any:
            made = stage(*given)
            self.many.shards.stage = stage  # type: ignore[method-assign]
            action()
            return made

        self.many.shards.stage = staged  # type: ignore[method-assign, assignment]

    def apply(self, events: list[Located]) -> None:
        """A step without a fault."""
        began = time.monotonic()
        self.many.apply(events)
        self.seconds = time.monotonic() - began

    def killed_in_stage(self, events: list[Located]) -> None:
        """The node is stopped first, so that the call is on its way when it is killed."""
        number = self.node(1)
        faults.stop(self.cluster, number)
        with faults.later(0.2, lambda: faults.kill(self.cluster, number)):
            self.apply(events)
        self.cluster.add()

    def killed_between(self, events: list[Located], *, erase: bool) -> None:
        """A node and its processes are gone."""
        self.between(lambda: faults.kill(self.cluster, self.node(2), erase=erase))
        self.apply(events)
        self.cluster.add()

    def killed(self, events: list[Located]) -> None:
        """Its disk stays, and nobody comes back to it."""
        self.killed_between(events, erase=False)

    def erased(self, events: list[Located]) -> None:
        """So is its disk."""
        self.killed_between(events, erase=True)

    def stopped(self, events: list[Located], seconds: float) -> None:
        """It does not answer, and does not end."""
        stopped = faults.stop(self.cluster, self.node(0))
        with faults.later(seconds, lambda: faults.go_on(stopped)):
            self.apply(events)

    def stopped_briefly(self, events: list[Located]) -> None:
        """For less than the time after which it counts as dead."""
        self.stopped(events, 4.0)

    def stopped_for_dead(self, events: list[Located]) -> None:
        """For longer."""
        self.stopped(events, 60.0)
        self.cluster.add()

    def actor(self, events: list[Located]) -> None:
        """The node stays."""
        self.between(lambda: os.kill(self.many.shards._seen[0].process, signal.SIGKILL))
        self.apply(events)

    def coordinator_gone(self, events: list[Located]) -> None:
        """It leaves shards that have staged what nobody will rank."""

        def leave() -> None:
            ray().shutdown()
            message = "the coordinator is gone"
            raise KeyboardInterrupt(message)

        self.between(leave)
        try:
            self.apply(events)
        except KeyboardInterrupt:
            began = time.monotonic()
            self.many = self.coordinator(self.cluster, self.folder, self.anchors)
            self.apply(events)
            self.seconds = time.monotonic() - began

    def head_gone(self, events: list[Located]) -> None:
        """What is left is on the disks."""
        ray().shutdown()
        self.cluster.stop()
        began = time.monotonic()
        self.cluster = LocalCluster(self.folder / "disks", SHARDS)
        self.cluster.start()
        self.many = self.coordinator(self.cluster, self.folder, self.anchors)
        self.apply(events)
        self.seconds = time.monotonic() - began


PLAN: Mapping[str, Callable[[Faults, list[Located]], None]] = {
    "a node killed during `stage`": Faults.killed_in_stage,
    "a node killed between `stage` and `rank`": Faults.killed,
    "the same, its disk erased": Faults.erased,
    "a node stopped for 4 s, and continued": Faults.stopped_briefly,
    "a node stopped for 60 s: given up, its shard goes on elsewhere; then continued": Faults.stopped_for_dead,
    "the process of a shard killed between `stage` and `rank`": Faults.actor,
    "the coordinator gone between `stage` and `rank`, another begins": Faults.coordinator_gone,
    "the head and all nodes gone, the cluster starts again (its start included)": Faults.head_gone,
}


def measure(data: Path, folder: Path, batch: int, limit: int, anchors: int, only: str) -> None:
    """Print the table."""
    asked = watched(data, anchors)
    of = Faults.begun(folder, asked)
    one = single(asked)
    plan = [(name, fault) for name, fault in PLAN.items() if re.search(only, name)]
    try:
        every = list(islice(history(data, batch), limit))
        each = max(1, (len(every) - 6) // len(plan))
        due = {5 + at * each: item for at, item in enumerate(plan)}
        usual, busy = 0.0, [0.0, 0.0]
        print("| fault | its step | a usual step |\n|---|--:|--:|")
        for turn, events in enumerate(every):
            began = time.process_time()
            one.apply(events)
            busy[0] += time.process_time() - began
            name, fault = due.get(turn, ("", Faults.apply))
            fault(of, events)
            same_lists(of.many.session.lists(), one.lists())
            assert of.many.session.counters == one.counters, f"batch {turn}"
            if turn == 4:
                for session in (of.many.session, one):
                    session.compare_with(session.snapshot("main"))
            if name or turn in {4, len(every) - 1}:
                assert whole(of.many.waited(of.many.session.report)) == whole(one.report()), f"batch {turn}"
            of.many.publish()
            if name:
                print(f"| {name} | {of.seconds:.1f} s | {usual:.1f} s |", flush=True)
            else:
                usual = of.seconds
        print(f"{sum(map(len, every)):,} events, {len(every)} batches, {len(one.corpus):,} chunks at the end")
        print(f"one process: {busy[0] / sum(map(len, every)) * 1e6:.0f} µs an event; why calls were made again:")
        for line in of.many.away[-5:]:
            print(f"  {line}")
        of.many.shards.close()
    finally:
        of.cluster.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the history")
    parser.add_argument("--batch", type=int, default=1_024)
    parser.add_argument("--batches", type=int, default=1_000_000, help="at most")
    parser.add_argument("--only", default="", help="faults whose name matches this")
    parser.add_argument("--anchors", type=int, default=1_000)
    chosen = parser.parse_args()
    print(facts(), f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        measure(chosen.data, Path(folder), chosen.batch, chosen.batches, chosen.anchors, chosen.only)


if __name__ == "__main__":
    main()
