"""The compiled kernels give the integers of loops and sets."""

import numpy as np
import pytest

from monitor.core.arrays.mixing import GOLDEN, mix
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.duplicates.kernels_buckets import common
from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.digests import Digests
from monitor.core.index.statistics.features import FEATURES, Features, norms
from monitor.core.index.statistics.kernels_sums import Summands, accumulate
from monitor.core.index.statistics.sketches import ContentSketches
from monitor.core.index.statistics.sums import FeatureSums, SummedChunks
from monitor.core.index.statistics.word_samples import sampled_words


@pytest.mark.parametrize("only_changed", [True, False])
@pytest.mark.parametrize("left", [0, 80, 200])
def test_sums_are_those_of_a_loop(left: int, *, only_changed: bool) -> None:
    generator, features = np.random.default_rng(3), Features(6)
    where = np.array([[0, 1, 4], [0, 2, 4], [0, 1, 5], [0, 3, 5]])
    vectors = generator.standard_normal((200, 6)).astype(np.float32)
    vectors[generator.random(200) < 0.1] = 0
    lengths = norms(vectors)
    directions = features.directions(vectors, lengths)
    rows, changed = where[generator.integers(0, 4, 200)], generator.random((200, 3)) < 0.4
    start = generator.integers(-(1 << 40), 1 << 40, (6, 2 * FEATURES + 6))
    found, expected = start.copy(), start.copy()
    parts = Summands(directions @ features.frequencies, directions, lengths, rows, changed, left)
    accumulate(found, parts, features.cosines, features.shift, only_changed)
    for chunk in np.flatnonzero(lengths > 0).tolist():
        sign = -1 if chunk < left else 1
        mapped = features.of(directions[chunk : chunk + 1])[0]
        for row, differs in zip(rows[chunk], changed[chunk], strict=True):
            if not only_changed:
                expected[row, :FEATURES] += sign * mapped
                expected[row, 2 * FEATURES :] += sign * directions[chunk].astype(np.int64)
            if differs:
                expected[row, FEATURES : 2 * FEATURES] += sign * mapped
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("gone", "come"), [(0, 0), (0, 5), (5, 0), (30, 40), (0, 300), (300, 3), (260, 600)])
def test_what_is_exchanged_is_taken_away_and_added_however_many_there_are(gone: int, come: int) -> None:
    generator, features, counters = np.random.default_rng(gone + come), Features(7), Counters(7)
    counters.cover(3)
    sketches = ContentSketches(features)
    sums, parts = FeatureSums(features, sketches, counters), []
    expected = np.zeros_like(counters.sums)
    for count, sign in ((gone, -1), (come, 1)):
        vectors = generator.standard_normal((count, 7)).astype(np.float32)
        vectors[3:4] = 0
        rows = np.stack((np.zeros(count, np.int64), generator.integers(1, 3, count)), axis=1)
        parts.append(SummedChunks(vectors, norms(vectors), rows, generator.random((count, 2)) < 0.5))
        directions = features.directions(vectors, parts[-1].norms)
        mapped = features.of(directions) * (parts[-1].norms > 0)[:, None]
        for row, changed in zip(rows.T, parts[-1].changed.T, strict=True):
            np.add.at(expected[:, :FEATURES], row, sign * mapped)
            np.add.at(expected[:, FEATURES : 2 * FEATURES], row[changed], sign * mapped[changed])
            np.add.at(expected[:, 2 * FEATURES :], row, sign * directions.astype(np.int64))
    made = sums.exchange(*parts)
    np.testing.assert_array_equal(counters.sums, expected)
    np.testing.assert_array_equal(made, sketches.of(parts[1].vectors, parts[1].norms))


@pytest.mark.parametrize("apart", [1, 1 << 10, 1 << 20], ids=["dense", "some_end_alike", "all_end_alike"])
def test_shared_shingles_are_those_of_sets(apart: int) -> None:
    generator = np.random.default_rng(4)
    sizes = (0, 1, 5, 20, 40, 300)
    sets = [np.unique(generator.integers(0, 4000, size).astype(np.uint32) % 700 * apart) for size in sizes]
    lengths = np.array([len(one) for one in sets], np.int64)
    held = Sets(np.concatenate(sets), np.cumsum(lengths) - lengths, lengths)
    left, right = (of.ravel() for of in np.meshgrid(np.arange(6), np.arange(6)))
    expected = [
        len(set(sets[one].tolist()) & set(sets[other].tolist())) for one, other in zip(left, right, strict=True)
    ]
    assert common(held, left, right).tolist() == expected


def test_shared_shingles_are_those_of_sets_that_share_few() -> None:
    generator = np.random.default_rng(5)
    whole = generator.permutation(1 << 20)
    sets = [np.unique(whole[at * 90 : at * 90 + 100].astype(np.uint32) << 12) for at in range(30)]
    held = Sets.of(sets)
    left, right = (of.ravel() for of in np.meshgrid(np.arange(30), np.arange(30)))
    expected = [len(np.intersect1d(sets[one], sets[other])) for one, other in zip(left, right, strict=True)]
    assert max(expected[1:30]) == 10
    assert common(held, left, right).tolist() == expected


@pytest.mark.parametrize("words", [0, 1, 3, 6, 40, 4_000])
def test_sampled_words_are_the_least_of_a_quarter(words: int) -> None:
    """Texts that repeat words, have fewer than are kept, or none."""
    generator = np.random.default_rng(words)
    hashes = mix(np.arange(1, words + 1, dtype=np.uint64)) & np.uint64(
        0xFFFF_FFFF_FFFF_FFF9
    )  # half are in the quarter
    hashes[: words // 3] &= np.uint64((1 << 64) - 2)
    texts = [generator.integers(0, max(1, words), size).astype(np.int32) for size in (0, 1, 2, 5, 30, 300)]
    texts = texts if words else [text[:0] for text in texts]
    expected = []
    for text in texts:
        kept = sorted({int(hashes[of]) >> 32 for of in text if not hashes[of] & np.uint64(3)})[:4]
        expected.append(kept + [0] * (4 - len(kept)))
    assert sampled_words(texts, hashes).tolist() == expected


@pytest.mark.parametrize("dimension", [0, 1, 7, 384])
def test_digests_are_those_of_python_integers(dimension: int) -> None:
    generator = np.random.default_rng(dimension)
    vectors = generator.standard_normal((9, dimension)).astype(np.float32)
    contents = generator.integers(0, 1 << 64, 9, np.uint64)
    weights = (mix(np.arange(1, dimension + 2, dtype=np.uint64) * GOLDEN) | np.uint64(1)).tolist()
    bits = vectors.view(np.uint32).tolist() if dimension else [[]] * 9
    sums = [sum(map(int.__mul__, row, weights[:-1]), weights[-1]) % (1 << 64) for row in bits]
    expected = [
        (said + mixed) % (1 << 64)
        for said, mixed in zip(contents.tolist(), mix(np.array(sums, np.uint64)).tolist(), strict=True)
    ]
    assert Digests(dimension).of(contents, vectors).tolist() == expected
