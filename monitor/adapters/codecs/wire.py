"""The fields of a corpus event as typed from the wire, and the strict step from them to the event."""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import key_text
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.scalars import (
    DEPLOY_PREFIX,
    body,
    chunk_identifier,
    document_of,
    identifier,
    natural,
    need,
    offsets,
    segment,
)
from monitor.adapters.codecs.times import in_range, instant, stamp
from monitor.adapters.codecs.vectors import VectorReader, unchecked
from monitor.adapters.codecs.versions import VersionWire, version
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    MigrationStep,
    Record,
    Upsert,
    text_hash,
)
from monitor.core.model.point_ids import canonical

_SEGMENTS_KEPT = 1_024
MOST_VERSIONS = 8
"""Versions of a chunk's vector in one event."""
STEPS: tuple[MigrationStep, ...] = get_args(MigrationStep)


class Wire(msgspec.Struct, gc=False):
    """Every field of the native form; null and absent are the same. Types are strict: 1.0 and true are no int."""

    op: str | None = None
    chunk_id: str | None = None
    doc_id: str | None = None
    position: int | None = None
    version: VersionWire | None = None
    text: str | None = None
    embedding_version: str | None = None
    content_hash: str | None = None
    segment: dict[str, str | None] | None = None
    event_time: str | None = None
    deploy_id: str | None = None
    upto: dict[str, dict[str, int]] | None = None
    expected: dict[str, str | None] | None = None


class VectorWire(Wire, gc=False):
    """The same with a vector: numbers, their text, or base64 of bytes. Without a dense leg it is not even typed."""

    vector: list[float] | str | None = None
    vector_b64: bytes | None = None


class OneVector(msgspec.Struct, gc=False):
    """A vector in either spelling."""

    vector: list[float] | None = None
    vector_b64: bytes | None = None


class MigrationWire(VectorWire, gc=False, rename={"old": "from", "new": "to"}):
    """The same where a migration is watched: more versions of a vector, and markers."""

    vectors: dict[str, OneVector] | None = None
    migration_id: str | None = None
    phase: str | None = None
    old: str | None = None
    new: str | None = None


