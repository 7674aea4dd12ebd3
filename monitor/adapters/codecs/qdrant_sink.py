"""The form that Qdrant's Kafka sink connector takes: `collection_name`, `id`, `vector`, `payload`."""

from dataclasses import replace

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.loose import Leaf, Scalar, plain, string
from monitor.adapters.codecs.paths import FieldPaths, Shape, reach, split
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.rows import RowReader
from monitor.adapters.codecs.scalars import need
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import CorpusEvent, Record
from monitor.core.model.point_ids import canonical, name_of

POINT_ID = "id"


class QdrantSinkDecoder:
    """A point of the watched collection is an upsert; one of another collection is not ours.

    Args:
        reader: the strict reader.
        paths: where a chunk's fields stand in the payload (its `vector` path is not used).
        collection: the watched collection; None = every point is ours.
        chunk_id: path in the payload of the chunk id; None = the point id, spelled as Qdrant returns it.
        vector_name: which of several named vectors is the chunk's; None = the only, unnamed one.
    """

    def __init__(
        self,
        reader: EventReader,
        paths: FieldPaths,
        *,
        collection: str | None = None,
        chunk_id: str | None = None,
        vector_name: str | None = None,
    ) -> None:
        self._reader = reader
        self._collection = collection
        self._by_point = chunk_id is None
        self._rows = RowReader(_in_document(paths, chunk_id, vector_name), reader)
        extra = [(("collection_name",), Leaf), ((POINT_ID,), Leaf)]
        shape = Shape([*self._rows.leaves, *extra], reader.limits)
        self._json, self._named, self._id = shape.json, shape.place(("collection_name",)), shape.place((POINT_ID,))
        self._key = RowKey(split(chunk_id)[-1] if chunk_id else POINT_ID, reader.limits)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for another collection; MalformedEvent whatever the bytes."""
        if record.value is None:
            return self._tombstone(record)
        row = parse(record.value, self._json, self._reader.limits)
        named = plain(reach(row, self._named), "collection_name")
        collection = need(string(named, "collection_name"), "collection_name")
        if self._collection is not None and collection != self._collection:
            return None
        point = point_id(plain(reach(row, self._id), POINT_ID))
        wire, time = self._rows.fill(row, "upsert")
        if self._by_point:
            wire.chunk_id = point
        return self._reader.event(wire, record, time)

    def _tombstone(self, record: Record) -> CorpusEvent | None:
        chunk_id = self._key.chunk_id(record)
        if chunk_id is None:
            raise malformed(reasons.NO_KEY, "key", "an object without the id")
        return self._reader.gone(canonical(chunk_id) if self._by_point else chunk_id, record)


def point_id(value: Scalar) -> str:
    """A point id as Qdrant returns it: decimal digits, or a hyphenated lower-case UUID.

    >>> point_id("550E8400E29B41D4A716446655440000")
    '550e8400-e29b-41d4-a716-446655440000'

    Raises:
        MalformedEvent: `missing_field`, `bad_point_id`.
    """
    name = name_of(value)
    if name is not None:
        return name
    if value is None:
        raise malformed(reasons.MISSING_FIELD, "id", "absent or null, expected a point id")
    raise malformed(reasons.BAD_POINT_ID, "id", f"{shown(value)}, expected an unsigned integer or a UUID")


def _in_document(paths: FieldPaths, chunk_id: str | None, vector_name: str | None) -> FieldPaths:
    """The payload's paths as paths of the whole document, with the point's own id and vector."""
    escaped = (vector_name or "").replace("\\", "\\\\").replace(".", "\\.")
    return replace(
        paths.under("payload"),
        chunk_id=POINT_ID if chunk_id is None else f"payload.{chunk_id}",
        vector=f"vector.{escaped}" if vector_name else "vector",
    )
