"""The intake case by case: positions, quarantine, faults, markers, control topics, waiting."""

from collections.abc import Mapping, Sequence

from monitor.app.intake import KEPT_BYTES, Intake, IntakeBatch, set_aside
from monitor.core.model.events import Deploy, MalformedEvent, Partition, Position, Record
from monitor.ports import Fault, Polled
from tests.fakes import Item, MemorySource, WordDecoder, partition

P0, P1, P2, CONTROL = partition(0), partition(1), partition(2), partition(0, "control")
Log = Mapping[Partition, Sequence[Item]]


class Reading:
    """A log, its intake, and everything that was taken."""

    def __init__(self, log: Log, extra: Sequence[Fault] = (), *, closed: Sequence[str] = ()) -> None:
        self.source = MemorySource(log, extra)
        self.source.start({})
        self.intake = Intake(WordDecoder(), {}, closed, control_topics=["control"])
        self.batches: list[IntakeBatch] = []

    def turn(self, limit: int = 100, *, poll: bool = True) -> IntakeBatch:
        if poll:
            self.intake.feed(self.source.poll(limit, 0.0))
            self.intake.drained(self.source.positions())
        self.batches.append(self.intake.take(limit, self.source.partitions()))
        holding = self.intake.holding()
        self.source.resume(self.source.partitions() - holding)
        self.source.pause(holding)
        return self.batches[-1]

    def to_end(self) -> "Reading":
        while any((batch := self.turn()).counts or batch.events or batch.faults or batch.closed for _ in range(2)):
            pass
        return self

    def taken(self) -> list[Position]:
        events = [event for batch in self.batches for event in batch.events]
        return [event.position for event in events if not isinstance(event.event, Deploy)]

    def closed(self) -> list[tuple[str, str]]:
        ended = [batch.closed for batch in self.batches if batch.closed is not None]
        return [(closed.deploy.deploy_id, closed.how) for closed in ended]


def offsets(reading: Reading, part: Partition = P0) -> list[int]:
    return [position.offset for position in reading.taken() if position.source == part]


def gap(part: Partition, offset: int) -> Fault:
    return Fault("gap", Position(*part, offset), "gone")


def test_events_come_with_their_records_and_positions_move_behind_them() -> None:
    reading = Reading({P0: ["upsert a", "delete a", "beat 5"], P1: ["upsert b"]})
    batch = reading.turn()
    assert [tuple(event.position) for event in batch.events] == [("t", 0, 0), ("t", 0, 1), ("t", 0, 2), ("t", 1, 0)]
    assert {position: record.value for position, record in batch.records.items()}[Position("t", 1, 0)] == b"upsert b"
    assert batch.positions == {P0: 3, P1: 1}
    assert (batch.quarantined, batch.faults, batch.closed, dict(batch.counts)) == ((), (), None, {})


def test_a_limit_cuts_the_batch_and_the_position() -> None:
    reading = Reading({P0: ["upsert a", "upsert b", "upsert c"]})
    assert [reading.turn(2).positions, reading.turn(2).positions] == [{P0: 2}, {P0: 3}]
    reading.intake.feed(Polled([Record(Position(*P0, 3), None, b"upsert d")]))
    assert reading.intake.ready()
    reading.turn(poll=False)
    assert not reading.intake.ready()
    assert offsets(reading) == [0, 1, 2, 3]


def test_malformed_records_are_set_aside_and_the_others_taken() -> None:
    reading = Reading({P0: ["upsert a", "what", "noise", "upsert b"]})
    batch = reading.turn()
    assert offsets(reading) == [0, 3]
    assert [(item.position.offset, item.reason, item.value) for item in batch.quarantined] == [
        (1, "unknown_op", b"what")
    ]
    assert batch.counts == {("event", "malformed"): 1, ("event", "ignored"): 1}
    assert batch.positions == {P0: 4}


def test_what_is_set_aside_is_cut_and_its_size_kept() -> None:
    record = Record(Position(*P0, 1), b"k" * 2_000, b"v" * (KEPT_BYTES + 7))
    item = set_aside(record, MalformedEvent("oversize", "too long"))
    assert item.key == b"k" * 1_024
    assert item.value == b"v" * KEPT_BYTES
    assert item.size == KEPT_BYTES + 7
    nothing = set_aside(Record(Position(*P0, 1), None, None), MalformedEvent("no_key", "null"))
    assert (nothing.key, nothing.value, nothing.size) == (None, None, 0)


