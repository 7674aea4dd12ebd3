"""Another try of what was set aside: decoded with the configuration of now, applied in the loop's own thread."""

from collections import Counter
from typing import TYPE_CHECKING

from monitor.app.intake import Batch
from monitor.core.committed import Quarantined, Retried
from monitor.core.events import Delete, Heartbeat, Located, MalformedEvent, Position, Record, Upsert

if TYPE_CHECKING:
    from monitor.app.loop import Monitor

MOST = 1_000_000
"""More rows than any quarantine keeps."""


def retry(monitor: "Monitor") -> Retried:
    """Decode and apply everything in quarantine again, the oldest of each partition first.

    The rules of order hold as in the stream: what a newer event superseded meanwhile changes nothing, and is done.
    A deploy marker stays aside: its barrier is past. Positions in the stream do not move.
    """
    kept: dict[Position, str] = {}
    events: list[Located] = []
    records: dict[Position, Record] = {}
    for item in sorted(monitor.parts.store.quarantine(MOST), key=lambda item: item.position):
        found = _decoded(monitor, item)
        if isinstance(found, str):
            kept[item.position] = found
        else:
            events.append(found)
            records[item.position] = _record(item)
    if events:
        batch = Batch(tuple(events), records, (), monitor.intake.positions, None, Counter(), ())
        kept.update({item.position: f"{item.reason}: {item.detail}" for item in monitor.again(batch)})
    taken = sum(located.position not in kept for located in events)
    return Retried(taken, dict(sorted(kept.items())))


def _decoded(monitor: "Monitor", item: Quarantined) -> Located | str:
    """The event of a record set aside, or why there is none."""
    if item.value is not None and len(item.value) < item.size:
        return f"only {len(item.value)} of its {item.size} bytes were kept"
    try:
        event = monitor.parts.decoder.decode(_record(item))
    except MalformedEvent as error:
        return str(error)
    if isinstance(event, Upsert | Delete | Heartbeat):
        return Located(item.position, event)
    return "no event of a chunk" if event is None else "a deploy marker: its place in the stream is past"


def _record(item: Quarantined) -> Record:
    return Record(item.position, item.key, item.value)
