"""The barrier of deploy markers: when has every partition delivered an update?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.core.model.events import Deploy, Partition, Position


@dataclass(slots=True)
class _Open:
    """A deploy of which some marker has arrived: where each copy stands, and what must be reached."""

    deploy: Deploy
    copies: dict[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """A barrier that ended. `how` is `complete`, `timeout` or `interleaved`; `missing` lacks their copy.

    `release` gives the next offset of each partition that stood at its marker.
    """

    deploy: Deploy
    how: Literal["complete", "timeout", "interleaved"]
    missing: tuple[Partition, ...]
    release: Mapping[Partition, int]


class Barrier:
    """Pure state of the open deploy markers. Nothing here is stored: positions stay at a marker until its barrier
    closes, so a restart reads the markers again and arrives at the same state.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    @property
    def waiting(self) -> tuple[str, ...]:
        """Deploys whose barrier is open, in order of their first marker."""
        return tuple(self._open)

    def marker(self, position: Position, deploy: Deploy) -> None:
        """A marker was reached on its partition, which holds there until the barrier closes."""
        opened = self._open.setdefault(deploy.deploy_id, _Open(deploy))
        if deploy.upto and not opened.deploy.upto:
            opened.deploy = deploy
        opened.copies[position.source] = position.offset

    def request(self, deploy: Deploy) -> None:
        """Open a barrier without a marker: somebody asked for one at the given offsets (`upto`)."""
        self._open.setdefault(deploy.deploy_id, _Open(deploy))

    def limit(self, partition: Partition) -> int | None:
        """The offset at which the partition must hold (exclusive), None when it may go on."""
        limits = [opened.copies[partition] for opened in self._open.values() if partition in opened.copies]
        limits += [opened.deploy.upto[partition] for opened in self._open.values() if partition in opened.deploy.upto]
        return min(limits, default=None)

    def holding(self, positions: Mapping[Partition, int]) -> frozenset[Partition]:
        """Partitions that stand at their limit and should be paused."""
        return frozenset(
            partition
            for partition, offset in positions.items()
            if (limit := self.limit(partition)) is not None and offset >= limit
        )

    def close(self, positions: Mapping[Partition, int], partitions: Iterable[Partition]) -> Closed | None:
        """The first barrier that can close now, and close it.

        Rule 1: a marker with `upto` closes when every named partition has reached its offset. Rule 2: without
        `upto`, when every partition holds its copy. Rule 3: when every partition holds, but for different deploys
        (interleaved), the one with the most copies closes as `interleaved`; then the one with the first partition,
        not the first that was read: a restart may read them in another order.
        """
        found = self.due(positions, partitions)
        if found is not None:
            del self._open[found.deploy.deploy_id]
        return found

    def due(self, positions: Mapping[Partition, int], partitions: Iterable[Partition]) -> Closed | None:
        """The barrier that `close` would close, as it would; nothing is closed."""
        required = sorted(set(partitions))
        for opened in self._open.values():
            if not self._missing(opened, positions, required):
                return self._end(opened, "complete", ())
        if len(self._open) > 1 and self.holding(positions) >= set(required):
            most = min(self._open.values(), key=lambda opened: (-len(opened.copies), sorted(opened.copies)))
            return self._end(most, "interleaved", tuple(self._missing(most, positions, required)))
        return None

    def missing(self, positions: Mapping[Partition, int], partitions: Iterable[Partition]) -> tuple[Partition, ...]:
        """Partitions that the oldest open deploy still waits for."""
        first = next(iter(self._open.values()), None)
        return () if first is None else tuple(self._missing(first, positions, sorted(set(partitions))))

    def expire(self, positions: Mapping[Partition, int], partitions: Iterable[Partition]) -> Closed | None:
        """Give up the oldest open barrier: its verdict will be UNKNOWN, the stream goes on."""
        first = next(iter(self._open.values()), None)
        if first is None:
            return None
        del self._open[first.deploy.deploy_id]
        return self._end(first, "timeout", tuple(self._missing(first, positions, sorted(set(partitions)))))

    def _missing(
        self, opened: _Open, positions: Mapping[Partition, int], required: list[Partition]
    ) -> list[Partition]:
        if opened.deploy.upto:
            # On the marker's own partition the marker's place counts, whatever offset it claims there.
            return sorted(
                part
                for part, offset in opened.deploy.upto.items()
                if part not in opened.copies and positions.get(part, 0) < offset
            )
        return [partition for partition in required if partition not in opened.copies]

    @staticmethod
    def _end(
        opened: _Open, how: Literal["complete", "timeout", "interleaved"], missing: tuple[Partition, ...]
    ) -> Closed:
        release = {partition: offset + 1 for partition, offset in opened.copies.items()}
        return Closed(opened.deploy, how, missing, release)
