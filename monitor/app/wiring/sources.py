"""Sources, decoders and dead letters, as configured."""

import time

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.codecs.presets import PRESETS
from monitor.app import sections
from monitor.app.configuration import Configuration
from monitor.kinds import SourceContext
from monitor.ports import Decoder, Publisher, Source


def source_context(configuration: Configuration) -> SourceContext:
    """What a source may know beyond its own section."""
    return SourceContext(configuration.located, configuration.source.max_event_bytes)


def build_source(configuration: Configuration) -> Source:
    """The one source that the configuration names."""
    chosen = configuration.source
    return chosen.adapter.build(chosen.settings, source_context(configuration))


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
    fields, dense = preset(configuration.source.fields), configuration.dense
    options = FormOptions(
        embedding_version=embedding_version,
        paths=FieldPaths(
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
            key=fields.key or None,
            deleted=fields.deleted or None,
        ),
        plain_rows=fields.plain_rows,
        debezium_version=fields.debezium_version or None,
        collection=fields.collection or None,
        sink_chunk_id=fields.sink_chunk_id or None,
        vector_name=fields.vector_name or None,
        now=_now if configuration.source.missing_event_time == "ingest" else None,
        point_ids=dense.adapter is not None and dense.adapter.point_ids(dense.settings),
    )
    limits = EventLimits(dimension=dimension, value_bytes=configuration.source.max_event_bytes)
    return decoder(configuration.source.format, options, limits)


def preset(fields: sections.FieldPathsSection) -> sections.FieldPathsSection:
    """The paths of the named framework, where none was stated."""
    known = PRESETS.get(fields.preset, {})
    return fields.model_copy(update={key: path for key, path in known.items() if key not in fields.model_fields_set})


def _now() -> int:
    return time.time_ns() // 1_000
