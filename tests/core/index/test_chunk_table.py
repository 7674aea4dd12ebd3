"""The chunk table in columns says what a dictionary of rows says, whatever comes and goes."""

from dataclasses import replace
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.arrays.shared_values import NOTHING, SharedValues
from monitor.core.index import chunk_table
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.chunk_columns import HOW
from monitor.core.index.chunk_table import ChunkTable
from monitor.core.model.changes import NO_SLOT, ChunkRow
from monitor.core.model.events import Position, Version

HASHES = ["", "hash", "0" * 32, "f" * 32, "F" * 32, "0x" + "1" * 30, "00ff" * 8, "1" * 64, " " + "1" * 31, "1_" * 16]
"""Of 128 bits in lower-case digits, and others that look like it."""
VERSIONS: list[Version | None] = [None, 0, -5, 41, 2**63 - 1, 2**63, -(2**63) - 1, (3, 120), (7,)]
positions = st.builds(Position, st.sampled_from(["t", "u/v"]), st.integers(0, 1), st.integers(0, 2**63 - 1))
rows = st.builds(
    ChunkRow,
    key=st.sampled_from([0, 1, 2**10, 2**11, 2**63 - 1, 77, 2**32 + 1]),
    chunk_id=st.sampled_from(["a", "b\x00", "\u00e4"]),
    doc_id=st.sampled_from(["", "guide", "api"]),
    ordinal=st.integers(-(2**63), 2**63 - 1),
    segment=st.sampled_from([(), (("language", "de"),), (("language", "de"), ("source", "x"))]),
    embedding_version=st.sampled_from(["", "v1", "v2"]),
    event_time=st.integers(-(2**63), 2**63 - 1),
    content_hash=st.sampled_from(HASHES),
    version=st.sampled_from(VERSIONS),
    position=positions,
    slot=st.integers(NO_SLOT, 9),
    changed=st.none() | positions,
    how=st.sampled_from(HOW),
)
steps = st.lists(rows | st.integers(-(2**62), 2**62), max_size=40)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_says_what_a_dictionary_says(taken: list[ChunkRow | int]) -> None:
    """A row is put; a number is an event time before which delete marks are forgotten."""
    table, known = ChunkTable(), dict[int, ChunkRow]()
    for step in taken:
        if isinstance(step, ChunkRow):
            table.put(step)
            known[step.key] = step
        else:
            gone = [key for key, row in known.items() if not row.live and row.event_time < step]
            assert sorted(table.forgotten(step)) == sorted(gone)
            for key in gone:
                del known[key]
        assert len(table) == len(known)
        assert {row.key: row for row in table} == known
    for key in (*known, 5, 2**12):
        assert table.get(key) == known.get(key)
    keys = np.array([*known, 5], np.int64)
    assert table.slots(keys).tolist() == [*(row.slot for row in known.values()), NO_SLOT]
    asked = [*known, 5, *known]
    now, there = table.columns(np.array(asked, np.int64)), [known.get(key) for key in asked]
    segments, encoders = now.segments(), now.encoders()
    assert now.known.tolist() == [row is not None for row in there]
    assert now.live.tolist() == [row is not None and row.live for row in there]
    assert now.slots.tolist() == [NO_SLOT if row is None else row.slot for row in there]
    assert now.content_hashes() == ["" if row is None else row.content_hash for row in there]
    assert now.documents() == ["" if row is None else row.doc_id for row in there]
    for (values, places), name in ((segments, "segment"), (encoders, "embedding_version")):
        found = [None if at == NOTHING else values[at] for at in places.tolist()]
        assert found == [None if row is None else getattr(row, name) for row in there]
        assert len(set(values)) == len(values)
    assert [how for how, row in zip(now.how(), there, strict=True) if row] == [row.how for row in there if row]
    some = np.arange(len(asked))[::-2]
    assert now.take(some).content_hashes() == [now.content_hashes()[at] for at in some.tolist()]
    for since in ({}, {"t/0": 9, "u/v/1": 2**62}):
        late = [row is not None and row.origin.offset >= since.get(row.origin.source.name, 0) for row in there]
        assert now.since(since).tolist() == late
        behind = [row for row in known.values() if row.origin.offset >= since.get(row.origin.source.name, 0)]
        assert sorted(table.since(since).tolist()) == sorted(row.key for row in behind)
        changed, expected = table.changed(since), ChangedChunks.of(known.values(), since)
        assert (changed.documents, changed.texts) == (expected.documents, expected.texts)
    for said in HASHES:
        holders = {row.key for row in known.values() if row.live and row.content_hash == said}
        assert {row.key for row in table.saying([said]) if row.content_hash == said} == holders


