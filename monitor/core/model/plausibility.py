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
    return +Counter({kind: counters.get((DOUBTFUL, kind.value), 0) for kind in Doubt})


def doubts_said(found: Mapping[Doubt, int]) -> tuple[str, ...]:
    """In words, a line for each kind there is.

    >>> doubts_said({Doubt.ZERO_VECTOR: 1200, Doubt.FAR_TIME: 0})
    ('zero_vector: 1,200 taken with a vector of zeros, which cosine finds nowhere',)
    """
    return tuple(f"{kind.value}: {found[kind]:,} taken {_MEANS[kind]}" for kind in Doubt if found.get(kind))


def doubtful_vectors(vectors: NDArray[np.float32], *, cosine: bool) -> Counter[Doubt]:
    """Count (n, d) float32 vectors as they came, before they are normalised; zero ones under cosine only."""
    peaks = np.maximum(vectors.max(axis=1, initial=0.0), -vectors.min(axis=1, initial=0.0))
    found: Counter[Doubt] = Counter()
    found[Doubt.HUGE_COMPONENT] = int((peaks > LARGEST).sum())
    if cosine:
        found[Doubt.ZERO_VECTOR] = int((peaks == 0.0).sum())
    return +found


class StreamTime:
    """Where the stream is: the median of the newest event times, which no single absurd one moves."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=_REMEMBERED)

    def doubts(self, batch: Sequence[Located]) -> Counter[Doubt]:
        """Count the upserts and deletes of a batch that are dated far from the stream, or only by their reading."""
        events = [located.event for located in batch if isinstance(located.event, Upsert | Delete)]
        times = [event.chunk.event_time if isinstance(event, Upsert) else event.event_time for event in events]
        dated = np.array([time for time in times if time is not None], np.int64)
        found: Counter[Doubt] = Counter()
        found[Doubt.INGEST_TIME] = sum(event.undated for event in events)
        if len(dated):
            now = int(np.median(np.concatenate((np.fromiter(self._times, np.int64), dated))))
            found[Doubt.FAR_TIME] = int((np.abs(dated - now) > FAR).sum())
            self._times.extend(dated[-_REMEMBERED:].tolist())
        return +found
