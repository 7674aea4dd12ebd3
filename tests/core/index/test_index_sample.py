"""The index as a whole: which chunks are looked for, and what is said of what was found."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.index_sample import IndexSample, compared, sampled
from monitor.core.model.lists import NO_CHUNK

KEYS = st.lists(st.integers(0, 2**63 - 1), unique=True, max_size=40)


def values(sample: IndexSample) -> dict[str, tuple[float, int, str]]:
    return {of.metric: (of.value, of.n, of.reason) for of in sample.measurements()}


@given(KEYS, st.integers(0, 12), st.integers(0, 50), st.integers(0, 2**62), st.randoms())
def test_a_sample_depends_on_the_keys_alone(keys: list[int], left_out: int, count: int, salt: int, order) -> None:  # type: ignore[no-untyped-def]  # hypothesis names no type for it
    unsettled = np.array(keys[:left_out], np.int64)
    slots = [*keys, NO_CHUNK, NO_CHUNK]
    found = sampled(np.array(slots, np.int64), unsettled, salt=salt, count=count).tolist()
    order.shuffle(slots)
    assert sampled(np.array(slots, np.int64), unsettled, salt=salt, count=count).tolist() == found
    assert len(found) == min(count, len(keys[left_out:]))
    assert set(found) <= set(keys[left_out:])


def test_another_salt_looks_for_others() -> None:
    keys, nobody = np.arange(10_000, dtype=np.int64), np.zeros(0, np.int64)
    first, second = (set(sampled(keys, nobody, salt=salt).tolist()) for salt in (1, 2))
    assert len(first) == len(second) == 256
    assert len(first & second) < 40, "a tenth of a thousandth of 10,000 would be met by chance alone"


def test_by_hand() -> None:
    looked = {"a": "1", "b": "2", "c": "3", "d": "4"}
    sample = compared(10, 12, looked, {"a": "1", "b": "other", "d": ""}, 0)
    assert values(sample) == {
        "index_points_difference": (-2.0, 10, ""),
        "index_hidden_points": (0.0, 10, ""),
        "index_missing_ratio": (0.25, 4, ""),
    }
    assert list(sample.evidence()) == []


def test_points_that_no_read_sees_are_measured_and_point_at_the_index() -> None:
    sample = compared(10, 7, {"a": "1"}, {"a": "1"}, 0, hidden=3)
    assert values(sample)["index_hidden_points"] == (3.0, 10, "")
    (found,) = sample.evidence()
    assert found.cause == "INDEX"
    assert found.said.startswith("3 points of the index are hidden")


def test_chunks_on_their_way_are_said() -> None:
    held = values(compared(10, 7, {"a": "1"}, {"a": "1"}, 3))
    assert held["index_points_difference"] == (3.0, 10, "settling: 3 chunks")
    assert held["index_missing_ratio"] == (0.0, 1, "")


@pytest.mark.parametrize(
    ("looked", "stated", "why"), [({"a": "1"}, "rejected", "index_rejected"), ({}, {}, "no_chunks")]
)
def test_nothing_said_is_unknown(looked: dict[str, str], stated: dict[str, str] | str, why: str) -> None:
    """A server that refuses is not one that cannot be reached."""
    held = values(compared(len(looked), "unreachable", looked, stated, 0, hidden="deadline"))
    for metric, reason in (
        ("index_points_difference", "index_unreachable"),
        ("index_hidden_points", "index_deadline"),
    ):
        assert math.isnan(held[metric][0])
        assert held[metric][1:] == (0, reason)
    assert math.isnan(held["index_missing_ratio"][0])
    assert held["index_missing_ratio"][1:] == (0, why)
