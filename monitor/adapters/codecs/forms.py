"""The wire forms by name, and what is configured about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from monitor.adapters.codecs.auto import AutoDecoder
from monitor.adapters.codecs.cloudevents import CloudEventsDecoder
from monitor.adapters.codecs.debezium import DebeziumDecoder
from monitor.adapters.codecs.fields import FieldsDecoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.native import NativeDecoder
from monitor.adapters.codecs.ordinary import DEPTH, OrdinaryFirst
from monitor.adapters.codecs.paths import FieldPaths, split
from monitor.adapters.codecs.qdrant_sink import QdrantSinkDecoder
from monitor.adapters.codecs.wire import EventReader
from monitor.adapters.codecs.wrapping import NamedDecoder, Opening
from monitor.ports import ConfigurationError, Decoder

FORMS = ("auto", "native", "cloudevents", "debezium", "qdrant-sink", "fields")
ORDINARY_IN = frozenset({"auto", "native"})
"""Forms in which an ordinary record is one of the native form."""


@dataclass(frozen=True, slots=True)
class FormOptions:
    """What is configured about the wire forms.

    Args:
        embedding_version: of an upsert that names none.
        paths: where a chunk's fields stand in a Debezium row, a sink payload or a plain object.
        plain_rows: form `auto`: take an object that bears no form's mark as plain fields, not as malformed.
        debezium_version: path in the Debezium envelope of what orders a row's changes (`source.lsn`), or several.
        collection: form `qdrant-sink`: the watched collection; None = any.
        sink_chunk_id: path in the payload of the chunk id; None = the point id.
        vector_name: which named vector of a point is the chunk's; None = the unnamed one.
        now: microseconds since the epoch: the event time of what states none; None = that is malformed.
        point_ids: whether chunk ids are the ids of Qdrant's points.
        versions: embedding versions watched besides the corpus's own.
    """

    embedding_version: str = ""
    paths: FieldPaths = field(default_factory=FieldPaths)
    plain_rows: bool = False
    debezium_version: str | Sequence[str] | None = None
    collection: str | None = None
    sink_chunk_id: str | None = None
    vector_name: str | None = None
    now: Callable[[], int] | None = None
    point_ids: bool = False
    versions: tuple[str, ...] = ()


def decoder(form: str, options: FormOptions, limits: EventLimits) -> Decoder:
    """The decoder of one wire form.

    Args:
        form: one of `FORMS`.
        options: what is configured about the forms.
        limits: the bounds of an event.

    Raises:
        ConfigurationError: an unknown form, or field paths that contradict each other.
    """
    if form not in FORMS:
        message = f"source.format: {form!r}, expected one of {', '.join(FORMS)}"
        raise ConfigurationError(message)
    reader = EventReader(
        limits,
        options.embedding_version,
        now=options.now,
        point_ids=options.point_ids,
        versions=options.versions,
    )
    careful = careful_decoder(form, options, reader)
    if form not in ORDINARY_IN or limits.depth < DEPTH:
        return careful
    return OrdinaryFirst(careful, reader, options.embedding_version, point_ids=options.point_ids)


def careful_decoder(form: str, options: FormOptions, reader: EventReader) -> Decoder:
    """The decoder of one wire form that gives each record every look there is."""
    limits = reader.limits
    if form != "auto":
        rows = form != "fields" or not _through_wrapper(options.paths)
        return Opening(_one(form, options, reader), limits, name=form, wrapped=rows)
    names = [name for name in FORMS[1:] if name != "fields" or options.plain_rows]
    forms: dict[str, Decoder] = {name: NamedDecoder(name, _one(name, options, reader)) for name in names}
    return Opening(AutoDecoder(reader, forms, options.paths.key_field()), limits)


def _through_wrapper(paths: FieldPaths) -> bool:
    """Whether field paths lead through Connect's wrapper themselves."""
    return any(split(path)[0] == "payload" for _, path in paths.named())


def _one(form: str, options: FormOptions, reader: EventReader) -> Decoder:
    if form == "native":
        return NativeDecoder(reader)
    if form == "cloudevents":
        return CloudEventsDecoder(reader)
    if form == "debezium":
        return DebeziumDecoder(reader, options.paths, options.debezium_version)
    if form == "fields":
        return FieldsDecoder(reader, options.paths)
    return QdrantSinkDecoder(
        reader,
        options.paths,
        collection=options.collection,
        chunk_id=options.sink_chunk_id,
        vector_name=options.vector_name,
    )
