"""Another try of what was set aside: decoded with the configuration of now, sorted into what may be applied."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.app.intake import IntakeBatch
from monitor.core.model.events import (
    BOOTSTRAP,
    Delete,
    Embed,
    Heartbeat,
    Located,
    MalformedEvent,
    Partition,
    Position,
    Record,
    Upsert,
)
from monitor.core.records.committed import Quarantined
from monitor.ports import Decoder

MOST = 1_000_000
"""More rows than any quarantine keeps."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """What another look at the quarantine found.

    Args:
        events: what may be applied, in the order of the positions.
        records: the records that the events come from.
        kept: what stays aside, and why.
    """

    events: tuple[Located, ...]
    records: Mapping[Position, Record]
    kept: Mapping[Position, str]

    @classmethod
    def of(cls, items: Iterable[Quarantined], decoder: Decoder) -> "Sorted":
        """Decode everything, the oldest of each partition first."""
        kept: dict[Position, str] = {}
        events: list[Located] = []
        records: dict[Position, Record] = {}
        for item in sorted(items, key=lambda item: item.position):
            found = _decoded(item, decoder)
            if isinstance(found, str):
                kept[item.position] = found
            else:
                events.append(found)
                records[item.position] = _record(item)
        return cls(tuple(events), records, kept)

    def batch(self, positions: Mapping[Partition, int]) -> IntakeBatch:
        """The events as the loop takes them; the stream's positions stay where they are."""
        return IntakeBatch(self.events, self.records, (), positions, None, Counter(), ())


def _decoded(item: Quarantined, decoder: Decoder) -> Located | str:
    """The event of a record set aside, or why there is none."""
    if item.position.topic.startswith(f"{BOOTSTRAP}/"):
        return "a row of a file: files are read by corpus-drift bootstrap alone"
    if item.value is None and item.size:
        return "its content was not kept: a query that somebody asked"
    if item.value is not None and len(item.value) < item.size:
        return f"only {len(item.value)} of its {item.size} bytes were kept"
    try:
        event = decoder.decode(_record(item))
    except MalformedEvent as error:
        return str(error)
    if isinstance(event, Upsert | Delete | Heartbeat | Embed):
        return Located(item.position, event)
    return "no event of a chunk" if event is None else "a marker: its place in the stream is past"


def _record(item: Quarantined) -> Record:
    return Record(item.position, item.key, item.value)
