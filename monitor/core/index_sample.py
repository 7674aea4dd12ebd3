"""The real index against the live chunks as a whole: points counted, and a sample looked for by id."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.copies.shingles_numpy import mix
from monitor.core.lists import NO_CHUNK
from monitor.core.report import ALL, Measurement

SAMPLE = 256
"""Chunks looked for at a time: of an index that lacks one chunk in a hundred, 92 such samples in 100 find one."""
UNREACHABLE = "index_unreachable"
NO_CHUNKS = "no_chunks"


@dataclass(frozen=True, slots=True)
class IndexSample:
    """What was found when the index was looked at.

    Args:
        live: chunks live by the events then.
        points: points counted in the index, None where it did not say.
        looked: chunks looked for by id.
        found: those of them that the index has, None where it did not say.
        unsettled: chunks changed so shortly before that the index may not have them yet; none of them was looked for.
    """

    live: int
    points: int | None
    looked: int
    found: int | None
    unsettled: int

    def measurements(self) -> Iterator[Measurement]:
        """`index_points_difference` = live - points, and `index_missing_ratio` = 1 - found / looked for, in 0..1.

        NaN with a reason where the index did not answer, the ratio also where nothing could be looked for. Beside a
        value the reason says how many chunks were still on their way: the difference counts them, the ratio does not.
        """
        waiting = f"settling: {self.unsettled} chunks" if self.unsettled else ""
        points = float("nan") if self.points is None else float(self.live - self.points)
        yield _measurement("index_points_difference", points, self.live, UNREACHABLE, waiting)
        missing = float("nan") if self.found is None or not self.looked else 1.0 - self.found / self.looked
        yield _measurement("index_missing_ratio", missing, self.looked, UNREACHABLE if self.looked else NO_CHUNKS, "")


def _measurement(metric: str, value: float, n: int, why: str, note: str) -> Measurement:
    unknown = np.isnan(value)
    rests = 0 if unknown else n
    return Measurement(metric, "corpus", 0, ALL, ALL, "mean", value, rests, n, reason=why if unknown else note)


def sampled(
    keys: NDArray[np.int64], unsettled: NDArray[np.int64], *, salt: int, count: int = SAMPLE
) -> NDArray[np.int64]:
    """Some live chunks, chosen by their keys alone: no slot, batch or restart has a say in which.

    Args:
        keys: (n,) int64 chunk keys, NO_CHUNK for none.
        unsettled: (m,) int64 keys that are not to be chosen.
        salt: another one chooses others.
        count: how many.

    Returns:
        Up to `count` keys, ascending.
    """
    live = keys[keys != NO_CHUNK]
    with np.errstate(over="ignore"):
        order = mix(mix(live.astype(np.uint64)) ^ np.uint64(salt & (2**64 - 1)))
    # those that may not be chosen are few of many, or too many for a sample to mean anything
    enough = count + len(unsettled)
    if enough < len(live):
        first = np.argpartition(order, enough)[:enough]
        live, order = live[first], order[first]
    live = live[np.argsort(order)]
    chosen: NDArray[np.int64] = live[~np.isin(live, unsettled)][:count]
    return np.sort(chosen)


def compared(
    live: int, points: int | None, looked: Mapping[str, str], stated: Mapping[str, str] | None, unsettled: int
) -> IndexSample:
    """The sample as it was answered.

    Args:
        live: chunks live by the events.
        points: points counted.
        looked: content hash by id of the chunks that were looked for.
        stated: content hash by id of those that the index has; None where it did not say.
        unsettled: chunks that may be on their way.
    """
    found = None if stated is None else sum(name in stated for name in looked)
    return IndexSample(live, points, len(looked), found, unsettled)
