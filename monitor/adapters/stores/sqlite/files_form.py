"""How far a bootstrap from files is, as a value of the state."""

import msgspec

from monitor.core.model.events import Partition
from monitor.core.records.files_mark import FilesMark


class _StoredMark(msgspec.Struct, array_like=True):
    """A `FilesMark` as it is stored."""

    plan: str
    rows: int
    total: int
    upto: list[tuple[str, int, int]]


def pack_files(mark: FilesMark) -> bytes:
    """The mark as bytes.

    >>> mark = FilesMark("f00d", 2, 3, {Partition("events", 0): 17})
    >>> unpack_files(pack_files(mark)) == mark
    True
    """
    places = [(part.topic, part.partition, at) for part, at in sorted(mark.upto.items())]
    return msgspec.msgpack.encode(_StoredMark(mark.plan, mark.rows, mark.total, places))


def unpack_files(packed: bytes) -> FilesMark:
    """What `pack_files` made."""
    kept = msgspec.msgpack.decode(packed, type=_StoredMark)
    return FilesMark(kept.plan, kept.rows, kept.total, {Partition(topic, part): at for topic, part, at in kept.upto})
