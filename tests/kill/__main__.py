"""Hundreds of kills by hand: `python -m tests.kill --kills 300 --seed 1` prints what was done and what differed."""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator

from tests.kafka_mock import MockCluster, mock_cluster
from tests.kill.stage import Setting, Stage
from tests.kill.story import Plot
from tests.kill.trial import Figures, Nursery, Run, nursery, sampled, torment

RUNS = 4
"""Runs over each story."""
KILLS = 8
"""Kills of each run, as far as it lives that long."""
MODES: tuple[Literal["pinned", "previous-deploy", "rolling"], ...] = ("pinned", "previous-deploy", "rolling")


def drawn(rng: Generator, seed: int) -> Setting:
    """A setting of a few thousand records."""
    plot = Plot(
        partitions=int(rng.integers(2, 5)),
        deploys=int(rng.integers(4, 7)),
        chunks=int(rng.integers(400, 900)),
        events=int(rng.integers(100, 400)),
        anchors=int(rng.integers(30, 61)),
        lost=int(rng.integers(0, 3)),
    )
    return Setting(
        seed,
        plot,
        mode=MODES[seed % 3],
        variant="okapi" if seed % 2 else "lucene",
        quarantine_rows=40 if seed % 4 == 3 else 10_000,
    )


def story(cluster: MockCluster, bred: Nursery, folder: Path, seed: int) -> Figures:
    """Some runs over one story."""
    rng = np.random.default_rng(seed)
    stage = Stage.build(cluster, folder, drawn(rng, seed))
    reference = Run.fresh(stage, "reference").reference(bred)
    done = Figures()
    for at in range(RUNS):
        made = torment(bred, Run.fresh(stage, f"run{at}"), reference, sampled(rng, reference, KILLS))
        done.add(made)
        for line in made.mismatches[:1]:
            _say(f"seed {seed}, {stage.setting}: {line}")
    records = sum(len(items) for items in stage.story.partitions)
    _say(f"seed {seed}: {records} records, undisturbed {reference.seconds:.1f} s, {done.kills.total()} kills")
    return done


def main(arguments: list[str]) -> int:
    """Kill until so many kills are done; exit code 1 where anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    began, done, seed = time.monotonic(), Figures(), chosen.seed
    with mock_cluster() as cluster, nursery() as bred, tempfile.TemporaryDirectory() as folder:
        while done.kills.total() < chosen.kills:
            done.add(story(cluster, bred, Path(folder) / str(seed), seed))
            seed += 1
    for point, count in done.kills.most_common():
        _say(f"{count:5} {point}")
    seconds = time.monotonic() - began
    kills, found = done.kills.total(), len(done.mismatches)
    _say(
        f"{kills} kills at {len(done.kills)} kinds of points, {seed - chosen.seed} stories, {done.runs} runs,"
        f" {done.lives} starts, {done.stops} graceful stops, {found} mismatches, {seconds:.0f} s"
    )
    return 1 if found else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
