"""The ordinary record, an upsert of the native form with nothing odd about it: many are read at a glance."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import repeat
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import MAX_INTEGER
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.codecs.scalars import DEPLOY_PREFIX, body, chunk_identifier, document_of, identifier
from monitor.adapters.codecs.times import in_range, instant, stamp
from monitor.adapters.codecs.vectors import VectorReader
from monitor.adapters.codecs.versions import VersionWire, version
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import (
    MARKERS,
    TIMESTAMP_HEADER,
    Chunk,
    CorpusEvent,
    Decoded,
    MalformedEvent,
    Record,
    Upsert,
    Version,
    text_hash,
)
from monitor.core.model.point_ids import canonical
from monitor.ports import Decoder

DEPTH = 2
"""How deep an ordinary record nests: a segment or a vector in the object itself."""
_WIDEST = 4
"""Bytes of a character in UTF-8 at most: what is so short need not be measured in bytes."""
_SECONDS = {f"{second:02}Z": second * 1_000_000 for second in range(60)}
"""The ends of instants in UTC that have no fraction of a second, in microseconds."""
_MINUTES_KEPT = 1_024
_BLOCK = 128
"""Records looked at together: what they hold stays in a core's cache meanwhile."""
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
        found = self.decode_run([record])[0]
        if isinstance(found, MalformedEvent):
            raise found
        return found

    def decode_run(self, records: Sequence[Record]) -> list[Decoded]:
        """What `decode` makes of each of some records, refusals among it: of all, or up to the first marker."""
        found: list[Decoded] = []
        while len(found) < len(records) and not (found and isinstance(found[-1], MARKERS)):
            found += self._block(records[len(found) : len(found) + _BLOCK])
        return found

    def _block(self, records: Sequence[Record]) -> list[Decoded]:
        """The same, of so many as stay in a core's cache."""
        wires: list[_Ordinary] = []
        others: dict[int, Decoded] = {}
        parsed, most = self._json.decode, self._limits.value_bytes
        for place, record in enumerate(records):
            value, headers = record.value, record.headers
            if (
                value is not None
                and len(value) <= most
                and (not headers or (len(headers) == 1 and headers[0][0] == TIMESTAMP_HEADER))
                and (self._odd < _DOUBTS or self._odd % _PAUSE == 0)
            ):
                try:
                    wires.append(parsed(value))  # refuses what is not UTF-8: nothing is passed over
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    pass
                else:
                    self._odd = 0 if self._odd < _DOUBTS else self._odd
                    continue
            others[place] = self._with_care(record)
            if isinstance(others[place], MARKERS):
                records = records[: place + 1]
                break
        ordinary = [record for place, record in enumerate(records) if place not in others] if others else records
        found: list[Decoded] = []
        upserts = self._upserts(wires, ordinary)
        if upserts is None:  # one of them is doubtful
            for wire, record in zip(wires, ordinary, strict=True):
                found += self._upserts([wire], [record]) or [self._with_care(record)]
        else:
            found += upserts
        if not others:
            return found
        following = iter(found)
        return [others[at] if at in others else next(following) for at in range(len(records))]

    def _with_care(self, record: Record) -> Decoded:
        self._odd += 1
        try:
            return self._careful(record)
        except MalformedEvent as error:
            return error

    def _upserts(self, wires: Sequence[_Ordinary], records: Sequence[Record]) -> list[Upsert] | None:
        """The upserts that the fields of records state; None where anything is doubtful about one of them."""
        try:
            made = self._made(wires, records) if wires else []
        except MalformedEvent:
            return None
        self._odd = 0 if made else self._odd
        return made

    def _made(self, wires: Sequence[_Ordinary], records: Sequence[Record]) -> list[Upsert]:
        """The upserts, column by column; MalformedEvent where the careful decoder might refuse one."""
        limits = self._limits
        ids = _sound([wire.chunk_id for wire in wires], limits.id_bytes, partial(chunk_identifier, limits=limits))
        if DEPLOY_PREFIX in "\n".join(ids):
            for chunk_id in ids:
                chunk_identifier(chunk_id, limits)
        if self._point_ids:
            ids = [canonical(chunk_id) for chunk_id in ids]
        texts = [wire.text for wire in wires]
        if _WIDEST * max(map(len, texts)) > limits.text_bytes:
            for text in texts:
                body(text, limits)
        documents = [
            document_of(chunk_id) if (named := wire.doc_id) is None else named
            for wire, chunk_id in zip(wires, ids, strict=True)
        ]
        _sound(documents, limits.id_bytes, partial(identifier, field="doc_id", most=limits.id_bytes))
        contents = [
            text_hash(text) if (said := wire.content_hash) is None else said
            for wire, text in zip(wires, texts, strict=True)
        ]
        _sound(contents, limits.label_bytes, partial(identifier, field="content_hash", most=limits.label_bytes))
        encoded = [self._version if (made_by := wire.embedding_version) is None else made_by for wire in wires]
        for version_named in {*encoded} - {self._version}:
            identifier(version_named, "embedding_version", limits.label_bytes)
        ordinals = [wire.position or 0 for wire in wires]
        if min(ordinals) < 0 or max(ordinals) > MAX_INTEGER:
            raise malformed(reasons.OUT_OF_RANGE, "position", "")
        chunks = map(
            Chunk,
            ids,
            documents,
            ordinals,
            texts,
            repeat(None) if self._vectors is None else _vectors(self._vectors, wires),
            encoded,
            [self._segment(tuple(given.items())) if (given := wire.segment) else () for wire in wires],
            self._times(wires, records),
            contents,
        )
        versions = [wire.version for wire in wires]
        numbers = [given for given in versions if type(given) is int]
        ordered: Sequence[Version | None] = numbers
        if len(numbers) < len(versions) or min(numbers) < 0 or max(numbers) > MAX_INTEGER:
            ordered = [version(given) for given in versions]
        return list(map(Upsert, chunks, ordered))

    def _times(self, wires: Sequence[_Ordinary], records: Sequence[Record]) -> list[int]:
        """When each event was."""
        limits, minute = self._limits, self._minute
        said = [wire.event_time for wire in wires]
        try:
            times = [minute(text[:17]) + _SECONDS[text[17:]] for text in said]  # type: ignore[index]  # see below
        except (KeyError, TypeError):  # one says none, or not as most do
            given = [
                stamp(record, limits) if text is None else instant(text, limits)
                for text, record in zip(said, records, strict=True)
            ]
            times = [time for time in given if time is not None]
            if len(times) < len(given):
                raise malformed(reasons.MISSING_FIELD, "event_time", "") from None
        in_range(min(times), limits)
        in_range(max(times), limits)
        return times


def _sound(values: list[str], most: int, check: Callable[[str], str]) -> list[str]:
    """The values, none of which `identifier` refuses: they are given to it only where a look at all does not do."""
    if not all(values) or _WIDEST * max(map(len, values)) > most or not "".join(values).isprintable():
        for value in values:
            check(value)
    return values


def _vectors(reader: VectorReader, wires: Sequence[_Ordinary]) -> Sequence[NDArray[np.float32] | None]:
    """The vector of each upsert."""
    given = [wire for wire in wires if isinstance(wire, _OrdinaryVector)]
    packed, numbers = [wire.vector_b64 for wire in given], [wire.vector for wire in given]
    if None not in packed and numbers.count(None) == len(numbers):
        return reader.from_packed(packed)  # type: ignore[arg-type]  # so it was just found
    return [_vector(reader, *of) for of in zip(packed, numbers, strict=True)]


def _vector(reader: VectorReader, packed: bytes | None, numbers: list[float] | None) -> NDArray[np.float32] | None:
    if packed is None:
        return None if numbers is None else reader.from_numbers(numbers)
    if numbers is not None:
        raise malformed(reasons.CONFLICTING_FIELDS, "vector", "")
    return reader.from_bytes(packed)
