"""What is known of every chunk, in columns: a row is put together when somebody asks for it."""

from collections.abc import Iterator, Mapping, Sequence
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image, plain_segments, segments_of
from monitor.core.arrays.shared_values import SharedValues
from monitor.core.index import kernels_keys
from monitor.core.index.kernels_keys import NONE
from monitor.core.model.changes import NO_SLOT, ChunkRow, How
from monitor.core.model.events import Position, Segment, Version

HOW: tuple[How, ...] = ("new", "modified", "deleted", "reencoded", "restored")
_CODES = {how: code for code, how in enumerate(HOW)}
_CELL = np.dtype(
    [
        ("time", "<i8"), ("version", "<i8"), ("offset", "<i8"), ("changed_offset", "<i8"),
        ("content", "<u8"), ("content_rest", "<u8"), ("document", "<i4"), ("ordinal", "<i8"), ("segment", "<i4"),
        ("encoded", "<i4"), ("source", "<i4"), ("changed_source", "<i4"), ("slot", "<i4"), ("how", "u1"),
        ("aside", "u1"),
    ]
)  # fmt: skip
"""The fixed-width part of a row: 82 bytes."""
_VERSION, _CONTENT = 1, 2
"""Bits of `aside`: what does not fit its column is kept beside the columns."""
_LEAST = 1 << 10
_HEX = 32
"""Digits of a content hash of 128 bits."""
_COLUMN_END = 2**63
_RECENT = 1 << 13
"""Rows kept as they were put or asked for: an evaluation asks many times for the chunks that a batch changed."""


