"""Kept, gone and displaced answers, by hand and against a slow look at each anchor by itself."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.baseline import Snapshot
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.duplicates.shingles import jaccard
from monitor.core.measures.answers import CORPUS_NOT_KEPT
from monitor.core.measures.comparison.facts import CorpusFacts
from monitor.core.measures.comparison.seen import Observation
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.report import DriftReport
from monitor.core.reporting.drift import Drift, SegmentScope
from tests.core.measures.comparison.worlds import ANCHORS, DEPTHS, LEGS, NAMES, World, drift, listed, one, weighted
from tests.core.snapshots import FINGERPRINT, anchor_set, plain, seen, snapshot

Said = Mapping[str, range]
FIRST_TEN = {"a": range(10)}
"""What the first answer says, as ten shingles."""


class Known(CorpusFacts):
    """Chunks and their shingles; the corpus has those named and no others."""

    def __init__(self, sets: Said) -> None:
        super().__init__(Corpus(0), Duplicates(MinHashBands()))
        self._sets = {chunk_key(name): _set(of) for name, of in sets.items()}

    def shingles(self, key: int) -> NDArray[np.uint32]:
        return self._sets.get(key, _set(range(0)))

    def texts(self, keys: NDArray[np.int64], slots: NDArray[np.int64]) -> SetLists:
        del slots
        return SetLists.of(keys, NO_CHUNK, lambda distinct: Sets.of([self.shingles(key) for key in distinct]))

    def holds(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        starts, lengths = asked.sets.starts[places].tolist(), asked.sets.lengths[places].tolist()
        sets = [asked.sets.flat[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        return np.array([any(jaccard(of, one) >= 0.8 for one in self._sets.values()) for of in sets], np.bool_)


def _set(of: range) -> NDArray[np.uint32]:
    return np.array(of, np.uint32)


def looked(now: str, hashes: Mapping[str, str], texts: Said, *, then: str = "abc") -> DriftReport:
    """Of one anchor whose first answer says `FIRST_TEN`, at 2."""
    anchors = anchor_set([()])
    before = replace(
        snapshot(anchors, {"lexical": plain(then)}, hashes={name: f"says {name}" for name in "abc"}),
        shingles={chunk_key(name): _set(of) for name, of in FIRST_TEN.items()},
    )
    view = replace(seen({"lexical": plain(now)}, hashes=hashes), facts=Known(texts))
    return Drift(anchors, FINGERPRINT, SegmentScope((), 9, 1), (2,), {}).evaluate(before, None, view)


def measured(now: str, hashes: Mapping[str, str], texts: Said, *, then: str = "abc") -> tuple[float, float, float]:
    """Kept, gone and displaced."""
    report = looked(now, hashes, texts, then=then)
    kept, gone, displaced = (
        one(report, f"{name}_answers_ratio", "lexical", 2).value for name in ("kept", "gone", "displaced")
    )
    return kept, gone, displaced


KEPT, GONE, DISPLACED = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("what", "now", "hashes", "texts", "expected"),
    [
        ("untouched", "abc", {"a": "says a"}, FIRST_TEN, KEPT),
        ("second now", "bac", {"a": "says a"}, FIRST_TEN, KEPT),
        ("renamed", "xbc", {"x": "says a"}, {"x": range(10)}, KEPT),
        ("third: outside of the top two", "bca", {"a": "says a"}, FIRST_TEN, DISPLACED),
        ("out of the list, still there", "bcx", {"a": "says a"}, FIRST_TEN, DISPLACED),
        ("out of the list, a copy is there", "bcx", {"y": "says y"}, {"y": range(9)}, DISPLACED),
        ("deleted", "bcx", {}, {}, GONE),
        ("a near copy", "xbc", {"x": "says x"}, {"x": range(9)}, KEPT),
        ("cut in two, both found", "xyb", {}, {"x": range(3), "y": range(3, 6)}, KEPT),
        ("cut in two, one found", "xbc", {}, {"x": range(3), "y": range(3, 6)}, GONE),
        ("half of it in another chunk", "xbc", {}, {"x": range(5)}, KEPT),
        ("less than half of it in another chunk", "xbc", {}, {"x": range(4)}, GONE),
        ("edited where it stands", "abc", {"a": "other"}, {"a": range(7, 20)}, KEPT),
        ("an error page under its id", "abc", {"a": "other"}, {"a": range(8, 20)}, GONE),
        ("emptied under its id", "abc", {"a": "empty"}, {}, GONE),
        ("edited and pushed out", "bcx", {"a": "other"}, {"a": range(7, 20)}, DISPLACED),
        ("the list is empty now", "", {}, {}, GONE),
    ],
)
def test_table(what: str, now: str, hashes: dict[str, str], texts: Said, expected: tuple[float, ...]) -> None:
    assert measured(now, hashes, texts) == expected, what


def test_nothing_to_lose_is_nothing_lost_and_what_is_not_known_has_no_value() -> None:
    assert measured("xyz", {}, {}, then="") == KEPT
    assert all(map(math.isnan, measured("-", {}, {})))
    assert all(map(math.isnan, measured("abc", {}, {}, then="-")))


def test_a_text_without_words_is_told_by_its_hash() -> None:
    assert measured("xbc", {"x": "says b"}, {}, then="bca") == KEPT
    assert measured("xyz", {}, {}, then="bca") == GONE
    assert measured("xyz", {"b": "says b"}, {}, then="bca") == DISPLACED


def test_the_first_three_are_counted_one_by_one() -> None:
    anchors = anchor_set([()])
    before = snapshot(anchors, {"lexical": plain("abc")}, hashes={name: f"says {name}" for name in "abc"})
    view = seen({"lexical": plain("xab")}, hashes={name: f"says {name}" for name in "ab"})
    report = Drift(anchors, FINGERPRINT, SegmentScope((), 9, 1), (3, 2, 1), {}).evaluate(before, None, view)
    found = {k: one(report, "kept_top3_ratio", "lexical", k).value for k in (3, 2, 1)}
    assert found == {3: pytest.approx(2 / 3), 2: 0.5, 1: 0.0}


def test_of_kept_lists_the_split_is_not_known() -> None:
    anchors = anchor_set([()])
    before = snapshot(anchors, {"lexical": plain("abc")}, hashes={"a": "says a"})
    report = Drift(anchors, FINGERPRINT, SegmentScope((), 9, 1), (2,), {}).evaluate(
        before, None, seen({"lexical": plain("xyz")})
    )
    assert one(report, "kept_answers_ratio", "lexical", 2).value == 0.0
    for name in ("gone_answers_ratio", "displaced_answers_ratio"):
        said = one(report, name, "lexical", 2)
        assert math.isnan(said.value)
        assert said.reason == CORPUS_NOT_KEPT


@pytest.mark.parametrize("moved", [False, True])
def test_the_pinned_baseline_has_its_own_answers(moved: bool) -> None:
    """Each step keeps the answers of the step before; those of the pinned baseline are gone."""
    anchors = anchor_set([(), ()])
    hashes = {name: f"says {name}" for name in "abcxyz"}
    first = snapshot(anchors, {"lexical": plain("abc", "bca")}, hashes=hashes, name="pinned")
    second = snapshot(anchors, {"lexical": plain("xyz", "bca")}, hashes=hashes, name="moving")
    view = seen({"lexical": plain("xyz" if moved else "abc", "bca")}, hashes=hashes)
    report = Drift(anchors, FINGERPRINT, SegmentScope((), 9, 1), (3,), {}).evaluate(second, first, view)
    assert one(report, "kept_answers_ratio", "lexical", 3).value == (1.0 if moved else 0.5)
    assert one(report, "pinned_kept_answers_ratio", "lexical", 3).value == (0.5 if moved else 1.0)


def slow(world: World, before: Snapshot, view: Observation, leg: str, k: int) -> tuple[list[float], ...]:
    """Kept, of the first three, gone and displaced of each anchor, from the words of the definitions."""
    made: tuple[list[float], ...] = ([], [], [], [])
    for row in range(ANCHORS):
        then, now = listed(before.lists[leg], row, 4), listed(view.lists[leg], row, k)  # type: ignore[index]
        if then is None or now is None:
            for of in made:
                of.append(math.nan)
            continue
        stands = [_stands(before, view, name, then, now) for name in then[: min(3, k)]]
        kept = not then or stands[0]
        lives = bool(then) and _lives(world, before, view, then[0])
        made[0].append(float(kept))
        made[1].append(sum(stands) / len(stands) if stands else 1.0)
        made[2].append(float(not kept and not lives))
        made[3].append(float(not kept and lives))
    return made


def _stands(before: Snapshot, view: Observation, name: str, then: list[str], now: list[str]) -> bool:
    key = chunk_key(name)
    member = before.members.get(key)
    if any(_says(view, other) == (member.content_hash if member else f"unknown {key}") for other in now):
        return True
    own = _then(before, name)
    sets = {other: set(view.facts.shingles(chunk_key(other)).tolist()) for other in now}
    if not own or not (_half(set().union(*sets.values()), own) or len(own & sets.get(name, set())) / len(own) >= 0.3):
        return False
    listed = {other: _then(before, other) for other in then if other != name}
    beside = {
        other: said
        for other, said in listed.items()
        if not own <= said and (_document(before, other) != _document(before, name) or _alike(own, said) >= 0.8)
    }
    held: set[int] = set()
    for other, said in sets.items():
        if own <= said:
            return True
        like, stood = _alike(own, said), _stood(before, view, other)
        nearer = any(_alike(said, of) > like for of in beside.values())
        if other == name and not stood and not nearer and len(own & said) / len(own) >= 0.3:
            return True
        if stood and (view.facts.origins([chunk_key(other)])[0][1] != _document(before, name) or like >= 0.8):
            continue
        if other in beside and not _half(own & said, own - beside[other]):
            continue
        held |= own & said
        alone = own - set().union(*beside.values()) or own
        near = [own - of for of in beside.values() if _alike(own, of) >= 0.8]
        if len(held) / len(own) >= 0.3 and all(_half(held, of) for of in (alone, *near)):
            return True
    return False


def _then(before: Snapshot, name: str) -> set[int]:
    return set(before.shingles.get(chunk_key(name), np.zeros(0)).tolist())


def _document(before: Snapshot, name: str) -> str:
    member = before.members.get(chunk_key(name))
    return member.doc_id if member else name


def _alike(one: set[int], other: set[int]) -> float:
    return len(one & other) / max(1, len(one | other))


def _half(held: set[int], of: set[int]) -> bool:
    return 2 * len(held & of) >= len(of)


def _stood(before: Snapshot, view: Observation, name: str) -> bool:
    """Whether the chunk is as it was, or some chunk in the baseline's lists said what it says."""
    key = chunk_key(name)
    came = [row.key for row in view.facts.changes(before).came([key])]
    said = {member.content_hash for member in before.members.values()}
    return (key in view.hashes and not came) or view.hashes.get(key) in said


