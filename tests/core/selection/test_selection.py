"""Anchor choice: merging, k-center against brute force and against the best possible, quotas, weights."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.selection.selection import Candidate, LoggedQuery, as_anchors, k_center, merge_spellings, select

DE = (("language", "de"),)
EN = (("language", "en"),)
POINTS = st.lists(
    st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(1, 9)), min_size=1, max_size=9
)  # whole coordinates, so that ties are frequent


def unit(rows: list[list[float]]) -> NDArray[np.float32]:
    made = np.array(rows, np.float32)
    norms: NDArray[np.float32] = np.linalg.norm(made, axis=1, keepdims=True)
    return made / norms


def candidates(*counts: int, segment: tuple[tuple[str, str], ...] = ()) -> list[Candidate]:
    return [Candidate(f"query {at}", count, segment) for at, count in enumerate(counts)]


def test_equal_queries_are_counted_under_their_most_frequent_spelling() -> None:
    vector = np.ones(2, np.float32)
    log = [
        LoggedQuery("How do I deploy?", 3),
        LoggedQuery("  how do I   DEPLOY ", 5, vector=vector),
        LoggedQuery("rollback", 9, EN),
        LoggedQuery("rollback", 1, DE),
        LoggedQuery("???", 50),
        LoggedQuery("入門"),
    ]
    made, outcomes = merge_spellings(log)
    assert [(one.text, one.count, one.segment) for one in made] == [
        ("rollback", 9, EN),
        ("how do I   DEPLOY", 8, ()),
        ("rollback", 1, DE),
        ("入門", 1, ()),
    ]
    assert outcomes == {"kept": 4, "merged": 1, "no_words": 1}
    assert made[1].vector is vector


@given(st.lists(st.tuples(st.sampled_from(["a b", "A, b!", "b a", "c", "", "?"]), st.integers(1, 9)), max_size=20))
def test_no_query_is_lost(rows: list[tuple[str, int]]) -> None:
    made, outcomes = merge_spellings([LoggedQuery(text, count) for text, count in rows])
    assert sum(outcomes.values()) == len(rows)
    assert outcomes["kept"] == len(made)
    assert sum(one.count for one in made) == sum(count for text, count in rows if text not in {"", "?"})


def slow_step(rows: list[tuple[int, int, int]], chosen: list[int]) -> list[int]:
    """The points that the greedy rule may take next, by looking at everything, in whole numbers: gains squared.

    Of points of one weight that tie, the earlier one. Two weights may tie where roots do not: either may be next.
    """
    gains: dict[int, int] = {}
    for at, (x, y, weight) in enumerate(rows):
        if at not in chosen:
            near = min(((x - rows[of][0]) ** 2 + (y - rows[of][1]) ** 2 for of in chosen), default=1)
            gains[at] = near * weight * weight
    best = [at for at, gain in gains.items() if gain == max(gains.values())]
    return [at for at in best if not any(of < at and rows[of][2] == rows[at][2] for of in best)]


@given(POINTS, st.integers(0, 10))
@example([(0, 4, 5), (1, 3, 5), (1, -3, 1)], 2)
def test_each_step_is_the_brute_force_step(rows: list[tuple[int, int, int]], count: int) -> None:
    points = np.array([row[:2] for row in rows], np.float32)
    weights = np.array([row[2] for row in rows], np.float64)
    chosen, gaps, _ = k_center(points, weights, count)
    assert len(chosen) == min(count, len(rows))
    for step, at in enumerate(chosen.tolist()):
        assert at in slow_step(rows, chosen[:step].tolist())
    assert np.isnan(gaps[:1]).all()
    assert not np.isnan(gaps[1:]).any()


@given(POINTS, st.integers(1, 4), st.booleans())
@settings(max_examples=150)
def test_the_radius_is_within_the_proved_factor_of_the_best(
    rows: list[tuple[int, int, int]], count: int, weighted: bool
) -> None:
    points = np.array([row[:2] for row in rows], np.float32)
    weights = np.array([row[2] if weighted else 1 for row in rows], np.float64)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    count = min(count, len(rows))
    best = min(
        float((apart[:, list(centres)].min(axis=1) * weights).max())
        for centres in combinations(range(len(rows)), count)
    )
    radius = k_center(points, weights, count)[2]
    assert best - 1e-5 <= radius <= (1 + weights.max() / weights.min()) * best + 1e-5


def test_quotas_follow_traffic_and_weights_average_one() -> None:
    log = [*candidates(50, 30, 10, segment=EN), *candidates(6, 4, segment=DE)]
    vectors = unit([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1]])
    made = select(log, vectors, 3, dimension="language", floor=1)
    assert [(share.segment, share.candidates, share.queries, share.quota) for share in made.segments] == [
        ("de", 2, 10, 1),
        ("en", 3, 90, 2),
    ]
    assert [(one.candidate, one.segment, one.reason) for one in made.chosen] == [
        (3, "de", "most_frequent"),
        (0, "en", "most_frequent"),
        (1, "en", "most_distant"),
    ]
    assert made.chosen[2].distance == pytest.approx(2**0.5)
    weights = [one.weight for one in made.chosen]
    assert np.mean(weights) == pytest.approx(1)
    assert weights[1] / weights[2] == pytest.approx(50 / 30)


def test_without_damping_frequency_does_not_matter_for_diversity() -> None:
    vectors = unit([[1, 0], [1, 0.01], [0, 1]])
    assert [one.candidate for one in select(candidates(1000, 900, 1), vectors, 2, damping=0).chosen] == [0, 2]
    assert [one.candidate for one in select(candidates(1000, 900, 1), vectors, 2, damping=1).chosen] == [0, 1]


def test_too_few_or_no_candidates_choose_what_is_there() -> None:
    assert select([], np.zeros((0, 2), np.float32), 5).chosen == ()
    made = select(candidates(2, 1), np.zeros((2, 2), np.float32), 5)
    assert [one.candidate for one in made.chosen] == [0, 1]
    assert made.segments[0].radius == 0.0
    assert select(candidates(2, 1), np.zeros((2, 2), np.float32), 0).chosen == ()


def test_anchors_keep_their_ids_when_built_again() -> None:
    log = [*candidates(5, 4, segment=EN), *candidates(3, segment=DE)]
    vectors = unit([[1, 0], [0, 1], [1, 0]])
    first = as_anchors(log, select(log, vectors, 3, dimension="language"), vectors, embedding_version="v")
    again = as_anchors(log, select(log, vectors, 2), vectors, embedding_version="v")
    assert len({anchor.id for anchor in first}) == 3, "one text in two segments is two anchors"
    assert {anchor.id for anchor in again} <= {anchor.id for anchor in first}
    assert {anchor.text for anchor in first} == {"query 0", "query 1"}
    assert first[0].segment == DE
    assert first[0].embedding_version == "v"
    np.testing.assert_array_equal(first[0].vector, vectors[2])
