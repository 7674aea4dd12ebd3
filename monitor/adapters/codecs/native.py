"""The native wire form of docs/events.md: one JSON object with `op`."""

import msgspec

from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import CorpusEvent, Record


class NativeDecoder:
    """`{"op": "upsert" | "delete" | "deploy" | "heartbeat", ...}`; a null value is a tombstone of its key."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._json = msgspec.json.Decoder(reader.wire)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for a deploy marker's tombstone; MalformedEvent whatever the bytes."""
        if record.value is None:
            return self._reader.tombstone(record)
        return self._reader.event(parse(record.value, self._json, self._reader.limits), record)
