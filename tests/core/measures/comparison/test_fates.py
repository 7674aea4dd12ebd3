"""Depths at which lists hold a text, and what the corpus has of lost ones: kernels against a slow look."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import NOWHERE, Enough, SetLists, Sets, Sieves, held_at, mark_shared, sift
from monitor.core.index.duplicates.kernels_buckets import NONE
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.near import NearCopies
from monitor.core.measures.answers import SAME_PLACE, SPREAD

Shingles = NDArray[np.uint32]
Row = tuple[Shingles, list[tuple[Shingles, bool]]]
"""A text and the list it is looked for in, with whether each of it is the same thing."""
ELEMENTS = st.sampled_from([*range(9), 256, 257, 512])
"""Those 256 apart share a place in a sieve."""
TEXTS = st.sets(ELEMENTS, max_size=8).map(lambda of: np.array(sorted(of), np.uint32))
LISTS = st.lists(st.tuples(TEXTS, st.booleans()), max_size=5)


def looked(own: Shingles, others: list[tuple[Shingles, bool]]) -> int:
    """The least depth at which results hold enough of an answer."""
    held = np.zeros(len(own), np.bool_)
    for depth, (other, same) in enumerate(others if len(own) else [], start=1):
        share = mark_shared(own, other, held) / len(own)
        if held.mean() >= SPREAD or (same and share >= SAME_PLACE):
            return depth
    return NOWHERE


def known(own: Shingles, then: list[tuple[Shingles, bool]]) -> bool:
    """Whether a result now says what results then did: together, or one of them, or it is one of them edited."""
    held = np.zeros(len(own), np.bool_)
    for said, same in then:
        shared = mark_shared(own, said, held)
        if len(own) and len(said) and shared / len(said) >= (SAME_PLACE if same else SPREAD):
            return True
    return bool(len(own)) and float(held.mean()) >= SPREAD


def depths(rows: list[Row], *, theirs: bool) -> list[int]:
    """All rows at once, by the kernel."""
    texts: list[Shingles] = []
    places, same = np.full((len(rows), 5), -1), np.zeros((len(rows), 5), np.bool_)
    for row, (_, there) in enumerate(rows):
        for at, (other, is_same) in enumerate(there):
            places[row, at], same[row, at] = len(texts), is_same
            texts.append(other)
    every = np.arange(len(rows))
    own = SetLists(Sets.of([mine for mine, _ in rows]), every[:, None])
    enough = Enough(SPREAD, SPREAD, SAME_PLACE, theirs)
    lists = SetLists(Sets.of(texts), places)
    sieves = Sieves(np.zeros((len(rows), 4), np.uint64), every, True)
    sift(sieves, lists)
    exact = sieves.bits.copy()
    sieves.bits[::2, ::3] = 2**64 - 1  # of what stood there once
    slots = every, np.zeros_like(every)
    found: list[int] = held_at(own, lists, sieves, slots, same, enough).tolist()
    assert found == held_at(own, lists, Sieves(exact, every, False), slots, same, enough).tolist()
    return found


@given(st.lists(st.tuples(TEXTS, LISTS), max_size=6))
def test_an_answer_is_held_where_a_slow_look_finds_it(rows: list[Row]) -> None:
    assert depths(rows, theirs=False) == [looked(*row) for row in rows]


@given(st.lists(st.tuples(TEXTS, LISTS), max_size=6))
def test_a_result_is_known_from_the_depth_on_at_which_a_slow_look_knows_it(rows: list[Row]) -> None:
    found = depths(rows, theirs=True)
    for k in range(6):
        assert [depth <= k for depth in found] == [known(own, then[:k]) for own, then in rows]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_the_corpus_holds_what_has_a_nearest_set(seed: int) -> None:
    """Sets come and go between questions; those asked about were made ready before any came."""
    random = np.random.default_rng(seed)
    pool = [np.sort(random.choice(60, random.integers(12, 20), replace=False)).astype(np.uint32) for _ in range(4)]
    pool += [np.delete(of, 3) for of in pool]
    asked = [*pool, np.zeros(0, np.uint32), np.arange(500, 520, dtype=np.uint32)]
    copies, live = NearCopies(MinHashBands(), 0.8), np.zeros(0, np.int64)
    ready, there = copies.asking(asked), set[int]()
    for turn in range(4):
        wanted = copies.nearest(asked) != NONE
        some = random.choice(len(asked), int(random.integers(len(asked) + 1)), replace=False)
        assert copies.holds(ready, some).tolist() == wanted[some].tolist()
        equal = [any(np.array_equal(asked[at], copies.slab.get(handle)) for handle in there) for at in some]
        assert copies.holds(ready._replace(least=1.0), some).tolist() == equal
        fresh = np.arange(3) + 3 * turn
        chosen = [pool[int(random.integers(len(pool)))] for _ in fresh]
        copies.slab.put(fresh, np.concatenate(chosen), np.array([len(of) for of in chosen], np.int64))
        copies.update(live[:2], fresh)
        there = there - {*live[:2].tolist()} | {*fresh.tolist()}
        live = fresh
    assert copies.holds(copies.asking([]), np.zeros(0, np.int64)).tolist() == []
