"""Trials: the program over one story, killed again and again, compared with a run that nobody disturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from numpy.random import Generator

from tests.kill import digest as digests
from tests.kill.child import Life, ordered
from tests.kill.points import NAMED
from tests.kill.stage import Stage, unaccounted

KILLED = -signal.SIGKILL
BATCHES = (16, 1_024, 60)


class Nursery:
    """A process that breeds the children; see `tests.kill.child`."""

    def __init__(self, process: "subprocess.Popen[str]", orders: IO[str], answers: IO[str]) -> None:
        self._process, self._orders, self._answers = process, orders, answers
        assert answers.readline() == "ready\n"

    def life(self, life: Life) -> int:
        """Let a child live and wait for its end; its exit code, or minus the signal that ended it."""
        self._orders.write(ordered(life))
        self._orders.flush()
        answer = self._answers.readline()
        assert answer, f"the nursery died with {self._process.wait(60)}"
        return int(answer)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery, gone at the end."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kill.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **one_thread},
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Nursery(process, process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(60)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a run that nobody disturbed leaves, how often it came to each point, and how long it took."""

    parts: Mapping[str, str]
    barriers: Mapping[str, Mapping[str, str]]
    calls: Mapping[str, int]
    seconds: float


@dataclass(slots=True)
class Run:
    """One state, from nothing to the end of the story, in as many lives as it takes."""

    stage: Stage
    folder: Path
    mismatches: list[str] = field(default_factory=list)

    @classmethod
    def fresh(cls, stage: Stage, name: str) -> "Run":
        """A run in a folder of its own, from nothing."""
        folder = stage.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return cls(stage, folder)

    @property
    def state(self) -> Path:
        """The state file."""
        return self.folder / "corpus-drift.state"

    def life(self, nursery: Nursery, wanted: Life, *, batch: int) -> int:
        """One life; what is then committed is checked at once."""
        config = self.folder / "corpus-drift.toml"
        config.write_text(self.stage.configuration(batch), encoding="utf-8")
        code = nursery.life(replace(wanted, config=str(config)))
        if self.stage.setting.dense:  # without vectors none can be wrong, as one of the story is
            self.mismatches += unaccounted(self.stage, digests.digest(self.state))
        return code

    def said(self) -> str:
        """What the children wrote to stderr."""
        return (self.folder / "stderr.txt").read_text("utf-8", "replace")[-2_000:]

    def reference(self, nursery: Nursery) -> Reference:
        """The undisturbed run."""
        began = time.monotonic()
        code = self.life(nursery, Life(""), batch=60)
        assert code == 0, f"exit code {code}: {self.said()}"
        assert not self.mismatches, self.mismatches
        seconds = time.monotonic() - began
        calls = json.loads((self.folder / "calls.json").read_text())
        return Reference(digests.digest(self.state), self._barriers(), calls, seconds)

    def compare_barrier(self, reference: Reference) -> None:
        """After a kill: a state that stands at a barrier must be the one that the undisturbed run had there."""
        parts = digests.digest(self.state)
        deploy = digests.barrier(parts)
        if deploy:
            self._compare_sections(deploy, digests.sections(parts), reference)

    def compare_end(self, reference: Reference) -> None:
        """After the end: everything, and what was noted at each barrier on the way."""
        for deploy, found in self._barriers().items():
            self._compare_sections(deploy, found, reference)
        differs = digests.difference(reference.parts, digests.digest(self.state))
        if differs:
            self.mismatches.append(f"at the end, {differs}")

    def _barriers(self) -> dict[str, dict[str, str]]:
        log = self.folder / "barriers.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return {deploy: found for line in lines for deploy, found in json.loads(line).items()}

    def _compare_sections(self, deploy: str, found: Mapping[str, str], reference: Reference) -> None:
        differs = digests.difference(reference.barriers[deploy], found)
        if differs:
            self.mismatches.append(f"at the barrier of {deploy}, {differs}")


@dataclass(slots=True)
class Figures:
    """What was done in all trials."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    lives: int = 0
    stops: int = 0
    """Lives ended by SIGTERM (or by themselves just before it)."""
    mismatches: list[str] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Count these too."""
        self.kills += other.kills
        self.runs, self.lives = self.runs + other.runs, self.lives + other.lives
        self.stops += other.stops
        self.mismatches += other.mismatches


def torment(nursery: Nursery, run: Run, reference: Reference, kills: Sequence[Life]) -> Figures:
    """Kill one run as told, then let it end, and compare. Each life cuts the stream into other batches."""
    figures = Figures(runs=1)
    for number, wanted in enumerate((*kills, Life(""))):
        code = run.life(nursery, wanted, batch=BATCHES[number % len(BATCHES)])
        figures.lives += 1
        if code == KILLED:
            figures.kills[wanted.point or "any instant"] += 1
            run.compare_barrier(reference)
        elif wanted.signal == signal.SIGTERM and code in (0, -signal.SIGTERM):  # the latter while it was starting
            figures.stops += 1
            run.compare_barrier(reference)
        else:
            if code != 0:
                run.mismatches.append(f"exit code {code} from {wanted}: {run.said()}")
            break
    run.compare_end(reference)
    figures.mismatches = [f"{run.folder.name}: {line}" for line in run.mismatches]
    return figures


def sampled(rng: Generator, reference: Reference, count: int) -> list[Life]:
    """Kills for one run, about half at named points and half at any instant, spread so that all may come to pass."""
    made: list[Life] = []
    for _ in range(count):
        if rng.random() < 0.4:
            number = signal.SIGTERM if rng.random() < 0.2 else signal.SIGKILL
            made.append(Life("", after=float(rng.uniform(0.0, reference.seconds)), signal=number))
            continue
        point = str(rng.choice(NAMED))
        most = max(1, 2 * reference.calls.get(point, 1) // count)
        made.append(Life("", point=point, call=int(rng.integers(1, most + 1))))
    return made
