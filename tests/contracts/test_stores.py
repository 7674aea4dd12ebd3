"""Every state store keeps what it was told, to the bit, and says so again after it was closed and opened."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.ports import StateStore
from tests.contracts.stores import History, MemoryStore, contents

Reopen = Callable[[StateStore], StateStore]
KEEP, ROWS = 3, 12


def sqlite_store(folder: Path) -> tuple[StateStore, Reopen]:
    def opened() -> SqliteStore:
        return SqliteStore(folder / "state.db", keep_deploys=KEEP, quarantine_rows=ROWS)

    def again(store: StateStore) -> StateStore:
        store.close()
        store.close()
        return opened()

    return opened(), again


def memory_store(folder: Path) -> tuple[StateStore, Reopen]:
    return MemoryStore(keep_deploys=KEEP, quarantine_rows=ROWS), lambda store: store


@pytest.mark.parametrize("make", [sqlite_store, memory_store])
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.integers(1, 7))
def test_a_store_says_what_it_was_told(
    make: Callable[[Path], tuple[StateStore, Reopen]], seed: int, turns: int, reopened_after: int, batch: int
) -> None:
    """After any history of commits, closed and opened in the middle: equal to the obvious twin."""
    history, twin = History(seed), MemoryStore(keep_deploys=KEEP, quarantine_rows=ROWS)
    with TemporaryDirectory() as folder:
        store, again = make(Path(folder))
        assert contents(store, store.start(), batch) == contents(twin, twin.start(), batch)
        for number in range(turns):
            commit = history.turn()
            store.commit(commit)
            twin.commit(commit)
            if number == reopened_after:
                store = again(store)
                store.start()
        store = again(store)
        resumed = store.start()
        assert contents(store, resumed, batch) == contents(twin, twin.start(), batch)
        assert not resumed.empty
        store.close()


@pytest.mark.parametrize("make", [sqlite_store, memory_store])
def test_what_is_not_known_is_none(make: Callable[[Path], tuple[StateStore, Reopen]], tmp_path: Path) -> None:
    store, _ = make(tmp_path)
    assert store.start().empty
    assert store.deploy("never") is None
    assert store.baseline("never") is None
    assert store.decision() is None
    assert store.current() is None
    assert store.texts([1]) == {}
    assert list(store.chunks(10)) == []
    assert store.quarantine(10) == []
    assert list(store.target("v2")) == []
    assert list(store.steps("m1")) == []
    assert store.traffic() is None
    assert store.bridges() == ()
    store.close()
