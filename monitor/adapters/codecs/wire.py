"""The fields of a corpus event as typed from the wire, and the strict step from them to the event."""

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import key_text
from monitor.adapters.codecs.limits import Limits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.scalars import (
    DEPLOY_PREFIX,
    body,
    chunk_identifier,
    identifier,
    natural,
    need,
    offsets,
    segment,
)
from monitor.adapters.codecs.times import instant, stamp
from monitor.adapters.codecs.vectors import VectorReader
from monitor.core.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Heartbeat,
    Record,
    Segment,
    Upsert,
    text_hash,
)

_SEGMENTS_KEPT = 1_024


class Wire(msgspec.Struct, gc=False):
    """Every field of the native form; null and absent are the same. Types are strict: 1.0 and true are no int."""

    op: str | None = None
    chunk_id: str | None = None
    doc_id: str | None = None
    position: int | None = None
    version: int | None = None
    text: str | None = None
    embedding_version: str | None = None
    content_hash: str | None = None
    segment: dict[str, str | None] | None = None
    event_time: str | None = None
    deploy_id: str | None = None
    upto: dict[str, dict[str, int]] | None = None
    expected: dict[str, str | None] | None = None


class VectorWire(Wire, gc=False):
    """The same with a vector: numbers, or base64 of bytes. Without a dense leg it is not even typed."""

    vector: list[float] | None = None
    vector_b64: bytes | None = None


class EventReader:
    """From typed fields to a corpus event: every bound of EVENTS.md is enforced here and only here.

    Args:
        limits: the bounds.
        embedding_version: what an upsert has that names none.
    """

    def __init__(self, limits: Limits, embedding_version: str) -> None:
        self.limits = limits
        self.wire: type[Wire] = VectorWire if limits.dimension else Wire
        self._embedding_version = embedding_version
        self._vectors = VectorReader(limits.dimension) if limits.dimension else None
        # segments repeat: one tuple per distinct one, checked once and shared by all its chunks
        self._segment = lru_cache(_SEGMENTS_KEPT)(lambda pairs: segment(pairs, limits))

    def event(self, wire: Wire, record: Record, time: int | None = None) -> CorpusEvent:
        """The event that the fields state.

        Args:
            wire: the fields; `op` decides which are needed.
            record: where they came from; its stamp is the event time of last resort.
            time: event time in microseconds, where the fields have none and the form says one elsewhere.

        Raises:
            MalformedEvent: the first thing that is wrong.
        """
        op = need(wire.op, "op")
        if op == "upsert":
            return self._upsert(wire, self._time(wire, record, time))
        if op == "delete":
            chunk_id = chunk_identifier(wire.chunk_id, self.limits)
            return Delete(chunk_id, self._time(wire, record, time), self._version(wire))
        if op == "deploy":
            return self._deploy(wire, self._time(wire, record, time))
        if op == "heartbeat":
            return Heartbeat(self._time(wire, record, time))
        raise malformed(reasons.UNKNOWN_OP, "op", f"{shown(op)}, expected upsert, delete, deploy or heartbeat")

    def tombstone(self, record: Record) -> Delete | None:
        """A record without a value: its key's chunk is gone. None for the tombstone of a deploy marker."""
        return self.gone(key_text(record, self.limits), record)

    def gone(self, chunk_id: str, record: Record) -> Delete | None:
        """The delete that a tombstone for this chunk id means; None where the id is a deploy marker's key."""
        if chunk_id.startswith(DEPLOY_PREFIX):
            return None
        return Delete(chunk_identifier(chunk_id, self.limits), stamp(record, self.limits), None)

    def _upsert(self, wire: Wire, time: int) -> Upsert:
        limits = self.limits
        chunk_id = chunk_identifier(wire.chunk_id, limits)
        text = body(wire.text, limits)
        chunk = Chunk(
            chunk_id,
            identifier(wire.doc_id, "doc_id", limits.id_bytes),
            natural(wire.position, "position") if wire.position else 0,
            text,
            self._vector(wire),
            self._contract(wire.embedding_version),
            self._attributes(wire.segment),
            time,
            text_hash(text)
            if wire.content_hash is None
            else identifier(wire.content_hash, "content_hash", limits.label_bytes),
        )
        return Upsert(chunk, self._version(wire))

    def _deploy(self, wire: Wire, time: int) -> Deploy:
        deploy_id = identifier(wire.deploy_id, "deploy_id", self.limits.id_bytes)
        upto = {} if wire.upto is None else offsets(wire.upto, self.limits)
        expected = segment(wire.expected.items(), self.limits, "expected") if wire.expected else ()
        return Deploy(deploy_id, time, upto, expected)

    def _version(self, wire: Wire) -> int | None:
        return None if wire.version is None else natural(wire.version, "version")

    def _contract(self, given: str | None) -> str:
        if given is None or given == self._embedding_version:
            return self._embedding_version
        return identifier(given, "embedding_version", self.limits.label_bytes)

    def _attributes(self, given: dict[str, str | None] | None) -> Segment:
        return self._segment(tuple(given.items())) if given else ()

    def _vector(self, wire: Wire) -> NDArray[np.float32] | None:
        if self._vectors is None or not isinstance(wire, VectorWire):
            return None
        if wire.vector_b64 is not None:
            if wire.vector is not None:
                raise malformed(reasons.CONFLICTING_FIELDS, "vector", "given twice, also as vector_b64")
            return self._vectors.from_bytes(wire.vector_b64)
        return None if wire.vector is None else self._vectors.from_numbers(wire.vector)

    def _time(self, wire: Wire, record: Record, time: int | None) -> int:
        if wire.event_time is not None:
            return instant(wire.event_time, self.limits)
        found = time if time is not None else stamp(record, self.limits)
        if found is None:
            raise malformed(reasons.MISSING_FIELD, "event_time", "absent, and the record has no usable time stamp")
        return found
