"""kafka-python's producer: every replica in sync acknowledges, and nothing of it stays behind in bounded time."""

from collections.abc import Sequence
from typing import Any

from monitor.adapters.sources.kafka.client import drop, remembering
from monitor.adapters.sources.kafka.library import KafkaError, KafkaProducer
from monitor.adapters.sources.kafka.log import hide_secrets
from monitor.adapters.sources.kafka.settings import KafkaSettings, client_options


def open_producer(settings: KafkaSettings, *, timeout: float, **options: Any) -> Any:
    """A connected producer whose records are acknowledged or failed within `timeout` seconds; `options` add to ours.

    Raises:
        KafkaError, OSError: no broker answered; what had been opened is closed again.
    """
    hide_secrets()
    milliseconds = int(timeout * 1000)
    made: list[Any] = []
    try:
        return KafkaProducer(
            **{**client_options(settings), **options},
            kafka_client=remembering(made),
            acks="all",
            delivery_timeout_ms=milliseconds,
            request_timeout_ms=max(1, milliseconds - 10),  # with the linger it must stay below the delivery's
        )
    except (KafkaError, OSError):
        drop(made)
        raise


def acknowledged(producer: Any, sent: Sequence[Any], timeout: float) -> None:
    """Wait until everything sent is acknowledged.

    Raises:
        KafkaError: something was not, within `timeout` seconds.
    """
    producer.flush(timeout=timeout)
    for future in sent:
        future.get(timeout=0)


def let_go(producer: Any, seconds: float) -> None:
    """Close in at most about three times `seconds`, whatever the state of the brokers; None is let go of already."""
    if producer is None:
        return
    try:
        producer.close(timeout=seconds)
    except KafkaError:  # it flushes first and gives up where that fails, with its thread still running
        producer._sender.force_close()
        producer._sender.join(seconds)
        producer.close(timeout=seconds)
