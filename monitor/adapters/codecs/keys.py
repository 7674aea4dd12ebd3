"""Record keys: which chunk a tombstone is about."""

from typing import Any

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import EventLimits, parse
from monitor.adapters.codecs.loose import Leaf, Scalar, identity, plain
from monitor.adapters.codecs.reasons import malformed
from monitor.core.model.events import MalformedEvent, Record

_PAYLOAD = "payload"


def key_text(record: Record, limits: EventLimits) -> str:
    """The key as strict UTF-8.

    Raises:
        MalformedEvent: `no_key` where it is absent, `oversize`, `not_utf8`.
    """
    if record.key is None:
        raise malformed(reasons.NO_KEY, "key", "absent, expected the chunk id beside a null value")
    if len(record.key) > limits.key_bytes:
        raise malformed(reasons.OVERSIZE, "key", f"{len(record.key)} bytes, expected at most {limits.key_bytes}")
    try:
        return record.key.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise malformed(reasons.NOT_UTF8, "key", f"byte {error.start} is not UTF-8: {error.reason}") from None


class RowKey:
    """Keys as Kafka Connect writes them: a bare string, a JSON string, or a JSON object that holds the id.

    Each may be wrapped as {"schema": ..., "payload": ...}. What is not JSON is the chunk id itself.

    MongoDB's connector calls the document's `_id` just `id`, and writes it as extended JSON within a string.

    Args:
        field: the name of the id in an object.
        limits: the bounds of a key.
    """

    def __init__(self, field: str, limits: EventLimits) -> None:
        self._limits = limits
        self._mongo = RowKey("id", limits) if field == "_id" else None
        self._extended: msgspec.json.Decoder[Leaf] = msgspec.json.Decoder(Leaf)
        raw: tuple[Any, Any] = (msgspec.Raw, msgspec.Raw())
        places = [("wanted", *raw)] if field == _PAYLOAD else [("wanted", *raw), (_PAYLOAD, *raw)]
        self._object: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Key", places, rename={"wanted": field}, gc=False)
        )
        self._scalar: msgspec.json.Decoder[Scalar] = msgspec.json.Decoder(Scalar)

    def chunk_id(self, record: Record) -> str | None:
        """The chunk id; None where the key is an object without it.

        Raises:
            MalformedEvent: as `key_text`, and where the id is neither a string nor an integer.
        """
        text = key_text(record, self._limits)
        found = self._from_json(text.encode()) if text.startswith(("{", '"')) else text
        if found is None and self._mongo is not None:
            found = self._document_id(self._mongo.chunk_id(record))
        return found

    def _document_id(self, text: str | None) -> str | None:
        """The id that extended JSON states; text that is none stands for itself."""
        if text is None:
            return None
        try:
            value = self._extended.decode(text)
        except (msgspec.MsgspecError, ValueError):
            return text
        return identity(plain(value, "key"), "key")

    def _from_json(self, key: bytes, *, wrapped: bool = False) -> str | None:
        if not key.startswith(b"{"):
            return self._from_scalar(key)
        try:
            row = parse(key, self._object, self._limits)
        except MalformedEvent:
            return key.decode()
        inner = bytes(getattr(row, _PAYLOAD, b""))
        if inner and not wrapped:
            return self._from_json(inner, wrapped=True)
        found = bytes(row.wanted)
        return self._from_scalar(found) if found else None

    def _from_scalar(self, text: bytes) -> str | None:
        try:
            value = self._scalar.decode(text)
        except (msgspec.MsgspecError, ValueError):
            return text.decode()
        return identity(value, "key")
