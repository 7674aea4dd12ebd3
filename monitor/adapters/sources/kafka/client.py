"""The one place that reaches into kafka-python: its consumer with our reading of batches.

kafka-python hands each fetch answer to `Fetcher.PartitionRecords`; ours takes its place. `open_consumer` refuses a
kafka-python whose inside looks different, rather than to run on one that stops at the first bad record.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from monitor.adapters.sources.kafka.fetched import FetchedRecords
from monitor.adapters.sources.kafka.library import (
    KafkaConsumer,
    KafkaError,
    KafkaNetClient,
    TopicPartition,
    UnknownTopicOrPartitionError,
    __version__,
)
from monitor.adapters.sources.kafka.log import Reasons, hide_secrets
from monitor.adapters.sources.kafka.settings import FETCH_WAIT_MS, MEBIBYTE, KafkaSettings, client_options
from monitor.core.model.events import Partition
from monitor.ports import ConfigurationError, Fault, UnreachableError

NEEDED = ("_fetcher", "_cluster", "_net", "_manager", "_subscription")
NEEDED_IN_FETCHER = ("PartitionRecords", "_next_partition_records", "_paused_partition_records")


def open_consumer(settings: KafkaSettings, stuck: list[Fault]) -> Any:
    """A connected consumer that reads batches our way.

    An answer that holds no complete batch makes kafka-python raise without saying where: `stuck` is told first.

    Raises:
        UnreachableError: no broker answered within `start_timeout`, or it refused us.
        ConfigurationError: files or names that the client cannot use, or a kafka-python that changed inside.
    """
    hide_secrets()
    made: list[Any] = []
    reasons = Reasons()
    try:
        with reasons.listening():
            consumer = KafkaConsumer(**client_options(settings), **_reading(settings), kafka_client=remembering(made))
            made.append(consumer)
            consumer.bootstrap(timeout_ms=settings.start_timeout * 1000)
        _install(consumer, settings, stuck)
    except (KafkaError, OSError) as error:
        drop(made)
        raise UnreachableError(_no_broker(settings, reasons.best(str(error)))) from error
    except (ValueError, TypeError, AssertionError) as error:
        drop(made)
        message = f"kafka: the client refuses the settings: {error}"
        raise ConfigurationError(message) from error
    except ConfigurationError:
        drop(made)
        raise
    return consumer


def remembering(made: list[Any]) -> Callable[..., Any]:
    """Builds kafka-python's network client and keeps it: a constructor that fails half-way leaves it running."""

    def build(**options: Any) -> Any:
        made.append(KafkaNetClient(**options))
        return made[-1]

    return build


def drop(made: list[Any]) -> None:
    """Close what was built before a constructor failed, last first."""
    for thing in reversed(made):
        thing.close()


def _reading(settings: KafkaSettings) -> Mapping[str, Any]:
    return {
        "group_id": None,  # a group would make every poll wait for its coordinator; see kafka_commit
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "fetch_max_bytes": settings.max_fetch_bytes,
        "max_partition_fetch_bytes": min(settings.max_fetch_bytes, 4 * MEBIBYTE),
        "fetch_max_wait_ms": FETCH_WAIT_MS,
    }


def _install(consumer: Any, settings: KafkaSettings, stuck: list[Fault]) -> None:
    fetcher = getattr(consumer, "_fetcher", None)
    missing = [name for name in NEEDED if not hasattr(consumer, name)]
    missing += [f"_fetcher.{name}" for name in NEEDED_IN_FETCHER if not hasattr(fetcher, name)]
    if missing or fetcher is None:
        message = f"kafka-python {__version__} has no {', '.join(missing)}; expected the locked version"
        raise ConfigurationError(message)
    fetcher.PartitionRecords = partial(FetchedRecords, limit=settings.max_batch_bytes, stuck=stuck)


def known_partitions(consumer: Any, topics: Iterable[str]) -> dict[str, frozenset[int]]:
    """Partitions of each topic as the last metadata answer had them; never asks, so never blocks.

    (`partitions_for_topic` of the consumer waits without limit where a topic is unknown.)
    """
    return {topic: frozenset(consumer._cluster.partitions_for_topic(topic) or ()) for topic in topics}


def find_partitions(consumer: Any, topics: Iterable[str], timeout: float) -> dict[str, frozenset[int]]:
    """Partitions of each topic after asking the broker once; KafkaError where it does not answer in time."""
    consumer._cluster.set_topics(list(topics))
    answer = consumer._cluster.request_update()
    with suppress(UnknownTopicOrPartitionError):  # then the answer shows which
        consumer._net.run(consumer._manager.wait_for, answer, timeout * 1000)
    return known_partitions(consumer, topics)


def release_parked(consumer: Any) -> None:
    """Let resumed partitions continue with the records that were parked when they were paused.

    kafka-python takes them up only while no other partition is in line, and forgets to clear that place: without
    this a partition paused in the middle of a fetch answer never delivers again.
    """
    fetcher = consumer._fetcher
    if fetcher._next_partition_records is not None and not fetcher._next_partition_records:
        fetcher._next_partition_records = None


def position(consumer: Any, tp: Any) -> int:
    """Next offset to be delivered, from memory.

    (`position` of the consumer also asks brokers, and throws away the truncation it finds on the way.)
    """
    return int(consumer._subscription.assignment[tp].position.offset)


def topic_partitions(partitions: Iterable[Partition]) -> list[Any]:
    """Our partitions as kafka-python names them."""
    return [TopicPartition(*partition) for partition in partitions]


def close(consumer: Any, timeout: float) -> None:
    """Close without a commit and within about `timeout` seconds, whatever the state of the brokers."""
    try:
        consumer.close(autocommit=False, timeout_ms=timeout * 1000)
    except (KafkaError, RuntimeError, OSError) as error:
        logging.getLogger(__name__).warning("kafka: closing failed: %s", error)


def _no_broker(settings: KafkaSettings, why: str) -> str:
    servers = ",".join(settings.bootstrap_servers)
    how = " ".join((settings.security, settings.sasl_mechanism)).strip()
    return f"kafka: no answer from {servers} ({how}) within {settings.start_timeout:g} s: {why}"
