"""Where reading begins: stored positions against what the broker has, and a first start where nothing is stored."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from monitor.adapters.sources.kafka.client import topic_partitions
from monitor.adapters.sources.kafka.settings import KafkaSettings, start_milliseconds
from monitor.core.model.events import Partition, Position
from monitor.ports import Fault, UnreachableError


class OffsetRange(NamedTuple):
    """First offset there is and next offset to be written."""

    begin: int
    end: int


def bounds(consumer: Any, partitions: Iterable[Partition], timeout: float) -> dict[Partition, OffsetRange]:
    """What the broker has of each partition; KafkaError where it does not answer within `timeout` seconds twice."""
    tps = topic_partitions(partitions)
    begin = consumer.beginning_offsets(tps, timeout_ms=timeout * 1000)
    end = consumer.end_offsets(tps, timeout_ms=timeout * 1000)
    return {Partition(*tp): OffsetRange(begin[tp], end[tp]) for tp in tps}


def first_offsets(
    consumer: Any, settings: KafkaSettings, here: Mapping[Partition, OffsetRange], stored: Mapping[Partition, int]
) -> tuple[dict[Partition, int], tuple[Partition, ...]]:
    """The offset to begin at, per partition, and the partitions that were added since positions were stored."""
    known = {partition.topic for partition in stored}
    absent = [partition for partition in here if partition not in stored]
    added = tuple(p for p in absent if p.topic in known and settings.start != "earliest")
    fresh = tuple(p for p in absent if p not in added)
    found = {partition: stored[partition] for partition in here if partition in stored}
    found |= {partition: here[partition].begin for partition in added}
    return found | _beginning(consumer, settings, {p: here[p] for p in fresh}), added


def refuse_missing(found: Mapping[str, frozenset[int]], settings: KafkaSettings) -> None:
    """Raise UnreachableError where the broker knows no partition of a topic."""
    absent = [topic for topic, numbers in found.items() if not numbers]
    if absent:
        servers = ",".join(settings.bootstrap_servers)
        message = f"kafka: topic {', '.join(absent)} not found on {servers}; expected it to exist and be readable"
        raise UnreachableError(message)


def partitions_of(found: Mapping[str, frozenset[int]]) -> tuple[Partition, ...]:
    """All partitions of all topics, topics as configured, numbers rising."""
    return tuple(Partition(topic, number) for topic, numbers in found.items() for number in sorted(numbers))


def added_fault(partition: Partition) -> Fault:
    """The report of a partition that appeared."""
    detail = f"{partition.name} was added; read from its beginning"
    return Fault("added_partition", Position(*partition, 0), detail)


def _beginning(consumer: Any, settings: KafkaSettings, here: Mapping[Partition, OffsetRange]) -> dict[Partition, int]:
    if settings.start == "earliest":
        return {partition: bound.begin for partition, bound in here.items()}
    moment = start_milliseconds(settings.start)
    if moment is None or not here:
        return {partition: bound.end for partition, bound in here.items()}
    tps = topic_partitions(here)
    answers = consumer.offsets_for_times(dict.fromkeys(tps, moment), timeout_ms=settings.start_timeout * 1000)
    return {
        partition: bound.end if (answer := answers.get(tp)) is None else answer.offset
        for tp, (partition, bound) in zip(tps, here.items(), strict=True)
    }