def test_a_marker_holds_its_partition_until_all_delivered_it() -> None:
    reading = Reading({P0: ["upsert a", "deploy d", "upsert b"], P1: ["upsert c"] * 3 + ["deploy d", "upsert e"]})
    first = reading.turn(4)
    assert first.positions == {P0: 1, P1: 1}
    assert reading.intake.barrier.waiting == ("d",)
    assert reading.intake.holding() == {P0}
    reading.to_end()
    assert reading.closed() == [("d", "complete")]
    closing = next(batch for batch in reading.batches if batch.closed)
    assert closing.positions == {P0: 2, P1: 4}
    assert sorted(reading.taken()) == sorted(set(reading.taken()))
    assert offsets(reading) == [0, 2]
    assert offsets(reading, P1) == [0, 1, 2, 4]


def test_further_copies_and_deploys_judged_before_are_counted() -> None:
    reading = Reading({P0: ["deploy old", "deploy d", "deploy d", "upsert a"]}, closed=["old"]).to_end()
    assert reading.closed() == [("d", "complete")]
    assert sum(batch.counts["deploy", "duplicate"] for batch in reading.batches) == 2
    assert offsets(reading) == [3]


def test_one_marker_with_offsets_holds_every_named_partition_there() -> None:
    log = {P0: ["upsert a", "deploy d t/0=2,t/1=2", "upsert x"], P1: ["upsert b", "upsert c", "upsert y"]}
    reading = Reading(log)
    before = []
    while not reading.closed():
        before = list(reading.taken())
        reading.turn(1)
    assert Position(*P1, 2) not in before
    assert Position(*P0, 2) not in before
    reading.to_end()
    assert reading.closed() == [("d", "complete")]
    assert (offsets(reading), offsets(reading, P1)) == ([0, 2], [0, 1, 2])


def test_control_topics_are_not_waited_for() -> None:
    log: Log = {CONTROL: ["deploy d t/0=1"], P0: ["upsert a", "upsert b"], P1: ["upsert c"]}
    reading = Reading(log).to_end()
    assert reading.closed() == [("d", "complete")]
    reading = Reading({CONTROL: [], P0: ["deploy d"], P1: ["deploy d"]}).to_end()
    assert reading.closed() == [("d", "complete")]


def test_offsets_at_a_hole_in_the_log_are_reached() -> None:
    """Compaction and transaction markers leave holes: offset 2 to 4 will never be delivered, and are behind us."""
    log: Log = {CONTROL: ["deploy d t/0=4"], P0: ["upsert a", "upsert b", None, None, None, "upsert c"]}
    reading = Reading(log)
    reading.turn(2)
    reading.to_end()
    assert reading.closed() == [("d", "complete")]
    assert offsets(reading) == [0, 1, 5]
    assert next(batch for batch in reading.batches if batch.closed).positions[P0] in (4, 5)


def test_offsets_at_the_end_of_a_log_that_ends_with_a_hole_are_reached() -> None:
    """`--at-end` names the end offset, and a transaction's last record is a control record that is not delivered."""
    reading = Reading({P0: ["upsert a", "upsert b", None]})
    reading.intake.barrier.request(Deploy("d", 0, {P0: 3}))
    reading.to_end()
    assert reading.closed() == [("d", "complete")]
    assert reading.intake.positions == {P0: 3}


def test_drained_takes_over_holes_but_never_passes_what_is_queued_or_held() -> None:
    reading = Reading({P0: ["upsert a", None, None], P1: ["deploy d", "upsert b"]})
    reading.intake.feed(reading.source.poll(9, 0.0))
    reading.intake.drained(reading.source.positions())
    assert reading.intake.positions == {}
    reading.turn()
    reading.turn()
    assert reading.intake.positions == {P0: 3, P1: 0}


def test_a_gap_at_the_first_record_does_not_turn_back_the_position() -> None:
    reading = Reading({P0: ["upsert gone", "upsert gone", "upsert c"]}, [gap(P0, 2)])
    batch = reading.turn()
    assert [fault.kind for fault in batch.faults] == ["gap"]
    assert offsets(reading) == [2]
    assert batch.positions == {P0: 3}
    assert batch.counts == {("stream", "gap"): 1}


def test_a_gap_without_a_record_yet_moves_to_where_reading_goes_on() -> None:
    intake = Intake(WordDecoder(), {P0: 1}, ())
    intake.feed(Polled(faults=[gap(P0, 7)]))
    assert intake.take(9, [P0]).positions == {P0: 7}


