"""Rows of the state file: chunks as columns, and the statements over them."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import NO_SLOT, Change, ChunkRow, How
from monitor.core.model.events import Position, Segment, Version
from monitor.core.records.committed import ChunkContent, StoredChunk

Columns = Sequence[Sequence[object]]
"""Values of rows, column by column: as many of each, and one column at least."""
_COLUMNS = (
    "key,chunk_id,doc_id,ordinal,segment,embedding_version,event_time,content_hash,version,topic,partition,at,live,"
    "text,vector,changed_topic,changed_partition,changed_at,how"
)
_NOT_CHANGED = ("changed_topic", "changed_partition", "changed_at")


def _put_chunk(null: Collection[str] = ()) -> str:
    """A row, but for columns that are null. Not INSERT OR REPLACE, which takes longer where the row is there."""
    names = _COLUMNS.split(",")
    values = ",".join("NULL" if name in null else "?" for name in names)
    updates = ",".join(f"{name}=excluded.{name}" for name in names[1:])
    return f"INSERT INTO chunk ({_COLUMNS}) VALUES ({values}) ON CONFLICT (key) DO UPDATE SET {updates}"  # noqa: S608


_PUT_CHUNK, _PUT_AS_CHANGED = _put_chunk(), _put_chunk(_NOT_CHANGED)
_CHANGED = slice(15, 18)
"""Where the columns stand that are null in nearly every row."""
_TOUCH_CHUNK = (
    "UPDATE chunk SET event_time=?,version=?,topic=?,partition=?,at=?,"
    "changed_topic=?,changed_partition=?,changed_at=? WHERE key=?"
)
READ_CHUNKS = f"SELECT {_COLUMNS} FROM chunk ORDER BY key"  # noqa: S608 - constant
READ_CONTENTS = READ_CHUNKS.replace("text,vector", "text,NULL")
"""The same without vectors, which are most of what is stored."""
TRIM_QUARANTINE = """
DELETE FROM quarantine WHERE rowid IN (
  SELECT rowid FROM (
    SELECT rowid, ROW_NUMBER() OVER newest AS place, SUM(COALESCE(LENGTH(value), 0)) OVER newest AS total
    FROM quarantine WINDOW newest AS (PARTITION BY topic, partition ORDER BY at DESC))
  WHERE place > 1 AND (place > ? OR total > ?))
"""
"""Keeps of each partition its newest records, up to so many rows and bytes, and at least one."""

sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(memoryview, lambda view: view)
sqlite3.register_adapter(type(None), lambda none: none)
# Values without an adapter are asked whether they have one by an attribute that they lack: 0.4 us for each. None is
# asked for of a number, a text and a bytearray.

HOW: tuple[How, ...] = ("new", "modified", "deleted", "reencoded", "restored")
_CODES = {how: code for code, how in enumerate(HOW)}
_STORED = np.dtype("<f4")
_SAME = (None, None, None)
_COLUMN_END = 2**63
"""The first number that an SQLite column does not hold."""
_SEGMENTS: msgspec.msgpack.Decoder[Segment] = msgspec.msgpack.Decoder(Segment)


def put(execute: Callable[[str, Columns], object], changes: Sequence[Change]) -> None:
    """Write what one turn's changes say.

    Args:
        execute: runs a statement for each row of these columns.
        changes: in order.
    """
    puts, touches = _last(changes)
    same = [change for change in puts if change.after.changed is None]
    others = [change for change in puts if change.after.changed is not None] if len(same) < len(puts) else []
    for statement, some in ((_PUT_AS_CHANGED, same), (_PUT_CHUNK, others)):
        if some:
            columns = _columns(some, _viewed)
            execute(statement, columns if some is others else columns[: _CHANGED.start] + columns[_CHANGED.stop :])
    if touches:
        execute(_TOUCH_CHUNK, list(zip(*_touched(touches), strict=True)))


def written(changes: Sequence[Change]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What one turn's changes write: rows by `_COLUMNS`, and by `_TOUCH_CHUNK` for those that brought no content."""
    puts, touches = _last(changes)
    return list(zip(*_columns(puts, bytearray), strict=True)), _touched(touches)


def write(db: sqlite3.Connection, puts: Sequence[tuple[object, ...]], touches: Sequence[tuple[object, ...]]) -> None:
    """Write the rows of `written`."""
    nulls = _CHANGED.start
    db.executemany(_PUT_AS_CHANGED, [row[:nulls] + row[_CHANGED.stop :] for row in puts if row[nulls] is None])
    db.executemany(_PUT_CHUNK, [row for row in puts if row[nulls] is not None])
    db.executemany(_TOUCH_CHUNK, touches)


