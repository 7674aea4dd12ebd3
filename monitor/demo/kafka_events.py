"""Corpus events into a Kafka topic: what a producer of this system has to do, and the demo's producer does."""

from collections.abc import Sequence
from typing import Any

from monitor.adapters.native_form import native
from monitor.adapters.sources.kafka.library import KafkaError
from monitor.adapters.sources.kafka.producer import acknowledged, let_go, open_producer
from monitor.adapters.sources.kafka.settings import KafkaSettings, problems
from monitor.core.model.events import CorpusEvent, Deploy
from monitor.ports import ConfigurationError, UnreachableError

CLOSE_SECONDS = 1.0


class KafkaEvents:
    """Writes events in the native form to the first topic of the settings (`monitor.demo.playing.EventWriter`).

    The key is the chunk id, so that all events of a chunk are in one partition. A deploy marker is a barrier: when
    everything before it is acknowledged, one copy goes to every partition.

    Args:
        settings: where; only its first topic is written.
        timeout: seconds one `write` may take.
    """

    def __init__(self, settings: KafkaSettings, *, timeout: float = 30.0) -> None:
        self._settings, self._timeout = settings, timeout
        self._topic = settings.topics[0] if settings.topics else ""
        self._producer: Any = None

    def start(self) -> None:
        """Connect and find the topic.

        Raises:
            ConfigurationError: the settings cannot work.
            UnreachableError: no broker answers, or there is no such topic.
        """
        found = problems(self._settings)
        if found:
            raise ConfigurationError("\n".join(found))
        try:
            self._producer = open_producer(
                self._settings,
                timeout=self._timeout,
                linger_ms=5,
                max_in_flight_requests_per_connection=1,  # a retry must not overtake: the order is the version
                max_block_ms=int(self._settings.start_timeout * 1000),
            )
        except (KafkaError, OSError) as error:
            message = self._said("no connection", error)
            raise UnreachableError(message) from error
        try:
            self.partitions()
        except (KafkaError, OSError) as error:
            self.close()
            message = self._said(f"not found within {self._settings.start_timeout:g} s", error)
            raise UnreachableError(message) from error

    def partitions(self) -> list[int]:
        """The topic's partitions as the broker has them now; they can become more."""
        return sorted(self._producer.partitions_for(self._topic))

    def write(self, events: Sequence[CorpusEvent]) -> None:
        """Append events in order and wait until the brokers have them.

        Raises:
            UnreachableError: not all were acknowledged in time.
        """
        try:
            sent: list[Any] = []
            for event in events:
                key, value = native(event)
                if isinstance(event, Deploy):
                    acknowledged(self._producer, sent, self._timeout)
                    sent = [self._producer.send(self._topic, value, key, partition=at) for at in self.partitions()]
                else:
                    sent.append(self._producer.send(self._topic, value, key))
            acknowledged(self._producer, sent, self._timeout)
        except (KafkaError, OSError) as error:
            message = self._said(f"{len(events)} events not written", error)
            raise UnreachableError(message) from error

    def _said(self, what: str, error: Exception) -> str:
        servers = ",".join(self._settings.bootstrap_servers)
        why = str(error) or type(error).__name__
        return f"kafka: topic {self._topic!r} on {servers}: {what}: {why}"

    def close(self) -> None:
        """Let go of the connection; `write` waited for everything."""
        producer, self._producer = self._producer, None
        let_go(producer, CLOSE_SECONDS)
