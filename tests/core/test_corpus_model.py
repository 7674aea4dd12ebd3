"""The corpus against a slow, obvious model: re-delivery, reordering, tombstones, batch cuts, restarts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.core.index.corpus import DAY, NO_SLOT, Applied, ChunkRow, Corpus
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Heartbeat,
    Located,
    Position,
    Upsert,
    Version,
    chunk_key,
)
from monitor.core.model.lists import NO_CHUNK

IDS = ("p0", "p1", "p2", "v0", "v1", "v2", "t0", "t1")
"""p: ordered by position, v: by version, t: by a version of two numbers. The digit is the partition."""
TEXTS = ("one", "two", "three")
Content = tuple[str, str, bytes]


def upsert(name: str, text: str, time: int, version: Version | None = None) -> Upsert:
    vector = np.array([len(text), time % 2], np.float32)
    return Upsert(Chunk(name, "doc", 0, text, vector, "v", (("source", text),), time, text), version)


@dataclass(frozen=True)
class Known:
    """The last applied event of one chunk."""

    content: Content | None
    version: Version | None
    position: Position
    time: int


def numbers(version: Version) -> tuple[int, ...]:
    return version if isinstance(version, tuple) else (version,)


class Model:
    """A dict of the last applied event by chunk id."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.newest = self.barrier = 0

    def offer(self, located: Located) -> str:
        event, position = located.event, located.position
        time: int | None
        if isinstance(event, Upsert):
            name, time = event.chunk.chunk_id, event.chunk.event_time
        elif isinstance(event, Delete):
            name, time = event.chunk_id, event.event_time
        else:
            self.newest = max(self.newest, event.event_time)
            return "nothing"
        old = self.known.get(name)
        if time is None:
            time = self.barrier if old is None else max(self.barrier, old.time)
        outcome = "apply" if old is None else self._against(old, event, position, time)
        self.newest = max(self.newest, time)
        if outcome != "apply":
            return outcome
        content = None
        if isinstance(event, Upsert):
            vector = event.chunk.vector
            content = (event.chunk.text, name, b"" if vector is None else vector.tobytes())
        version = (
            event.version if isinstance(event, Upsert) or event.version is not None or old is None else old.version
        )
        self.known[name] = Known(content, version, position, time)
        was = None if old is None else old.content
        if content is None:
            return "absent" if was is None else "deleted"
        return "new" if was is None else "noop" if was == content else "modified"

    def _against(self, old: Known, event: Upsert | Delete, position: Position, time: int) -> str:
        same = old.position[:2] == position[:2]
        if event.version is not None and old.version is not None:
            if event.version == old.version:
                return "duplicate"
            return "apply" if numbers(event.version) > numbers(old.version) else "stale"
        if isinstance(event, Delete) and event.version is None:
            return "duplicate" if same and position.offset <= old.position.offset else "apply"
        if same:
            if position.offset == old.position.offset:
                return "duplicate"
            return "apply" if position.offset > old.position.offset else "stale"
        return "apply" if (time, position[:2]) > (old.time, old.position[:2]) else "stale"

    def prune(self, days: float) -> list[str]:
        self.barrier = self.newest
        edge = self.newest - int(days * DAY)
        gone = [name for name, known in self.known.items() if known.content is None and known.time < edge]
        for name in gone:
            del self.known[name]
        return gone


class Shadow:
    """What an index holds that is told of the corpus by deltas only."""

    def __init__(self) -> None:
        self.slots: dict[int, tuple[int, str, bytes]] = {}

    def follow(self, corpus: Corpus, applied: Applied) -> None:
        delta = corpus.delta(applied.changes)
        assert delta.removed.tolist() == sorted(set(delta.removed.tolist()))
        assert delta.added.tolist() == sorted(set(delta.added.tolist()))
        assert len(delta.removed_keys) == len(delta.removed)
        for slot, key in zip(delta.removed.tolist(), delta.removed_keys.tolist(), strict=True):
            assert self.slots.pop(slot)[0] == key
        for slot, row, text, vector in zip(delta.added.tolist(), delta.rows, delta.texts, delta.vectors, strict=True):
            assert slot not in self.slots
            assert row.slot == slot
            self.slots[slot] = (row.key, text, vector.tobytes())


def described(corpus: Corpus) -> dict[str, Known]:
    """The corpus as the model would have it; the text is its own hash here."""
    return {
        row.chunk_id: Known(
            (row.content_hash, row.chunk_id, corpus.vectors[row.slot].tobytes()) if row.live else None,
            row.version,
            row.position,
            row.event_time,
        )
        for row in corpus.rows()
    }


def reborn(corpus: Corpus) -> tuple[Corpus, Shadow]:
    """A restart: the rows in key order, as a store gives them back."""
    made, shadow = Corpus(2), Shadow()
    rows = sorted(corpus.rows(), key=lambda row: row.key)
    for kept in made.restore(rows, [corpus.vectors[row.slot] if row.live else None for row in rows]):
        if kept.live:
            shadow.slots[kept.slot] = (kept.key, kept.content_hash, made.vectors[kept.slot].tobytes())
    made.newest_event_time, made.barrier_time = corpus.newest_event_time, corpus.barrier_time
    return made, shadow


times = st.integers(0, 5).map(lambda days: days * DAY)


@st.composite
def events(draw: st.DrawFn) -> CorpusEvent:
    time = draw(times)
    name = draw(st.sampled_from(IDS))
    version: Version | None = draw(st.integers(0, 6)) if name.startswith("v") else None
    if name.startswith("t"):
        version = draw(st.tuples(st.integers(0, 2), st.integers(0, 3)))
    match draw(st.sampled_from(("upsert", "upsert", "delete", "tombstone", "beat"))):
        case "upsert":
            return upsert(name, draw(st.sampled_from(TEXTS)), time, version)
        case "delete":
            return Delete(name, time, version)
        case "tombstone":
            return Delete(name, draw(st.none() | times))
    return Heartbeat(time)


