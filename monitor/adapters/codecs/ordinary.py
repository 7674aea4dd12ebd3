"""The ordinary record, an upsert of the native form with nothing odd about it, read at a glance."""

from functools import lru_cache
from typing import Literal

import msgspec

from monitor.adapters.codecs.limits import MAX_INTEGER
from monitor.adapters.codecs.scalars import body, chunk_identifier, document_of, identifier
from monitor.adapters.codecs.times import in_range, instant, stamp
from monitor.adapters.codecs.versions import VersionWire, version
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import TIMESTAMP_HEADER, Chunk, CorpusEvent, Record, Upsert, text_hash
from monitor.core.model.point_ids import canonical
from monitor.ports import Decoder

DEPTH = 2
"""How deep an ordinary record nests: a segment or a vector in the object itself."""
_WIDEST = 4
"""Bytes of a character in UTF-8 at most: what is so short need not be measured in bytes."""
_SECONDS = {f"{second:02}Z": second * 1_000_000 for second in range(60)}
"""The ends of instants in UTC that have no fraction of a second, in microseconds."""
_MINUTES_KEPT = 1_024
_DOUBTS, _PAUSE = 8, 64
"""After so many records in a row that were not ordinary only one of so many is tried."""


class _Ordinary(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The fields of an upsert without a vector, and no other: there is no other form's mark and no deep nesting."""

    op: Literal["upsert"]
    chunk_id: str
    text: str
    doc_id: str | None = None
    position: int | None = None
    version: VersionWire | None = None
    embedding_version: str | None = None
    content_hash: str | None = None
    segment: dict[str, str | None] | None = None
    event_time: str | None = None


class _OrdinaryVector(_Ordinary, gc=False, forbid_unknown_fields=True):
    """The same with one."""

    vector: list[float] | None = None
    vector_b64: bytes | None = None


class OrdinaryFirst:
    """Reads ordinary records itself, and has all others read with care: the event is the same either way.

    Nothing is refused here. Whatever is doubtful in any way is read again by the decoder that judges it.

    Args:
        careful: the decoder of all records, of the native form or of any.
        reader: the strict reader that it uses.
        embedding_version: what an upsert has that names none.
        point_ids: whether chunk ids are Qdrant's point ids.
    """

    def __init__(self, careful: Decoder, reader: EventReader, embedding_version: str, *, point_ids: bool) -> None:
        self._careful, self._limits, self._segment = careful.decode, reader.limits, reader.segment
        self._version, self._point_ids, self._vectors = embedding_version, point_ids, reader.vectors
        self._json = msgspec.json.Decoder(_Ordinary if reader.vectors is None else _OrdinaryVector)
        # many events are of one minute: it is read once, as the first second in it
        self._minute = lru_cache(_MINUTES_KEPT)(lambda minute: instant(f"{minute}00Z", reader.limits))
        self._odd = 0
        """Records in a row that were not ordinary."""

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for what is not ours; MalformedEvent whatever the bytes."""
        value, headers = record.value, record.headers
        if (
            value is not None
            and len(value) <= self._limits.value_bytes
            and (not headers or (len(headers) == 1 and headers[0][0] == TIMESTAMP_HEADER))
            and (self._odd < _DOUBTS or self._odd % _PAUSE == 0)
        ):
            try:
                if not value.isascii():
                    value.decode("utf-8", "strict")
                event = self._upsert(self._json.decode(value), record)
            except (msgspec.MsgspecError, ValueError, RecursionError):  # MalformedEvent is a ValueError
                event = None
            if event is not None:
                self._odd = 0
                return event
        self._odd += 1
        return self._careful(record)

    def _upsert(self, wire: _Ordinary, record: Record) -> Upsert | None:
        limits = self._limits
        label_bytes, id_bytes = limits.label_bytes, limits.id_bytes
        chunk_id, doc_id, text, said = wire.chunk_id, wire.doc_id, wire.text, wire.event_time
        content, made_by, place, given = wire.content_hash, wire.embedding_version, wire.position, wire.version
        if said is None:
            time = stamp(record, limits)
        elif (second := _SECONDS.get(said[17:])) is not None:
            time = in_range(self._minute(said[:17]) + second, limits)
        else:
            time = instant(said, limits)
        if time is None:
            return None
        # what `identifier` would find nothing wrong with is not given to it
        if not chunk_id or _WIDEST * len(chunk_id) > id_bytes or chunk_id[0] == "_" or not chunk_id.isprintable():
            chunk_identifier(chunk_id, limits)
        if self._point_ids:
            chunk_id = canonical(chunk_id)
        if doc_id is None:
            doc_id = document_of(chunk_id)
        elif not doc_id or _WIDEST * len(doc_id) > id_bytes or not doc_id.isprintable():
            identifier(doc_id, "doc_id", id_bytes)
        if content is None:
            content = text_hash(text)
        elif not content or _WIDEST * len(content) > label_bytes or not content.isprintable():
            identifier(content, "content_hash", label_bytes)
        if made_by is None:
            made_by = self._version
        elif made_by != self._version:
            identifier(made_by, "embedding_version", label_bytes)
        if _WIDEST * len(text) > limits.text_bytes:
            body(text, limits)
        if place and not 0 < place <= MAX_INTEGER:
            return None
        ordered = given if type(given) is int and 0 <= given <= MAX_INTEGER else version(given)
        vector = None
        if self._vectors is not None and isinstance(wire, _OrdinaryVector):
            packed, numbers = wire.vector_b64, wire.vector
            if packed is not None:
                if numbers is not None:
                    return None
                vector = self._vectors.from_bytes(packed)
            elif numbers is not None:
                vector = self._vectors.from_numbers(numbers)
        attributes = wire.segment
        segment = self._segment(tuple(attributes.items())) if attributes else ()
        chunk = Chunk(chunk_id, doc_id, place or 0, text, vector, made_by, segment, time, content, None)
        return Upsert(chunk, ordered)