def _columns(changes: Sequence[Change], packed: Callable[[NDArray[np.float32]], object]) -> list[list[object]]:
    """The rows behind changes with what they said, by `_COLUMNS`; vectors as `packed` makes them."""
    rows, chunks = [change.after for change in changes], [change.chunk for change in changes]
    positions, changed = [row.position for row in rows], [row.changed or _SAME for row in rows]
    versions, vectors = [row.version for row in rows], [None if chunk is None else chunk.vector for chunk in chunks]
    return [
        [row.key for row in rows],
        [row.chunk_id for row in rows],
        [row.doc_id for row in rows],
        [row.ordinal for row in rows],
        [_packed(row.segment) for row in rows],
        [row.embedding_version for row in rows],
        [row.event_time for row in rows],
        [row.content_hash for row in rows],
        [of if type(of) is int and of < _COLUMN_END else stored_version(of) for of in versions],
        [position[0] for position in positions],
        [position[1] for position in positions],
        [position[2] for position in positions],
        [0 if row.slot == NO_SLOT else 1 for row in rows],
        ["" if chunk is None else chunk.text for chunk in chunks],
        [None if of is None else packed(of if of.dtype == _STORED else of.astype(_STORED)) for of in vectors],
        [position[0] for position in changed],
        [position[1] for position in changed],
        [position[2] for position in changed],
        [_CODES[row.how] for row in rows],
    ]


def _viewed(vector: NDArray[np.float32]) -> memoryview | bytearray:
    """A vector as it lies in memory, copied only where that is in pieces."""
    view = vector.data
    return view if view.c_contiguous else bytearray(vector)


def _touched(changes: Sequence[Change]) -> list[tuple[object, ...]]:
    """The values of `_TOUCH_CHUNK`."""
    rows = [change.after for change in changes]
    return [(row.event_time, stored_version(row.version), *row.position, *row.origin, row.key) for row in rows]


def _last(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """The last state of each chunk, in key order: of those whose content changed, and of the others."""
    last = {change.after.key: change for change in changes}
    if len(last) < len(changes):
        last = _told_last(changes)
    ordered = [last[key] for key in sorted(last)]  # as the file has them: each page of it is read and written once
    puts = [change for change in ordered if change.kind != "noop"]
    return puts, [change for change in ordered if change.kind == "noop"] if len(puts) < len(ordered) else []


def _told_last(changes: Sequence[Change]) -> dict[int, Change]:
    """The last state of each chunk, by its key."""
    last: dict[int, Change] = {}
    for change in changes:
        key = change.after.key
        if change.kind == "noop" and (seen := last.get(key)) is not None and seen.kind != "noop":
            # A noop carries no new content: it must not hide the content change before it in the same batch.
            last[key] = Change(seen.kind, seen.before, change.after, seen.chunk)
        else:
            last[key] = change
    return last


def stored_chunk(values: tuple[Any, ...], slots: Iterator[int]) -> StoredChunk:
    """One row of `READ_CHUNKS`; a live row takes the next slot."""
    (key, chunk_id, doc_id, ordinal, segment, encoded, time, content, version, topic, partition, at, live,
     text, vector, changed_topic, changed_partition, changed_at, how) = values  # fmt: skip
    changed = None if changed_topic is None else Position(intern(changed_topic), changed_partition, changed_at)
    row = ChunkRow(
        key, chunk_id, intern(doc_id), ordinal, _segment(segment), intern(encoded), time, content,
        read_version(version),
        Position(intern(topic), partition, at), next(slots) if live else NO_SLOT, changed, HOW[how],
    )  # fmt: skip
    return row, text, None if vector is None else np.frombuffer(vector, "<f4")


def stored_version(version: Version | None) -> int | bytes | None:
    """A version as a column holds it: a number of at most 63 bits as such, anything else as its digits, `3:120:`.

    Bytes, because SQLite makes a number of a text that looks like one.
    """
    if isinstance(version, tuple):
        return "".join(f"{number}:" for number in version).encode()
    return version if version is None or version < _COLUMN_END else str(version).encode()


def read_version(stored: int | bytes | None) -> Version | None:
    """The version that `stored_version` wrote.

    >>> [read_version(stored_version(version)) for version in (41, (3, 120), (7,), 2**70)]
    [41, (3, 120), (7,), 1180591620717411303424]
    """
    if not isinstance(stored, bytes):
        return stored
    numbers = tuple(map(int, stored.rstrip(b":").split(b":")))
    return numbers if b":" in stored else numbers[0]


def said(content_hash: str, text: str, vector: bytes | None) -> ChunkContent:
    """What a stored chunk says."""
    return ChunkContent(content_hash, text, None if vector is None else np.frombuffer(vector, "<f4"))


@lru_cache(maxsize=65_536)
def _packed(segment: Segment) -> bytearray:
    return bytearray(msgspec.msgpack.encode(segment))


@lru_cache(maxsize=65_536)
def _segment(packed: bytes) -> Segment:
    """Attributes of a chunk; a corpus has few distinct ones, and a restart reads them a million times."""
    return _SEGMENTS.decode(packed)
