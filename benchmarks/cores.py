"""What a second core is worth: the same loop over a backlog, with and without help beside it, by the clock.

    python -m benchmarks.cores --size 100000 --batches 256,1024 --rounds 20

Every second stretch of full batches is worked off with a thread that counts copies and statistics and a process that
stores turns, the others all in the loop's thread; one stream, the arithmetic of matrices on one core in both. A
stretch ends when all of it is counted and stored. Compared are the clock, and the seconds of a core that the loop's
thread itself used: what is left to it, however busy the machine is. Ratios are medians of those of neighbours. By the
clock it needs a machine with two free cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import Material, write_case
from benchmarks.machine import ONE_CORE, busy, facts, ratio
from benchmarks.stage import FILE_SOURCE, Feed, fill, staged
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.parts import LoopTiming
from monitor.core.index.engine import at_once, of_one_process

WARMUP, TURNS = 2, 8


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; a line per size of batch."""
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        command = [sys.executable, "-m", "benchmarks.cores", *argv]
        return subprocess.run(command, env={**os.environ, **ONE_CORE}, check=False).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--batches", default="256,1024")
    parser.add_argument("--family", default="kw")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(argv)
    print(facts())
    for count in map(int, options.batches.split(",")):
        (one, two), used = measure(count, options)
        rates = [count * TURNS / statistics.median(taken) for taken in (one, two)]
        said = f"{rates[0]:,.0f} and {rates[1]:,.0f} events/s"
        own = f"the loop's thread {ratio(*used):.2f}x"
        print(f"batch {count:>5}: one core, two cores: {said}, {ratio(one, two):.2f}x, {own}; {busy()}", flush=True)
    return 0


Pair = tuple[list[float], list[float]]


def measure(count: int, options: argparse.Namespace) -> tuple[Pair, Pair]:
    """Seconds of each stretch, on one core and on two: by the clock, and of the loop's thread."""
    material, feed = Material(options.data, options.family), Feed()
    taken: Pair = ([], [])
    used: Pair = ([], [])
    with tempfile.TemporaryDirectory() as name:
        config = write_case(Path(name), material, options.anchors, source=FILE_SOURCE)
        pace = LoopTiming(batch=count, full_replay=1e9)
        with staged(config, feed, pace, alone=False) as monitor:
            engine = of_one_process(monitor.parts.engine)
            store = monitor.parts.store
            assert isinstance(store, SqliteStore)
            starts = (at_once, None), (engine.beside, store.beside)
            fill(monitor, feed, (batch.records for batch in material.load(options.size, 5_000)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            for at in range(2 * (WARMUP + options.rounds)):
                engine.beside, store.beside = starts[at % 2]
                feed.put([record for _ in range(TURNS) for record in material.update(options.size, count).records])
                begun, before = time.perf_counter(), time.thread_time()
                while feed.waiting:
                    monitor.turn(0.0)
                assert engine.statistics  # had when all is counted
                store.settle()
                if at >= 2 * WARMUP:
                    taken[at % 2].append(time.perf_counter() - begun)
                    used[at % 2].append(time.thread_time() - before)
    return taken, used


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
