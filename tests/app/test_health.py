"""Health: what is not known is None, not moving towards the end is staleness, and staleness is UNKNOWN."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from monitor.app.health import Clocks, Gauges, quantile
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Partition
from monitor.core.model.lists import RankedLists
from monitor.core.records.published import EngineWork, Health
from monitor.ports import Replay, Source
from tests.app.scripted import ScriptedSource

PASSED = Verdict("pass", (), ())
PART = Partition("events", 0)
WORK = EngineWork(touched={}, refills={}, refilling={}, rebuilds=0, epochs=0, terms=0, tombstones=0)


@dataclass
class Hands:
    """Clocks that a test moves."""

    monotonic: float = 1_000.0
    wall: float = 1.7e9
    clocks: Clocks = field(init=False)

    def __post_init__(self) -> None:
        self.clocks = Clocks(lambda: self.monotonic, lambda: self.wall)

    def move(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds


class Ends(ScriptedSource):
    """A source whose end is what the test says, and that counts how often it was asked."""

    def __init__(self, ends: Mapping[Partition, int] | None) -> None:
        super().__init__([])
        self.ends, self.asked = ends, 0

    def end(self) -> Mapping[Partition, int] | None:
        self.asked += 1
        return self.ends

    def last_error(self) -> str:
        return "" if self.ends else "KafkaConnectionError: refused"


def frozen(gauges: Gauges) -> Health:
    return gauges.health(waiting=("d",), state_bytes=5, points=None, audits={}, engine=WORK)


def test_before_anything_happened_nothing_is_claimed() -> None:
    hands = Hands()
    health = frozen(Gauges(hands.clocks))
    assert (health.turned, health.waiting, health.state_bytes) == (1.7e9, ("d",), 5)
    assert (health.last_event, health.last_report, health.last_full_replay, health.last_commit) == (0.0,) * 4
    assert (health.lag, health.replay_latencies, health.index_points, health.touched) == (None, None, None, 0)


def test_stamps_are_of_the_wall_clock() -> None:
    hands = Hands()
    gauges = Gauges(hands.clocks)
    stamps = {}
    for name, happen in (("event", gauges.event_seen), ("report", gauges.reported), ("commit", gauges.committed)):
        hands.move(10.0)
        happen()
        stamps[name] = hands.wall
    health = frozen(gauges)
    assert (health.last_event, health.last_report, health.last_commit) == tuple(stamps.values())


def watched(gauges: Gauges, ends: Mapping[Partition, int] | None, at: int) -> None:
    source: Source = Ends(ends)
    gauges.watch(source, {PART: at})


@pytest.mark.parametrize(
    ("ends", "at", "lag"),
    [(None, 5, None), ({PART: 9}, 5, {PART: 4}), ({PART: 5}, 5, {PART: 0}), ({PART: 3}, 5, {}), ({}, 5, {})],
)
def test_lag_is_what_is_left_or_not_known(
    ends: Mapping[Partition, int] | None, at: int, lag: Mapping[Partition, int] | None
) -> None:
    gauges = Gauges(Hands().clocks)
    watched(gauges, ends, at)
    assert frozen(gauges).lag == lag


def test_a_partition_without_a_position_lags_from_its_first_record() -> None:
    gauges = Gauges(Hands().clocks)
    gauges.watch(Ends({PART: 9}), {})
    assert frozen(gauges).lag == {PART: 9}


def test_the_source_is_asked_for_its_end_at_intervals() -> None:
    hands, source = Hands(), Ends({PART: 5})
    gauges = Gauges(hands.clocks, ask=5.0)
    for _ in range(10):
        gauges.watch(source, {PART: 5})
        hands.move(1.0)
    assert source.asked == 2


def table() -> list[tuple[str, list[tuple[float, object]], str]]:
    """(what happens, seconds later and what, the verdict after 900 s of patience)."""
    end, behind, silent = {PART: 5}, {PART: 9}, None
    return [
        ("nothing yet", [(899.0, "")], "pass"),
        ("another stream under the same name", [(500.0, {PART: 3}), (500.0, {PART: 3})], "unknown"),
        ("nothing for long", [(901.0, "")], "unknown"),
        ("at the end, looked at", [(890.0, end), (890.0, end)], "pass"),
        ("at the end, not looked at again", [(890.0, end), (901.0, "")], "unknown"),
        ("behind and no event", [(500.0, behind), (500.0, behind)], "unknown"),
        ("behind and events", [(500.0, behind), (0.0, "event"), (500.0, behind)], "pass"),
        ("the end is not known and no event", [(500.0, silent), (500.0, silent)], "unknown"),
        ("the end is not known but events come", [(500.0, silent), (0.0, "event"), (800.0, silent)], "pass"),
        ("stale and then an event", [(2_000.0, ""), (0.0, "event")], "pass"),
    ]


@pytest.mark.parametrize(("steps", "expected"), [row[1:] for row in table()], ids=[row[0] for row in table()])
def test_input_that_does_not_move_is_stale(steps: list[tuple[float, object]], expected: str) -> None:
    hands = Hands()
    gauges = Gauges(hands.clocks, stale=900.0)
    for seconds, what in steps:
        hands.move(seconds)
        if what == "event":
            gauges.event_seen()
        elif what != "":
            watched(gauges, what, 5)  # type: ignore[arg-type]  # ends
    assert gauges.judged(PASSED).verdict == expected
    gauges.bounded = True
    assert gauges.judged(PASSED) is PASSED  # a file ends; it is not stale


def test_staleness_says_why_and_keeps_what_was_known() -> None:
    hands = Hands()
    gauges = Gauges(hands.clocks, stale=900.0)
    hands.move(1_000.0)
    failed = Verdict("fail", ("too far",), ())
    said = gauges.judged(failed).reasons
    assert said == (
        "input is stale: no progress for 1000 s while the source's end is not known; expected at most 900 s",
        "too far",
    )
    watched(gauges, None, 5)
    assert (
        "the source's end is not known (KafkaConnectionError: refused); expected" in gauges.judged(failed).reasons[0]
    )
    assert frozen(gauges).last_error == "KafkaConnectionError: refused"
    hands.move(10.0)
    watched(gauges, {PART: 12}, 5)
    assert frozen(gauges).last_error == ""
    assert "while lag is 7 events" in gauges.judged(failed).reasons[0]


def replay(*seconds: float) -> Replay:
    rows = np.arange(len(seconds))
    return Replay(rows, RankedLists.unknown(len(seconds), 3), seconds=np.array(seconds))


def test_replays_are_counted_with_latencies_and_failures() -> None:
    hands = Hands()
    gauges = Gauges(hands.clocks)
    gauges.replayed(
        replay(0.1, 0.2, float("nan"), 0.3), {2: "deadline", 5: "deadline", 6: "refused"}, full=True, seconds=0.5
    )
    health = frozen(gauges)
    assert (health.touched, health.failures, health.last_full_replay) == (
        4,
        {"deadline": 2, "refused": 1},
        hands.wall,
    )
    assert health.replay_latencies == pytest.approx((0.2, 0.29, 0.298))
    assert (health.replays.total, health.replays.seconds) == (1, 0.5)
    gauges.replayed(None, {5: "left_alone"}, full=False, seconds=0.0)
    health = frozen(gauges)
    assert (health.touched, health.failures, health.replays.total) == (0, {"left_alone": 1}, 1)
    assert health.replay_latencies == pytest.approx((0.2, 0.29, 0.298))  # of the last one that asked
    gauges.replayed(replay(float("nan")), {0: "unreachable"}, full=False, seconds=0.1)
    assert frozen(gauges).replay_latencies == pytest.approx((0.2, 0.29, 0.298))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 31, 1000])
def test_quantiles_are_those_of_numpy(count: int) -> None:
    random = np.random.default_rng(count)
    for _ in range(50):
        numbers = np.sort(random.choice([random.exponential(size=count), random.integers(3, size=count)]))
        found = [quantile(numbers.tolist(), part) for part in (0.0, 0.5, 0.95, 0.99, 1.0)]
        assert found == np.quantile(numbers, (0.0, 0.5, 0.95, 0.99, 1.0)).tolist()


def test_a_frozen_health_does_not_move() -> None:
    gauges = Gauges(Hands().clocks)
    gauges.took(0.002)
    before = frozen(gauges)
    gauges.took(5.0)
    gauges.replayed(replay(0.1), {0: "deadline"}, full=True, seconds=1.0)
    assert (before.batches.total, before.failures, before.replays.total) == (1, {}, 0)
    assert before.batches.counts == (0, 1, 1, 1, 1, 1, 1, 1, 1, 1)