class ChunkTable:
    """Rows by key: 82 bytes of columns, 8 of key, 8 to 16 of a hash table, and the chunk's id.

    Documents, segments, embedding versions and partitions are kept once each. A row that is asked for is made then,
    equal to the one that was put, and kept for a while.

    >>> table = ChunkTable()
    >>> row = ChunkRow(7, "a#0", "a", 0, (), "v1", 5, "", None, Position("t", 0, 1), 0)
    >>> table.put(row), table.get(7) == row, table.get(8), len(table)
    (None, True, None, 1)
    """

    def __init__(self) -> None:
        self.keys: NDArray[np.int64] = np.zeros(0, np.int64)
        """Chunk key by place; the places of the table are 0 to `len` - 1."""
        self.cells: NDArray[Any] = np.zeros(0, _CELL)
        """(capacity,) the fixed-width part by place."""
        self.names: list[str] = []
        """Chunk id by place."""
        self._heads: NDArray[np.int32] = np.full(_LEAST, NONE, np.int32)
        self._documents = SharedValues[str]()
        self._segments = SharedValues[Segment]()
        self._encoded = SharedValues[str]()
        self._sources = SharedValues[tuple[str, int]]()
        self._values: Any = tuple(of.values for of in self.shared)
        """The lists behind these, by code: each row looks into four of them."""
        self._versions: dict[int, Version] = {}
        """By place, those that no column holds: several numbers, or one beyond 63 bits."""
        self._contents: dict[int, str] = {}
        """By place, those content hashes that are not 32 hexadecimal digits."""
        self._recent: dict[int, ChunkRow] = {}
        """By key, at most `_RECENT`."""

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[ChunkRow]:
        """Every row, in no particular order."""
        return map(self.at, range(len(self)))

    @property
    def shared(self) -> tuple[SharedValues[Any], ...]:
        """What rows share: documents, segments, embedding versions and partitions."""
        return self._documents, self._segments, self._encoded, self._sources

    @property
    def aside(self) -> list[int]:
        """Places of what is kept beside the columns, once for each value."""
        return [*self._versions, *self._contents]

    def get(self, key: int) -> ChunkRow | None:
        """What is known of a chunk."""
        recent = self._recent.get(key)
        if recent is not None:
            return recent
        place = kernels_keys.find(self._heads, self.keys, key)
        return None if place == NONE else self._remember(self.at(place))

    def places(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where some keys stand, NONE for one that is not known; (n,) int64."""
        return kernels_keys.find_all(self._heads, self.keys, keys)

    def at(self, place: int) -> ChunkRow:
        """The row in a place."""
        (time, version, offset, changed_offset, content, rest, document, ordinal, segment, encoded, source,
         changed_source, slot, how, aside) = self.cells.item(place)  # fmt: skip
        said = self._contents[place] if aside & _CONTENT else f"{content:016x}{rest:016x}"
        documents, segments, encodings, sources = self._values
        return ChunkRow(
            self.keys.item(place),
            self.names[place],
            documents[document],
            ordinal,
            segments[segment],
            encodings[encoded],
            time,
            said,
            self._versions.get(place) if aside & _VERSION else version,
            _position(sources[source], offset),
            slot,
            None if changed_source == NONE else _position(sources[changed_source], changed_offset),
            HOW[how],
        )

    def put(self, row: ChunkRow) -> None:
        """Keep a row, in the place of the one with its key if there is one."""
        self._remember(row)
        place = kernels_keys.find(self._heads, self.keys, row.key)
        if place == NONE:
            self._append([row])
            return
        old = self.cells.item(place)
        self.names[place] = row.chunk_id
        self.cells[place] = self._cell(place, row)
        self._release(place, old)

    def add(self, rows: Sequence[ChunkRow]) -> None:
        """Keep rows, none of whose keys is known."""
        self._append(rows)

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        if rows > len(self.keys):
            room = max(_LEAST, rows) - len(self.keys)
            keys, cells = np.zeros(len(self.keys) + room, np.int64), np.zeros(len(self.keys) + room, _CELL)
            keys[: len(self.keys)], cells[: len(self.keys)] = self.keys, self.cells
            self.keys, self.cells = keys, cells
        if 2 * rows > len(self._heads):
            self._rebuild(rows)

    def slots(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the vectors of some chunks stand, NO_SLOT for one that is not live; (n,) int64."""
        places = self.places(keys)
        found = np.full(len(keys), NO_SLOT, np.int64)
        known = places != NONE
        found[known] = self.cells["slot"][places[known]]
        return found

    def since(self, positions: Mapping[str, int]) -> Iterator[ChunkRow]:
        """Rows whose last change does not stand before these next offsets by `topic/partition`, 0 where none is."""
        cells = self.cells[: len(self)]
        unchanged = cells["changed_source"] == NONE
        source = np.where(unchanged, cells["source"], cells["changed_source"])
        first = np.zeros(len(self._sources.values), np.int64)
        for code, of in enumerate(self._sources.values):
            first[code] = 0 if of is None else positions.get(f"{of[0]}/{of[1]}", 0)
        offset = np.where(unchanged, cells["offset"], cells["changed_offset"])
        return map(self.at, np.flatnonzero(offset >= first[source]).tolist())

    def saying(self, hashes: Sequence[str]) -> Iterator[ChunkRow]:
        """Live rows that may have one of these content hashes, all that do among them."""
        cells, wanted = self.cells[: len(self)], [_numbers(said)[0] for said in hashes]
        numbers = np.array([number for number in wanted if number is not None], np.uint64)
        maybe = np.isin(cells["content"], numbers) | (cells["aside"] & _CONTENT > 0)
        return map(self.at, np.flatnonzero(maybe & (cells["slot"] != NO_SLOT)).tolist())

    def forgotten(self, horizon: int) -> list[int]:
        """Forget delete marks of before an event time; returns their keys."""
        cells = self.cells[: len(self)]
        places = np.flatnonzero((cells["slot"] == NO_SLOT) & (cells["time"] < horizon))
        keys: list[int] = self.keys[places].tolist()
        if keys:
            self._remove(places)
        return keys

    def image(self) -> Image:
        """See `image`."""
        count = len(self)
        cells = self.cells[:count].view(np.uint8).reshape(count, _CELL.itemsize)
        return {
            "keys": self.keys[:count],
            "cells": cells,
            "names": self.names,
            "documents": self._documents.values,
            "segments": plain_segments(self._segments.values),
            "encoded": self._encoded.values,
            "sources": [None if of is None else list(of) for of in self._sources.values],
            "versions": [[place, *stored_version(of)] for place, of in self._versions.items()],
            "contents": [[place, said] for place, said in self._contents.items()],
        }

    def resume(self, image: Image) -> None:
        """Take up what was there, into an empty table."""
        self.keys, self.names = image["keys"], image["names"]
        cells = self.cells = image["cells"].reshape(-1).view(_CELL)
        sources = [None if of is None else (of[0], of[1]) for of in image["sources"]]
        changed = cells["changed_source"]
        self._documents.resume([None if of is None else intern(of) for of in image["documents"]], cells["document"])
        self._segments.resume(segments_of(image["segments"]), cells["segment"])
        self._encoded.resume(image["encoded"], cells["encoded"])
        self._sources.resume(sources, np.concatenate((cells["source"], changed[changed != NONE])))
        self._versions = {place: version_of(*stored) for place, *stored in image["versions"]}
        self._contents = dict(image["contents"])
        self._rebuild(len(self))

    def live(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places and slots of the live rows, by place; (n,) int64 each."""
        slots = self.cells["slot"][: len(self)]
        places = np.flatnonzero(slots != NO_SLOT)
        return places, slots[places].astype(np.int64)

    def ordinals(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ordinals of the rows in some places; (n,) int64."""
        ordinals: NDArray[np.int64] = self.cells["ordinal"][places]
        return ordinals

    def _remember(self, row: ChunkRow) -> ChunkRow:
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[row.key] = row
        return row

    def _append(self, rows: Sequence[ChunkRow]) -> None:
        first = len(self)
        end = first + len(rows)
        if end > len(self.keys) or 2 * end > len(self._heads):
            self.reserve(max(end, first * 5 // 4))
        self.keys[first:end] = [row.key for row in rows]
        self.names += [row.chunk_id for row in rows]
        cells = [self._cell(place, row) for place, row in enumerate(rows, start=first)]
        self.cells[first:end] = np.array(cells, _CELL)
        kernels_keys.link(self._heads, self.keys, first, end)

    def _cell(self, place: int, row: ChunkRow) -> tuple[object, ...]:
        """The columns of a row, whose shared values have one more holder; what they do not hold is put aside."""
        version, aside = row.version, 0
        if not isinstance(version, int) or not -_COLUMN_END <= version < _COLUMN_END:
            aside |= _VERSION
            self._keep(self._versions, place, version)
            version = 0
        content, rest = _numbers(row.content_hash)
        if content is None:
            aside |= _CONTENT
            self._contents[place] = row.content_hash
        topic, partition, offset = row.position
        changed = row.changed
        return (
            row.event_time,
            version,
            offset,
            0 if changed is None else changed.offset,
            content or 0,
            rest,
            self._documents.hold(row.doc_id),
            row.ordinal,
            self._segments.hold(row.segment),
            self._encoded.hold(row.embedding_version),
            self._sources.hold((topic, partition)),
            NONE if changed is None else self._sources.hold((changed.topic, changed.partition)),
            row.slot,
            _CODES[row.how],
            aside,
        )

    @staticmethod
    def _keep(aside: dict[int, Version], place: int, version: Version | None) -> None:
        if version is None:
            aside.pop(place, None)
        else:
            aside[place] = version

    def _release(self, place: int, cell: tuple[Any, ...]) -> None:
        """What a row was made of has one holder less."""
        self._documents.release(cell[6])
        self._segments.release(cell[8])
        self._encoded.release(cell[9])
        self._sources.release(cell[10])
        if cell[11] != NONE:
            self._sources.release(cell[11])
        if cell[14]:
            aside = self.cells["aside"].item(place)
            if not aside & _VERSION:
                self._versions.pop(place, None)
            if not aside & _CONTENT:
                self._contents.pop(place, None)

    def _remove(self, places: NDArray[np.int64]) -> None:
        """Forget the rows in some distinct places; the others move together."""
        self._recent.clear()
        gone = np.zeros(len(self), np.bool_)
        gone[places] = True
        for place in places.tolist():
            self._release(place, self.cells.item(place))
            self._versions.pop(place, None)
            self._contents.pop(place, None)
        stay = np.flatnonzero(~gone)
        moved = {old: new for new, old in enumerate(stay.tolist()) if old in self._versions or old in self._contents}
        self.keys, self.cells = self.keys[stay], self.cells[stay]
        self.names = [self.names[place] for place in stay.tolist()]
        self._versions = {moved[place]: of for place, of in self._versions.items()}
        self._contents = {moved[place]: of for place, of in self._contents.items()}
        self._rebuild(len(stay))

    def _rebuild(self, rows: int) -> None:
        """A hash table with room for so many rows, filled with those there are."""
        size = max(_LEAST, 1 << (2 * rows - 1).bit_length())
        self._heads = np.full(size, NONE, np.int32)
        kernels_keys.link(self._heads, self.keys, 0, len(self))


def _position(source: tuple[str, int], offset: int) -> Position:
    return Position(source[0], source[1], offset)


def stored_version(version: Version) -> tuple[list[str], bool]:
    """A version of several numbers, or one of any length, as texts, and which of both it is."""
    return ([str(of) for of in version], True) if isinstance(version, tuple) else ([str(version)], False)


def version_of(numbers: list[str], several: bool) -> Version:
    """The inverse of `stored_version`.

    >>> [version_of(*stored_version(of)) for of in ((3, 120), (7,), 2**70)]
    [(3, 120), (7,), 1180591620717411303424]
    """
    made = tuple(map(int, numbers))
    return made if several else made[0]


def _numbers(content_hash: str) -> tuple[int | None, int]:
    """A hash of 128 bits in lower-case hexadecimal as two numbers; None for one of another form."""
    if len(content_hash) == _HEX:
        try:
            number = int(content_hash, 16)
        except ValueError:
            return None, 0
        if f"{number:032x}" == content_hash:
            return number >> 64, number & (2**64 - 1)
    return None, 0
