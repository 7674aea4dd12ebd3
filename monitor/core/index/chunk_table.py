"""What is known of every chunk, in columns: a row is put together when somebody asks for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image, plain_segments, segments_of
from monitor.core.arrays.shared_values import NOTHING, SharedValues
from monitor.core.index import kernels_keys
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.chunk_columns import CONTENT_ASIDE, HOW, VERSION_ASIDE, ChunkColumns, behind, put_back, taken
from monitor.core.index.kernels_keys import NONE
from monitor.core.index.row_columns import COLUMN_END, RowColumns, RowsBefore, numbers_of
from monitor.core.model.changes import NO_SLOT, ChunkRow
from monitor.core.model.events import Position, Segment, Version

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
_SHARED = (("document",), ("segment",), ("encoded",), ("source", "changed_source"))
"""The columns of codes, as `ChunkTable.shared` has what they are of."""
_EMPTY = np.zeros((), _CELL)
"""Of a row that is not written yet."""
for _column in chain(*_SHARED):
    _EMPTY[_column] = NOTHING
_LEAST = 1 << 10
_RECENT = 1 << 13
"""Rows kept as they were put or asked for, and as many again from before: an evaluation asks many times for chunks
that a batch changed, and a deploy for all in the lists."""
_UNKNOWN = _EMPTY.copy()
"""Of a chunk that is not known."""
_UNKNOWN["slot"] = NO_SLOT


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
        self._earlier: dict[int, ChunkRow] = {}
        """What `_recent` was before it was full; a row in both stands in that as it is."""

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
        row = self._recent.get(key)
        if row is None:
            row = self._earlier.get(key)
            if row is None:
                place = kernels_keys.find(self._heads, self.keys, key)
                if place == NONE:
                    return None
                row = self.at(place)
            self._remember([row])
        return row

    def known(self, keys: Sequence[int]) -> dict[int, ChunkRow]:
        """What is known of some chunks, by key; of others nothing."""
        recent, earlier = self._recent, self._earlier
        found = {key: row for key in keys if (row := recent.get(key) or earlier.get(key)) is not None}
        if len(found) < len(keys):
            places = self.places(np.array([key for key in keys if key not in found], np.int64))
            made = list(self._rows(places[places != NONE]))
            self._remember(made[-_RECENT:])
            found.update([(row.key, row) for row in made])
        return found

    def columns(self, keys: NDArray[np.int64]) -> ChunkColumns:
        """What is known of some chunks, (n,) int64, to be read before anything changes."""
        places = self.places(keys)
        cells = self.cells_at(places)
        return ChunkColumns(places != NONE, cells, self.contents_aside(places, cells), self.shared)

    def cells_at(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """(n,) the fixed-width parts in some places, NONE for what is not known."""
        if not len(self.cells):
            return np.full(len(places), _UNKNOWN)
        cells, none = taken(self.cells, places), np.flatnonzero(places == NONE)
        if len(none):
            cells[none] = _UNKNOWN
        return cells

    def contents_aside(self, places: NDArray[np.int64], cells: NDArray[Any]) -> dict[int, str]:
        """Of the chunks in n places, with their cells, by place among these: content hashes that no column holds."""
        aside = np.flatnonzero(cells["aside"] & CONTENT_ASIDE).tolist()
        return {at: self._contents[places.item(at)] for at in aside}

    def places(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where some keys stand, NONE for one that is not known; (n,) int64."""
        return kernels_keys.find_all(self._heads, self.keys, keys)

    def at(self, place: int) -> ChunkRow:
        """The row in a place."""
        return self._made(place, self.keys.item(place), self.cells.item(place))

    def _rows(self, places: NDArray[np.int64]) -> Iterator[ChunkRow]:
        """The rows in some places."""
        return map(self._made, places.tolist(), self.keys[places].tolist(), taken(self.cells, places).tolist())

    def _made(self, place: int, key: int, cell: tuple[Any, ...]) -> ChunkRow:
        (time, version, offset, changed_offset, content, rest, document, ordinal, segment, encoded, source,
         changed_source, slot, how, aside) = cell  # fmt: skip
        said = self._contents[place] if aside & CONTENT_ASIDE else f"{content:016x}{rest:016x}"
        documents, segments, encodings, sources = self._values
        return ChunkRow(
            key,
            self.names[place],
            documents[document],
            ordinal,
            segments[segment],
            encodings[encoded],
            time,
            said,
            self._versions.get(place) if aside & VERSION_ASIDE else version,
            _position(sources[source], offset),
            slot,
            None if changed_source == NONE else _position(sources[changed_source], changed_offset),
            HOW[how],
        )

    def put(self, *rows: ChunkRow) -> None:
        """Keep rows of distinct keys, each in the place of the one with its key if there is one."""
        columns = RowColumns.of(rows)
        places = self.places(columns.keys)
        self.put_columns(columns, places, rows)
        for place, row in zip(places.tolist(), rows, strict=True):
            self.names[place] = row.chunk_id

    def put_columns(
        self,
        columns: RowColumns,
        places: NDArray[np.int64],
        rows: Sequence[ChunkRow],
        before: RowsBefore | None = None,
    ) -> None:
        """The same of rows that are at hand in columns too.

        Args:
            columns: of n rows, whose keys are distinct.
            places: (n,) where they stand, NONE for one that is not known; written to. The others keep their names.
            rows: n, the same.
            before: what stood there, which is told the rest.
        """
        fresh = np.flatnonzero(places == NONE)
        if len(fresh):
            places[fresh] = self._append(columns.keys[fresh], [rows[at].chunk_id for at in fresh.tolist()])
        self._write(places, columns, before)
        self._remember(rows)

    def add(self, rows: Sequence[ChunkRow]) -> None:
        """Keep rows, none of whose keys is known."""
        columns = RowColumns.of(rows)
        self._write(self._append(columns.keys, [row.chunk_id for row in rows]), columns)

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

    def since(self, positions: Mapping[str, int]) -> NDArray[np.int64]:
        """Keys of the chunks whose last change does not stand before these next offsets by `topic/partition`."""
        return self.keys[: len(self)][behind(self.cells[: len(self)], self._sources.values, positions)]

    def changed(self, positions: Mapping[str, int]) -> ChangedChunks:
        """Chunks that came, changed or went behind these next offsets by `topic/partition`."""
        cells = self.cells[: len(self)]
        late = behind(cells, self._sources.values, positions)
        new = late & (cells["how"] == _CODES["new"]) & (cells["slot"] != NO_SLOT)  # their texts are counted too
        made = ChangedChunks.of(self._rows(np.flatnonzero(new)), positions)
        others, width = late & ~new, len(self._segments.values)
        codes = cells["document"][others] * np.int64(width) + cells["segment"][others]
        pairs, counts = np.unique(codes, return_counts=True)
        documents, segments, _, _ = self._values
        of_document, of_segment = (codes.tolist() for codes in np.divmod(pairs, max(1, width)))
        named = ((documents[of], segments[at]) for of, at in zip(of_document, of_segment, strict=True))
        counted = dict(zip(named, counts.tolist(), strict=True))
        for said, count in made.documents.items():  # new chunks in which nothing is said
            counted[said] = counted.get(said, 0) + count
        return ChangedChunks(counted, made.texts)

    def saying(self, hashes: Sequence[str]) -> Iterator[ChunkRow]:
        """Live rows that may have one of these content hashes, all that do among them."""
        cells, wanted = self.cells[: len(self)], [numbers_of([said]) for said in hashes]
        numbers = [of[0, 0] for of in wanted if of is not None]
        maybe = np.isin(cells["content"], np.array(numbers, np.uint64)) | (cells["aside"] & CONTENT_ASIDE > 0)
        return self._rows(np.flatnonzero(maybe & (cells["slot"] != NO_SLOT)))

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

    def _remember(self, rows: Sequence[ChunkRow]) -> None:
        if len(self._recent) + len(rows) > _RECENT:
            self._earlier, self._recent = self._recent, {}
        self._recent.update([(row.key, row) for row in rows])

    def _append(self, keys: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
        """Places behind the others for chunks, with their keys and names; nothing else is written to them yet."""
        first = len(self)
        end = first + len(keys)
        if end > len(self.keys) or 2 * end > len(self._heads):
            self.reserve(max(end, first * 5 // 4))
        self.keys[first:end] = keys
        self.names += names
        self.cells[first:end] = _EMPTY
        kernels_keys.link(self._heads, self.keys, first, end)
        return np.arange(first, end)

    def _write(self, places: NDArray[np.int64], rows: RowColumns, before: RowsBefore | None = None) -> None:
        """Have rows in their places, in all but keys and names; what stood there holds nothing any more.

        Args:
            places: (n,) distinct.
            rows: n.
            before: what stood there, which is told the rest.
        """
        if not len(places):
            return
        was, cells = taken(self.cells, places) if before is None else before.cells, np.empty(len(places), _CELL)
        others: Sequence[dict[int, Any] | None] = (None,) * 5 if before is None else before.others
        at, aside = places.tolist(), np.zeros(len(places), np.uint8)
        if was["aside"].any():
            self._forget_aside(places[was["aside"] > 0].tolist())
        cells["time"], cells["ordinal"], cells["slot"] = rows.times, rows.ordinals, rows.slots
        cells["how"] = [_CODES[of] for of in rows.how]
        cells["offset"] = [position.offset for position in rows.positions]
        cells["document"] = self._documents.exchange(rows.documents, was["document"], others[0])
        cells["segment"] = self._segments.exchange(rows.segments, was["segment"], others[1])
        cells["encoded"] = self._encoded.exchange(rows.encoded, was["encoded"], others[2])
        sources = [position[:2] for position in rows.positions]
        cells["source"] = self._sources.exchange(sources, was["source"], others[3])
        changed = was["changed_source"]
        if rows.changed is not None or changed.max() != NOTHING:
            changes = [None] * len(at) if rows.changed is None else rows.changed
            changed = self._sources.exchange([None if of is None else of[:2] for of in changes], changed, others[4])
            cells["changed_offset"] = [0 if of is None else of.offset for of in changes]
        else:
            cells["changed_offset"] = 0
        cells["changed_source"] = changed
        cells["version"] = self._fitting_versions(at, rows.versions, aside)
        numbers, odd = rows.numbers
        cells["content"], cells["content_rest"] = numbers[:, 0], numbers[:, 1]
        for of in np.flatnonzero(odd).tolist():
            aside[of] |= CONTENT_ASIDE
            self._contents[at[of]] = rows.contents[of]
        cells["aside"] = aside
        put_back(self.cells, places, cells)

    def _fitting_versions(
        self, places: Sequence[int], versions: Sequence[Version | None] | NDArray[np.int64], aside: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Versions as a column; 0 for one that does not fit and is put aside, which is noted in `aside`."""
        if isinstance(versions, np.ndarray):
            return versions
        fitting = [0] * len(versions)
        for at, version in enumerate(versions):
            if isinstance(version, int) and -COLUMN_END <= version < COLUMN_END:
                fitting[at] = version
                continue
            aside[at] |= VERSION_ASIDE
            if version is not None:
                self._versions[places[at]] = version
        return np.array(fitting, np.int64)

    def _forget_aside(self, places: Iterable[int]) -> None:
        for place in places:
            self._versions.pop(place, None)
            self._contents.pop(place, None)

    def _remove(self, places: NDArray[np.int64]) -> None:
        """Forget the rows in some distinct places; the others move together."""
        self._recent, self._earlier = {}, {}
        gone = np.zeros(len(self), np.bool_)
        gone[places] = True
        cells = self.cells[places]
        for shared, names in zip(self.shared, _SHARED, strict=True):
            for name in names:
                shared.release(cells[name])
        self._forget_aside(places.tolist())
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
