"""Rows of the state file: chunks as columns, and the statements over them."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import NO_SLOT, Change, ChunkRow, How
from monitor.core.model.events import Position, Segment, Version
from monitor.core.records.committed import ChunkContent, StoredChunk

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


def columns(row: ChunkRow, text: str, vector: NDArray[np.float32] | None) -> tuple[object, ...]:
    """The values of a row, by `_COLUMNS`."""
    version = row.version
    return (
        row.key, row.chunk_id, row.doc_id, row.ordinal, _packed(row.segment), row.embedding_version, row.event_time,
        row.content_hash, version if type(version) is int and version < _COLUMN_END else stored_version(version),
        *row.position, 0 if row.slot == NO_SLOT else 1, text,
        None if vector is None else bytearray(vector if vector.dtype == _STORED else vector.astype(_STORED)),
        *(row.changed or _SAME), _CODES[row.how],
    )  # fmt: skip


def written(changes: Sequence[Change]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What one turn's changes write: rows of `columns`, and of `_TOUCH_CHUNK` for those that brought no content."""
    puts: list[tuple[object, ...]] = []
    touches: list[tuple[object, ...]] = []
    last = {change.after.key: change for change in changes}
    if len(last) < len(changes):
        last = _last(changes)
    for key in sorted(last):  # as the file has them: each page of it is read and written once
        change = last[key]
        row, chunk = change.after, change.chunk
        if change.kind == "noop":
            touches.append((row.event_time, stored_version(row.version), *row.position, *row.origin, row.key))
        elif chunk is None:
            puts.append(columns(row, "", None))
        else:
            puts.append(columns(row, chunk.text, chunk.vector))
    return puts, touches


def write(db: sqlite3.Connection, puts: Sequence[tuple[object, ...]], touches: Sequence[tuple[object, ...]]) -> None:
    """Write the rows of `written`."""
    nulls = _CHANGED.start
    db.executemany(_PUT_AS_CHANGED, [row[:nulls] + row[_CHANGED.stop :] for row in puts if row[nulls] is None])
    db.executemany(_PUT_CHUNK, [row for row in puts if row[nulls] is not None])
    db.executemany(_TOUCH_CHUNK, touches)


def _last(changes: Sequence[Change]) -> dict[int, Change]:
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
