"""The producer's pace: every writer gets every event in order, rests between deploys, stops when told."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from monitor.core.model.events import CorpusEvent, Deploy, Heartbeat
from monitor.demo.playing import Deployed, Tempo, play
from monitor.ports import UnreachableError

AT_ONCE = Tempo(0.0, 0.0)


@dataclass
class Written:
    """A writer that keeps what it gets, in batches, on a common record of who got what first."""

    name: str
    record: list[tuple[str, int]]
    after: Callable[[int], None] = lambda _: None
    batches: list[Sequence[CorpusEvent]] = field(default_factory=list)

    def write(self, events: Sequence[CorpusEvent]) -> None:
        self.batches.append(events)
        self.record.append((self.name, len(events)))
        self.after(len(self.batches))

    def close(self) -> None:
        """Nothing is open."""


def story(deploys: int, size: int) -> list[Deployed]:
    return [
        Deployed(f"d{n}", [*(Heartbeat(at) for at in range(size)), Deploy(f"d{n}", 0, {})]) for n in range(deploys)
    ]


def test_the_index_is_written_before_the_topic_and_both_get_all() -> None:
    record: list[tuple[str, int]] = []
    index, topic = Written("index", record), Written("topic", record)
    told: list[str] = []
    made = play(story(2, 1_500), [index, topic], AT_ONCE, stopping=threading.Event(), tell=told.append)
    assert made == 3_002
    assert record == [("index", 1_000), ("topic", 1_000), ("index", 501), ("topic", 501)] * 2
    assert [one for batch in topic.batches for one in batch] == [
        one for deploy in story(2, 1_500) for one in deploy.events
    ]
    assert [line.split(" in ")[0] for line in told] == ["deploy d0: 1,501 events", "deploy d1: 1,501 events"]


def test_the_pace_holds_for_updates_and_not_for_the_initial_load() -> None:
    record: list[tuple[str, int]] = []
    began = time.monotonic()
    play(story(2, 99), [Written("topic", record)], Tempo(200.0, 0.0), stopping=threading.Event(), tell=lambda _: None)
    assert 0.5 <= time.monotonic() - began < 60.0
    assert record == [("topic", 100), ("topic", 40), ("topic", 40), ("topic", 20)]


@pytest.mark.parametrize("tempo", [Tempo(0.0, 3_600.0), Tempo(0.001, 0.0)])
def test_being_told_to_stop_ends_a_rest_and_a_slow_deploy(tempo: Tempo) -> None:
    stopping = threading.Event()
    record: list[tuple[str, int]] = []
    writer = Written("topic", record)
    told: list[str] = []
    last = 1 if tempo.rest else 2

    def stop(batches: int) -> None:
        if batches == last:
            threading.Timer(0.05, stopping.set).start()

    writer.after = stop
    began = time.monotonic()
    made = play(story(3, 3), [writer], tempo, stopping=stopping, tell=told.append)
    assert time.monotonic() - began < 60.0
    assert made == sum(size for _, size in record)
    assert len(record) == last
    assert len(told) == 1


def test_a_writer_that_fails_ends_it() -> None:
    def fail(batches: int) -> None:
        message = f"batch {batches}"
        raise UnreachableError(message)

    with pytest.raises(UnreachableError, match="batch 1"):
        play(story(1, 1), [Written("topic", [], fail)], AT_ONCE, stopping=threading.Event(), tell=lambda _: None)
