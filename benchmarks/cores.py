"""What a second core is worth: the same loop over a backlog, with and without a thread beside it, by the clock.

    python -m benchmarks.cores --size 100000 --batches 256,1024 --rounds 20

Every second stretch of full batches is worked off with a thread that counts copies and statistics, the others all in
the loop's thread; one process, one stream, the arithmetic of matrices on one core in both. A stretch ends when all of
it is counted. The ratio is the median of those of neighbours. It needs a machine with two free cores.
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
        one, two = measure(count, options)
        rates = [count * TURNS / statistics.median(taken) for taken in (one, two)]
        said = f"{rates[0]:,.0f} and {rates[1]:,.0f} events/s"
        print(f"batch {count:>5}: one core, two cores: {said}, {ratio(one, two):.2f}x; {busy()}", flush=True)
    return 0


def measure(count: int, options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Seconds of each stretch, on one core and on two."""
    material, feed = Material(options.data, options.family), Feed()
    taken: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as name:
        config = write_case(Path(name), material, options.anchors, source=FILE_SOURCE)
        pace = LoopTiming(batch=count, full_replay=1e9)
        with staged(config, feed, pace, alone=False) as monitor:
            engine = of_one_process(monitor.parts.engine)
            starts = at_once, engine.beside
            fill(monitor, feed, (batch.records for batch in material.load(options.size, 5_000)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            for at in range(2 * (WARMUP + options.rounds)):
                engine.beside = starts[at % 2]
                feed.put([record for _ in range(TURNS) for record in material.update(options.size, count).records])
                begun = time.perf_counter()
                while feed.waiting:
                    monitor.turn(0.0)
                assert engine.statistics  # had when all is counted
                if at >= 2 * WARMUP:
                    taken[at % 2].append(time.perf_counter() - begun)
    return taken


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
