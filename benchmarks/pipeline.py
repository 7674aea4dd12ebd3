"""The whole step against public parts: a batch of events comes in, every anchor's lists and the report are current.

    python -m benchmarks.pipeline --data FOLDER --size 100000 --batches 1024,256,32 --rounds 7

Ours is the program itself: the loop's turn, with decoding, tokenising, both legs, near copies and statistics
(`step`); the same and a look after it, which compares all lists with the baseline and works out blame, a thousand
measurements and the verdict (`step, looked at`: a scrape does that every few seconds); and the turn with its commit
to SQLite (`turn`). A turn is not measured unless somebody looks, or events come for a second without a pause. The
maintained lists stand for the served ones, since the replay of a real index is what is compared with. The peers do
the same job with orjson, tantivy, rensa, and faiss flat or Qdrant's embedded HNSW; vectors are written to these and
reports are made for free. Every round gives the same batch to all, one after the other in one process on one core;
ratios are medians of per-round ratios: by the clock, and of the computing time, which forgives a busy machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.corpus import DIMENSION, Batch, Material, write_case
from benchmarks.machine import ONE_CORE, busy, facts, ratio
from benchmarks.pipeline_peers import Peers, Seconds, measured
from benchmarks.stage import FILE_SOURCE, Feed, fill, staged
from monitor.app.loop import Monitor

PARTS = {"orjson + tantivy + faiss flat + rensa": "faiss", "orjson + tantivy + Qdrant HNSW + rensa": "hnsw"}
STEP, LOOKED, TURN = OURS = ("step", "step, looked at", "turn")
SHARED = ("decode", "tantivy", "rensa")


@dataclass
class Rounds:
    """What each round took, by engine."""

    clock: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    work: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, taken: Seconds) -> None:
        """One round of one engine."""
        self.clock[name].append(taken["clock"])
        self.work[name].append(taken["work"])


class Ours:
    """The monitor on the stage; commits are timed apart."""

    def __init__(self, monitor: Monitor, feed: Feed) -> None:
        self._monitor, self._feed = monitor, feed
        self.commit: Seconds = {}
        store: Any = monitor.parts.store
        inner = store.commit

        def commit(what: object) -> None:
            self.commit = measured(lambda: inner(what))

        store.commit = commit

    def step(self, batch: Batch) -> dict[str, Seconds]:
        """One turn: without the commit, then looked at, then the whole."""
        self._feed.put(batch.records)
        before = self._monitor.published
        engine = self._monitor.parts.engine
        whole = measured(lambda: (self._monitor.turn(0.0), engine.lists()))  # lexical ones wait for whoever asks
        look = measured(lambda: self._monitor.published)
        assert self._monitor.published is not before
        step = {name: whole[name] - self.commit[name] for name in whole}
        return {STEP: step, LOOKED: {name: step[name] + look[name] for name in step}, TURN: whole}


def measure(material: Material, family: str, options: argparse.Namespace) -> None:
    """One anchor family: load everything, then rounds for each size of batch."""
    with tempfile.TemporaryDirectory() as name:
        folder, feed = Path(name), Feed()
        config = write_case(folder, material, options.anchors, source=FILE_SOURCE)
        with staged(config, feed) as monitor:
            loaded = list(material.load(options.size))
            fill(monitor, feed, (batch.records for batch in loaded))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            peers = Peers(monitor.parts.engine.anchors.anchors, options.peers)
            peers.load(loaded, folder)
            del loaded
            ours = Ours(monitor, feed)
            print(
                f"\n{options.size:,} chunks, {options.anchors:,} anchors ({family}), {options.dimension} dimensions",
                flush=True,
            )
            for count in options.batches:
                report(count, rounds(material, ours, peers, count, options))


def rounds(material: Material, ours: Ours, peers: Peers, count: int, options: argparse.Namespace) -> Rounds:
    """Every engine takes the same batches."""
    made = Rounds()
    for at in range(options.warmup + options.rounds):
        batch = material.update(options.size, count)
        both = {**ours.step(batch), **peers.step(batch)}
        for name, taken in both.items() if at >= options.warmup else ():
            made.add(name, taken)
    return made


def report(count: int, made: Rounds) -> None:
    """Print one size of batch."""
    for name in OURS:
        clock, work = statistics.median(made.clock[name]), statistics.median(made.work[name])
        rate = f"{count / work:10,.0f} events/s of computing"
        print(
            f"  batch {count:>5}  {'ours, ' + name:<40}{clock * 1e3:9.1f} ms, computing {work * 1e3:7.1f} ms {rate}"
        )
    for title, dense in PARTS.items():
        if dense in made.clock:
            clocks, works = summed(made.clock, dense), summed(made.work, dense)
            times = f"{statistics.median(clocks) * 1e3:9.1f} ms, computing {statistics.median(works) * 1e3:7.1f} ms"
            against = ", ".join(f"{ratio(clocks, made.clock[name]):.1f}x {name}" for name in OURS)
            print(f"               {title:<40}{times}   {against} (computing {ratio(works, made.work[STEP]):.1f}x)")
    theirs = [name for name in made.work if name not in OURS]
    parts = ", ".join(f"{name} {statistics.median(made.work[name]) * 1e3:.1f}" for name in theirs)
    print(f"               their parts, ms computing: {parts}; {busy()}", flush=True)


def summed(taken: Mapping[str, Sequence[float]], dense: str) -> list[float]:
    """Per round, what all parts of a peer took."""
    return [sum(parts) for parts in zip(*(taken[name] for name in (*SHARED, dense)), strict=True)]


def main(argv: Sequence[str]) -> int:
    """Run the benchmark on one core; prints one table per anchor family."""
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        command = [sys.executable, "-m", "benchmarks.pipeline", *argv]
        return subprocess.run(command, env={**os.environ, **ONE_CORE}, check=False).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--dimension", type=int, default=DIMENSION, help="numbers of a vector, a multiple of 384")
    parser.add_argument("--batches", default="1024,256,32")
    parser.add_argument("--families", default="nl,kw")
    parser.add_argument("--peers", default="faiss,hnsw")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=3)
    options = parser.parse_args(argv)
    options.batches = [int(count) for count in options.batches.split(",")]
    options.peers = [name for name in options.peers.split(",") if name]
    print(facts())
    for family in options.families.split(","):
        measure(Material(options.data, family, dimension=options.dimension), family, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
