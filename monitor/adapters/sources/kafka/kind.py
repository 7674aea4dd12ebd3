"""`[source.kafka]`: topics of a Kafka cluster."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from monitor.adapters.sources.qdrant.kind import ScanSection, server_settings
from monitor.core.model.events import BOOTSTRAP
from monitor.kinds import BrokersSection, SourceContext, SourceKind
from monitor.ports import ConfigurationError, Publisher, Source

if TYPE_CHECKING:
    from monitor.adapters.sources.kafka.settings import KafkaSettings


class BootstrapSection(ScanSection):
    """Where the past of a topic is taken from, once: a collection that holds what the events before have made."""

    overlap: float = Field(600.0, ge=0)
    """Seconds before now at which the stream begins where `start` is not said: longer than the index lags."""


class KafkaSection(BrokersSection):
    """Topics of a Kafka cluster."""

    topics: tuple[str, ...] = Field(min_length=1)
    control_topics: tuple[str, ...] = ()
    start: str = "earliest"
    dead_letter_topic: str = ""
    bootstrap: BootstrapSection | None = None


def _settings(section: KafkaSection, context: SourceContext) -> "KafkaSettings":
    """Kafka's settings.

    Raises:
        ConfigurationError: everything that is wrong with them, one problem per line.
    """
    from monitor.adapters.sources.kafka.settings import KafkaSettings, problems

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
        ca_file=context.located_text(section.ca_file),
        cert_file=context.located_text(section.certificate_file),
        key_file=context.located_text(section.key_file),
        start=_start(section),
        api_version=section.api_version or None,
    )
    found = problems(made)
    if found:
        heading = context.heading or "source.kafka"
        raise ConfigurationError("\n".join(f"{heading}: {problem}" for problem in found))
    return made


def _start(section: KafkaSection) -> str:
    """Where the very first start begins: with a bootstrap a little before now, unless it is said."""
    if section.bootstrap is None or "start" in section.model_fields_set:
        return section.start
    return (datetime.now(UTC) - timedelta(seconds=section.bootstrap.overlap)).isoformat()


def _build(section: KafkaSection, context: SourceContext) -> Source:
    from monitor.adapters.sources.kafka.source import KafkaSource

    stream = KafkaSource(_settings(section, context))
    if section.bootstrap is None or context.points is None:
        return stream
    from monitor.adapters.sources.kafka.bootstrapped import BootstrappedSource
    from monitor.adapters.sources.qdrant.source import QdrantSource, ScanPace

    pace = ScanPace(section.bootstrap.page, every=1.0, max_deleted_ratio=1.0)
    settings = server_settings(context, context.points, "source.kafka.bootstrap")
    scan = QdrantSource(settings, context.points, pace, topic=BOOTSTRAP, marked=False)
    return BootstrappedSource(stream, scan)


def _dead_letters(section: KafkaSection, context: SourceContext) -> Publisher | None:
    """The dead-letter topic, where one is named."""
    if not section.dead_letter_topic:
        return None
    from monitor.adapters.sources.kafka.dead_letters import DeadLetterSettings, KafkaDeadLetters

    return KafkaDeadLetters(_settings(section, context), DeadLetterSettings(section.dead_letter_topic))


KAFKA = SourceKind(
    "kafka",
    KafkaSection,
    _build,
    bounded=False,
    control_topics=lambda section: section.control_topics,
    dead_letters=_dead_letters,
    points=lambda section: section.bootstrap,
)
