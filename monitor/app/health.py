"""How the monitor itself is: stamps, durations and lag, gathered as the loop turns."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.evaluation import withheld
from monitor.core.index.baseline import ListLeg
from monitor.core.index.maintained import MaintainedState
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Partition
from monitor.core.records.published import (
    AnchorsTaken,
    Audited,
    AuditLeg,
    Durations,
    EngineWork,
    Health,
    ProductionHealth,
)
from monitor.core.shards.messages import ShardStatus
from monitor.ports import Replay, Source

BATCH_BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
REPLAY_BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Upper bounds in seconds, about three per decade."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Monotonic seconds for waits, wall-clock seconds since the epoch for stamps."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


class Gauges:
    """Mutable only in the loop's thread; `health` freezes it.

    Args:
        clocks: both clocks.
        stale: seconds without knowing the source's end, or without progress towards it, that make input stale.
        ask: seconds between two questions for the source's end.
    """

    def __init__(self, clocks: Clocks, *, stale: float = 900.0, ask: float = 5.0) -> None:
        self._clocks, self._stale, self._ask = clocks, stale, ask
        self._stamps: dict[str, float] = {}
        self._lag: Mapping[Partition, int] | None = None
        self._last_error = ""
        self._asked = -ask
        self._progress = clocks.monotonic()
        self._latencies: tuple[float, float, float] | None = None
        self._touched = 0
        self._lists_touched: Counter[str] = Counter()
        self._refills: Mapping[str, int] = {}
        self._batches = Durations.none(BATCH_BOUNDS)
        self._replays = Durations.none(REPLAY_BOUNDS)
        self._failures: Mapping[int, str] = {}
        self.bounded = False
        """A bounded source (file, git) is never stale: it ends."""

    def event_seen(self) -> None:
        """A batch with something in it was taken."""
        self._stamps["event"] = self._clocks.wall()
        self._progress = self._clocks.monotonic()

    def reported(self) -> None:
        """A report was published."""
        self._stamps["report"] = self._clocks.wall()

    def committed(self) -> None:
        """A turn was committed."""
        self._stamps["commit"] = self._clocks.wall()

    def applied(self, touched: Mapping[ListLeg, NDArray[np.bool_]]) -> None:
        """A batch changed the maintained lists of these anchors, (A,) bool by leg."""
        self._lists_touched.update({leg: int(rows.sum()) for leg, rows in touched.items()})

    def took(self, seconds: float) -> None:
        """A turn with something in it took this long."""
        self._batches = self._batches.observed(seconds)

    def replayed(self, replay: Replay | None, failures: Mapping[int, str], *, full: bool, seconds: float) -> None:
        """The real index was asked, or left alone (None); that took `seconds`."""
        self._touched = 0 if replay is None else len(replay.rows)
        self._failures = dict(failures)
        if full:
            self._stamps["full_replay"] = self._clocks.wall()
        if replay is None:
            return
        self._replays = self._replays.observed(seconds)
        asked = np.sort(replay.seconds[~np.isnan(replay.seconds)]).tolist()
        if asked:
            self._latencies = quantile(asked, 0.5), quantile(asked, 0.95), quantile(asked, 0.99)

    def watch(self, source: Source, positions: Mapping[Partition, int]) -> None:
        """Ask for the source's end now and then; not knowing it, or not moving towards it, is staleness."""
        now = self._clocks.monotonic()
        if now - self._asked < self._ask:
            return
        self._asked = now
        ends, self._last_error = source.end(), source.last_error()
        lost = [part for part, end in (ends or {}).items() if end < positions.get(part, 0)]
        if ends is None:
            self._lag = None
        else:
            self._lag = {part: end - positions.get(part, 0) for part, end in ends.items() if part not in lost}
        if lost and ends is not None:
            named = ", ".join(f"{part.name} ends at {ends[part]}" for part in sorted(lost))
            self._last_error = f"{named}, before our position: another stream has its name"
        if self._lag is not None and not any(self._lag.values()) and not lost:
            self._progress = now

    def staleness(self) -> str:
        """Why the input is stale now, "" where it is not: old numbers are no numbers."""
        quiet = self._clocks.monotonic() - self._progress
        if self.bounded or quiet <= self._stale:
            return ""
        if self._last_error and self._lag is not None:
            return f"input is stale: no progress for {quiet:.0f} s while {self._last_error}; {self._expected}"
        unknown = "the source's end is not known" + (f" ({self._last_error})" if self._last_error else "")
        known = unknown if self._lag is None else f"lag is {sum(self._lag.values())} events"
        return f"input is stale: no progress for {quiet:.0f} s while {known}; {self._expected}"

    @property
    def _expected(self) -> str:
        return f"expected at most {self._stale:.0f} s"

    def judged(self, verdict: Verdict) -> Verdict:
        """The verdict, or UNKNOWN where the input is stale now."""
        return withheld(verdict, self.staleness())

    def worked(self, engine: MaintainedState) -> EngineWork:
        """The engine's own counters; `refilling` is what they rose by since this was asked last."""
        before, work = self._refills, engine.work()
        refills = self._refills = {str(leg): searched for leg, searched in work.searched.items()}
        return EngineWork(
            touched=dict(self._lists_touched),
            refills=refills,
            refilling={leg: refilled - before.get(leg, 0) for leg, refilled in refills.items()},
            rebuilds=work.rebuilds,
            epochs=work.epochs,
            terms=work.terms,
            tombstones=work.tombstones,
        )

    def health(
        self,
        *,
        waiting: Sequence[str],
        state_bytes: int,
        points: int | None,
        audits: Mapping[AuditLeg, Audited],
        engine: EngineWork | None,
        anchors: AnchorsTaken | None = None,
        freshness: Durations | None = None,
        foreign: int | None = None,
        remarks: Sequence[str] = (),
        production: ProductionHealth | None = None,
        awaited: Mapping[str, str] | None = None,
        shards: Sequence[ShardStatus] = (),
    ) -> Health:
        """Freeze it."""
        return Health(
            turned=self._clocks.wall(),
            last_event=self._stamps.get("event", 0.0),
            last_report=self._stamps.get("report", 0.0),
            last_full_replay=self._stamps.get("full_replay", 0.0),
            last_commit=self._stamps.get("commit", 0.0),
            lag=self._lag,
            last_error=self._last_error,
            waiting=tuple(waiting),
            failures=Counter(self._failures.values()),
            touched=self._touched,
            state_bytes=state_bytes,
            batches=self._batches,
            replays=self._replays,
            replay_latencies=self._latencies,
            index_points=points,
            audits=dict(audits),
            engine=engine,
            anchors=anchors,
            freshness=freshness,
            foreign=foreign,
            remarks=tuple(remarks),
            production=production,
            awaited=dict(awaited or {}),
            shards=tuple(shards),
        )


def quantile(ascending: Sequence[float], part: float) -> float:
    """The quantile between two numbers, as `numpy.quantile` has it to the bit, which takes longer than a few numbers
    are worth.

    >>> quantile([1.0, 2.0, 4.0], 0.75), quantile([1.0], 0.5)
    (3.0, 1.0)
    """
    at, beyond = divmod((len(ascending) - 1) * part, 1.0)
    low, high = ascending[int(at)], ascending[min(int(at) + 1, len(ascending) - 1)]
    return low + (high - low) * beyond if beyond < 0.5 else high - (high - low) * (1.0 - beyond)
