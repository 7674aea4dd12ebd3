"""What is odd about events: vectors of nothing or beyond reason, and times far from the stream's."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model.events import Chunk, Delete, Heartbeat, Located, Position, Upsert
from monitor.core.model.plausibility import FAR, Doubt, StreamTime, doubtful_vectors

NOW = 1_787_134_320_000_000
YEAR = 365 * 86_400_000_000
CHUNK = Chunk("c", "d", 0, "text", None, "v", (), NOW, "h")


def at(*times: int | None, undated: bool = False) -> list[Located]:
    made: list[Upsert | Delete] = [
        Delete("c") if time is None else Upsert(replace(CHUNK, event_time=time), None, undated) for time in times
    ]
    return [Located(Position("t", 0, offset), event) for offset, event in enumerate(made)]


def test_vectors_of_nothing_and_beyond_reason() -> None:
    vectors = np.array([[0, 0], [0, 1e-30], [1e18, 0], [0, -1.1e18], [3e38, 1], [-0.0, 0.0]], np.float32)
    assert doubtful_vectors(vectors, cosine=True) == {"zero_vector": 2, "huge_component": 2}
    assert doubtful_vectors(vectors, cosine=False) == {"huge_component": 2}
    assert not doubtful_vectors(np.ones((3, 2), np.float32), cosine=True)
    assert not doubtful_vectors(np.zeros((0, 2), np.float32), cosine=True)


def test_times_decades_from_the_streams_are_far() -> None:
    stream = StreamTime()
    assert not stream.doubts(at(NOW, NOW + 1, NOW - 15 * YEAR, NOW + 5))
    assert stream.doubts(at(0, NOW + 73 * YEAR, NOW)) == {"far_time": 2}
    assert not stream.doubts(at(NOW - FAR + 10))
    assert stream.doubts(at(*[NOW] * 3, 0)) == {"far_time": 1}


def test_one_absurd_time_does_not_make_the_others_far() -> None:
    stream = StreamTime()
    stream.doubts(at(*[NOW] * 9))
    assert [sum(stream.doubts(at(time)).values()) for time in (NOW + 73 * YEAR, NOW, NOW + 1)] == [1, 0, 0]


def test_a_stream_of_another_decade_is_not_far_from_itself() -> None:
    assert not StreamTime().doubts(at(*range(5)))
    assert not StreamTime().doubts(at(None, None))
    assert not StreamTime().doubts([Located(Position("t", 0, 0), Heartbeat(0))])


def test_what_is_dated_by_its_reading_is_counted() -> None:
    assert StreamTime().doubts(at(NOW, NOW, undated=True)) == {"ingest_time": 2}


ODD = st.sampled_from([0, NOW - FAR - 1, NOW - FAR, NOW - 1, NOW, NOW + 7, NOW + FAR, NOW + FAR + 1, NOW + 73 * YEAR])


@settings(deadline=None)
@given(st.lists(st.lists(ODD | st.none(), max_size=6), max_size=6))
def test_far_is_far_from_the_median_of_the_newest_times(batches: list[list[int | None]]) -> None:
    stream, newest = StreamTime(), np.zeros(0, np.int64)
    for times in batches:
        dated = np.array([time for time in times if time is not None], np.int64)
        newest = np.concatenate((newest, dated))
        far = np.abs(dated - int(np.median(newest))) > FAR if len(newest) else np.zeros(0, np.bool_)
        assert stream.doubts(at(*times))[Doubt.FAR_TIME] == far.sum()


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, -0.0, 1e-44, 1.0, 9.9e17, 1e18, -1.1e18, 3e38]), min_size=6, max_size=6))
def test_a_vector_is_judged_by_its_largest_component(numbers: list[float]) -> None:
    vectors = np.array(numbers, np.float32).reshape(3, 2)
    huge, zero = (np.abs(vectors) > np.float32(1e18)).any(axis=1), ~vectors.any(axis=1)
    found = doubtful_vectors(vectors, cosine=True)
    assert (found[Doubt.HUGE_COMPONENT], found[Doubt.ZERO_VECTOR]) == (huge.sum(), zero.sum())