def test_what_nobody_says_any_more_is_forgotten() -> None:
    """A million chunks that are replaced again and again by others leave nothing behind."""
    table = ChunkTable()
    row = ChunkRow(1, "a", "a", 0, (), "v", 1, "hash", (1, 2), Position("t", 0, 0), 0)
    for number in range(1_000):
        table.put(replace(row, doc_id=str(number), segment=(("n", str(number)),), content_hash=str(number)))
        table.put(replace(row, key=number + 2, chunk_id=str(number), slot=NO_SLOT, doc_id="gone"))
        table.forgotten(2)
    assert len(table) == 1
    assert [len(of) for of in table.shared] == [1, 1, 1, 1]
    assert len(table.aside) == 2


def test_rows_that_come_together_are_found_one_by_one() -> None:
    generator = np.random.default_rng(3)
    keys = generator.integers(0, 2**63 - 1, 5_000).tolist()
    made = [
        ChunkRow(key, str(key), "d", at, (), "", at, "", at, Position("t", 0, at), at) for at, key in enumerate(keys)
    ]
    table = ChunkTable()
    table.add(made[:3_000])
    for row in made[3_000:]:
        table.put(row)
    assert all(table.get(row.key) == row for row in made)
    assert list(table) == made


def test_a_code_is_given_again() -> None:
    shared = SharedValues[str]()
    codes = shared.exchange(["a", "b", "a"], np.full(3, NOTHING))
    assert codes.tolist() == [0, 1, 0]
    shared.release(codes[:1])
    assert shared[0] == "a"
    shared.release(codes[2:])
    assert (shared.code("a"), shared.exchange(["c"], np.full(1, NOTHING)).tolist(), len(shared)) == (None, [0], 2)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.none() | st.sampled_from("abcde"), min_size=6, max_size=6), max_size=12))
def test_holders_exchange_what_they_hold(steps: list[list[str | None]]) -> None:
    shared, codes = SharedValues[str](), np.full(6, NOTHING)
    for values in steps:
        codes = shared.exchange(values, codes)
        assert [None if code == NOTHING else shared[code] for code in codes.tolist()] == values
        assert {of for of in shared.values if of is not None} == set(values) - {None}
        assert len(shared) == len(set(values) - {None})
    shared.release(codes)
    assert len(shared) == 0


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(rows, max_size=7, unique_by=lambda row: row.key), max_size=8))
def test_rows_that_are_put_together_are_as_if_put_one_by_one(batches: list[list[ChunkRow]]) -> None:
    table, known = ChunkTable(), dict[int, ChunkRow]()
    for batch in batches:
        table.put(*batch)
        known |= {row.key: row for row in batch}
        assert table.known([*known, 5]) == known
        assert {row.key: row for row in table} == known
        assert [set(of.values) - {None} for of in table.shared] == [
            {row.doc_id for row in known.values()},
            {row.segment for row in known.values()},
            {row.embedding_version for row in known.values()},
            {of[:2] for row in known.values() for of in (row.position, row.changed) if of is not None},
        ]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(rows, max_size=7, unique_by=lambda row: row.key), max_size=8), st.integers(1, 4))
def test_what_is_remembered_is_never_what_was(batches: list[list[ChunkRow]], recent: int) -> None:
    """Batches larger than what is remembered, rows that were asked for before they are put, in generations."""
    table, known = ChunkTable(), dict[int, ChunkRow]()
    with mock.patch.object(chunk_table, "_RECENT", recent):
        for batch in batches:
            assert table.known([*known, 5]) == known
            table.put(*batch)
            known |= {row.key: row for row in batch}
            assert {key: table.get(key) for key in known} == known
            assert table.known(list(known)[::-1]) == known
