"""Sources, decoders and dead letters, as configured."""

import time
from dataclasses import dataclass, replace
from typing import TypeVar

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.codecs.presets import PRESETS
from monitor.adapters.sources.qdrant.kind import QDRANT, TOPIC, ScanSection, completed
from monitor.app.configuration import Configuration
from monitor.app.wiring.retrieval import Space
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import BOOTSTRAP, CorpusEvent, Record
from monitor.kinds import FieldPathsSection, PointsContext, RowFieldsSection, SourceContext
from monitor.ports import Decoder, Publisher, Source

R = TypeVar("R", bound=RowFieldsSection)
SCANS = frozenset({TOPIC, BOOTSTRAP})
"""Topics of the records that scans deliver."""


def source_context(configuration: Configuration, points: PointsContext | None = None) -> SourceContext:
    """What a source may know beyond its own section."""
    return SourceContext(configuration.located, configuration.source.max_event_bytes, points)


def scanned(configuration: Configuration) -> ScanSection | None:
    """The collection whose points the source scans, with what is left to other sections; None where it scans none.

    Raises:
        ConfigurationError: nothing names the collection.
    """
    chosen = configuration.source
    section = chosen.adapter.points(chosen.settings)
    if not isinstance(section, ScanSection):
        return None
    made = completed(section, configuration.dense)
    named = made.chunk_id_field or preset(chosen.fields).sink_chunk_id
    return made.model_copy(update={"chunk_id_field": named})


def build_source(configuration: Configuration, space: Space, corpus: Corpus) -> Source:
    """The one source that the configuration names; what scans compares with the corpus."""
    chosen, section = configuration.source, scanned(configuration)
    points = None
    if section is not None:
        reader = _point_decoder(configuration, section, space.dimension, space.embedding_version)
        distance, encoder = configuration.corpus.distance, space.encoder is not None
        points = PointsContext(section, preset(chosen.fields), reader, corpus, distance, encoder)
    return chosen.adapter.build(chosen.settings, source_context(configuration, points))


def build_dead_letters(configuration: Configuration) -> Publisher | None:
    """Where refused records are published besides the store, where such a place is named."""
    chosen = configuration.source
    return chosen.adapter.dead_letters(chosen.settings, source_context(configuration))


def build_decoder(configuration: Configuration, dimension: int, embedding_version: str) -> Decoder:
    """The decoder of the configured wire form, with the corpus's limits.

    Args:
        configuration: the whole configuration.
        dimension: d of vectors, 0 when the dense leg is off.
        embedding_version: of upserts that name none.
    """
    dense = configuration.dense
    point_ids = dense.adapter is not None and dense.adapter.point_ids(dense.settings)
    options = _options(configuration, preset(configuration.source.fields), embedding_version, point_ids=point_ids)
    limits = EventLimits(dimension=dimension, value_bytes=configuration.source.max_event_bytes)
    made, section = decoder(configuration.source.format, options, limits), scanned(configuration)
    if section is None:
        return made
    return ScanDecoder(_point_decoder(configuration, section, dimension, embedding_version), made)


@dataclass(frozen=True, slots=True)
class ScanDecoder:
    """What a scan delivers is read by its own decoder, everything else by the stream's."""

    points: Decoder
    stream: Decoder

    def decode(self, record: Record) -> CorpusEvent | None:
        """See `monitor.ports.Decoder`."""
        return (self.points if record.position.topic in SCANS else self.stream).decode(record)


def _point_decoder(
    configuration: Configuration, section: ScanSection, dimension: int, embedding_version: str
) -> Decoder:
    """The decoder of what a scan delivers: points in the sink's form, and events of our own."""
    fields = preset(configuration.source.fields)
    found = _options(configuration, fields, embedding_version, point_ids=not section.chunk_id_field)
    options = replace(
        found,
        collection=section.collection,
        sink_chunk_id=section.chunk_id_field or None,
        vector_name=section.vector_name or None,
    )
    if configuration.source.adapter.name == QDRANT.name:  # the newest look is what counts, whatever a payload says
        options = replace(options, paths=replace(options.paths, version=None))
    limits = EventLimits(dimension=dimension, value_bytes=configuration.source.max_event_bytes)
    return decoder("auto", options, limits)


def _options(
    configuration: Configuration, fields: FieldPathsSection, embedding_version: str, *, point_ids: bool
) -> FormOptions:
    return FormOptions(
        embedding_version=embedding_version,
        paths=replace(row_paths(fields), key=fields.key or None),
        plain_rows=fields.plain_rows,
        debezium_version=fields.debezium_version or None,
        collection=fields.collection or None,
        sink_chunk_id=fields.sink_chunk_id or None,
        vector_name=fields.vector_name or None,
        now=_now if configuration.source.missing_event_time == "ingest" else None,
        point_ids=point_ids,
        versions=() if configuration.migration is None else (configuration.migration.new,),
    )


def row_paths(fields: RowFieldsSection) -> FieldPaths:
    """The paths of a row's fields, as decoders take them."""
    return FieldPaths(
        chunk_id=fields.chunk_id,
        doc_id=fields.doc_id,
        text=fields.text,
        position=fields.position or None,
        version=fields.version or None,
        vector=fields.vector or None,
        vector_b64=fields.vector_b64 or None,
        embedding_version=fields.embedding_version or None,
        content_hash=fields.content_hash or None,
        event_time=fields.event_time or None,
        event_time_unit=fields.event_time_unit,
        segments=fields.segments,
        deleted=fields.deleted or None,
    )


def preset(fields: R) -> R:
    """The paths of the named framework, where none was stated."""
    known, own = PRESETS.get(fields.preset, {}), type(fields).model_fields
    stated = fields.model_fields_set
    return fields.model_copy(update={key: path for key, path in known.items() if key in own and key not in stated})


def _now() -> int:
    return time.time_ns() // 1_000
