"""The intake over random streams, schedules and crashes: nothing lost, nothing twice, no deadlock, barriers kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.app.intake import Intake, IntakeBatch
from monitor.core.model.events import Decoded, Deploy, MalformedEvent, Partition, Position, Record
from tests.fakes import Item, MemorySource, WordDecoder, partition

CONTROL = partition(0, "control")
MOST_STEPS = 2_000
Log = dict[Partition, list[Item]]

SEEDS = st.integers(0, 2**32).map(Random)
ordinary = st.lists(st.sampled_from(("upsert x", "delete x", "beat 1", "noise", "bad", "torn", None)), max_size=8)


@st.composite
def any_log(draw: st.DrawFn) -> Log:
    """Up to three partitions and a control topic; copies lost, doubled, crossed; offsets behind, ahead, unknown."""
    log: Log = {partition(number): list(draw(ordinary)) for number in range(draw(st.integers(1, 3)))}
    data = list(log)
    log[CONTROL] = []
    for name in "abc"[: draw(st.integers(0, 3))]:
        if draw(st.booleans()):
            for part in draw(st.lists(st.sampled_from(data), min_size=1, max_size=4)):
                log[part].insert(draw(st.integers(0, len(log[part]))), f"deploy {name}")
            continue
        named = draw(st.lists(st.sampled_from([*data, partition(9)]), min_size=1, unique=True))
        upto = ",".join(f"{part.topic}/{part.partition}={draw(st.integers(0, 10))}" for part in named)
        home = draw(st.sampled_from([*data, CONTROL]))
        log[home].insert(draw(st.integers(0, len(log[home]))), f"deploy {name} {upto}")
    return log


@st.composite
def broadcast_log(draw: st.DrawFn, *, crossed: bool) -> Log:
    """Every deploy on every partition, in one order or (crossed) in any."""
    log: Log = {}
    names = [f"deploy {name}" for name in "abc"[: draw(st.integers(1, 3))]]
    for number in range(draw(st.integers(1, 3))):
        items = draw(st.permutations(names)) if crossed else names
        stream: list[Item] = list(draw(ordinary))
        for marker in items:
            stream += [marker, *draw(ordinary)]
        log[partition(number)] = stream
    return log


@dataclass
class Run:
    """One life of a stream: what was committed, and the checks that hold at every commit."""

    log: Log
    random: Random
    crashes: bool
    source: MemorySource = field(init=False)
    intake: Intake = field(init=False)
    positions: Mapping[Partition, int] = field(default_factory=dict)
    events: list[Position] = field(default_factory=list)
    set_aside: list[Position] = field(default_factory=list)
    closings: list[tuple[str, str]] = field(default_factory=list)
    at_close: dict[str, frozenset[Position]] = field(default_factory=dict)
    limits: Mapping[Partition, int | None] = field(default_factory=dict)
    now: float = 0.0

    def start(self) -> None:
        self.source = MemorySource(self.log)
        self.source.start(self.positions)
        closed = [name for name, _ in self.closings]
        self.intake = Intake(WordDecoder(), self.positions, closed, control_topics=["control"])

    def to_end(self) -> "Run":
        self.start()
        for _ in range(MOST_STEPS):
            if self.crashes and self.random.random() < 0.15:
                self.start()
            batch = self._step(asleep=self.random.random() < 0.5)
            if self.crashes and self.random.random() < 0.1:
                self.start()  # killed between the take and the commit
                continue
            self._commit(batch)
            if self._idle(batch) and self._idle(self._step(asleep=False, commit=True)) and not self._give_up():
                return self
        message = f"not at the end after {MOST_STEPS} steps"
        raise AssertionError(message)

    def _step(self, *, asleep: bool, commit: bool = False) -> IntakeBatch:
        parts = self.source.partitions()
        resting = frozenset(self.random.sample(sorted(parts), self.random.randint(0, len(parts))))
        self.source.pause(parts)
        self.source.resume(parts - self.intake.holding() - (resting if asleep else frozenset()))
        self.intake.feed(self.source.poll(self.random.randint(1, 5) if asleep else 999, 0.0))
        self.intake.drained(self.source.positions())
        self.limits = {part: self.intake.barrier.limit(part) for part in parts}
        batch = self.intake.take(self.random.randint(1, 5) if asleep else 999, parts)
        if commit:
            self._commit(batch)
        return batch

    def _idle(self, batch: IntakeBatch) -> bool:
        return not (batch.events or batch.counts or batch.closed or self.intake.ready())

    def _give_up(self) -> bool:
        """Nothing moves any more: an open barrier must become overdue, and then end."""
        if not self.intake.barrier.waiting:
            return False
        for _ in range(3):
            self.now += 100.0
            if self.intake.overdue(self.now, 10.0, self.source.partitions(), self.source.end()):
                self._commit(self.intake.expire(self.source.partitions()))
                return True
        message = f"deadlock: {self.intake.barrier.waiting} at {self.positions} of {self.log}"
        raise AssertionError(message)

    def _commit(self, batch: IntakeBatch) -> None:
        closed = {name for name, _ in self.closings}
        for located in batch.events:
            position = located.position
            limit = self.limits.get(position.source)
            if not isinstance(located.event, Deploy):
                assert limit is None or position.offset < limit, "taken beyond an open barrier"
                assert set(markers(self.log, position)) <= closed, "taken behind a marker that has not closed"
                self.events.append(position)
        self.set_aside += [item.position for item in batch.quarantined]
        for part, offset in self.positions.items():
            assert batch.positions[part] >= offset, "positions never go back"
        self.positions = batch.positions
        taken = set(self.events)
        for position in wanted(self.log):
            assert (position in taken) is (position.offset < self.positions.get(position.source, 0))
        if batch.closed is not None:
            self.closings.append((batch.closed.deploy.deploy_id, batch.closed.how))
            self.at_close[batch.closed.deploy.deploy_id] = frozenset(taken)


def wanted(log: Log, words: Sequence[str] = ("upsert", "delete", "beat")) -> list[Position]:
    return [
        Position(*part, at)
        for part, items in log.items()
        for at, item in enumerate(items)
        if isinstance(item, str) and item.split()[0] in words
    ]


def markers(log: Log, before: Position) -> list[str]:
    """Deploys with a copy ahead of this position on its partition."""
    items = log[before.source][: before.offset]
    return [item.split()[1] for item in items if isinstance(item, str) and item.startswith("deploy")]


def names(log: Log) -> set[str]:
    return {name for part, items in log.items() for name in markers(log, Position(*part, len(items)))}


@settings(deadline=None, max_examples=300)
@given(any_log(), SEEDS, st.booleans())
def test_every_event_once_in_order_and_every_deploy_closes_once(log: Log, random: Random, crashes: bool) -> None:
    run = Run(log, random, crashes).to_end()
    assert sorted(run.events) == sorted(wanted(log))
    for part in log:
        own = [position.offset for position in run.events if position.source == part]
        assert own == sorted(own)
    assert sorted(run.set_aside) == sorted(wanted(log, ("bad", "torn")))
    assert sorted(name for name, _ in run.closings) == sorted(names(log))
    ends = {part: len(items) for part, items in log.items()}
    assert {part: run.positions.get(part, 0) for part in log} == ends


@settings(deadline=None, max_examples=150)
@given(broadcast_log(crossed=False), SEEDS, st.booleans())
def test_orderly_deploys_complete_with_exactly_what_stands_before_them(
    log: Log, random: Random, crashes: bool
) -> None:
    run = Run(log, random, crashes).to_end()
    assert run.closings == [(name, "complete") for name in sorted(names(log))]
    for name, taken in run.at_close.items():
        cut = {part: items.index(f"deploy {name}") for part, items in log.items()}
        assert taken == {position for position in wanted(log) if position.offset < cut[position.source]}


@settings(deadline=None, max_examples=150)
@given(broadcast_log(crossed=True), SEEDS, SEEDS)
def test_crossed_deploys_end_alike_whatever_is_read_first_and_however_often_it_crashes(
    log: Log, first: Random, second: Random
) -> None:
    smooth, rough = Run(log, first, crashes=False).to_end(), Run(log, second, crashes=True).to_end()
    assert smooth.closings == rough.closings
    assert smooth.at_close == rough.at_close
    assert {how for _, how in smooth.closings} <= {"complete", "interleaved"}


class RunWords(WordDecoder):
    """The same decoder, of many records at once."""

    def decode_run(self, records: Sequence[Record]) -> list[Decoded]:
        """What `decode` makes of each, up to the first marker."""
        found: list[Decoded] = []
        for record in records:
            try:
                found.append(self.decode(record))
            except MalformedEvent as error:
                found.append(error)
            if isinstance(found[-1], Deploy):
                break
        return found


@settings(max_examples=100, deadline=None)
@given(any_log(), st.lists(st.integers(1, 9), min_size=1))
def test_runs_and_single_records_come_to_the_same_batches(log: Log, limits: list[int]) -> None:
    """Batch after batch, with what was set aside, the counts, positions and barriers."""
    sources = [MemorySource(log), MemorySource(log)]
    for source in sources:
        source.start({})
    intakes = [Intake(decoder, {}, ()) for decoder in (RunWords(), WordDecoder())]
    for limit in limits * 3:
        batches = []
        for source, intake in zip(sources, intakes, strict=True):
            intake.feed(source.poll(limit, 0.0))
            batches.append(intake.take(limit, source.partitions()))
        runs, single = batches
        assert repr(runs.events) == repr(single.events)
        assert (runs.positions, runs.counts) == (single.positions, single.counts)
        assert (runs.closed, runs.faults) == (single.closed, single.faults)
        assert dict(runs.records) == dict(single.records)
        assert [(of.position, of.reason, of.detail) for of in runs.quarantined] == [
            (of.position, of.reason, of.detail) for of in single.quarantined
        ]
        assert list(runs.records) == [event.position for event in runs.events if event.position in runs.records]
