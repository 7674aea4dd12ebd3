"""A stream whose past is taken from a collection: offsets first, then the scan once, then the stream from there on.

Every event from the offsets on is applied over what the scan found, whatever the scan saw of it already, so the end
is what the whole history would have given. The scan's marker asks for the stream's end as it was behind the scan: the
deploy `bootstrap` is judged when all that the scan may have seen early is applied.
"""

import json
from collections.abc import Mapping

import msgspec

from monitor.adapters.sources.qdrant.source import QdrantSource
from monitor.core.model.events import BOOTSTRAP_DEPLOY, Partition, Position, Record
from monitor.ports import Polled, Source


class BootstrapMark(msgspec.Struct, frozen=True):
    """How far the bootstrap is.

    Args:
        scan: the scan's own bookmark while it is under way, "" behind it.
        marker: offset of the scan's marker, None while it is under way.
        upto: next offset by topic and partition that the marker asks for.
    """

    scan: str = ""
    marker: int | None = None
    upto: dict[str, dict[str, int]] = {}


class BootstrappedSource:
    """`monitor.ports.ScanningSource` over a scan and then a stream.

    Args:
        stream: what is read behind the scan, from where it begins at the very first start.
        scan: of the collection, in the topic `BOOTSTRAP`.
    """

    def __init__(self, stream: Source, scan: QdrantSource) -> None:
        self._stream, self._scan = stream, scan
        self._mark = BootstrapMark()
        self._next = 0
        self._told = True
        """Whether the scan's marker was delivered."""

    def reopen(self, bookmark: str) -> None:
        """How far the bootstrap was."""
        try:
            self._mark = msgspec.json.decode(bookmark, type=BootstrapMark)
        except msgspec.MsgspecError:
            self._mark = BootstrapMark()
        self._scan.reopen(self._mark.scan)

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Take the stream's offsets; only then the scan begins. A state that a stream filled needs no scan."""
        streamed = {part: at for part, at in positions.items() if part != self._scan.partition}
        self._next = positions.get(self._scan.partition, 0)
        if positions and self._scan.partition not in positions:
            self._mark = BootstrapMark(marker=-1)
        self._stream.start(streamed)
        self._told = self._mark.marker is not None and self._next > self._mark.marker
        if self._scanning:
            try:
                self._scan.start(positions)
            except Exception:
                self._stream.close()
                raise

    @property
    def _scanning(self) -> bool:
        return self._mark.marker is None

    def partitions(self) -> frozenset[Partition]:
        """The scan's while it is under way; then the stream's alone, for barriers wait for these."""
        return self._stream.partitions() | (self._scan.partitions() if self._scanning else frozenset())

    def poll(self, max_records: int, timeout: float) -> Polled:
        """The scan to its end, its marker, then the stream."""
        if self._scanning:
            return self._scanned(max_records, timeout)
        if not self._told:
            return Polled([self._marker()])
        return self._stream.poll(max_records, timeout)

    def _scanned(self, max_records: int, timeout: float) -> Polled:
        polled = self._scan.poll(max_records, timeout)
        self._next = self._scan.positions()[self._scan.partition]
        if not polled.records and self._scan.looks:
            ends = self._stream.end()
            if ends is not None:
                self._scan.close()
                self._mark = BootstrapMark(marker=self._next, upto=_by_topic(ends))
                self._told = False
        return polled

    def _marker(self) -> Record:
        self._told = True
        content = {"op": "deploy", "deploy_id": BOOTSTRAP_DEPLOY, "upto": self._mark.upto}
        at = Position(*self._scan.partition, self._next)
        self._next += 1
        return Record(at, None, json.dumps(content).encode(), (self._scan.stamped(),))

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Deliver nothing from these until resumed."""
        self._scan.pause(partitions)
        self._stream.pause(partitions & self._stream.partitions())

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Go on with these."""
        self._scan.resume(partitions)
        self._stream.resume(partitions & self._stream.partitions())

    def positions(self) -> Mapping[Partition, int]:
        """Of the scan, and of the stream: its first offsets stand in the state before the scan is over."""
        return {**self._stream.positions(), self._scan.partition: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        """Not known before the scan is over and its marker was delivered; then the stream's."""
        return self._stream.end() if self._told and not self._scanning else None

    def last_error(self) -> str:
        """Of the scan while it is under way, then of the stream."""
        return self._scan.last_error() if self._scanning else self._stream.last_error()

    def refusal(self) -> str:
        """Why the scan came to nothing."""
        return self._scan.refusal() if self._scanning else ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """See `monitor.ports.Source`."""
        self._scan.commit(positions)
        streamed = {part: at for part, at in positions.items() if part != self._scan.partition}
        self._stream.commit(streamed)

    def bookmark(self, positions: Mapping[Partition, int]) -> str:
        """How far the bootstrap is at these positions."""
        mark = self._mark
        if mark.marker is None or positions.get(self._scan.partition, 0) < mark.marker:
            mark = BootstrapMark(scan=self._scan.bookmark(positions))
        return msgspec.json.encode(mark).decode()

    def deploy_next(self, deploy_id: str) -> bool:
        """Never: a deploy ends where the stream does."""
        del deploy_id
        return False

    def close(self) -> None:
        """Close both."""
        self._scan.close()
        self._stream.close()


def _by_topic(ends: Mapping[Partition, int]) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for part, end in sorted(ends.items()):
        made.setdefault(part.topic, {})[str(part.partition)] = end
    return made
