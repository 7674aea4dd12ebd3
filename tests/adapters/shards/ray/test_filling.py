"""Shards on a Ray cluster that are filled from files: what is said is what one process says that read the same."""

import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.shards.ray.filling import RayFilling
from monitor.adapters.shards.ray.host import packed, unpacked
from monitor.adapters.shards.ray.local_cluster import LocalCluster
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, read_state
from monitor.core.model.events import Position
from monitor.core.records.committed import Commit
from monitor.core.shards.messages import ShardAwayError
from monitor.ports import ConfigurationError
from tests.adapters.shards.ray.test_product import KEYS
from tests.app.sharding import MODEL
from tests.app.test_bootstrapping import (
    KilledError,
    bootstrap,
    case,
    judged,
    parts,
    records,
    to_the_end,
    without_places,
)
from tests.corpora import DIMENSION
from tests.corpus_files import row, write_parquet


def test_files_are_read_by_the_nodes_and_all_is_said_as_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, rest = parts()
    rows = [row(event) for event in held]
    rows[5] = rows[5] | {"chunk_id": None}
    write_parquet(tmp_path / "rows", rows, dimension=DIMENSION)
    one = case(tmp_path, 1)
    bootstrap(one)
    expected = to_the_end(one, records(rest))
    cluster = LocalCluster(tmp_path / "disks", 2)
    cluster.start()
    try:
        keys = KEYS.format(address=cluster.address, folder=tmp_path)
        config = case(tmp_path, 3, extra=f"[shards.ray]{keys.partition('[shards.ray]')[2]}")
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("count = 3", 'count = 3\nengine = "ray"'), encoding="utf-8")
        commit, commits = SqliteStore.commit, count(1)

        def killed(self: SqliteStore, made: Commit) -> None:
            if next(commits) == 3:  # the shards have committed this step, and take it back when it goes on
                raise KilledError
            commit(self, made)

        monkeypatch.setattr(SqliteStore, "commit", killed)
        with pytest.raises(KilledError):
            bootstrap(config)
        monkeypatch.undo()
        fill = RayFilling.fill

        def dying(self: RayFilling, span: Any, pieces: Any) -> Any:
            said = self._actors.ask("greet", [(packed(self._where), 3)] * 3)
            os.kill(unpacked(said[1]).process, signal.SIGKILL)
            return fill(self, span, pieces)

        monkeypatch.setattr(RayFilling, "fill", dying)
        with pytest.raises(ShardAwayError, match=r"^shard 1 of 3: away \("):
            bootstrap(config)
        monkeypatch.undo()
        with (
            pytest.raises(ConfigurationError, match=r"a bootstrap from files stands at row \d+ of 119"),
            opened(config),
        ):
            pass
        made = bootstrap(config)
        assert made.read.refused == {"missing_field": 1}
        found = to_the_end(config, records(rest))
    finally:
        cluster.stop()
    with read_state(load(config, {}, MODEL)) as store:
        assert [of.position for of in store.quarantine(10)] == [Position("__bootstrap__/more/part.parquet", 0, 5)]
    assert judged(config) == judged(one)
    assert found["counters"] == expected["counters"]
    for name in ("report", "metrics"):
        assert without_places(found[name]) == without_places(expected[name])


def opened(config: Path) -> Any:
    return open_monitor(load(config, {}, MODEL))
