"""Sources, decoders and dead letters, as configured."""

import time
from datetime import UTC, datetime

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import Limits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.codecs.presets import PRESETS
from monitor.adapters.sources.git.history import Selection
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.adapters.sources.kafka.dead_letters import DeadLetterSettings, KafkaDeadLetters
from monitor.adapters.sources.kafka.settings import KafkaSettings, problems
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.app import sections
from monitor.app.configuration import Configuration
from monitor.ports import ConfigurationError, Decoder, Publisher, Source


def build_source(configuration: Configuration) -> Source:
    """The one source that the configuration names."""
    chosen = configuration.source
    if chosen.kafka is not None:
        return KafkaSource(kafka_settings(configuration, chosen.kafka))
    if chosen.git is not None:
        return build_git(configuration, chosen.git)
    assert chosen.file is not None  # noqa: S101 - the configuration names exactly one
    path = chosen.file.path if chosen.file.path == "-" else configuration.located(chosen.file.path)
    return JsonLinesSource(path, follow=chosen.file.follow, max_line_bytes=chosen.max_event_bytes)


def build_git(configuration: Configuration, chosen: sections.GitSource) -> GitHistorySource:
    """A repository's history."""
    since = _moment(chosen.since) if chosen.since else None
    selection = Selection(glob=chosen.globs, since=since, deploys=chosen.deploys)
    return GitHistorySource(configuration.located(chosen.path), selection)


def kafka_settings(configuration: Configuration, section: sections.KafkaSource) -> KafkaSettings:
    """Kafka's settings.

    Raises:
        ConfigurationError: everything that is wrong with them, one problem per line.
    """
    made = KafkaSettings(
        bootstrap_servers=section.bootstrap_servers,
        topics=section.topics,
        control_topics=section.control_topics,
        group_id=section.group_id,
        security=section.security_protocol,
        sasl_mechanism=section.sasl_mechanism,
        sasl_username=section.sasl_username,
        sasl_password=section.sasl_password.get_secret_value(),
        allow_sasl_without_tls=section.allow_sasl_without_tls,
        ca_file=configuration.located_text(section.ca_file),
        cert_file=configuration.located_text(section.certificate_file),
        key_file=configuration.located_text(section.key_file),
        start=section.start,
        api_version=section.api_version or None,
    )
    found = problems(made)
    if found:
        raise ConfigurationError("\n".join(f"source.kafka: {problem}" for problem in found))
    return made


def build_dead_letters(configuration: Configuration) -> Publisher | None:
    """The dead-letter topic, where one is named."""
    kafka = configuration.source.kafka
    if kafka is None or not kafka.dead_letter_topic:
        return None
    return KafkaDeadLetters(kafka_settings(configuration, kafka), DeadLetterSettings(kafka.dead_letter_topic))


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
        point_ids=dense.engine == "server" and not dense.chunk_id_field,
    )
    limits = Limits(dimension=dimension, value_bytes=configuration.source.max_event_bytes)
    return decoder(configuration.source.format, options, limits)


def preset(fields: sections.FieldPaths) -> sections.FieldPaths:
    """The paths of the named framework, where none was stated."""
    known = PRESETS.get(fields.preset, {})
    return fields.model_copy(update={key: path for key, path in known.items() if key not in fields.model_fields_set})


def _now() -> int:
    return time.time_ns() // 1_000


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"source.git.since = {text!r}: expected an ISO date or time such as 2026-01-31"
        raise ConfigurationError(message) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
