"""What a second core is worth: the same loop with and without a thread beside it, turn by turn, by the clock.

    python -m benchmarks.cores --size 100000 --batches 256,1024 --rounds 40

Every second turn counts copies and statistics beside the legs, the others one after the other, all in one process and
on the same stream; the ratio is of the medians. It needs a machine with two free cores.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import Material, write_case
from benchmarks.machine import busy, facts
from benchmarks.stage import FILE_SOURCE, Feed, fill, staged
from monitor.core.index.engine import at_once, of_one_process

WARMUP = 6


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; a line per size of batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--batches", default="256,1024")
    parser.add_argument("--family", default="kw")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args(argv)
    print(facts())
    material, feed = Material(options.data, options.family), Feed()
    with tempfile.TemporaryDirectory() as name:
        config = write_case(Path(name), material, options.anchors, source=FILE_SOURCE)
        with staged(config, feed, alone=False) as monitor:
            engine = of_one_process(monitor.parts.engine)
            starts = at_once, engine.beside
            fill(monitor, feed, (batch.records for batch in material.load(options.size, 5_000)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            for count in map(int, options.batches.split(",")):
                taken: tuple[list[float], list[float]] = ([], [])
                for at in range(WARMUP + 2 * options.rounds):
                    feed.put(material.update(options.size, count).records)
                    engine.beside = starts[at % 2]
                    begun = time.perf_counter()
                    monitor.turn(0.0)
                    if at >= WARMUP:
                        taken[at % 2].append(time.perf_counter() - begun)
                one, two = map(statistics.median, taken)
                said = ", ".join(f"{count / of:,.0f} events/s ({of * 1e3:.1f} ms)" for of in (one, two))
                print(f"batch {count:>5}: one core, two cores: {said}, {one / two:.2f}x; {busy()}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
