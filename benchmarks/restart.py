"""Restart from the state file, phase by phase; what the state costs in memory, now and under a long stream.

    python -m benchmarks.restart --data FOLDER --sizes 20000,100000 --turnovers 6

Each size runs in processes of its own: one writes the state file as the loop does, in batches; another restores it
with the function that `run` starts with, phases measured inside of it, as after a kill, and keeps an image as `run`
does at its end; a third restores that. Memory beyond the vectors is the growth of the
resident set by the restart, less the vectors' own bytes. Then chunks are replaced at random, `--turnovers` times as
many as there are: until each was replaced once or twice the content itself changes, and memory with it, so the slope
of the resident set over the second half of that stream is the leak, if there is one. The embedded index, which lies
on disk, is filled, closed, opened and reconciled for corpora of up to `--index` chunks.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import DIMENSION, Material
from benchmarks.machine import ONE_CORE, facts, resident
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.restore import keep_image, restore
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located, Partition, Position
from monitor.core.model.scoring import Distance
from monitor.core.records.committed import Commit

AT_ONCE, STEP = 5_000, 1_000
MIB = 2**20


class Stopwatch:
    """Adds up the seconds of computing in methods that it was put around, each in the thread that calls it."""

    def __init__(self) -> None:
        self.work: dict[str, float] = defaultdict(float)

    def around(self, owner: Any, method: str, phase: str) -> None:
        """Measure a method of one object from now on."""
        inner: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return inner(*args, **named)
            finally:
                self.work[phase] += time.thread_time() - begun

        setattr(owner, method, timed)

    def over(self, owner: Any, method: str, phase: str) -> None:
        """Measure the steps of the iterator that a method returns."""
        inner: Callable[..., Iterator[Any]] = getattr(owner, method)

        def timed(*args: Any, **named: Any) -> Iterator[Any]:
            iterator = inner(*args, **named)
            while True:
                begun = time.thread_time()
                item = next(iterator, None)
                self.work[phase] += time.thread_time() - begun
                if item is None:
                    return
                yield item

        setattr(owner, method, timed)


def events(material: Material, numbers: Any, offset: int) -> list[Located]:
    """Upserts of these chunks, as the loop has them after decoding."""
    made = material.upserts(numbers)
    return [Located(Position("bench", 0, offset + at), event) for at, event in enumerate(made)]


def write_state(path: Path, material: Material, size: int) -> float:
    """The state of `size` chunks; seconds that the commits took."""
    store, corpus, seconds = SqliteStore(path), Corpus(DIMENSION), 0.0
    store.start()
    for at in range(0, size, AT_ONCE):
        applied = corpus.apply(events(material, np.arange(at, min(size, at + AT_ONCE)), at))
        begun = time.perf_counter()
        # as the loop counts: a restart makes room by it
        counters: dict[tuple[str, ...], int] = {("events", "upsert", "new"): len(corpus)}
        store.commit(Commit({Partition("bench", 0): at + AT_ONCE}, applied.changes, counters=counters))
        seconds += time.perf_counter() - begun
    store.close()
    return seconds


def new_engine(material: Material, corpus: Corpus, count: int) -> Engine:
    """An engine with this many anchors on both legs, k = 10."""
    anchors = material.anchors(count)
    vectors = np.stack([anchor.vector for anchor in anchors if anchor.vector is not None])
    known = AnchorSet(anchors, vectors, np.ones(count), [()] * count)
    return Engine(
        known, corpus, Depths(10, dense=True, lexical=True), Distance.COSINE, Bm25Config(), bands=MinHashBands()
    )


def warm(material: Material, anchors: int) -> None:
    """Compile or load the kernels: a few chunks through an engine of its own."""
    corpus = Corpus(DIMENSION)
    engine = new_engine(material, corpus, anchors)
    for at in range(3):
        applied = corpus.apply(events(material, np.arange(200), at * 200))
        engine.apply(corpus.delta(applied.changes))


def measure(folder: Path, material: Material, options: argparse.Namespace) -> None:
    """One size: restore the state of this folder and print what came of it."""
    size = options.size
    warm(material, options.anchors)
    gc.collect()
    before, watch = resident(), Stopwatch()
    store, corpus = SqliteStore(folder / "state.db"), Corpus(DIMENSION)
    engine = new_engine(material, corpus, options.anchors)
    watch.over(store, "chunks", "SQLite read")
    watch.around(corpus, "restore", "chunk table")
    watch.around(engine.vocabulary, "encode", "tokenise")
    watch.around(engine.duplicates, "apply", "near copies")
    watch.around(engine.statistics, "apply", "statistics")
    watch.around(engine.dense, "settle", "dense")
    watch.around(engine.lexical, "take", "lexical")
    watch.around(engine.lexical, "settle", "lexical")
    watch.around(store, "image", "image read")
    watch.around(corpus, "resume", "chunk table")
    for part in ("duplicates", "vocabulary", "lexical", "dense", "statistics"):
        watch.around(getattr(engine, part), "resume", f"{part} taken up")
    source = "image" if (folder / "state.db.image").exists() else "chunks"
    begun, used = time.perf_counter(), time.process_time()
    restore(store, corpus, engine, None)
    total, work = time.perf_counter() - begun, time.process_time() - used
    assert len(corpus) == size
    gc.collect()
    grown, vectors = resident() - before, corpus.vectors.nbytes
    disk = (folder / "state.db").stat().st_size
    watch.work["rest"] = work - sum(watch.work.values())  # two threads: their seconds do not add up to the total
    print(f"\n{size:,} chunks x {DIMENSION}, {options.anchors:,} anchors; state file {disk / MIB:,.0f} MiB")
    print(f"  restart from the {source}{total:8.2f} s, computing{work:8.2f} s:")
    print(f"    {work / size * 1e6:.1f} s of computing per million chunks")
    for phase, seconds in watch.work.items():
        print(f"    {phase:<20}{seconds:8.2f} s computing   {seconds / work:6.1%}")
    beyond = (grown - size * DIMENSION * 4) / size
    print(f"  memory +{grown / MIB:,.0f} MiB, slab of vectors {vectors / MIB:,.0f} MiB with its spare room;")
    print(f"  beyond the vectors {beyond * 1e6 / 1e9:.2f} GB per million chunks")
    if options.again:
        return
    begun = time.perf_counter()
    keep_image(store, corpus, engine)
    if (folder / "state.db.image").exists():
        kept = (folder / "state.db.image").stat().st_size
        print(f"  image of {kept / MIB:,.0f} MiB kept in {time.perf_counter() - begun:.2f} s")
    if size <= options.index:
        reconcile(folder / "index", corpus)
    follow(material, corpus, engine, options)


def reconcile(folder: Path, corpus: Corpus) -> None:
    """Fill the embedded index, close it, and time what a restart does with it."""
    rows = [row for row in corpus.rows() if row.live]
    for doing in ("filled from nothing", "opened after a clean close"):
        index = EmbeddedIndex(EmbeddedSettings(dimension=DIMENSION, distance=Distance.COSINE, path=folder))
        begun = time.perf_counter()
        index.start()
        mended = index.reconcile(rows, corpus.vectors)
        print(f"  embedded index {doing}: {time.perf_counter() - begun:.2f} s, {mended:,} points written")
        index.close()


def follow(material: Material, corpus: Corpus, engine: Engine, options: argparse.Namespace) -> None:
    """A long stream of replacements: the time of a step, and how memory goes."""
    taken: list[tuple[float, float]] = []
    steps = int(options.turnovers * options.size) // STEP
    # the same content comes again and again, so that nothing of the stream itself stays
    pool = [material.upserts(np.arange(STEP)) for _ in range(min(steps, 10))]
    for step in range(steps):
        numbers = np.sort(material.generator.choice(options.size, STEP, replace=False)).tolist()
        batch = [
            Located(Position("bench", 0, options.size + step * STEP + at), material.renamed(event, number))
            for at, (event, number) in enumerate(zip(pool[step % len(pool)], numbers, strict=True))
        ]
        begun = time.perf_counter()
        engine.apply(corpus.delta(corpus.apply(batch).changes))
        taken.append((time.perf_counter() - begun, float(resident())))
    if len(taken) < 4:
        return
    half = np.array(taken[len(taken) // 2 :])
    slope = np.polyfit(np.arange(len(half)), half[:, 1], 1)[0] * 1000
    print(
        f"  {steps * STEP:,} updates in batches of {STEP:,}: median {np.median(half[:, 0]) * 1e3:.1f} ms a batch;"
        f" resident set {taken[0][1] / MIB:,.0f} -> {taken[-1][1] / MIB:,.0f} MiB,"
        f" slope {slope / MIB:+.1f} MiB per million updates over the second half"
    )


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; one writing and one restoring process per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sizes", default="20000,100000")
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--turnovers", type=float, default=6.0, help="how often a chunk is replaced, on average")
    parser.add_argument("--index", type=int, default=100_000, help="the largest corpus whose index is filled")
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.size:
        material = Material(options.data, seed=11 if options.write else 12)
        if not options.write:
            measure(options.folder, material, options)
            return 0
        seconds = write_state(options.folder / "state.db", material, options.size)
        print(f"\nwritten: {options.size:,} chunks in {seconds:.1f} s of commits", flush=True)
        return 0
    print(facts())
    return max(_apart(argv, size) for size in map(int, options.sizes.split(",")))


def _apart(argv: Sequence[str], size: int) -> int:
    """The processes of one size; libraries have one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        for extra in (["--write"], [], ["--again"]):
            command = [sys.executable, "-m", "benchmarks.restart", *argv, "--size", str(size), "--folder", folder]
            made = subprocess.run([*command, *extra], env={**os.environ, **ONE_CORE}, check=False).returncode
            if made:
                return made
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