def partition_of(event: CorpusEvent) -> int:
    name = event.chunk.chunk_id if isinstance(event, Upsert) else getattr(event, "chunk_id", "p0")
    return int(name[1])


class CorpusMachine(RuleBasedStateMachine):
    """One corpus takes batches, another single events, and the model says what both must be."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.corpus, self.single = Model(), Corpus(2, tombstone_days=2), Corpus(2, tombstone_days=2)
        self.shadow, self.single_shadow = Shadow(), Shadow()
        self.logs: dict[int, list[Located]] = {0: [], 1: [], 2: []}

    def _apply(self, batch: Sequence[Located]) -> list[str]:
        expected = [self.model.offer(located) for located in batch]
        applied = self.corpus.apply(batch)
        counted = [outcome for (_, outcome), count in applied.outcomes.items() for _ in range(count)]
        assert sorted(counted) == sorted(outcome for outcome in expected if outcome != "nothing")
        assert applied.refused == ()
        self.shadow.follow(self.corpus, applied)
        for located in batch:
            self.single_shadow.follow(self.single, self.single.apply([located]))
        return expected

    @rule(arriving=st.lists(events(), max_size=12))
    def arrives(self, arriving: list[CorpusEvent]) -> None:
        batch = []
        for event in arriving:
            log = self.logs[partition_of(event)]
            batch.append(Located(Position("t", partition_of(event), len(log)), event))
            log.append(batch[-1])
        self._apply(batch)

    @rule(partition=st.integers(0, 2), last=st.integers(1, 30))
    def a_suffix_is_delivered_again(self, partition: int, last: int) -> None:
        before, rows = dict(self.shadow.slots), described(self.corpus)
        outcomes = self._apply(self.logs[partition][-last:])
        assert set(outcomes) <= {"duplicate", "stale", "nothing"}
        assert (self.shadow.slots, described(self.corpus)) == (before, rows)

    @rule()
    def marks_are_pruned(self) -> None:
        expected = sorted(chunk_key(name) for name in self.model.prune(2))
        assert sorted(self.corpus.prune()) == expected
        assert sorted(self.single.prune()) == expected
        if expected:
            # What was forgotten could come back by re-delivery: that is what the tombstone life is for.
            for log in self.logs.values():
                log[:] = [located._replace(event=Heartbeat(0)) for located in log]

    @rule()
    def restarts(self) -> None:
        life = self.corpus._tombstone_life
        self.corpus, self.shadow = reborn(self.corpus)
        self.corpus._tombstone_life = life

    @invariant()
    def both_are_the_model(self) -> None:
        for corpus, shadow in ((self.corpus, self.shadow), (self.single, self.single_shadow)):
            assert described(corpus) == self.model.known
            assert corpus.newest_event_time == self.model.newest
            live = {row.slot: row for row in corpus.rows() if row.live}
            assert len(corpus) == len(live) == len([row for row in corpus.rows() if row.live])
            held = {slot: (row.key, row.content_hash, corpus.vectors[slot].tobytes()) for slot, row in live.items()}
            assert shadow.slots == held
            assert [corpus.names[slot] for slot in live] == [row.chunk_id for row in live.values()]
            assert all(row.key == chunk_key(row.chunk_id) for row in corpus.rows())
            assert len(corpus.keys) == len(corpus.vectors)
            used = {slot: key for slot, key in enumerate(corpus.keys.tolist()) if key != NO_CHUNK}
            assert used == {slot: row.key for slot, row in live.items()}
            assert len(corpus.names) <= len(IDS), "slots are used again"


TestCorpus = CorpusMachine.TestCase
TestCorpus.settings = settings(deadline=None, max_examples=80, stateful_step_count=20)


def merged(logs: list[list[CorpusEvent]], order: list[int]) -> list[Located]:
    """One interleaving of the partitions; what `order` leaves over comes at the end."""
    at = [0] * len(logs)
    made = []
    for number in [*order, *(n for n, log in enumerate(logs) for _ in log)]:
        if number < len(logs) and at[number] < len(logs[number]):
            made.append(Located(Position("t", number, at[number]), logs[number][at[number]]))
            at[number] += 1
    return made


def table(corpus: Corpus) -> list[ChunkRow]:
    """The chunk table without slots, which may differ."""
    rows = [
        ChunkRow(
            **{name: getattr(row, name) for name in ChunkRow.__match_args__ if name != "slot"},
            slot=0 if row.live else NO_SLOT,
        )
        for row in corpus.rows()
    ]
    return sorted(rows, key=lambda row: row.key)


@settings(deadline=None)
@given(
    st.lists(events(), max_size=25),
    st.lists(st.integers(0, 2), max_size=25),
    st.lists(st.integers(0, 2), max_size=25),
    st.integers(1, 7),
)
def test_neither_the_interleaving_of_partitions_nor_the_batches_matter(
    stream: list[CorpusEvent], first: list[int], second: list[int], size: int
) -> None:
    logs = [[event for event in stream if partition_of(event) == number] for number in range(3)]
    left, right = Corpus(2), Corpus(2)
    left.apply(merged(logs, first))
    whole = merged(logs, second)
    for start in range(0, len(whole), size):
        right.apply(whole[start : start + size])
    assert table(left) == table(right)
    assert left.newest_event_time == right.newest_event_time
