"""Positions published as Kafka group offsets, for lag tools only: best effort, never in the way of reading.

A consumer of its own: with a group, kafka-python's `poll` waits for the group's coordinator on every call, so a
coordinator that is down or forbids us would stop the reading too.
"""

import logging
from collections.abc import Mapping
from typing import Any

from monitor.adapters.sources.kafka.client import close
from monitor.adapters.sources.kafka.library import KafkaConsumer, KafkaError, OffsetAndMetadata, TopicPartition
from monitor.adapters.sources.kafka.settings import KafkaSettings, client_options
from monitor.core.model.events import Partition

LOG = logging.getLogger(__name__)


class GroupOffsets:
    """Publishes the newest positions; while one request is under way, newer positions wait for the next call."""

    def __init__(self, settings: KafkaSettings, api_version: tuple[int, ...]) -> None:
        self._timeout = settings.answer_timeout
        options = {**client_options(settings), "api_version": api_version}  # known, so the constructor asks nobody
        self._consumer: Any = KafkaConsumer(
            **options, group_id=settings.group_id, enable_auto_commit=False, auto_offset_reset="none"
        )
        self._group = settings.group_id
        self._under_way: Any = None
        self._newest: dict[Partition, int] = {}
        self._complained = False

    def publish(self, positions: Mapping[Partition, int]) -> None:
        """Send all newest positions, unless a request is under way. Does not block; a failure is logged once."""
        self._newest |= positions
        if not self._newest or (self._under_way is not None and not self._under_way.is_done):
            return
        try:
            self._under_way = self._consumer.commit_async(_offsets(self._newest), callback=self._answered)
        except (KafkaError, RuntimeError) as error:
            self._complain(error)

    def close(self) -> None:
        """One last attempt, at most `answer_timeout` seconds: requests under way may have failed unseen."""
        if self._newest:
            try:
                self._consumer.commit(_offsets(self._newest), timeout_ms=self._timeout * 1000)
            except (KafkaError, RuntimeError) as error:
                self._complain(error)
        close(self._consumer, self._timeout)

    def _answered(self, _offsets: object, answer: object) -> None:
        if isinstance(answer, Exception):
            self._complain(answer)
        else:
            self._complained = False

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            LOG.warning("kafka: offsets of group %r not published (lag tools only): %r", self._group, error)
            self._complained = True


def _offsets(positions: Mapping[Partition, int]) -> dict[Any, Any]:
    return {TopicPartition(*partition): OffsetAndMetadata(offset, "", -1) for partition, offset in positions.items()}