def _says(view: Observation, name: str) -> str:
    return view.hashes.get(chunk_key(name)) or f"unknown {chunk_key(name)}"


def _lives(world: World, before: Snapshot, view: Observation, name: str) -> bool:
    own, member = _then(before, name), before.members.get(chunk_key(name))
    if not own or member is None:
        return False
    rows = [row for leg in LEGS for at in range(ANCHORS) if (row := listed(before.lists[leg], at, 4))]
    listed_beside = {other for row in rows if row[0] == name for other in row}
    hashes = {of: before.members[chunk_key(of)].content_hash for of in NAMES if chunk_key(of) in before.members}
    others = [_then(before, other) for other in listed_beside if hashes.get(other) != member.content_hash]
    beside = [of for of in others if 0.0 < _alike(own, of) < 1.0]
    crowded = any(_alike(own, of) >= 0.8 for of in beside)
    for text in world.texts:
        said = set(view.facts.shingles(chunk_key(text)).tolist())
        like = _alike(own, said)
        if like >= (1.0 if crowded else 0.8):
            return True
        foreign = view.hashes.get(chunk_key(text)) in hashes.values()
        nearer = any(_alike(of, said) > like for of in beside)
        if text == name and not foreign and not nearer and len(own & said) / len(own) >= 0.3:
            return True
    return False


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_kept_from_turn_to_turn_equals_afresh_and_by_hand(seed: int, turns: int) -> None:
    world = World(seed)
    before, known = world.snapshot(), drift()
    for _ in range(turns):
        view = world.turn()
        report = known.evaluate(before, None, view)
        assert repr(report) == repr(drift().evaluate(before, None, view))
        for leg in LEGS:
            for k in DEPTHS:
                expected = slow(world, before, view, leg, k)
                names = ("kept_answers_ratio", "kept_top3_ratio", "gone_answers_ratio", "displaced_answers_ratio")
                for name, values in zip(names, expected, strict=True):
                    found = one(report, name, leg, k).value
                    assert found == pytest.approx(weighted(values), nan_ok=True), (name, leg, k)


