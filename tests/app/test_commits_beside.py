"""Where more waits, a turn is stored while the next batch is taken in: it is not shown before, and never lost."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import monitor as wiring
from monitor.app.wiring import open_monitor
from monitor.core.index.engine import at_once
from monitor.core.model.events import Partition
from monitor.ports import UnreachableError
from tests.app.loops import left, opened, run_whole, to_end
from tests.app.rounds import Ticking
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=40, deploys=2)
BATCHES = "[source]\nbatch = 8\n"


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine with one."""
    monkeypatch.setattr(wiring, "cores", lambda: 2)


def stored(path: Path) -> int:
    """Up to which offset the state is, as anybody else reads it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return sum(at for (at,) in db.execute("SELECT next FROM position"))


def shown_upto(monitor: Monitor) -> int:
    """Up to which offset the view that is there reads."""
    pulse = monitor.measuring.pulse
    assert pulse is not None
    return sum(pulse.positions.values())


@contextmanager
def backlog(config: Path) -> Iterator[Monitor]:
    """A monitor whose first turn, which is measured, is over; the clock stands still, so that no other one is."""
    with open_monitor(load(config, {}), clocks=Ticking().clocks) as monitor:
        assert monitor.turn(0.0)
        assert stored(config.parent / "state.db") == 8
        yield monitor


class Held:
    """A monitor's store whose begun commits wait for a gate."""

    def __init__(self, monitor: Monitor) -> None:
        assert isinstance(monitor.parts.store, SqliteStore)
        self.path, self.gate, self.begun = monitor.parts.store.path, threading.Event(), 0
        writer = monitor.parts.store._settled
        write = writer.write

        def waiting(commit: object) -> None:
            if threading.current_thread().name.startswith("commits"):
                self.begun += 1
                self.gate.wait(10.0)
            write(commit)  # type: ignore[arg-type]  # what the writer was given

        writer.write = waiting  # type: ignore[method-assign]


def test_over_a_backlog_a_turn_returns_before_it_is_stored(tmp_path: Path) -> None:
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        held = Held(monitor)
        assert monitor.turn(0.0)
        assert (held.begun, stored(held.path)) == (1, 8)
        held.gate.set()
        monitor.parts.store.settle()
        assert stored(held.path) == 16


def test_nothing_is_shown_before_it_is_stored(tmp_path: Path) -> None:
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        held = Held(monitor)
        assert monitor.turn(0.0)
        shown = threading.Thread(target=monitor.measuring.refresh)
        shown.start()
        shown.join(0.2)
        assert shown.is_alive()
        assert shown_upto(monitor) == stored(held.path) == 8
        held.gate.set()
        shown.join(10.0)
        assert shown_upto(monitor) == stored(held.path) == 16


def test_the_source_is_never_told_of_more_than_is_stored_and_of_all_at_the_end(tmp_path: Path) -> None:
    told: list[int] = []
    with backlog(write_case(tmp_path, shape=SHAPE, extra=BATCHES)) as monitor:
        source, path = monitor.parts.source, tmp_path / "state.db"

        def tell(positions: Mapping[Partition, int]) -> None:
            told.append(sum(positions.values()))
            assert told[-1] <= stored(path)

        source.commit = tell  # type: ignore[method-assign]
        held = Held(monitor)
        held.gate.set()
        assert to_end(monitor)
    assert held.begun > 2
    assert told == sorted(set(told))
    assert told[-1] == stored(path)


def test_a_commit_that_failed_beside_ends_the_loop_whoever_met_it_first(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE, extra=BATCHES)
    with pytest.raises(UnreachableError, match="locked"):
        _locked_out(config)
    assert stored(tmp_path / "state.db") == 8
    assert run_whole(config).positions


def _locked_out(config: Path) -> None:
    """Another program has the file while the second turn is stored; closing says once more that it is not."""
    state = config.parent / "state.db"
    with backlog(config) as monitor, closing(sqlite3.connect(state, isolation_level=None)) as other:
        assert isinstance(monitor.parts.store, SqliteStore)
        monitor.parts.store._settled._db.execute("PRAGMA busy_timeout=0")
        other.execute("BEGIN IMMEDIATE")
        assert monitor.turn(0.0)
        asked = monitor.ask(lambda loop: loop.capture("mine"))
        with pytest.raises(UnreachableError, match="locked"):
            to_end(monitor)
        assert isinstance(asked.exception(0.0), UnreachableError)
        other.execute("ROLLBACK")
        with pytest.raises(UnreachableError, match="locked"):  # what was taken in then is not stored
            to_end(monitor)


def test_with_one_core_the_same_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cores in (1, 2):
        monkeypatch.setattr(wiring, "cores", lambda cores=cores: cores)
        (tmp_path / str(cores)).mkdir()
        config = write_case(tmp_path / str(cores), shape=SHAPE, extra=BATCHES)
        with opened(config) as monitor:
            assert isinstance(monitor.parts.store, SqliteStore)
            assert (monitor.parts.store.beside is at_once) == (cores == 1)
            assert to_end(monitor)
        found.append(left(config.parent / "state.db"))
    assert found[0] == found[1]
