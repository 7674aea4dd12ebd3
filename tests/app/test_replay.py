"""Which anchors are asked, what is kept of the answers, and how an index that is down is left alone."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.app.replay import LEFT_ALONE, Served
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists
from monitor.ports import Replay, Unanswered

ANCHORS = AnchorSet([Anchor(f"a{at}", "q") for at in range(4)], np.zeros((4, 2), np.float32), np.ones(4), [()] * 4)


class ScriptedIndex:
    """Answers every anchor with one result named after the turn, but for the rows that are to fail."""

    def __init__(self) -> None:
        self.failing: dict[int, str] = {}
        self.asked: list[list[int]] = []

    def start(self) -> None:
        """Nothing to open."""

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        assert (len(anchors), deadline) == (len(ANCHORS), 1.0)
        self.asked.append(rows.tolist())
        name = f"t{len(self.asked)}"
        made: list[Sequence[tuple[str, float]] | None] = [
            None if row in self.failing else [(name, 0.5)] for row in rows.tolist()
        ]
        failures = {row: self.failing[row] for row in rows.tolist() if row in self.failing}
        seconds = np.full(len(rows), 0.25)
        names = {chunk_key(name): name}
        return Replay(rows, RankedLists.of(made, k), {chunk_key(name): f"hash {name}"}, names, failures=failures,
                      seconds=seconds)  # fmt: skip

    def count(self) -> int | Unanswered:
        return 7

    def configuration(self) -> None:
        """Nothing that others could set."""

    def hidden(self) -> int | Unanswered:
        return 0

    def remarks(self) -> Sequence[str]:
        return ()

    def busy(self) -> Sequence[str]:
        return ()

    def problems(self) -> Sequence[str]:
        return ()

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:  # noqa: ARG002 - as asked
        return dict.fromkeys(chunk_ids, "")

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def index() -> ScriptedIndex:
    return ScriptedIndex()


def served(index: ScriptedIndex) -> Served:
    return Served(index, ANCHORS, k=3, deadline=1.0, pause=10.0)


def rows(*wanted: int) -> NDArray[np.int64]:
    return np.array(wanted, np.int64)


def names(of: Served) -> list[str | None]:
    """The one result of every anchor, None where its list is unknown."""
    keys, known = of.lists.keys[:, 0].tolist(), of.lists.known.tolist()
    return [of.names[key] if here else None for key, here in zip(keys, known, strict=True)]


def test_nothing_is_known_before_the_first_replay(index: ScriptedIndex) -> None:
    fresh = served(index)
    assert names(fresh) == [None] * 4
    assert fresh.refresh(rows(), 0.0, full=False) is None
    assert index.asked == []


def test_all_are_asked_at_first_then_those_touched(index: ScriptedIndex) -> None:
    mine = served(index)
    first = mine.refresh(rows(1), 0.0, full=True)
    assert first is not None
    mine.refresh(rows(1, 3), 1.0, full=False)
    assert index.asked == [[0, 1, 2, 3], [1, 3]]
    assert names(mine) == ["t1", "t2", "t1", "t2"]
    assert mine.seconds.tolist() == [0.25, 0.25]


def test_names_and_hashes_are_kept_for_what_is_listed_only(index: ScriptedIndex) -> None:
    mine = served(index)
    mine.refresh(rows(), 0.0, full=True)
    mine.refresh(rows(0), 1.0, full=False)
    assert set(mine.names.values()) == {"t1", "t2"}
    mine.refresh(rows(), 2.0, full=True)
    assert mine.names == {chunk_key("t3"): "t3"}
    assert mine.hashes == {chunk_key("t3"): "hash t3"}


def test_a_failed_anchor_is_unknown_named_and_asked_again(index: ScriptedIndex) -> None:
    mine = served(index)
    mine.refresh(rows(), 0.0, full=True)
    index.failing = {2: "deadline"}
    mine.refresh(rows(1, 2), 1.0, full=False)
    assert names(mine) == ["t1", "t2", None, "t1"]
    assert mine.failures == {2: "deadline"}
    index.failing = {}
    mine.refresh(rows(0), 2.0, full=False)
    assert index.asked[-1] == [0, 2]
    assert names(mine) == ["t3", "t2", "t3", "t1"]
    assert mine.failures == {}


def test_an_index_that_fails_every_anchor_is_left_alone_for_a_while(index: ScriptedIndex) -> None:
    mine = served(index)
    mine.refresh(rows(), 0.0, full=True)
    index.failing = dict.fromkeys(range(4), "unreachable")
    mine.refresh(rows(0, 1), 1.0, full=False)
    assert mine.failures == {0: "unreachable", 1: "unreachable"}
    assert mine.refresh(rows(3), 10.9, full=False) is None
    assert index.asked[-1] == [0, 1]
    assert mine.failures == {0: "unreachable", 1: "unreachable", 3: LEFT_ALONE}
    assert names(mine) == [None, None, "t1", None]
    index.failing = {}
    mine.refresh(rows(), 11.1, full=False)
    assert index.asked[-1] == [0, 1, 3]
    assert (mine.failures, names(mine)) == ({}, ["t3", "t3", "t1", "t3"])


def test_a_full_replay_asks_whatever_happened_before(index: ScriptedIndex) -> None:
    mine = served(index)
    index.failing = dict.fromkeys(range(4), "unreachable")
    mine.refresh(rows(), 0.0, full=True)
    index.failing = {}
    mine.refresh(rows(), 0.1, full=True)
    assert names(mine) == ["t2"] * 4
    mine.refresh(rows(0), 0.2, full=False)
    assert index.asked[-1] == [0], "an answer ends the pause"


def test_one_anchor_that_always_fails_does_not_silence_the_others(index: ScriptedIndex) -> None:
    """Its reason may be its own vector; asked alone it fails `every anchor`, which says nothing of the index."""
    mine = served(index)
    index.failing = {2: "dimension"}
    mine.refresh(rows(), 0.0, full=True)
    mine.refresh(rows(), 1.0, full=False)
    mine.refresh(rows(0, 1), 2.0, full=False)
    assert names(mine) == ["t3", "t3", None, "t1"]
    assert mine.failures == {2: "dimension"}


def test_failures_are_copied(index: ScriptedIndex) -> None:
    mine = served(index)
    index.failing = {0: "deadline"}
    replay = mine.refresh(rows(), 0.0, full=True)
    assert replay is not None
    before: Mapping[int, str] = dict(replay.failures)
    mine.failures.clear()
    assert replay.failures == before


def test_no_anchors() -> None:
    empty = AnchorSet([], np.zeros((0, 2), np.float32), np.ones(0), [])
    assert Served(ScriptedIndex(), empty, k=3, deadline=1.0).refresh(rows(), 0.0, full=True) is None


class RandomIndex(ScriptedIndex):
    """Answers with two of a few chunks, fails some anchors, and states hashes that come and go, some unasked."""

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__()
        self.generator = generator

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        del anchors, deadline
        draw = self.generator
        lists = [
            None if draw.random() < 0.2 else [(f"c{at}", 0.5) for at in draw.choice(6, 2, replace=False)]
            for _ in rows.tolist()
        ]
        said = {f"c{at}": f"hash {draw.integers(2)}" for at in range(6) if draw.random() < 0.6}
        hashes = {chunk_key(name): text for name, text in said.items()}
        failures = {row: "deadline" for row, found in zip(rows.tolist(), lists, strict=True) if found is None}
        names = {chunk_key(name): name for found in lists if found for name, _ in found}
        return Replay(rows, RankedLists.of(lists, k), hashes, names, failures=failures)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_remembered_is_what_a_look_at_all_lists_says(seed: int) -> None:
    draw = np.random.default_rng(seed)
    index = RandomIndex(draw)
    mine = Served(index, ANCHORS, k=3, deadline=1.0, pause=0.5)
    hashes: dict[int, str] = {}
    for turn in range(30):
        if draw.random() < 0.1:
            mine.reanchor(ANCHORS, draw.integers(-1, 4, 4))
        touched = np.flatnonzero(draw.random(4) < 0.4)
        found = mine.refresh(touched, float(turn) * draw.random(), full=bool(draw.random() < 0.2))
        if found is None:
            continue
        listed = set(mine.lists.keys.ravel().tolist())
        restated = {key for key, said in found.hashes.items() if hashes.get(key) != said}
        restated |= hashes.keys() - listed
        hashes = {key: said for key, said in {**hashes, **found.hashes}.items() if key in listed}
        assert mine.hashes == hashes
        assert set(mine.restated) == restated
        assert mine.names.keys() == listed - {-1}


@pytest.mark.parametrize("seed", range(20))
def test_repeated_is_what_the_full_replay_before_served_where_nothing_happened_in_between(seed: int) -> None:
    """The noise of a server: an anchor that an event touched, or that was asked alone, tells nothing of it."""
    draw = np.random.default_rng(100 + seed)
    mine = Served(RandomIndex(draw), ANCHORS, k=3, deadline=1.0, pause=0.0)
    fulls: list[RankedLists] = []
    asked: set[int] = set()
    for turn in range(40):
        touched = np.flatnonzero(draw.random(4) < 0.3)
        full = turn % 8 == 0 or bool(draw.random() < 0.3)
        failed = set(mine.failures)
        mine.refresh(touched, float(turn), full=full)
        asked |= set(touched.tolist()) | (set() if full else failed)
        if not full:
            continue
        steady = [fulls[-1].known[row] and row not in asked for row in range(4)] if fulls else [False] * 4
        assert mine.repeated.known.tolist() == steady
        if fulls:
            assert np.array_equal(mine.repeated.keys[steady], fulls[-1].keys[steady])
        fulls.append(mine.lists)
        asked.clear()
    assert len(fulls) > 3
    mine.reanchor(ANCHORS, np.arange(4))
    assert not mine.repeated.known.any(), "nothing is known of what other anchors were served"
