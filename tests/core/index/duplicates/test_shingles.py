"""Shingles, their slab, exact Jaccard and clusters, against Python sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.index.duplicates.kernels_buckets import common
from monitor.core.index.duplicates.kernels_shingles import _sort, cut
from monitor.core.index.duplicates.shingles import WIDTH, clusters, jaccard, shingle
from monitor.core.index.duplicates.slab import ShingleSlab
from tests.core.index.duplicates import twins

HASHES = mix(np.arange(1, 41, dtype=np.uint64))
IDS = st.lists(st.integers(0, 39), max_size=12)


def texts(rows: list[list[int]]) -> list[NDArray[np.int32]]:
    return [np.array(row, np.int32) for row in rows]


def windows(row: list[int], width: int) -> set[tuple[int, ...]]:
    if not row:
        return set()
    return {tuple(row[at : at + width]) for at in range(max(1, len(row) - width + 1))}


def as_set(row: list[int]) -> NDArray[np.uint32]:
    return shingle(texts([row]), HASHES, [""]).shingles


@settings(deadline=None)
@given(st.lists(IDS, max_size=8), st.integers(1, 5))
def test_there_is_one_shingle_per_distinct_window(rows: list[list[int]], width: int) -> None:
    made = shingle(texts(rows), HASHES, [""] * len(rows), width)
    assert made.counts.tolist() == [len(windows(row, width)) for row in rows]
    ends = np.cumsum(made.counts)
    for row, end, count in zip(rows, ends, made.counts, strict=True):
        own = made.shingles[end - count : end]
        assert own.tolist() == sorted(set(own.tolist()))
        np.testing.assert_array_equal(own, shingle(texts([row]), HASHES, [""], width).shingles)


CHARACTERS = st.text("👈📄✨—-*_\ufe0f\u200d \n\t", max_size=12)
NO_WORDS = np.zeros(0, np.int32)


def seen(text: str) -> list[int]:
    """Code points of what a reader sees, by the alphabet of `CHARACTERS`."""
    return [ord(one) for one in text if one not in "\ufe0f\u200d \n\t"]


@settings(deadline=None)
@given(CHARACTERS, CHARACTERS)
def test_texts_without_words_are_told_by_their_characters(left: str, right: str) -> None:
    made = shingle([NO_WORDS, NO_WORDS], HASHES, [left, right])
    one, other = windows(seen(left), WIDTH), windows(seen(right), WIDTH)
    assert made.counts.tolist() == [len(one), len(other)]
    assert (made.texts[0] == made.texts[1]) == (seen(left) == seen(right))
    found = jaccard(made.shingles[: len(one)], made.shingles[len(one) :])
    assert found == (len(one & other) / len(one | other) if one and other else 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(IDS, CHARACTERS), max_size=8))
def test_texts_with_and_without_words_come_in_one_batch(rows: list[tuple[list[int], str]]) -> None:
    made = shingle(texts([row for row, _ in rows]), HASHES, [text for _, text in rows])
    alone = [shingle(texts([row]), HASHES, [text]) for row, text in rows]
    assert made.shingles.tolist() == [one for of in alone for one in of.shingles.tolist()]
    for found, expected in ((made.counts, "counts"), (made.texts, "texts"), (made.sets, "sets")):
        assert found.tolist() == [getattr(of, expected)[0] for of in alone]


def test_characters_beside_words_do_not_count() -> None:
    plain, adorned = text_shingles(["read the page", "👉 read — the page ✨"])
    np.testing.assert_array_equal(plain, adorned)


def plain(rows: list[list[int]], width: int, hashes: NDArray[np.uint64] = HASHES) -> tuple[NDArray[np.generic], ...]:
    """What `cut` makes, in numpy."""
    words = hashes[np.array([number for row in rows for number in row], np.int64)]
    pieces, sequences = twins.roll(words, np.array([len(row) for row in rows], np.int64), width)
    shingles, counts, sets = twins.fold(np.sort(pieces), len(rows))
    return shingles, counts, sequences, sets


def compiled(
    rows: list[list[int]], width: int, hashes: NDArray[np.uint64] = HASHES
) -> tuple[NDArray[np.generic], ...]:
    flat = np.array([number for row in rows for number in row], np.int32)
    return cut(flat, np.array([len(row) for row in rows], np.int64), hashes, width)


@settings(deadline=None)
@given(st.lists(IDS, max_size=8), st.integers(1, 5))
def test_compiled_and_plain_kernels_are_equal(rows: list[list[int]], width: int) -> None:
    for found, expected in zip(compiled(rows, width), plain(rows, width), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("words", [1, 3, 40, 100_000])
@pytest.mark.parametrize("length", [17, 150, 5_000, 20_000])
def test_long_texts_are_sorted_whether_they_repeat_themselves_or_not(words: int, length: int) -> None:
    hashes = mix(np.arange(words, dtype=np.uint64))
    rows = np.random.default_rng(length).integers(0, words, (2, length)).tolist()
    for found, expected in zip(compiled(rows, WIDTH, hashes), plain(rows, WIDTH, hashes), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 300, 9_000])
@pytest.mark.parametrize("top", [0, 1 << 4, 1 << 12, 1 << 25, 1 << 32])
def test_hashes_that_were_chosen_are_sorted_too(size: int, top: int) -> None:
    """All in one part, or a few."""
    pieces = np.random.default_rng(top).integers(0, top + 1, size).astype(np.uint32)
    ranked, expected = np.empty_like(pieces), np.sort(pieces)
    _sort(pieces, ranked, size, np.empty(1 << 12, np.int64))
    np.testing.assert_array_equal(ranked, expected)


@settings(deadline=None)
@given(IDS, IDS)
def test_jaccard_is_that_of_the_windows(left: list[int], right: list[int]) -> None:
    one, other = windows(left, WIDTH), windows(right, WIDTH)
    expected = len(one & other) / len(one | other) if one and other else 0.0
    assert jaccard(as_set(left), as_set(right)) == expected
    assert jaccard(as_set(right), as_set(left)) == expected


@settings(deadline=None)
@given(IDS, IDS)
def test_hashes_are_equal_exactly_for_equal_sequences_and_sets(left: list[int], right: list[int]) -> None:
    made = shingle(texts([left, right]), HASHES, ["", ""])
    assert (made.texts[0] == made.texts[1]) == (left == right)
    assert (made.sets[0] == made.sets[1]) == (windows(left, WIDTH) == windows(right, WIDTH))


def test_token_ids_do_not_matter_only_their_hashes() -> None:
    ids = [3, 1, 4, 1, 5, 9, 2, 6]
    renamed = np.random.default_rng(0).permutation(40)
    hashes = np.empty_like(HASHES)
    hashes[renamed] = HASHES
    made = shingle(texts([ids, renamed[ids].tolist()]), HASHES, ["", ""])
    other = shingle(texts([renamed[ids].tolist()]), hashes, [""])
    np.testing.assert_array_equal(made.shingles[: made.counts[0]], other.shingles)
    assert made.texts[0] == other.texts[0]
    assert made.sets[0] == other.sets[0]


def test_hashes_stay_what_stored_baselines_hold() -> None:
    made = shingle(texts([[0, 1, 2, 3]]), HASHES, [""])
    assert made.shingles.tolist() == [133285585, 666461870]
    assert (int(made.texts[0]), int(made.sets[0])) == (9189178915725403607, 14565449710390026266)
    plain = shingle([NO_WORDS], HASHES, ["👉 ✨📄\n—"])
    assert plain.shingles.tolist() == [1319450337, 2691718110]
    assert (int(plain.texts[0]), int(plain.sets[0])) == (13616745825746868859, 5134384848344743046)


@pytest.mark.parametrize(
    ("edits", "near"), [(0, True), (1, True), (4, True), (6, False)], ids=["copy", "one", "four", "six"]
)
def test_four_edited_words_in_120_are_still_a_copy(edits: int, near: bool) -> None:
    changed = list(range(120))
    hashes = mix(np.arange(1, 400, dtype=np.uint64))
    for at in range(edits):
        changed[10 + 18 * at] = 300 + at
    made = [shingle(texts([row]), hashes, [""]).shingles for row in (list(range(120)), changed)]
    assert (jaccard(*made) >= 0.8) is near


def test_a_short_text_is_like_its_equal_only() -> None:
    assert jaccard(as_set([1, 2]), as_set([1, 2])) == 1.0
    assert jaccard(as_set([1, 2]), as_set([2, 1])) == 0.0
    assert jaccard(as_set([1, 2]), as_set([1, 2, 3])) == 0.0
    assert jaccard(as_set([]), as_set([])) == 0.0


def test_clusters_join_by_hash_and_by_likeness() -> None:
    base = list(range(30))
    sets = [as_set(base), as_set([39, *base]), as_set([5, 6, 7]), as_set([8, 9, 10]), as_set([])]
    assert clusters(sets, ["a", "b", "c", "c", ""]).tolist() == [0, 0, 2, 2, 4]
    assert clusters(sets, [""] * 5, threshold=1.0).tolist() == [0, 1, 2, 3, 4]
    assert clusters([], []).tolist() == []


def test_clusters_chain() -> None:
    rows = [list(range(start, start + 30)) for start in (0, 2, 4, 6)]
    near = [jaccard(as_set(rows[0]), as_set(row)) >= 0.8 for row in rows]
    assert near == [True, True, False, False]
    assert clusters([as_set(row) for row in (rows[0], rows[3], rows[1], rows[2])], [""] * 4).tolist() == [0] * 4


SETS = st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=9)


@settings(deadline=None)
@given(st.lists(st.one_of(SETS, st.integers(0, 30)), max_size=60))
def test_the_slab_gives_back_what_it_was_given(actions: list[set[int] | int]) -> None:
    slab, held, free = ShingleSlab(), dict[int, list[int]](), list(range(100))
    for action in actions:
        if isinstance(action, int):
            if held:
                handle = sorted(held)[action % len(held)]
                slab.drop(np.array([handle]))
                del held[handle]
                free.append(handle)
        else:
            handle = free.pop()
            held[handle] = sorted(action)
            slab.put(np.array([handle]), np.array(held[handle], np.uint32), np.array([len(action)]))
    for handle, expected in held.items():
        assert slab.get(handle).tolist() == expected
    handles = np.array(sorted(held), np.int64)
    for left in handles:
        pairs = common(slab.sets, np.full(len(handles), left), handles)
        assert pairs.tolist() == [len(set(held[int(left)]) & set(held[int(right)])) for right in handles]


def test_the_slab_does_not_grow_with_uptime() -> None:
    slab, generator = ShingleSlab(), np.random.default_rng(0)
    counts = np.full(100, 50)
    slab.put(np.arange(100), np.repeat(np.arange(100), 50).astype(np.uint32), counts)
    touched: set[int] = set()
    for _ in range(200):
        handles = generator.choice(100, 30, replace=False)
        slab.drop(handles)
        slab.put(handles, np.repeat(handles, 50).astype(np.uint32), counts[:30])
        touched.update(handles.tolist())
    assert len(slab._flat) <= 5000 * 1.5 + 30 * 50 * 1.5
    assert len(touched) == 100
    assert all(slab.get(handle).tolist() == [handle] * 50 for handle in range(100))