@pytest.mark.parametrize(
    ("what", "now", "hashes", "texts", "results", "first"),
    [
        ("untouched", "abc", {"a": "says a", "b": "says b"}, FIRST_TEN, 0.0, 0.0),
        ("other places", "bac", {"a": "says a", "b": "says b"}, FIRST_TEN, 0.0, 0.0),
        ("renamed", "xbc", {"x": "says a", "b": "says b"}, {"x": range(10)}, 0.0, 0.0),
        ("cut in two, both found", "xyb", {}, {"x": range(5), "y": range(5, 10)}, 0.0, 0.0),
        ("grown into a longer text", "xbc", {"b": "says b"}, {"x": range(40)}, 0.0, 0.0),
        ("edited where it stands", "abc", {"a": "other", "b": "says b"}, {"a": range(7, 30)}, 0.0, 0.0),
        ("another text in its place", "abc", {"a": "other", "b": "says b"}, {"a": range(8, 30)}, 1.0, 1.0),
        ("emptied", "abc", {"a": "empty", "b": "says b"}, {}, 1.0, 1.0),
        ("a stranger first", "xab", {"a": "says a", "x": "says x"}, {**FIRST_TEN, "x": range(50, 60)}, 1.0, 1.0),
        ("what stood third", "cab", {"a": "says a", "c": "says c"}, FIRST_TEN, 1.0, 0.0),
        ("nothing", "", {}, {}, 0.0, 0.0),
    ],
)
def test_new_results(what: str, now: str, hashes: dict[str, str], texts: Said, results: float, first: float) -> None:
    """At 2: `new_results`; and of the first against all three then `new_first_ratio`."""
    report = looked(now, hashes, texts)
    assert one(report, "new_results", "lexical", 2).value == results, what
    assert one(report, "new_first_ratio", "lexical", 0).value == first, what


def test_new_results_of_an_unknown_list_are_not_known() -> None:
    assert math.isnan(one(looked("-", {}, {}), "new_results", "lexical", 2).value)
