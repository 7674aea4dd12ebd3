"""Upserts that are told by columns come to what one event after the other comes to."""

from collections.abc import Sequence
from dataclasses import replace
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index import corpus as corpus_module
from monitor.core.index import plain_upserts
from monitor.core.index.corpus import Corpus
from monitor.core.model.changes import Applied, Change, Delta, repeated_upserts
from monitor.core.model.events import (
    BOOTSTRAP,
    Chunk,
    CorpusEvent,
    Delete,
    Heartbeat,
    Located,
    Position,
    Upsert,
    Version,
    chunk_keys,
)

NAMES = [f"doc{number // 3}#{number}" for number in range(9)]
VERSIONS: list[Version | None] = [0, 1, 2, 3, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, True, None, (1, 2)]
HASHES = ["0" * 31 + "1", "0" * 31 + "2", "f" * 32, "sha256:7", "", "0" * 32]
VECTORS = [None, *(np.full(2, number, np.float32) for number in (0.0, 1.0, np.nan))]

chunks = st.builds(
    Chunk,
    chunk_id=st.sampled_from(NAMES),
    doc_id=st.sampled_from(["a", "b"]),
    ordinal=st.integers(0, 1),
    text=st.sampled_from(["one", "two"]),
    vector=st.sampled_from(VECTORS),
    embedding_version=st.sampled_from(["v1", "v2"]),
    segment=st.sampled_from([(), (("language", "de"),)]),
    event_time=st.integers(0, 5),
    content_hash=st.sampled_from(HASHES),
)
plain = st.builds(Upsert, chunks, st.integers(0, 9))
events = (
    plain
    | plain
    | st.builds(Upsert, chunks, st.sampled_from(VERSIONS))
    | st.builds(
        Delete, st.sampled_from(NAMES), st.none() | st.integers(0, 5), st.sampled_from(VERSIONS) | st.integers(0, 9)
    )
    | st.builds(Heartbeat, st.integers(0, 9))
)
batches = st.lists(st.lists(events, max_size=12), max_size=8)
"""An empty one stands for a barrier."""


def colliding(names: Sequence[str]) -> NDArray[np.int64]:
    """Two of the names have one key."""
    return chunk_keys([NAMES[0] if name == NAMES[1] else name for name in names])


def told(change: Change) -> tuple[object, ...]:
    """All that a change says."""
    return change.kind, change.before, change.after, id(change.chunk), change.repeated, change.stood is None


def same(left: Delta, right: Delta) -> None:
    """Two net effects are one."""
    for name in ("removed", "added", "removed_keys", "vectors", "removed_vectors"):
        assert np.array_equal(getattr(left, name), getattr(right, name), equal_nan="vectors" in name), name
    assert (left.rows, left.texts, left.noop_rows) == (right.rows, right.texts, right.noop_rows)


def applied(corpus: Corpus, batch: Sequence[Located], least: int) -> Applied:
    """A batch applied, by columns from so many upserts on."""
    with mock.patch.object(plain_upserts, "LEAST", least), mock.patch.object(corpus_module, "chunk_keys", colliding):
        return corpus.apply(batch)


def check(arriving: Sequence[Sequence[CorpusEvent]], partitions: int) -> None:
    """Both ways over the same batches; one behind a bootstrap, whose rows yield to every event."""
    by_columns, one_by_one, offset = Corpus(2, tombstone_days=0.0), Corpus(2, tombstone_days=0.0), 0
    for number, batch in enumerate(arriving):
        topic = BOOTSTRAP if number == 0 else "t"
        located = [Located(Position(topic, at % partitions, offset + at), event) for at, event in enumerate(batch)]
        offset += len(batch)
        if not batch:
            assert sorted(by_columns.prune()) == sorted(one_by_one.prune())
        found, expected = applied(by_columns, located, 1), applied(one_by_one, located, 10**9)
        assert list(map(told, found.changes)) == list(map(told, expected.changes))
        said = [(of.located, of.error.reason, of.error.detail) for of in found.refused]
        assert said == [(of.located, of.error.reason, of.error.detail) for of in expected.refused]
        assert (found.outcomes, len(found.changes)) == (expected.outcomes, len(expected.changes))
        assert repeated_upserts(found.changes) == repeated_upserts(expected.changes)
        same(by_columns.delta(found.changes), one_by_one.delta(expected.changes))
        rows = [{row.key: row for row in corpus.rows()} for corpus in (by_columns, one_by_one)]
        assert rows[0] == rows[1]
        assert {key: by_columns.row(key) for key in rows[0]} == rows[0]
        assert (by_columns.names, len(by_columns)) == (one_by_one.names, len(one_by_one))
        assert by_columns.newest_event_time == one_by_one.newest_event_time
        assert np.array_equal(by_columns.keys, one_by_one.keys)
        assert np.array_equal(by_columns.vectors, one_by_one.vectors, equal_nan=True)
        tables = [corpus._table for corpus in (by_columns, one_by_one)]
        assert [len(of) for of in tables[0].shared] == [len(of) for of in tables[1].shared]
        assert len(tables[0].aside) == len(tables[1].aside)


@settings(max_examples=300, deadline=None)
@given(batches, st.integers(1, 2))
def test_columns_come_to_what_one_by_one_comes_to(arriving: list[list[CorpusEvent]], partitions: int) -> None:
    check(arriving, partitions)


def upserts(version: int, **fields: object) -> list[CorpusEvent]:
    """Each chunk once."""
    first = Chunk("", "a", 0, "one", VECTORS[1], "v1", (), 1, "")
    named = [replace(first, chunk_id=name, content_hash=f"{at:032x}") for at, name in enumerate(NAMES[1:])]
    return [Upsert(replace(chunk, **fields), version) for chunk in named]  # type: ignore[arg-type]


def test_whole_batches_are_plain() -> None:
    """New, modified, with another vector, and with one that is gone in between."""
    made = [upserts(1), upserts(2, content_hash="f" * 32), upserts(3, content_hash="f" * 32, embedding_version="v2")]
    check([[], *made], 1)
    check([[], made[0], [*made[1][:4], Delete(NAMES[5], 9, 9), *made[1][5:]], [Delete(NAMES[2], 9, 9), *made[2]]], 2)
    corpus = Corpus(2)
    for batch, how in zip(made, ("new", "modified", "reencoded"), strict=True):
        found = applied(corpus, [Located(Position("t", 0, at), event) for at, event in enumerate(batch)], 1)
        assert {change.after.how for change in found.changes} == {how}
        assert not any(isinstance(change.stood, type(change.after)) for change in found.changes)


def test_what_stood_before_is_told_behind_later_batches() -> None:
    """Documents and segments of before are kept although no chunk has them any more."""
    corpus = Corpus(2)
    first = [Located(Position("t", at, at), event) for at, event in enumerate(upserts(1, segment=(("a", "b"),)))]
    rows = [change.after for change in applied(corpus, first, 1).changes]
    for version, document in ((2, "b"), (3, "c")):
        batch = upserts(version, doc_id=document, segment=(), embedding_version=document, content_hash="f" * 32)
        found = applied(corpus, [Located(Position("u", 0, 9 + at), event) for at, event in enumerate(batch)], 1)
        if version == 2:
            kept = found
    assert [change.before for change in kept.changes] == rows