def test_a_gap_across_a_barrier_is_told_before_the_barrier_closes() -> None:
    """Otherwise a deploy would be judged on a corpus that lost events, before anybody knew of the loss."""
    reading = Reading({CONTROL: ["deploy d t/0=2"], P0: ["x"] * 5 + ["upsert a"]}, [gap(P0, 5)])
    reading.to_end()
    assert reading.closed() == [("d", "complete")]
    told = next(at for at, batch in enumerate(reading.batches) if batch.faults)
    closed = next(at for at, batch in enumerate(reading.batches) if batch.closed)
    assert told <= closed
    assert offsets(reading) == [5]


def test_a_gap_behind_a_marker_waits_for_the_barrier() -> None:
    reading = Reading({P0: [], P1: []})
    reading.intake.feed(Polled([Record(Position(*P0, 3), None, b"deploy d")], [gap(P0, 9)]))
    assert reading.intake.take(9, [P0, P1]).faults == ()
    assert reading.intake.positions == {P0: 3}


def test_an_unreadable_record_is_set_aside_where_it_stood() -> None:
    fault = Fault("unreadable", Position(*P0, 1), "bad checksum", b"bytes")
    batch = Reading({P0: ["upsert a", fault, "upsert b"]}).turn()
    assert [event.position.offset for event in batch.events] == [0, 2]
    assert [(item.position.offset, item.reason, item.value) for item in batch.quarantined] == [
        (1, "unreadable", b"bytes")
    ]
    assert batch.positions == {P0: 3}
    assert batch.counts == {("stream", "unreadable"): 1}


def test_recreated_and_added_partitions_are_told() -> None:
    intake = Intake(WordDecoder(), {P0: 10}, ())
    faults = [Fault("recreated", Position(*P0, 10), "ends at 3"), Fault("added_partition", Position(*P1, 0), "new")]
    intake.feed(Polled([Record(Position(*P1, 0), None, b"upsert a")], faults))
    batch = intake.take(9, [P0, P1])
    assert batch.positions == {P0: 10, P1: 1}
    assert [fault.kind for fault in batch.faults] == ["recreated", "added_partition"]


def test_waiting_counts_only_after_the_backlog_of_the_missing() -> None:
    reading = Reading({P0: ["deploy d"], P1: ["upsert a"] * 10})

    def overdue(now: float) -> bool:
        return reading.intake.overdue(now, 5.0, [P0, P1], {P0: 1, P1: 10})

    assert not overdue(0.0)
    reading.turn(3)
    assert not overdue(100.0)
    assert not overdue(200.0), "P1 has still to deliver what the log held"
    reading.turn(100)
    assert not overdue(204.0)
    assert overdue(206.0)
    batch = reading.intake.expire([P0, P1])
    assert batch.closed is not None
    assert (batch.closed.how, batch.closed.missing) == ("timeout", (P1,))
    assert batch.positions == {P0: 1, P1: 10}
    assert not overdue(999.0)


def test_a_missing_partition_that_holds_for_another_deploy_does_not_stop_the_clock() -> None:
    """P1 cannot deliver what is behind its own marker, so waiting for it to do so would be for ever."""
    reading = Reading({P0: ["deploy a"], P1: ["deploy b", "upsert x"], P2: []})
    reading.turn()
    ends = reading.source.end()
    assert not reading.intake.overdue(0.0, 5.0, [P0, P1, P2], ends)
    assert reading.intake.overdue(6.0, 5.0, [P0, P1, P2], ends)


def test_without_known_ends_the_clock_runs_at_once() -> None:
    reading = Reading({P0: ["deploy a"], P1: []})
    reading.turn()
    assert not reading.intake.overdue(0.0, 5.0, [P0, P1], None)
    assert reading.intake.overdue(5.1, 5.0, [P0, P1], None)


def test_a_restart_reads_the_markers_again() -> None:
    log = {P0: ["upsert a", "deploy d"], P1: ["upsert b"]}
    reading = Reading(log)
    reading.turn()
    again = Reading({P0: log[P0], P1: [*log[P1], "deploy d"]})
    again.intake = Intake(WordDecoder(), reading.batches[-1].positions, ())
    again.source.start(reading.batches[-1].positions)
    again.to_end()
    assert again.closed() == [("d", "complete")]
    assert again.taken() == []
