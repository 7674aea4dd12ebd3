"""What a turn costs against the size of the corpus and the number of anchors, with a picture.

    python -m benchmarks.scaling --picture scaling.svg
    python -m benchmarks.scaling --sizes 20000,100000 --anchors 500,1000 --rounds 10

Each point is a process of its own: the program on its stage takes in the corpus, and then batches of 32 and of 1,024
random changes, the report looked at after each; both legs, near copies, statistics, blame and the commit are all in.
Sizes are measured with 1,000 anchors, anchors over 100,000 chunks. Times are of this process's computing, which
forgives a busy machine. `--results` keeps the points, so that a run that was stopped goes on: two million chunks of
384 numbers need 10 GB and half an hour.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.corpus import Material, write_case
from benchmarks.machine import ONE_CORE, busy, facts, resident, timed
from benchmarks.scaling_picture import Panel, svg
from benchmarks.stage import FILE_SOURCE, Feed, fill, staged

BATCHES = (32, 1024)
WARMUP = 5
SIZE, ANCHORS = 100_000, 1_000
"""Of the points that vary the other one."""
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Point:
    """Medians of one corpus and one set of anchors.

    Args:
        size: live chunks.
        anchors: questions under watch.
        turns: by batch size, milliseconds from decoding to commit.
        reports: by batch size, milliseconds to work out the report after such a turn.
        memory: MiB resident.
    """

    size: int
    anchors: int
    turns: dict[str, float]
    reports: dict[str, float]
    memory: float


def measure(folder: Path | None, size: int, anchors: int, rounds: int) -> Point:
    """One point, in this process."""
    material, feed = Material(folder, "kw"), Feed()
    turns: dict[str, float] = {}
    reports: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        config = write_case(Path(name), material, anchors, source=FILE_SOURCE)
        with staged(config, feed) as monitor:
            fill(monitor, feed, (batch.records for batch in material.load(size, 5_000)))
            fill(monitor, feed, iter([[material.marker("d0")]]))
            for count in BATCHES:
                taken = []
                for _ in range(WARMUP + rounds):
                    feed.put(material.update(size, count).records)
                    _, turn = timed(lambda: monitor.turn(0.0))
                    _, report = timed(lambda: monitor.published)
                    taken.append((turn, report))
                for into, column in zip((turns, reports), zip(*taken[WARMUP:], strict=True), strict=True):
                    into[str(count)] = round(statistics.median(column) * 1e3, 2)
            return Point(size, anchors, turns, reports, round(resident() / MIB, 1))


def points(sizes: Sequence[int], anchors: Sequence[int]) -> Iterator[tuple[int, int]]:
    """What is measured, the small ones first, none twice."""
    yield from dict.fromkeys([*((size, ANCHORS) for size in sizes), *((SIZE, count) for count in anchors)])


def apart(wanted: tuple[int, int], options: argparse.Namespace) -> Point:
    """A point in a process of its own; CalledProcessError where it did not end well."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", "{},{}".format(*wanted)]
    command += ["--rounds", str(options.rounds), *([] if options.data is None else ["--data", str(options.data)])]
    done = subprocess.run(
        command, env={**os.environ, **ONE_CORE}, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return Point(**json.loads(done.stdout.splitlines()[-1]))


def known(results: Path | None) -> dict[tuple[int, int], Point]:
    """The points that an earlier run measured."""
    if results is None or not results.exists():
        return {}
    made = [Point(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]
    return {(of.size, of.anchors): of for of in made}


def panels(found: Iterable[Point]) -> list[Panel]:
    """Cost against chunks, and against anchors."""
    made = sorted(found, key=lambda of: (of.size, of.anchors))
    by_size = [of for of in made if of.anchors == ANCHORS]
    by_anchors = [of for of in made if of.size == SIZE]
    return [
        Panel(f"chunks in the corpus ({ANCHORS:,} anchors)", [(of.size, _costs(of)) for of in by_size]),
        Panel(f"anchors ({SIZE:,} chunks)", [(of.anchors, _costs(of)) for of in by_anchors]),
    ]


def _costs(of: Point) -> dict[str, float]:
    turns = {f"turn of {int(count):,}": value for count, value in of.turns.items()}
    return {**turns, "report after a turn of 32": of.reports["32"]}


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; a line per point, and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sizes", default="20000,50000,100000,200000,500000,1000000,2000000")
    parser.add_argument("--anchors", default="500,1000,2000,5000,10000")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--results", type=Path, default=None, help="JSON Lines of points, read and added to")
    parser.add_argument("--picture", type=Path, default=None, help="where the SVG goes")
    parser.add_argument("--point", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.point:
        size, anchors = map(int, options.point.split(","))
        print(json.dumps(asdict(measure(options.data, size, anchors, options.rounds))))
        return 0
    print(facts())
    found = known(options.results)
    for wanted in points(
        *([int(one) for one in said.split(",") if one] for said in (options.sizes, options.anchors))
    ):
        if wanted not in found:
            found[wanted] = apart(wanted, options)
            if options.results is not None:
                with options.results.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(found[wanted])) + "\n")
        of = found[wanted]
        costs = ", ".join(f"{name} {value:.1f} ms" for name, value in _costs(of).items())
        print(f"{of.size:>9,} chunks {of.anchors:>6,} anchors  {costs}; {of.memory:,.0f} MiB; {busy()}", flush=True)
    if options.picture is not None:
        options.picture.write_text(svg(panels(found.values())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
