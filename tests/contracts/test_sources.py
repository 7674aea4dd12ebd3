"""The source contract of monitor.ports.Source, over every implementation."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters.registry import REGISTERED
from monitor.core.model.events import Partition, Record
from tests.contracts.sources import CASES, DEADLINE, Case, by_partition, drain
from tests.docs.pages import ROOT

SLACK = 20.0  # seconds that a poll may take beyond its timeout on a busy machine; one that waits for more hangs


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with ExitStack() as resources:
        yield CASES[request.param](tmp_path_factory.mktemp(request.param), resources)


@pytest.fixture(scope="module")
def whole(case: Case) -> list[Record]:
    """Everything the stream holds, read once from the start."""
    with case.open() as source:
        source.start({})
        return drain(source, case, _size(case))


def _size(case: Case) -> int | None:
    if case.bounded or case.expected is None:
        return case.count
    return sum(map(len, case.expected.values()))


def test_the_documentation_has_the_table_of_sources() -> None:
    page = (ROOT / "docs/extending/source.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert rows == [kind.name for kind in REGISTERED.sources], "docs/extending/source.md: one row a source, in order"


def test_everything_comes_once_in_offset_order(case: Case, whole: list[Record]) -> None:
    parts = by_partition(whole)
    assert len(whole) > 20
    for records in parts.values():
        assert [record.position.offset for record in records] == list(range(len(records)))
    if case.expected is not None:
        assert {at: [(r.key, r.value) for r in records] for at, records in parts.items()} == case.expected


def test_start_knows_the_partitions(case: Case, whole: list[Record]) -> None:
    with case.open() as source:
        source.start({})
        assert source.partitions() == set(by_partition(whole))


def test_a_second_reading_is_the_same(case: Case, whole: list[Record]) -> None:
    with case.open() as source:
        source.start({})
        again = drain(source, case, _size(case), step=1000)
    assert by_partition(again) == by_partition(whole)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_resume_gives_exactly_the_rest(case: Case, whole: list[Record], data: st.DataObject) -> None:
    parts = by_partition(whole)
    positions = {at: data.draw(st.integers(0, len(records))) for at, records in sorted(parts.items())}
    rest = {at: records[positions[at] :] for at, records in parts.items() if positions[at] < len(records)}
    with case.open() as source:
        source.start(positions)
        assert by_partition(drain(source, case, sum(map(len, rest.values())))) == rest
        assert source.positions() == {at: len(records) for at, records in parts.items()}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_schedule_of_polls_pauses_and_restarts_gives_the_stream(
    case: Case, whole: list[Record], data: st.DataObject
) -> None:
    """A crash after any poll, and a start from the positions stored then, neither loses nor repeats."""
    seen: list[Record] = []
    positions: dict[Partition, int] = {}
    for _ in range(data.draw(st.integers(0, 3))):
        with case.open() as source:
            source.start(positions)
            for size in data.draw(st.lists(st.integers(1, 9), max_size=4)):
                seen += source.poll(size, 0.3).records
                source.pause(source.partitions())
                assert not source.poll(size, 0.0).records
                source.resume(source.partitions())
            positions = dict(source.positions())
    with case.open() as source:
        source.start(positions)
        seen += drain(source, case, len(whole) - len(seen))
    assert by_partition(seen) == by_partition(whole)


def test_positions_say_the_next_offset_to_deliver(case: Case) -> None:
    with case.open() as source:
        source.start({})
        got = by_partition(drain(source, case, 11, step=3))
        last = {at: records[-1].position.offset + 1 for at, records in got.items()}
        assert {at: offset for at, offset in source.positions().items() if at in last} == last


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_than_max_records(case: Case, most: int) -> None:
    with case.open() as source:
        source.start({})
        limit = time.monotonic() + DEADLINE
        got = 0
        while got < 10 and time.monotonic() < limit:
            count = len(source.poll(most, 0.2).records)
            assert count <= most
            got += count
        assert got >= 10


@pytest.mark.parametrize("timeout", [0.0, 0.15])
def test_a_poll_with_nothing_to_deliver_ends_in_time(case: Case, whole: list[Record], timeout: float) -> None:
    with case.open() as source:
        source.start({at: len(records) for at, records in by_partition(whole).items()})
        for _ in range(3):
            began = time.monotonic()
            polled = source.poll(10, timeout)
            assert time.monotonic() - began < timeout + SLACK
            assert not polled.records


def test_a_poll_does_not_wait_when_something_is_there(case: Case) -> None:
    with case.open() as source:
        source.start({})
        drain(source, case, 5)
        began = time.monotonic()
        assert source.poll(5, 120.0).records
        assert time.monotonic() - began < 60.0


def test_a_paused_partition_delivers_nothing_and_loses_nothing(case: Case, whole: list[Record]) -> None:
    with case.open() as source:
        source.start({})
        seen = drain(source, case, 9)
        paused = min(source.partitions())
        source.pause(frozenset({paused}))
        for _ in range(4):
            polled = source.poll(3, 0.05)
            assert not polled.exhausted
            assert paused not in by_partition(polled.records)
            seen += polled.records
        source.resume(frozenset({paused}))
        seen += drain(source, case, len(whole) - len(seen))
    assert by_partition(seen) == by_partition(whole)


def test_exhausted_only_at_the_true_end(case: Case, whole: list[Record]) -> None:
    with case.open() as source:
        source.start({})
        limit = time.monotonic() + DEADLINE
        seen = 0
        exhausted = False
        while not exhausted and time.monotonic() < limit and (case.bounded or seen < len(whole)):
            polled = source.poll(4, 0.1)
            seen += len(polled.records)
            exhausted = polled.exhausted
            assert not exhausted or seen == len(whole)
        assert exhausted == case.bounded
        after = source.poll(4, 0.05)
        assert not after.records
        assert after.exhausted == case.bounded


def _ends(case: Case, whole: list[Record]) -> Iterator[bool]:
    """Whether `end` was known, after each poll; a known end must be the true one."""
    true_end = {at: len(records) for at, records in by_partition(whole).items()}
    with case.open() as source:
        source.start({})
        limit = time.monotonic() + DEADLINE
        seen, idle = 0, 0
        while idle < 2 and time.monotonic() < limit:
            seen += len(source.poll(3, 0.1).records)
            idle += seen == len(whole)
            end = source.end()
            assert end is None or end == true_end
            assert "\n" not in source.last_error(), "one line"
            yield end is not None


def test_end_is_never_a_guess(case: Case, whole: list[Record]) -> None:
    known = list(_ends(case, whole))
    assert known[-1] or not case.bounded, "a bounded stream's end is known once it was read"


def test_commit_moves_nothing(case: Case, whole: list[Record]) -> None:
    with case.open() as source:
        source.start({})
        seen = drain(source, case, 6)
        source.commit(source.positions())
        source.commit(dict.fromkeys(source.partitions(), 0))
        seen += drain(source, case, len(whole) - len(seen))
    assert by_partition(seen) == by_partition(whole)


def test_close_may_be_called_at_any_time_and_twice(case: Case) -> None:
    with case.open() as source:
        source.close()
    with case.open() as source:
        source.start({})
        source.poll(2, 0.1)
        source.close()
        source.close()
