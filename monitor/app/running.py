"""Running the monitor in the foreground: signals, endpoints, and a line for each judged deploy."""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from monitor.app.bootstrapping import Bootstrapping
from monitor.app.loop import Monitor
from monitor.app.tables import STYLES
from monitor.app.tally import Tally
from monitor.core.index.baseline import Judged
from monitor.core.model.plausibility import doubts_said
from monitor.core.text.wording import count_of

MANY = 20_000
"""Chunks from which on a restart takes long enough to say so."""


@contextmanager
def stopping_on_signals(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT end a loop after its turn; what the turn did is kept."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def leaving_on_sigterm() -> Iterator[None]:
    """While there is no loop to stop yet (the state is being restored), SIGTERM leaves at once, cleanly."""

    def leave(number: int, frame: object) -> None:
        del number, frame
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def restoring(chunks: int) -> Iterator[None]:
    """Says on stderr that a large state is being restored, and how long it took: nothing else happens meanwhile."""
    if chunks < MANY:
        yield
        return
    sys.stderr.write(f"restoring {chunks:,} chunks from the state\n")
    began = time.monotonic()
    yield
    sys.stderr.write(f"restored in {time.monotonic() - began:.1f} s\n")


@contextmanager
def reading_files(made: Bootstrapping) -> Iterator[Callable[[], None]]:
    """Says on a terminal how far the files are read; yields what is called after each step."""
    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("rows", total=made.total, completed=made.rows)
        yield lambda: shown.update(task, completed=made.rows, description=f"{made.rows:,} of {made.total:,} rows")


Lines = Callable[[Sequence[Judged]], Iterable[tuple[str, str]]]
"""Deploys that were judged since the last turn, to (verdict, what was judged) for each line."""


def _own(judged: Sequence[Judged]) -> Iterable[tuple[str, str]]:
    return ((one.verdict, f"deploy {one.deploy_id}") for one in judged)


class Watcher:
    """Says on stderr what the loop does: a line for each deploy, and on a terminal how far it is."""

    def __init__(self, stream: TextIO | None = None, lines: Lines = _own) -> None:
        self._lines = lines
        self._console = Console(file=stream or sys.stderr, stderr=stream is None, highlight=False)
        self._told = -1
        self._began = time.monotonic()

    @contextmanager
    def watching(self, monitor: Monitor, *, progress: bool) -> Iterator[Callable[[], None]]:
        """Yields what the loop calls after each turn."""
        self._told = len(monitor.ledger)
        if not (progress and self._console.is_terminal):
            yield lambda: self._deploys(monitor)
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as shown:
            task = shown.add_task("starting")

            def turned() -> None:
                self._deploys(monitor)
                shown.update(task, description=self._described(monitor))

            yield turned

    def say(self, line: str) -> None:
        """A line as it is."""
        self._console.print(line, markup=False, soft_wrap=True)

    def _described(self, monitor: Monitor) -> str:
        events = sum(count for name, count in monitor.session.counters.items() if name[0] == "events")
        rate = events / max(time.monotonic() - self._began, 1e-9)
        return f"{events:,} events in the state, {rate:,.0f}/s here, {len(monitor.parts.corpus):,} chunks"

    def _deploys(self, monitor: Monitor) -> None:
        for verdict, said in self._lines(monitor.ledger[self._told :]):
            self._console.print(f"[{STYLES[verdict]}]{verdict.upper():12}[/]", end=" ")
            self._console.print(said, markup=False)
        self._told = len(monitor.ledger)


def run_to_end(
    monitor: Monitor,
    *,
    until_end: bool,
    deploy: str = "",
    progress: bool = True,
    stream: TextIO | None = None,
    lines: Lines = _own,
) -> str:
    """Run the loop until it ends or is told to stop; `lines` says the deploys of each turn, `deploy` ends with it.

    A last line says what came of it.

    Returns:
        Why what was read cannot be the corpus that was meant, "" where it can.
    """
    judged, watcher = len(monitor.ledger), Watcher(stream, lines)
    with stopping_on_signals(monitor.stopping), watcher.watching(monitor, progress=progress) as turned:
        monitor.run(until_end=until_end, deploy=deploy, turned=turned)
    read = Tally.of(monitor.session.counters).since(monitor.begun)
    for line in closing(monitor, read, [entry.verdict for entry in monitor.ledger[judged:]]):
        watcher.say(line)
    limit = monitor.parts.pace.refused
    return read.complaint(limit) if read.too_many(limit) else ""


def closing(monitor: Monitor, read: Tally, verdicts: Sequence[str]) -> Iterator[str]:
    """What a run came to, and what it lacks for a verdict."""
    shares = ", ".join(f"{count} {verdict.upper()}" for verdict, count in sorted(Counter(verdicts).items()))
    yield f"{read}; {count_of(len(verdicts), 'deploy')} judged{shares and f' ({shares})'}"
    yield from doubts_said(read.doubtful)
    if not monitor.ledger:
        yield "no deploy marker was seen, so nothing was judged: send one behind each update, or gate --at-end"
    if monitor.session.baseline is None:
        yield "no baseline is in force, so nothing is compared: corpus-drift baseline accept takes the corpus of now"