class EventReader:
    """From typed fields to a corpus event: every bound of docs/events.md is enforced here and only here.

    Args:
        limits: the bounds.
        embedding_version: what an upsert has that names none.
        now: microseconds since the epoch, for events that say no time themselves; None = such an event is malformed.
        point_ids: whether chunk ids are Qdrant's point ids, to be spelt as the server does.
        versions: embedding versions that are watched besides; without any, events of migrations are not ours.
    """

    def __init__(
        self,
        limits: EventLimits,
        embedding_version: str,
        *,
        now: Callable[[], int] | None = None,
        point_ids: bool = False,
        versions: Collection[str] = (),
    ) -> None:
        self._now, self._point_ids, self._versions = now, point_ids, frozenset(versions)
        self.limits = limits
        self.wire: type[Wire] = MigrationWire if versions else VectorWire if limits.dimension else Wire
        self._embedding_version = embedding_version
        self.vectors = VectorReader(limits.dimension) if limits.dimension else None
        # segments repeat: one tuple per distinct one, checked once and shared by all its chunks
        self.segment = lru_cache(_SEGMENTS_KEPT)(lambda pairs: segment(pairs, limits))

    def event(self, wire: Wire, record: Record, time: int | None = None) -> CorpusEvent | None:
        """The event that the fields state; None for one of a migration that nobody watches.

        Args:
            wire: the fields; `op` decides which are needed.
            record: where they came from; its stamp is the event time of last resort.
            time: event time in microseconds, where the fields have none and the form says one elsewhere.

        Raises:
            MalformedEvent: the first thing that is wrong.
        """
        op = wire.op
        if op == "upsert":
            said = wire.event_time
            return self._upsert(wire, self._time(wire, record, time) if said is None else instant(said, self.limits))
        op = need(op, "op")
        if op == "delete":
            chunk_id = self._chunk_id(wire.chunk_id)
            moment = self._time(wire, record, time)
            return Delete(chunk_id, self._read_at(moment), version(wire.version), moment is None)
        if op == "deploy":
            return self._deploy(wire, self._read_at(self._time(wire, record, time)))
        if op == "heartbeat":
            return Heartbeat(self._read_at(self._time(wire, record, time)))
        if op in ("embed", "migration"):
            if not isinstance(wire, MigrationWire):
                return None
            moment = self._read_at(self._time(wire, record, time))
            return self._embed(wire, moment) if op == "embed" else self._marker(wire, moment)
        expected = "expected upsert, delete, deploy, heartbeat, embed or migration"
        raise malformed(reasons.UNKNOWN_OP, "op", f"{shown(op)}, {expected}")

    def tombstone(self, record: Record) -> Delete | None:
        """A record without a value: its key's chunk is gone. None for the tombstone of a deploy marker."""
        return self.gone(key_text(record, self.limits), record)

    def gone(self, chunk_id: str, record: Record) -> Delete | None:
        """The delete that a tombstone for this chunk id means; None where the id is a deploy marker's key."""
        if chunk_id.startswith(DEPLOY_PREFIX):
            return None
        return Delete(self._chunk_id(chunk_id), stamp(record, self.limits), None)

    def _chunk_id(self, given: str | None) -> str:
        chunk_id = chunk_identifier(given, self.limits)
        return canonical(chunk_id) if self._point_ids else chunk_id

    def _upsert(self, wire: Wire, time: int | None) -> Upsert:
        limits = self.limits
        chunk_id = chunk_identifier(wire.chunk_id, limits)
        if self._point_ids:
            chunk_id = canonical(chunk_id)
        text, doc_id, embedding_version = body(wire.text, limits), wire.doc_id, wire.embedding_version
        attributes, content_hash, ordered = wire.segment, wire.content_hash, wire.version
        chunk = Chunk(
            chunk_id,
            document_of(chunk_id) if doc_id is None else identifier(doc_id, "doc_id", limits.id_bytes),
            natural(wire.position, "position") if wire.position else 0,
            text,
            self._vector(wire),
            embedding_version if embedding_version == self._embedding_version else self._contract(embedding_version),
            self.segment(tuple(attributes.items())) if attributes else (),
            self._read_at(time) if time is None else time,
            text_hash(text) if content_hash is None else identifier(content_hash, "content_hash", limits.label_bytes),
            self._others(wire) if isinstance(wire, MigrationWire) and wire.vectors else None,
        )
        return Upsert(chunk, None if ordered is None else version(ordered), time is None)

    def _deploy(self, wire: Wire, time: int) -> Deploy:
        deploy_id = identifier(wire.deploy_id, "deploy_id", self.limits.id_bytes)
        upto = {} if wire.upto is None else offsets(wire.upto, self.limits)
        expected = segment(wire.expected.items(), self.limits, "expected") if wire.expected else ()
        return Deploy(deploy_id, time, upto, expected)

    def _embed(self, wire: MigrationWire, time: int) -> Embed:
        limits = self.limits
        version = identifier(wire.embedding_version, "embedding_version", limits.label_bytes)
        made = _one(OneVector(wire.vector if isinstance(wire.vector, list) else None, wire.vector_b64), "vector")
        content = identifier(wire.content_hash, "content_hash", limits.label_bytes)
        return Embed(self._chunk_id(wire.chunk_id), content, version, made, time)

    def _marker(self, wire: MigrationWire, time: int) -> MigrationMarker:
        limits, phase = self.limits, need(wire.phase, "phase")
        step = next((one for one in STEPS if one == phase), None)
        if step is None:
            raise malformed(reasons.UNKNOWN_OP, "phase", f"{shown(phase)}, expected one of {', '.join(STEPS)}")
        return MigrationMarker(
            identifier(wire.migration_id, "migration_id", limits.id_bytes),
            step,
            identifier(wire.old, "from", limits.label_bytes),
            identifier(wire.new, "to", limits.label_bytes),
            time,
            {} if wire.upto is None else offsets(wire.upto, limits),
        )

    def _others(self, wire: MigrationWire) -> Mapping[str, NDArray[np.float32]]:
        """Vectors by version, but for the event's own; an empty one of a version that nobody watches."""
        given = wire.vectors or {}
        if len(given) > MOST_VERSIONS:
            raise malformed(reasons.TOO_MANY, "vectors", f"{len(given)} versions, expected at most {MOST_VERSIONS}")
        own = self._contract(wire.embedding_version)
        return {
            identifier(version, "vectors", self.limits.label_bytes): _one(vector, f"vectors.{version}")
            if version in self._versions
            else _EMPTY
            for version, vector in given.items()
            if version != own
        }

    def _contract(self, given: str | None) -> str:
        if given is None or given == self._embedding_version:
            return self._embedding_version
        return identifier(given, "embedding_version", self.limits.label_bytes)

    def _vector(self, wire: Wire) -> NDArray[np.float32] | None:
        if self.vectors is None or not isinstance(wire, VectorWire):
            return None
        if isinstance(wire, MigrationWire) and wire.vectors:
            own = wire.vectors.get(self._contract(wire.embedding_version))
            if own is not None:
                if wire.vector is not None or wire.vector_b64 is not None:
                    raise malformed(reasons.CONFLICTING_FIELDS, "vectors", "the event's own version is there twice")
                wire.vector, wire.vector_b64 = own.vector, own.vector_b64
        if wire.vector_b64 is not None:
            if wire.vector is not None:
                raise malformed(reasons.CONFLICTING_FIELDS, "vector", "given twice, also as vector_b64")
            return self.vectors.from_bytes(wire.vector_b64)
        if isinstance(wire.vector, str):
            return self.vectors.from_text(wire.vector)
        return None if wire.vector is None else self.vectors.from_numbers(wire.vector)

    def _time(self, wire: Wire, record: Record, time: int | None) -> int | None:
        """When the event was; None where nothing says it."""
        if wire.event_time is not None:
            return instant(wire.event_time, self.limits)
        return time if time is not None else stamp(record, self.limits)

    def _read_at(self, time: int | None) -> int:
        """The event's time, or of last resort that of its reading, where that is wanted."""
        if time is not None:
            return time
        if self._now is not None:
            return in_range(self._now(), self.limits)
        said = "absent, and the record has no usable time stamp; source.missing_event_time = 'ingest' takes "
        raise malformed(reasons.MISSING_FIELD, "event_time", said + "the time of reading")


_EMPTY = np.zeros(0, np.float32)


def _one(given: OneVector, field: str) -> NDArray[np.float32]:
    """A vector of whatever length: whoever knows its contract refuses it."""
    if given.vector is not None and given.vector_b64 is not None:
        raise malformed(reasons.CONFLICTING_FIELDS, field, "given twice, also as vector_b64")
    if given.vector is None and given.vector_b64 is None:
        raise malformed(reasons.MISSING_FIELD, field, "absent, expected vector_b64 or vector")
    return unchecked(given.vector if given.vector_b64 is None else given.vector_b64)
