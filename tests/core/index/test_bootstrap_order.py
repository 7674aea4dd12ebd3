"""What a scan found, with the events from offsets taken before it applied over it, equals the whole history."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.corpus import Corpus
from monitor.core.model.events import (
    BOOTSTRAP,
    Chunk,
    CorpusEvent,
    Delete,
    Located,
    Partition,
    Position,
    Upsert,
    Version,
    bootstrapped,
)

PARTITIONS = 2
TOPIC = "changes"
CHUNKS = [f"c{at}" for at in range(6)]


@dataclass(frozen=True)
class Written:
    """One event of a stream, and the version that the payload of its chunk then states."""

    chunk: str
    text: str | None
    version: Version | None
    time: int

    def event(self) -> CorpusEvent:
        if self.text is None:
            return Delete(self.chunk, self.time, self.version)
        return Upsert(Chunk.of(self.chunk, self.text, event_time=self.time), self.version)


def partition_of(chunk: str) -> int:
    return int(chunk[1:]) % PARTITIONS


def histories(versioned: bool) -> st.SearchStrategy[list[Written]]:
    """Events in the order of writing; versions, where there are any, rise with it."""

    def numbered(drawn: list[tuple[str, str | None, int]]) -> list[Written]:
        return [Written(chunk, text, at if versioned else None, time) for at, (chunk, text, time) in enumerate(drawn)]

    texts = st.one_of(st.none(), st.sampled_from(["one", "two", "three"]))
    return st.lists(st.tuples(st.sampled_from(CHUNKS), texts, st.integers(0, 50)), max_size=30).map(numbered)


def located(history: Sequence[Written]) -> list[Located]:
    """With their offsets: a chunk's events are in one partition."""
    offsets: dict[int, int] = defaultdict(int)
    made = []
    for one in history:
        part = partition_of(one.chunk)
        made.append(Located(Position(TOPIC, part, offsets[part]), one.event()))
        offsets[part] += 1
    return made


def live(corpus: Corpus) -> dict[str, Any]:
    return {row.chunk_id: row.content_hash for row in corpus.rows() if row.live}


@pytest.mark.parametrize(
    ("in_events", "in_payloads"), [(False, False), (True, True), (True, False)], ids=["none", "both", "events alone"]
)
@pytest.mark.parametrize("files", [False, True], ids=["a scan", "files"])
@given(data=st.data())
def test_a_bootstrap_equals_the_whole_history(
    files: bool, in_events: bool, in_payloads: bool, data: st.DataObject
) -> None:
    """The index follows the stream with some delay, the scan reads chunk after chunk while it does.

    Rows of files stand in the partitions of their chunks, those of a scan in one.

    The one condition: what stands before the offsets taken is in the index when the scan begins.
    """
    history = data.draw(histories(in_events))
    events = located(history)
    whole = Corpus(0)
    whole.apply(events)

    taken = data.draw(st.integers(0, len(history)))  # everything before was written, and indexed, when the scan began
    indexed = taken
    index: dict[str, Written] = {}
    for one in history[:taken]:
        index[one.chunk] = one
    scanned: list[Located] = []
    for chunk in data.draw(st.permutations(CHUNKS)):
        step = data.draw(st.integers(0, 4))
        for one in history[indexed : indexed + step]:
            index[one.chunk] = one
        indexed += step
        held = index.get(chunk)
        if held is not None and held.text is not None:
            seen = Written(chunk, held.text, held.version if in_payloads else None, data.draw(st.integers(0, 100)))
            at = bootstrapped(Partition(TOPIC, partition_of(chunk))) if files else Partition(BOOTSTRAP, 0)
            scanned.append(Located(Position(*at, len(scanned)), seen.event()))

    offsets = {
        Partition(TOPIC, part): sum(partition_of(one.chunk) == part for one in history[:taken]) for part in (0, 1)
    }
    after = [event for event in events if event.position.offset >= offsets[event.position.source]]
    parts = [[event for event in after if event.position.partition == part] for part in (0, 1)]
    interleaved: list[Located] = []
    while any(parts):
        chosen = data.draw(st.sampled_from([part for part in parts if part]))
        interleaved.append(chosen.pop(0))
    corpus = Corpus(0)
    corpus.apply(scanned)
    applied = corpus.apply(interleaved)
    assert not applied.refused
    assert live(corpus) == live(whole)
    for late in (Written(chunk, "late", 10_000 if in_events else None, 0) for chunk in CHUNKS):
        position = Position(TOPIC, partition_of(late.chunk), 10_000)
        for known in (corpus, whole):
            known.apply([Located(position, late.event())])
    assert live(corpus) == live(whole)


def test_an_event_older_than_a_stated_version_does_not_set_a_bootstrapped_chunk_back() -> None:
    corpus = Corpus(0)
    seen = Written("c0", "new", 7, 5)
    corpus.apply([Located(Position(BOOTSTRAP, 0, 0), seen.event())])
    straggler = Located(Position(TOPIC, 0, 3), Written("c0", "old", 3, 9).event())
    assert corpus.apply([straggler]).outcomes["upsert", "stale"] == 1


def test_the_same_scan_read_again_after_a_kill_changes_nothing() -> None:
    corpus = Corpus(0)
    seen = Located(Position(BOOTSTRAP, 0, 4), Written("c0", "one", None, 5).event())
    corpus.apply([seen])
    assert corpus.apply([seen]).outcomes["upsert", "duplicate"] == 1
