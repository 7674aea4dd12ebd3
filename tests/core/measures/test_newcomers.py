"""New hubs, against counting by hand."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import align
from monitor.core.measures.comparison.facts import Facts
from monitor.core.measures.newcomers import NewChunks, Newcomers, NewcomersOf, _Shares, _shares_of
from monitor.core.model.lists import NO_CHUNK, RankedLists
from tests.core.measures.formulas.rows import lists
from tests.core.snapshots import anchor_set, snapshot

LISTS = st.integers(0, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(1, 9), max_size=4, unique=True).map(lambda row: row + [NO_CHUNK] * (4 - len(row))),
        min_size=n,
        max_size=n,
    )
)


@given(LISTS, st.dictionaries(st.integers(1, 9), st.sampled_from("abc"), max_size=6))
def test_shares_of_documents_are_what_counting_finds(rows: list[list[int]], documents: dict[int, str]) -> None:
    keys = np.array(rows, np.int64).reshape(len(rows), 4)
    made = _shares_of(keys, documents)
    lists: dict[str, set[int]] = defaultdict(set)
    single: dict[int, int] = defaultdict(int)
    for at, row in enumerate(rows):
        for key in row:
            if key in documents:
                lists[documents[key]].add(at)
                single[key] += 1
    most = {name: max(count for key, count in single.items() if documents[key] == name) / len(rows) for name in lists}
    held = {name: len({key for key in single if documents[key] == name}) for name in lists}
    numbers = zip(made.share.tolist(), made.one.tolist(), made.chunks.tolist(), strict=True)
    of_documents = dict(zip(made.places, numbers, strict=True))
    assert of_documents == {name: (len(of) / len(rows), most[name], held[name]) for name, of in lists.items()}
    for name, (share, one, chunks) in of_documents.items():
        among = [len(of) / len(rows) for other, of in lists.items() if held[other] <= chunks]
        excess = made.excess(made)[made.places[name]]
        assert excess == max(share - max(among), one - max(most.values()))
    less = _Shares(made.share / 2, made.one / 2, made.chunks, made.places)
    for name, (share, one, _) in of_documents.items():
        assert less.excess(made, name)[made.places[name]] <= max(share / 2, one - max(most.values()) / 2)


def newcomers(then: list[list[int]], now: list[list[int]], documents: dict[int, str]) -> Newcomers:
    """Chunks from 100 on are new."""
    before, after = (np.array(rows, np.int64) for rows in (then, now))
    names = sorted({key for row in now for key in row if key >= 100})
    earlier = _shares_of(before, documents)
    new = np.array([[names.index(key) if key >= 100 else -1 for key in row] for row in now], np.int64)
    return Newcomers("dense", after.shape[1], after, new, NewChunks((documents[key], ()) for key in names), earlier)


DOCUMENTS = {1: "large", 2: "large", 3: "small", 100: "hub", 101: "hub", 102: "large", 103: "page"}
THEN = [[1, 3]] * 10 + [[2, 3]] * 10 + [[1, 2]] * 20


@pytest.mark.parametrize(
    ("case", "now", "expected"),
    [
        ("nothing is new", THEN, {}),
        ("as many lists as the one document of its size had", [[1, 100]] * 20 + [[1, 2]] * 20, {}),
        ("three more are chance", [[1, 100]] * 23 + [[1, 2]] * 17, {}),
        ("more than that", [[1, 100]] * 25 + [[1, 2]] * 15, {"hub": 2 / 40}),
        ("one of two chunks is measured by those that had two", [[100, 101]] * 30 + [[1, 2]] * 10, {}),
        ("new chunks of what was found as often are no newcomer", [[1, 102]] * 30 + [[1, 2]] * 10, {}),
    ],
)
def test_a_hub_is_measured_by_documents_of_its_size(
    case: str, now: list[list[int]], expected: dict[str, float]
) -> None:
    """`large` stood in all forty lists with two chunks, `small` in twenty with one; no chunk in more than thirty."""
    found = newcomers(THEN, now, DOCUMENTS)
    assert {of.document: pytest.approx(of.excess) for of in found.documents} == expected, case
    assert found.excess == max(expected.values(), default=0.0)


class Came(NamedTuple):
    """A chunk that came, as `ChangesSinceBaseline.came` has it."""

    key: int
    content_hash: str
    doc_id: str
    segment: tuple[tuple[str, str], ...]


class Events:
    """Facts that know of every chunk from 100 on that it came, with another document each time it changes."""

    events = True

    def __init__(self) -> None:
        self.versions: dict[int, int] = defaultdict(int)
        self.asked = 0

    def changes(self, _: Snapshot) -> "Events":
        return self

    def came(self, keys: Sequence[int]) -> Iterator[Came]:
        assert len(set(keys)) == len(keys)
        self.asked += 1
        for key in keys:
            if key >= 100:
                yield Came(key, f"{key}.{self.versions[key]}", f"doc{(key + self.versions[key]) % 3}", (("of", "a"),))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_kept_of_the_moment_before_is_what_is_found_anew(seed: int) -> None:
    """All legs' new chunks are asked for at once, and only where a slot or its chunk is another one."""
    draw, facts = np.random.default_rng(seed), Events()

    def drawn() -> RankedLists:
        keys = [draw.permutation(np.arange(95, 108))[: draw.integers(0, 4)].tolist() for _ in range(12)]
        return lists([None if draw.random() < 0.1 else [(key, 0.5) for key in row] for row in keys], 3)

    now: dict[ListLeg, RankedLists] = {"dense": drawn(), "lexical": drawn()}
    asked = anchor_set([()] * 12)
    before = snapshot(asked, dict(now), hashes={"a": "a"})
    alignment = align(asked, before, (), cap=9, min_anchors=1)
    kept, turns = NewcomersOf(before, alignment, 3), 4
    for _ in range(turns):
        facts.asked, changed = 0, draw.permutation(np.arange(95, 108))[: draw.integers(0, 3)]
        for key in changed.tolist():
            facts.versions[key] += 1
        for leg in now:
            rows = np.flatnonzero(draw.random(12) < 0.2)
            now[leg] = now[leg].replaced(rows, drawn().take(rows))
        found = list(kept.found(now, cast("Facts", facts), changed))
        assert facts.asked <= 1
        fresh = list(NewcomersOf(before, alignment, 3).found(now, cast("Facts", facts)))
        for one, other in zip(found, fresh, strict=True):
            assert (one.leg, one.documents, one.measurement()) == (other.leg, other.documents, other.measurement())
            assert (one.new >= 0).tolist() == (one.lists >= 100).tolist()
    again = list(kept.found(now, cast("Facts", facts), np.zeros(0, np.int64)))
    assert all(one is other for one, other in zip(again, found, strict=True))
