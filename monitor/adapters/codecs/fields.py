"""Plain JSON: one object per record whose fields stand at configured paths."""

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.paths import FieldPaths, Shape
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.codecs.rows import RowReader
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import CorpusEvent, Record


class FieldsDecoder:
    """An object is an upsert, or a delete where the configured flag says so; a null value is a tombstone."""

    def __init__(self, reader: EventReader, paths: FieldPaths) -> None:
        self._reader = reader
        self._rows = RowReader(paths, reader)
        self._json = Shape(self._rows.leaves, reader.limits).json
        self._key = RowKey(paths.key_field(), reader.limits)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for a deploy marker's tombstone; MalformedEvent whatever the bytes."""
        if record.value is None:
            chunk_id = self._key.chunk_id(record)
            if chunk_id is None:
                raise malformed(reasons.NO_KEY, "key", "an object without the chunk id")
            return self._reader.gone(chunk_id, record)
        row = parse(record.value, self._json, self._reader.limits)
        wire, time = self._rows.fill(row, "delete" if self._rows.deleted(row) else "upsert")
        return self._reader.event(wire, record, time)
