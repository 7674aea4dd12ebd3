"""Logs of what users do, read beside the corpus events: a file that grows, or a Kafka topic."""

from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.adapters.sources.kafka.kind import KAFKA, KafkaSection
from monitor.app.configuration import Configuration
from monitor.app.log_section import LogSection
from monitor.kinds import BrokersSection, SourceContext
from monitor.ports import Source


def build_log(configuration: Configuration, log: LogSection, topic: str = "file") -> Source:
    """The records of a log; nothing is opened.

    Args:
        configuration: names the folder that paths are relative to.
        log: the section.
        topic: what a file's positions are called.

    Raises:
        ConfigurationError: the log's settings are wrong, one problem per line.
    """
    if log.path:
        path = configuration.located(log.path)
        return JsonLinesSource(path, follow=True, max_line_bytes=log.max_record_bytes, topic=topic)
    brokers = {name: getattr(log, name) for name in BrokersSection.model_fields}
    section = KafkaSection(topics=(log.topic,), **brokers)
    context = SourceContext(configuration.located, log.max_record_bytes, heading=log.named)
    return KAFKA.build(section, context)
