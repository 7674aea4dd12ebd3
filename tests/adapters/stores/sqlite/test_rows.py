"""Rows of a turn, made and put column by column, are those that each change says by itself."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import msgspec
import numpy as np
import pytest

from monitor.adapters.stores.sqlite.rows import HOW, put, stored_version, write, written
from monitor.adapters.stores.sqlite.schema import CHUNK_TABLE
from monitor.core.index.corpus import NO_SLOT, Change, Corpus
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert, Version, text_hash

VERSIONS: tuple[Version | None, ...] = (None, 3, 2**70, (3, 120), -4)


def events(generator: np.random.Generator, count: int, first: int) -> list[Located]:
    """Some are repeated, deleted, restored; vectors of other types, in pieces, or none."""
    made = []
    for at in range(first, first + count):
        name = f"c{generator.integers(60)}"
        mode = int(name[1:]) % len(VERSIONS)
        version = VERSIONS[mode]
        numbered = at if version in (3, -4) else version
        if generator.random() < 0.2:
            made.append(Located(Position("t", at % 3, at), Delete(name, at, numbered)))
            continue
        said = int(generator.integers(3))
        vector: Any = np.array([[said, 7], [1, 8]], (np.float32, ">f4", np.float64)[at % 3])[:, 0]
        text, segment = f"text {said}", (("s", str(said)),)
        chunk = Chunk(name, f"d{said}", said, text, vector if at % 5 else None, "v", segment, at, text_hash(text))
        made.append(Located(Position("t", at % 3, at), Upsert(chunk, numbered)))
    return made


def plainly(changes: Sequence[Change]) -> dict[int, tuple[Any, ...]]:
    """By key, what the table has in the end, told change by change."""
    rows: dict[int, tuple[Any, ...]] = {}
    for change in changes:
        row, chunk = change.after, change.chunk
        content = rows[row.key][13:15] if change.kind == "noop" else ("", None)
        if chunk is not None and change.kind != "noop":
            content = chunk.text, None if chunk.vector is None else chunk.vector.astype("<f4").tobytes()
        rows[row.key] = (
            row.key, row.chunk_id, row.doc_id, row.ordinal, msgspec.msgpack.encode(row.segment),
            row.embedding_version, row.event_time, row.content_hash, stored_version(row.version),
            *row.position, int(row.slot != NO_SLOT), *content, *(row.changed or (None, None, None)),
            HOW.index(row.how),
        )  # fmt: skip
    return rows


@pytest.mark.parametrize("whole", [False, True], ids=["put", "written"])
@pytest.mark.parametrize("size", [1, 7, 400])
def test_rows_are_those_that_each_change_says(size: int, *, whole: bool) -> None:
    corpus, generator, told = Corpus(2), np.random.default_rng(size), list[Change]()
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(CHUNK_TABLE)
        for first in range(0, 800, size):
            changes = corpus.apply(events(generator, size, first)).changes
            told += changes
            if whole:
                write(db, *written(changes))
            else:
                put(lambda sql, columns: db.executemany(sql, zip(*columns, strict=True)), changes)
        found = {row[0]: row for row in db.execute("SELECT * FROM chunk")}
    assert found == plainly(told)
    assert {change.kind for change in told} >= {"new", "modified", "deleted", "noop"}
