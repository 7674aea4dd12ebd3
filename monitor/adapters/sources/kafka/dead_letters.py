"""Records set aside, published to a dead-letter topic: at least once, in bounded time, or a named failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.adapters.sources.kafka.library import KafkaError
from monitor.adapters.sources.kafka.producer import acknowledged, let_go, open_producer
from monitor.adapters.sources.kafka.settings import KafkaSettings
from monitor.core.records.committed import Quarantined
from monitor.ports import UnreachableError

PREFIX = "corpus-drift-"
HEADER_ROOM = 65_536
CLOSE_SECONDS = 0.5
MOST_KEY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class DeadLetterSettings:
    """Where dead letters go.

    Args:
        topic: the dead-letter topic; it must exist.
        timeout: seconds one `publish` may take.
        max_bytes: bytes of the original value that are kept; more is cut (the broker refuses records above its
            `max.message.bytes`, 1 MiB by default, whole).
    """

    topic: str
    timeout: float = 10.0
    max_bytes: int = 900_000


class KafkaDeadLetters:
    """Publishes quarantined records (`monitor.ports.Publisher`).

    Key and value are the original's, cut where they are too large to send (a null key of a null value becomes an
    empty one): no single record may block the others for ever. Headers, all with the prefix `corpus-drift-`: reason,
    detail, topic, partition, offset, size (bytes of the original value).

    The records also stand in the state store's quarantine, so a failure loses nothing: `publish` raises
    UnreachableError, nothing of the call counts as published, and the caller offers the same items again; some may
    then be there twice.
    """

    def __init__(self, settings: KafkaSettings, letters: DeadLetterSettings) -> None:
        self._settings = settings
        self._letters = letters
        self._producer: Any = None

    def publish(self, items: Sequence[Quarantined]) -> None:
        """Publish all items and wait until every replica in sync has them.

        Raises:
            UnreachableError: not all were acknowledged within the timeout.
        """
        if not items:
            return
        try:
            self._send(items)
        except (KafkaError, OSError, ValueError) as error:
            self.close()  # what the producer still holds must not pile up while the broker is away
            servers = ",".join(self._settings.bootstrap_servers)
            why = str(error) or type(error).__name__
            message = f"kafka: {len(items)} dead letters not published to {self._letters.topic} on {servers}: {why}"
            raise UnreachableError(message) from error

    def _send(self, items: Sequence[Quarantined]) -> None:
        if self._producer is None:
            self._producer = self._open()
        letters = self._letters
        sent = [
            self._producer.send(
                letters.topic,
                key=_key(item),
                value=None if item.value is None else item.value[: letters.max_bytes],
                headers=_headers(item),
            )
            for item in items
        ]
        acknowledged(self._producer, sent, letters.timeout)

    def _open(self) -> Any:
        milliseconds = int(self._letters.timeout * 1000)
        return open_producer(
            self._settings,
            timeout=self._letters.timeout,
            bootstrap_timeout_ms=milliseconds,
            max_block_ms=milliseconds,
            max_request_size=self._letters.max_bytes + MOST_KEY_BYTES + HEADER_ROOM,
        )

    def close(self) -> None:
        """Let go of the connection; what was not acknowledged was reported by `publish`."""
        producer, self._producer = self._producer, None
        let_go(producer, CLOSE_SECONDS)


def _key(item: Quarantined) -> bytes | None:
    """The key, cut; empty where key and value are null, which kafka-python refuses to send, for ever."""
    if item.key is None:
        return b"" if item.value is None else None
    return item.key[:MOST_KEY_BYTES]


def _headers(item: Quarantined) -> list[tuple[str, bytes]]:
    position = item.position
    said = {
        "reason": item.reason,
        "detail": item.detail[:4096],
        "topic": position.topic,
        "partition": str(position.partition),
        "offset": str(position.offset),
        "size": str(item.size),
    }
    return [(PREFIX + name, text.encode("utf-8", "replace")) for name, text in said.items()]
