"""A shard where it lives, without a cluster: what it refuses, and what it starts from."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.shards.ray.host import Greeting, NotBegunError, ShardHost, ShardsPlace, packed, unpacked
from monitor.core.model.events import Located
from monitor.core.shards.messages import EpochSpan, ShardAwayError, ShardOutOfStepError, ShardPosition, of_shard
from monitor.ports import ConfigurationError, UnreachableError
from tests.adapters.shards.ray.small import ANCHORS, ONE, batches


def place(folder: Path | str, archive: Path | str = "", stream: str = "events") -> ShardsPlace:
    return ShardsPlace("test", str(folder), str(archive), stream, "4 numbers")


class Driven:
    """A host that is driven as a coordinator does it."""

    def __init__(
        self, where: ShardsPlace, incarnation: int, published: int = 0, host: ShardHost | None = None
    ) -> None:
        self.host = host or ShardHost(0)
        greeting: Greeting = unpacked(self.host.greet(packed(where), 1))
        assert greeting.process == os.getpid()
        self.known, self.incarnation = greeting.incarnation, incarnation
        given = packed((where, ONE, ANCHORS))
        self.at: ShardPosition = unpacked(self.host.begin(incarnation, published, given))
        self.host.load(incarnation, packed(self.at))
        self.epoch, self.upto = self.at.epoch, dict(self.at.positions)
        self.rank()

    def ask(self, call: str, *given: object) -> Any:
        answer, seconds = unpacked(self.host.ask(self.incarnation, call, packed(given)))
        assert seconds >= 0
        return answer

    def step(self, events: Sequence[Located]) -> None:
        upto = {**self.upto, **{one.position.source: one.position.offset + 1 for one in events}}
        self.ask("stage", EpochSpan(self.epoch + 1, self.upto, of_shard(upto, 0, 1)), events)
        self.epoch, self.upto = self.epoch + 1, upto
        self.rank()
        self.host.commit(self.incarnation, self.epoch)

    def rank(self) -> None:
        lexical = self.host._of(self.incarnation).shard.engine.lexical
        assert lexical is not None
        self.ask("rank", EpochSpan(self.epoch, {}, self.upto), lexical.own(), {})


def rows(driven: Driven) -> list[object]:
    return list(unpacked(driven.host.read(driven.incarnation, 1_000, True)))


def test_a_host_that_was_born_again_has_nothing_and_says_so() -> None:
    with pytest.raises(NotBegunError, match="shard 0: has nothing, was called as 3; expected to be begun anew"):
        ShardHost(0).ask(3, "work", packed((0,)))
    assert issubclass(NotBegunError, ShardAwayError)


def test_a_coordinator_that_was_replaced_changes_nothing(tmp_path: Path) -> None:
    first = Driven(place(tmp_path), 1)
    stream = batches(3)
    first.step(next(stream))
    second = Driven(place(tmp_path), 2, 1, first.host)
    with pytest.raises(NotBegunError, match="was begun as 2, was called as 1"):
        first.step(next(stream))
    with pytest.raises(NotBegunError, match="was begun as 2"):
        first.host.commit(1, 2)
    with pytest.raises(ShardOutOfStepError, match="begun as 2, asked to begin as 2; expected a later one"):
        Driven(place(tmp_path), 2, 1, first.host)
    second.step(next(stream))
    assert second.epoch == 2


def test_what_was_not_published_is_taken_back(tmp_path: Path) -> None:
    driven = Driven(place(tmp_path), 1)
    stream = batches(3)
    driven.step(next(stream))
    before = rows(driven)
    driven.step(next(stream))
    again = Driven(place(tmp_path), 2, 1, driven.host)
    assert repr(rows(again)) == repr(before)
    assert (again.at.epoch, again.known) == (1, 1)


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    Driven(place(tmp_path), 1)
    with pytest.raises(UnreachableError, match=f"shard 0: .* in use by process {os.getpid()}; expected one owner"):
        Driven(place(tmp_path), 2)


def test_a_disk_that_is_gone_is_made_again_from_the_archive_or_refused(tmp_path: Path) -> None:
    one, other, kept = tmp_path / "one", tmp_path / "other", tmp_path / "kept"
    driven, elsewhere = Driven(place(one, kept), 1), ShardHost(0)
    for events in batches(3):
        driven.step(events)
    with pytest.raises(ConfigurationError, match=r"no such file, the state stands at epoch 3.* no archive"):
        Driven(place(other), 2, 3, elsewhere)
    moved = Driven(place(other, kept), 3, 3, elsewhere)
    assert moved.known == 2
    assert repr(rows(moved)) == repr(rows(driven))
    with pytest.raises(ConfigurationError, match="stands at epoch 3, the state at 0"):
        Driven(place(other, kept), 4, 0, moved.host)
    with pytest.raises(ConfigurationError, match="is 'shard 0 of 1; events; 4 numbers'; expected"):
        Driven(place(other, kept, "others"), 5, 3, moved.host)


def test_a_folder_is_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISK", str(tmp_path / "disk"))
    driven = Driven(place("$DISK/shards"), 1)
    assert [path.name for path in (tmp_path / "disk/shards").glob("*.sqlite")] == ["test.shard-0-of-1.sqlite"]
    assert driven.host.size(1) > 0
    with pytest.raises(ConfigurationError, match=r"folder '\$NONE/shards'; expected an absolute path on each node"):
        Driven(place("$NONE/shards"), 2)


def test_only_what_a_coordinator_asks_is_answered(tmp_path: Path) -> None:
    driven = Driven(place(tmp_path), 1)
    with pytest.raises(ShardOutOfStepError, match="'__class__' is no call of shards"):
        driven.ask("__class__")
