"""Reports kept from turn to turn are those of a measurement of everything, to the bit."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Member
from monitor.core.measures.comparison.facts import MemberFacts
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.formulas.moved import holds, moved
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.snapshots import FINGERPRINT, anchor_set, ranked, seen, snapshot

NAMES = [f"c{at}" for at in range(14)]
LANGUAGES = ("de", "en", "fr")
ANCHORS = anchor_set(
    [(("language", LANGUAGES[at % 3]),) for at in range(12)], weights=[1.0 + at % 4 for at in range(12)]
)
LEGS: tuple[ListLeg, ...] = ("dense", "exact", "lexical")


def shingles(hashes: Mapping[str, str]) -> dict[int, NDArray[np.uint32]]:
    """By chunk key, of what each says: contents fall into three groups of near copies."""
    made = {}
    for name, content in hashes.items():
        code = sum(content.encode()) % 9
        made[chunk_key(name)] = np.arange(code % 3, 20, dtype=np.uint32) + np.uint32(100 * (code // 3))
    return made


class Turning:
    """Lists, contents and circumstances that change from turn to turn."""

    def __init__(self, seed: int) -> None:
        self.generator: Generator = np.random.default_rng(seed)
        self.hashes = {name: f"content {name}" for name in NAMES}
        self.lists: dict[ListLeg, RankedLists] = {leg: self._drawn(12) for leg in LEGS}
        self.settling: set[int] = set()
        self.failures: dict[int, str] = {}

    def _drawn(self, count: int) -> RankedLists:
        """Short, full, empty and unknown lists, with many ties."""
        rows: list[list[tuple[str, float]] | None] = []
        for _ in range(count):
            names = self.generator.permutation(NAMES)[: self.generator.integers(0, 5)].tolist()
            scores = np.sort(self.generator.integers(1, 5, len(names)) / 4)[::-1].tolist()
            rows.append(None if self.generator.random() < 0.1 else list(zip(names, scores, strict=True)))
        return ranked(rows, 4)

    def turn(self) -> Observation:
        """One batch: some lists move, on the lexical leg all scores do, some contents change."""
        changed = self.generator.permutation(NAMES)[: self.generator.integers(0, 3)].tolist()
        for name in changed:
            if self.generator.random() < 0.3:
                self.hashes.pop(name, None)
            else:
                self.hashes[name] = f"content {self.generator.integers(5)}"
        for leg in LEGS:
            rows = np.flatnonzero(self.generator.random(12) < 0.2)
            self.lists[leg] = self.lists[leg].replaced(rows, self._drawn(len(rows)))
        lexical = self.lists["lexical"]
        self.lists["lexical"] = replace(lexical, scores=lexical.scores * (1 + self.generator.random() / 8))
        self.settling = set(self.generator.integers(0, 12, 2).tolist()) if self.generator.random() < 0.5 else set()
        self.failures = {3: "deadline"} if self.generator.random() < 0.3 else {}
        view = seen(self.lists, hashes=self.hashes, settling=sorted(self.settling), failures=self.failures)
        keys = np.array([chunk_key(name) for name in changed], np.int64)
        return replace(view, deploy_id="", changed=keys, facts=MemberFacts({}, shingles(self.hashes)))


def drift() -> Drift:
    return Drift(ANCHORS, FINGERPRINT, SegmentScope(("language",), 9, 1), (4, 2), {"dense": 0.6})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 6), st.sampled_from([2, 1 << 16]))
def test_a_kept_report_is_a_fresh_one(seed: int, turns: int, remembered: int) -> None:
    """However many contents are remembered from turn to turn."""
    world = Turning(seed)
    before = replace(snapshot(ANCHORS, dict(world.lists), hashes=world.hashes), shingles=shingles(world.hashes))
    pinned = snapshot(ANCHORS, {"dense": world._drawn(12)}, name="pinned", hashes=world.hashes)
    kept = drift()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.core.index.duplicates.likeness._MOST", remembered)
        for _ in range(turns):
            view = world.turn()
            assert repr(kept.evaluate(before, pinned, view)) == repr(drift().evaluate(before, pinned, view))


def test_a_comparison_that_missed_a_turn_starts_anew() -> None:
    """What changed is said since the evaluation before, which this baseline was not part of."""
    world, kept = Turning(3), drift()
    before = replace(snapshot(ANCHORS, dict(world.lists), hashes=world.hashes), shingles=shingles(world.hashes))
    other = snapshot(ANCHORS, {"lexical": world._drawn(12)}, name="other", hashes=world.hashes)
    kept.evaluate(before, None, world.turn())
    for _ in range(4):
        kept.evaluate(other, None, world.turn())
    view = world.turn()
    assert repr(kept.evaluate(before, None, view)) == repr(drift().evaluate(before, None, view))


def test_content_that_changed_under_an_unmoved_list_is_measured() -> None:
    """The oracle of `changed`: without the key the kept value would stand."""
    lists = ranked([[("a", 0.9), ("b", 0.5)]] * 12, 4)
    members = {chunk_key(name): Member(name, "doc", "src", f"content {name}") for name in "ab"}
    before = replace(snapshot(ANCHORS, {"lexical": lists}), members=members)
    kept = drift()
    view = replace(seen({"lexical": lists}, hashes={"a": "content a", "b": "content b"}), deploy_id="")
    kept.evaluate(before, None, view)
    rewritten = replace(view, hashes={**view.hashes, chunk_key("a"): "other"})

    def swaps(changed: list[int]) -> float:
        report = kept.evaluate(before, None, replace(rewritten, changed=np.array(changed, np.int64)))
        return next(of.value for of in report.measurements if of.metric == "collapsed_swaps")

    assert swaps([]) == 0.0
    assert swaps([chunk_key("b"), chunk_key("a")]) == 1.0


@pytest.mark.parametrize("scores", [False, True])
def test_moved_lists(scores: bool) -> None:
    before = ranked([[("a", 0.9)], [("a", 0.9)], None, [("a", 0.9)], []], 2)
    now = ranked([[("a", 0.9)], [("b", 0.9)], [], [("a", 0.8)], []], 2)
    assert moved(before, now, scores=scores).tolist() == [False, True, True, scores, False]
    assert not moved(before, before, scores=True).any()


def test_lists_that_hold_a_key() -> None:
    lists = ranked([[("a", 0.9), ("b", 0.8)], [("b", 0.9)], []], 2)
    assert holds(lists.keys, np.array([chunk_key("a")])).tolist() == [[True, False], [False] * 2, [False] * 2]
    both = np.array([chunk_key("z"), chunk_key("b")])
    assert holds(lists.keys, both).tolist() == [[False, True], [True, False], [False] * 2]
    # a key with the low bits of another one is not that one
    assert not holds(lists.keys, lists.keys[:1, 0] + (1 << 20)).any()
    assert not holds(lists.keys, np.zeros(0, np.int64)).any()
    assert NO_CHUNK not in lists.keys[0]
