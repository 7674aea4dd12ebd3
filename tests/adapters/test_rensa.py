"""Candidates for near copies: recall against all pairs, and nothing but the two sets decides."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.adapters.rensa import BANDS, RensaCandidates, bands
from monitor.core.shingles import jaccard


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


def pairs(index: RensaCandidates, handles: NDArray[np.int64]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for at, others in index.candidates(handles):
        found |= set(zip(handles[at].tolist(), others.tolist(), strict=True))
    return found


def test_recall_against_all_pairs_is_at_least_099() -> None:
    sets = near_sets(np.random.default_rng(4), 1500)
    index, handles = RensaCandidates(), np.arange(len(sets))
    index.add(handles, *joined(sets))
    found = pairs(index, handles)
    families = [(at, other) for at in range(len(sets)) for other in range(at - at % 3, at)]
    near = {pair for pair in families if jaccard(sets[pair[0]], sets[pair[1]]) >= 0.8}
    assert len(near) > 500
    assert len(near & found) / len(near) >= 0.99
    unrelated = sum(left // 3 != right // 3 for left, right in found)
    assert unrelated < len(sets) // 10


def test_every_set_is_its_own_candidate_and_candidates_are_symmetric() -> None:
    sets = near_sets(np.random.default_rng(9), 300)
    index, handles = RensaCandidates(), np.arange(len(sets))
    index.add(handles, *joined(sets))
    found = pairs(index, handles)
    assert {(handle, handle) for handle in handles.tolist()} <= found
    assert found == {(right, left) for left, right in found}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(1, 40))
def test_candidates_do_not_depend_on_order_batches_or_what_was_removed(seed: int, batch: int) -> None:
    generator = np.random.default_rng(seed)
    sets = near_sets(generator, 60)
    once, handles = RensaCandidates(), np.arange(len(sets))
    once.add(handles, *joined(sets))
    other = RensaCandidates()
    ghosts = near_sets(generator, 60)
    other.add(np.arange(len(ghosts)) + 1000, *joined(ghosts))
    order = generator.permutation(len(sets))
    for at in range(0, len(order), batch):
        part = order[at : at + batch]
        other.add(part, *joined([sets[handle] for handle in part.tolist()]))
    other.remove(np.arange(len(ghosts)) + 1000)
    assert pairs(once, handles) == pairs(other, handles)


def test_a_band_is_a_function_of_the_set_alone() -> None:
    sets = near_sets(np.random.default_rng(2), 90)
    together = bands(*joined(sets))
    assert together.shape == (len(sets), BANDS)
    for own, row in zip(sets, together, strict=True):
        np.testing.assert_array_equal(bands(*joined([own]))[0], row)
        np.testing.assert_array_equal(bands(*joined([own[::-1].copy()]))[0], row)


def test_a_removed_handle_may_hold_another_set() -> None:
    index = RensaCandidates()
    none = np.zeros(0, np.int64)
    index.add(none, np.zeros(0, np.uint32), none)
    one, other = np.arange(10, dtype=np.uint32), np.arange(50, 70, dtype=np.uint32)
    index.add(np.array([3]), one, np.array([10]))
    index.remove(np.array([3]))
    index.add(np.array([3, 4]), np.concatenate((other, one)), np.array([20, 10]))
    assert pairs(index, np.array([3, 4])) == {(3, 3), (4, 4)}
