"""Freshness: measured at the first look that finds the content; what changed again is not waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.app.freshness import LOOK_SECONDS, REST_SECONDS, WATCHED, Freshness
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert, chunk_key
from monitor.ports import Unanswered
from tests.app.test_health import Hands


@dataclass
class Index:
    """An index that states what the test wrote to it; None: it does not answer."""

    holds: dict[str, str] | None = field(default_factory=dict)
    asked: list[Sequence[str]] = field(default_factory=list)

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        assert deadline > 0
        self.asked.append(tuple(chunk_ids))
        if self.holds is None:
            return Unanswered("deadline")
        return {name: self.holds[name] for name in chunk_ids if name in self.holds}


def keys(rows: Sequence[ChunkRow]) -> NDArray[np.int64]:
    return np.array([row.key for row in rows], np.int64)


class World:
    """A corpus, an index and clocks that a test moves; event times are those of the wall clock."""

    def __init__(self, *, on: bool = True) -> None:
        self.hands, self.corpus, self.index = Hands(), Corpus(0), Index()
        self.fresh = Freshness(self.hands.clocks, on=on)
        self._at = 0

    def upsert(self, *names: str, said: str = "v1") -> list[ChunkRow]:
        time = int(self.hands.wall * 1e6)
        rows = []
        for name in names:
            chunk = Chunk(name, "doc", 0, "text", None, "", (), time, said)
            self._apply(Upsert(chunk))
            row = self.corpus.row(chunk_key(name))
            assert row is not None
            rows.append(row)
        self.fresh.changed(keys(rows), self.corpus)
        return rows

    def delete(self, name: str) -> None:
        self._apply(Delete(name, int(self.hands.wall * 1e6)))

    def _apply(self, event: Upsert | Delete) -> None:
        self._at += 1
        self.corpus.apply([Located(Position("t", 0, self._at), event)])

    def look(self, after: float = LOOK_SECONDS) -> tuple[int, float]:
        """Looks found so far, and the seconds they add up to."""
        self.hands.move(after)
        seen = self.fresh.look(self.index, self.corpus)
        assert seen is not None
        return seen.total, seen.seconds


def test_it_is_the_time_from_the_event_to_the_first_look_that_finds_it() -> None:
    world = World()
    world.upsert("a", "b")
    assert world.look(0.0) == (0, 0.0)
    world.index.holds = {"a": "v0", "b": "v1"}
    assert world.look(5.0) == (1, 5.0)
    world.index.holds["a"] = "v1"
    assert world.look(7.0) == (2, 17.0)
    assert world.look() == (2, 17.0)
    assert world.index.asked == [("a", "b"), ("a", "b"), ("a",)]


def test_looks_keep_their_distance_and_an_index_in_trouble_is_left_alone() -> None:
    world = World()
    world.upsert("a")
    for _ in range(10):
        world.look(LOOK_SECONDS / 10)
    assert len(world.index.asked) == 1
    world.index.holds = None
    world.look()
    for _ in range(10):
        world.look()
    assert len(world.index.asked) == 2
    world.index.holds = {"a": "v1"}
    assert world.look(REST_SECONDS)[0] == 1


def test_what_changed_again_is_gone_or_has_no_hash_is_not_waited_for() -> None:
    world = World()
    world.upsert("changed", "gone", "silent")
    world.index.holds = {"changed": "v1", "gone": "v1", "silent": ""}
    world.upsert("changed", said="v2")
    world.delete("gone")
    assert world.look()[0] == 0
    assert world.index.asked == [("changed", "silent")]
    world.index.holds = {"changed": "v2"}
    assert world.look()[0] == 1
    world.upsert("never")
    world.look(4_000.0)
    world.look()
    assert world.index.asked[-1] == ("changed",)


def test_the_sample_is_bounded_and_events_from_the_future_are_fresh() -> None:
    world = World()
    rows = world.upsert(*(f"c{n}" for n in range(3 * WATCHED)))
    assert len(rows) == 3 * WATCHED
    world.look()
    assert len(world.index.asked[0]) == WATCHED
    later = replace(rows[0], event_time=rows[0].event_time + 10**12)
    world = World()
    world.corpus.restore([later], [np.zeros(0, np.float32)])
    world.fresh.changed(keys([later]), world.corpus)
    world.index.holds = {later.chunk_id: later.content_hash}
    assert world.look() == (1, 0.0)


def test_an_index_that_the_monitor_fills_has_no_such_figure() -> None:
    world = World(on=False)
    world.upsert("a")
    assert world.fresh.look(world.index, world.corpus) is None
    assert World().fresh.look(None, world.corpus) is None
    assert world.index.asked == []
