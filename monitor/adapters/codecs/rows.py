"""From a row of a foreign form to the fields of the native form, through configured paths."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.loose import (
    Extended,
    Leaf,
    Scalar,
    attribute_value,
    epoch,
    identity,
    integer,
    plain,
    string,
)
from monitor.adapters.codecs.paths import SEGMENT, VERSION, FieldPaths, Path, Shape, reach, split
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.times import MICROSECONDS
from monitor.adapters.codecs.versions import combined
from monitor.adapters.codecs.wire import EventReader, VectorWire, Wire

_VECTOR_KINDS: dict[str, Any] = {"vector": list[float] | str, "vector_b64": bytes}
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0", ""})


class Filled(NamedTuple):
    """The fields of a row, and its event time in microseconds where the row states it as a number."""

    wire: Wire
    time: int | None


class RowReader:
    """Reads the configured fields of rows. Types are strict, but ids and segment values may be integers.

    Args:
        paths: where the fields stand in a row.
        reader: the strict reader that will take the fields.
    """

    def __init__(self, paths: FieldPaths, reader: EventReader) -> None:
        self._wire = reader.wire
        self._limits = reader.limits
        self._unit = MICROSECONDS[paths.event_time_unit]
        wanted = [(name, split(path)) for name, path in paths.named()]
        if not reader.limits.dimension:
            wanted = [(name, path) for name, path in wanted if name not in _VECTOR_KINDS]
        self.leaves: Sequence[tuple[Path, Any]] = [(path, _VECTOR_KINDS.get(name, Leaf)) for name, path in wanted]
        shape = Shape(self.leaves, reader.limits)
        self._places = {name: shape.place(path) for name, path in wanted}
        self._segments = [(name.removeprefix(SEGMENT), name) for name in self._places if name.startswith(SEGMENT)]
        self._versions = [name for name in self._places if name.startswith(VERSION)]

    def fill(self, row: object, op: str) -> Filled:
        """The fields of an upsert; for a delete only those it needs, for the rest may be null there."""
        time = self._scalar(row, "event_time")
        wire = self._wire(
            op=op,
            chunk_id=self.identity(row, "chunk_id"),
            version=combined([self._scalar(row, name) for name in self._versions]) if self._versions else None,
            event_time=time if isinstance(time, str) else None,
        )
        if op == "upsert":
            self._fill_content(row, wire)
        return Filled(wire, None if isinstance(time, str) else epoch(time, self._unit, self._limits))

    def identity(self, row: object, name: str) -> str | None:
        """An id of the row: a string, or an integer as its decimal digits."""
        return identity(self._scalar(row, name), name)

    def deleted(self, row: object) -> bool:
        """Whether the configured flag says that the row is gone."""
        value = self._scalar(row, "deleted")
        word = "" if value is None else str(value).lower()
        if word not in _TRUE and word not in _FALSE:
            raise malformed(reasons.WRONG_TYPE, "deleted", f"{shown(value)}, expected true or false")
        return word in _TRUE

    def _fill_content(self, row: object, wire: Wire) -> None:
        wire.doc_id = self.identity(row, "doc_id")
        wire.position = integer(self._scalar(row, "position"), "position")
        wire.text = string(self._scalar(row, "text"), "text")
        wire.embedding_version = string(self._scalar(row, "embedding_version"), "embedding_version")
        wire.content_hash = string(self._scalar(row, "content_hash"), "content_hash")
        wire.segment = {name: attribute_value(self._scalar(row, place), place) for name, place in self._segments}
        if isinstance(wire, VectorWire):
            wire.vector = self._at(row, "vector")
            wire.vector_b64 = self._at(row, "vector_b64")

    def _scalar(self, row: object, name: str) -> Scalar:
        value: Leaf = self._at(row, name)
        return plain(value, name) if isinstance(value, Extended) else value

    def _at(self, row: object, name: str) -> Any:
        places = self._places.get(name)
        return None if places is None else reach(row, places)
