"""Which partition of a topic a producer writes a key to."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from zlib import crc32


def _murmur2(key: bytes, partitions: int) -> int:
    from monitor.adapters.sources.kafka.library import murmur2

    return int((murmur2(key) & 0x7FFF_FFFF) % partitions)


def _crc32(key: bytes, partitions: int) -> int:
    return crc32(key) % partitions


PARTITIONERS: Mapping[str, Callable[[bytes, int], int]] = MappingProxyType({"murmur2": _murmur2, "crc32": _crc32})
"""By name: from a record's key and the number of partitions to the partition.

`murmur2` is the default of the Java clients and of kafka-python, `crc32` that of librdkafka (`consistent_random`).
"""


def fitting(keys: Mapping[bytes, int], partitions: int) -> list[str]:
    """The partitioners that put every key into the partition in which it was found.

    >>> fitting({b"guide#1": _crc32(b"guide#1", 64)}, 64)
    ['crc32']
    """
    return [
        name
        for name, partitioner in PARTITIONERS.items()
        if all(partitioner(key, partitions) == found for key, found in keys.items())
    ]
