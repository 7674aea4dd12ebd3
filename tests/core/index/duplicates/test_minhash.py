"""Candidates for near copies: recall against all pairs, and nothing but the two sets decides."""

import numpy as np
import pytest
from numpy.typing import NDArray
from rensa import RMinHash

from monitor.core.arrays.mixing import GOLDEN, mix
from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.kernels_minhash import Permutations, bands
from monitor.core.index.duplicates.minhash import BANDS, ROWS, SEED, MinHashBands
from monitor.core.index.duplicates.shingles import jaccard


def joined(sets: list[NDArray[np.uint32]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    return np.concatenate(sets), np.array([len(own) for own in sets], np.int64)


def near_sets(generator: np.random.Generator, count: int) -> list[NDArray[np.uint32]]:
    """Families of a base set and two edited versions of it, with similarities around 0.8."""
    made = []
    for _ in range(count // 3):
        base = generator.integers(0, 2**32, size=int(generator.integers(5, 150)), dtype=np.uint32)
        made.append(np.unique(base))
        for _ in range(2):
            edited = base.copy()
            at = generator.random(len(base)) < generator.uniform(0, 0.14)
            edited[at] = generator.integers(0, 2**32, size=int(at.sum()), dtype=np.uint32)
            made.append(np.unique(edited))
    return made


def pairs(sets: list[NDArray[np.uint32]]) -> set[tuple[int, int]]:
    """All candidates: who shares a band with whom."""
    table, bands = Buckets(MinHashBands.width), MinHashBands().of(*joined(sets))
    table.add(np.arange(len(sets)), bands)
    rounds = table.matches(bands)
    return {pair for at, others in rounds for pair in zip(at.tolist(), others.tolist(), strict=True)}


def test_recall_against_all_pairs_is_at_least_099() -> None:
    sets = near_sets(np.random.default_rng(4), 1500)
    found = pairs(sets)
    families = [(at, other) for at in range(len(sets)) for other in range(at - at % 3, at)]
    near = {pair for pair in families if jaccard(sets[pair[0]], sets[pair[1]]) >= 0.8}
    assert len(near) > 500
    assert len(near & found) / len(near) >= 0.99
    unrelated = sum(left // 3 != right // 3 for left, right in found)
    assert unrelated < len(sets) // 10


def by_rensa(sets: list[NDArray[np.uint32]], seed: int, width: int, rows: int) -> NDArray[np.uint32]:
    """The bands of signatures that rensa makes."""
    words, offsets = (
        mix(np.concatenate(sets).astype(np.uint64) + GOLDEN),
        np.cumsum([0, *map(len, sets)], dtype=np.uint64),
    )
    made = RMinHash.digest_matrix_from_flat_token_hashes(words, offsets, width * rows, seed).to_rows()
    signature, hashed = np.array(made, np.uint64), np.arange(1, width + 1, dtype=np.uint64) * GOLDEN
    for row in range(rows):
        hashed = mix(hashed ^ signature[:, row::rows])
    return (hashed >> np.uint64(32)).astype(np.uint32)


@pytest.mark.parametrize("longest", [1, 4, 40, 150, 600, 5000])
@pytest.mark.parametrize("values", [60, 2**32])
def test_bands_are_those_of_signatures_by_rensa(longest: int, values: int) -> None:
    """Sets that leave places empty after three rounds, after one or two, and after none."""
    generator = np.random.default_rng(longest)
    sets = [
        np.unique(generator.integers(0, values, size=size, dtype=np.uint32))
        for size in generator.integers(1, longest + 1, size=60).tolist()
    ]
    np.testing.assert_array_equal(MinHashBands().of(*joined(sets)), by_rensa(sets, SEED, BANDS, ROWS))


@pytest.mark.parametrize(("seed", "width", "rows"), [(0, 1, 1), (7, 2, 1), (2**64 - 1, 8, 4), (SEED, 32, 8)])
def test_other_widths_and_seeds_are_those_of_rensa(seed: int, width: int, rows: int) -> None:
    sets = near_sets(np.random.default_rng(5), 60)
    permutations = Permutations.of(seed, width * rows)
    np.testing.assert_array_equal(bands(*joined(sets), permutations, width), by_rensa(sets, seed, width, rows))


def test_a_band_is_a_function_of_the_set_alone() -> None:
    sets = near_sets(np.random.default_rng(2), 90)
    together = MinHashBands().of(*joined(sets))
    assert together.shape == (len(sets), MinHashBands.width)
    for own, row in zip(sets, together, strict=True):
        np.testing.assert_array_equal(MinHashBands().of(*joined([own]))[0], row)
        np.testing.assert_array_equal(MinHashBands().of(*joined([own[::-1].copy()]))[0], row)


def test_bands_stay_what_they_are() -> None:
    """Another signature would find other candidates: it must not come in unseen by accident."""
    own = np.array([1, 5, 900, 2**31, 2**32 - 1], np.uint32)
    assert MinHashBands().of(*joined([own]))[0, :3].tolist() == [400533437, 4155990128, 1158165231]


def test_no_sets_have_no_bands() -> None:
    none = np.zeros(0, np.int64)
    assert MinHashBands().of(np.zeros(0, np.uint32), none).shape == (0, MinHashBands.width)
