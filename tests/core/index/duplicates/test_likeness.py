"""Near copies within rows: all pairs by `shingles.clusters` are the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists
from monitor.core.arrays.sorted_sets import Sets as Flat
from monitor.core.index.duplicates.likeness import Likeness
from monitor.core.index.duplicates.shingles import NO_SHINGLES, clusters
from monitor.core.model.lists import NO_CHUNK

Sets = dict[int, NDArray[np.uint32]]


def made(*sets: set[int]) -> Sets:
    """Contents 0, 1, ... of these shingles."""
    return {at: np.array(sorted(of), np.uint32) for at, of in enumerate(sets)}


def known(sets: Sets) -> Likeness:
    likeness, contents = Likeness(), np.array([sorted(sets)], np.int64)
    for part in np.array_split(contents, 2, axis=1):  # learnt in two goes
        likeness.know(part, texts(part, sets))
    return likeness


def texts(contents: NDArray[np.int64], sets: Sets) -> SetLists:
    return SetLists.of(contents, NO_CHUNK, lambda keys: Flat.of([sets.get(key, NO_SHINGLES) for key in keys]))


def all_pairs(row: list[int], sets: Sets) -> list[int]:
    """Single linkage over every pair, by the function that takes its time."""
    there = [content for content in row if content != NO_CHUNK]
    found = clusters([sets[content] for content in there], [str(content) for content in there])
    named = iter([there[int(at)] for at in found])
    return [NO_CHUNK if content == NO_CHUNK else next(named) for content in row]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Sets, list[list[int]]]:
    """Sets a few shingles apart from each other, empty ones too, and rows of them with repeats and gaps."""
    count, size = draw(st.integers(1, 8)), draw(st.integers(0, 24))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    sets = {}
    for at in range(count):
        base = set(range(size))
        for _ in range(int(generator.integers(0, 6))):
            base ^= {int(generator.integers(0, size + 6))}
        sets[at] = np.array(sorted(base), np.uint32)
    row = st.lists(st.sampled_from([*range(count), NO_CHUNK]), min_size=6, max_size=6)
    return sets, draw(st.lists(row, min_size=1, max_size=4))


@settings(max_examples=150)
@given(crowds())
def test_clusters_are_those_of_all_pairs(crowd: tuple[Sets, list[list[int]]]) -> None:
    sets, rows = crowd
    assert known(sets).clusters(np.array(rows, np.int64)).tolist() == [all_pairs(row, sets) for row in rows]


@settings(max_examples=100)
@given(crowds(), st.integers(0, 6))
def test_two_sides_are_clustered_together_where_they_differ(crowd: tuple[Sets, list[list[int]]], cut: int) -> None:
    sets, rows = crowd
    both = np.array([*rows, *([*row[:3], *row[:3]] for row in rows)], np.int64)
    then, now = known(sets).joined(both[:, :cut], both[:, cut:])
    for at, row in enumerate(both.tolist()):
        same = row[:cut] == row[cut:]
        assert [*then[at].tolist(), *now[at].tolist()] == (row if same else all_pairs(row, sets))


def test_the_limit_itself_is_alike() -> None:
    """Four of five shingles shared is a similarity of 0.8; three of five with one more each is not."""
    sets = made({1, 2, 3, 4}, {1, 2, 3, 4, 5}, {1, 2, 3, 6, 7})
    assert known(sets).clusters(np.array([[0, 1, 2]])).tolist() == [[0, 0, 2]]


def test_likeness_links_over_others() -> None:
    chain = [set(range(at, at + 20)) for at in range(0, 6, 2)]  # neighbours share 18 of 22, ends 16 of 24
    sets = made(*chain)
    likeness = known(sets)
    assert likeness.clusters(np.array([[0, 2, NO_CHUNK]])).tolist() == [[0, 2, NO_CHUNK]]
    assert likeness.clusters(np.array([[2, 0, 1]])).tolist() == [[2, 2, 2]]


def test_what_is_not_known_is_like_itself_alone() -> None:
    likeness = known(made({1, 2, 3}, set()))
    assert likeness.clusters(np.array([[7, 0, 7, 1, 1, 8]])).tolist() == [[7, 0, 7, 1, 1, 8]]


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_at_all(rows: int) -> None:
    nothing = np.full((rows, 4), NO_CHUNK, np.int64)
    assert Likeness().clusters(nothing).tolist() == nothing.tolist()


def test_what_was_forgotten_is_made_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = made({1, 2, 3, 4}, {1, 2, 3, 4, 5})
    likeness = known(sets)
    likeness.trim()
    assert (likeness.forgotten, likeness.clusters(np.array([[0, 1]])).tolist()) == (0, [[0, 0]])
    monkeypatch.setattr("monitor.core.index.duplicates.likeness._MOST", 1)
    likeness.trim()
    assert (likeness.forgotten, likeness.clusters(np.array([[0, 1]])).tolist()) == (1, [[0, 1]])
    likeness.know(np.array([[0, 1]]), texts(np.array([[0, 1]]), sets))
    assert likeness.clusters(np.array([[0, 1]])).tolist() == [[0, 0]]
