"""Values that an event may have and that are probably not meant: counted and said, and taken all the same."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.events import Delete, Located, Upsert

LARGEST = 1e18
"""A component beyond this is no embedding's: its square comes near the end of float32."""
FAR = 20 * 365 * 86_400_000_000
"""Microseconds between an event time and the stream's: 1970 is a forgotten unit, 2099 a wrong century."""
_REMEMBERED = 255


class Doubt(StrEnum):
    """What is odd about an event; a metric label."""

    ZERO_VECTOR = "zero_vector"
    """Its cosine with everything is 0: the chunk is found by nobody."""
    HUGE_COMPONENT = "huge_component"
    FAR_TIME = "far_time"
    INGEST_TIME = "ingest_time"
    """It says no time: dated when it was read."""


DOUBTFUL = "doubtful"
"""The first part of the counters' names; the second is the doubt."""
_NAMES = [(kind, (DOUBTFUL, kind.value)) for kind in Doubt]
"""By doubt, its counter."""
_MEANS: Mapping[Doubt, str] = MappingProxyType(
    {
        Doubt.ZERO_VECTOR: "with a vector of zeros, which cosine finds nowhere",
        Doubt.HUGE_COMPONENT: f"with a component beyond {LARGEST:g}",
        Doubt.FAR_TIME: "dated more than 20 years away from the stream",
        Doubt.INGEST_TIME: "that say no time, dated when they were read",
    }
)


def doubts_of(counters: Mapping[tuple[str, ...], int]) -> Counter[Doubt]:
    """What a state's counters hold of it."""
    found = ((kind, counters.get(name, 0)) for kind, name in _NAMES)
    return Counter({kind: count for kind, count in found if count > 0})


def doubts_said(found: Mapping[Doubt, int]) -> tuple[str, ...]:
    """In words, a line for each kind there is.

    >>> doubts_said({Doubt.ZERO_VECTOR: 1200, Doubt.FAR_TIME: 0})
    ('zero_vector: 1,200 taken with a vector of zeros, which cosine finds nowhere',)
    """
    return tuple(f"{kind.value}: {found[kind]:,} taken {_MEANS[kind]}" for kind in Doubt if found.get(kind))


def doubtful_vectors(vectors: NDArray[np.float32], *, cosine: bool) -> Counter[Doubt]:
    """Count (n, d) float32 vectors as they came, before they are normalised; zero ones under cosine only."""
    peaks = np.abs(vectors).max(axis=1, initial=0.0).tolist()
    found: Counter[Doubt] = Counter()
    if max(peaks, default=0.0) > LARGEST:
        found[Doubt.HUGE_COMPONENT] = sum(peak > LARGEST for peak in peaks)
    if cosine and 0.0 in peaks:
        found[Doubt.ZERO_VECTOR] = peaks.count(0.0)
    return found


class StreamTime:
    """Where the stream is: the median of the newest event times, which no single absurd one moves."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=_REMEMBERED)

    def doubts(self, batch: Sequence[Located]) -> Counter[Doubt]:
        """Count the upserts and deletes of a batch that are dated far from the stream, or only by their reading."""
        found: Counter[Doubt] = Counter()
        dated: list[int] = []
        for located in batch:
            event = located.event
            if isinstance(event, Upsert):
                time: int | None = event.chunk.event_time
            elif isinstance(event, Delete):
                time = event.event_time
            else:
                continue
            if event.undated:
                found[Doubt.INGEST_TIME] += 1
            if time is not None:
                dated.append(time)
        known = [*self._times, *dated]
        if known and max(known) - min(known) > FAR:  # else none lies far from any other
            now = int(np.median(np.array(known, np.int64)))
            found[Doubt.FAR_TIME] = sum(abs(time - now) > FAR for time in dated)
        self._times.extend(dated[-_REMEMBERED:])
        return +found
