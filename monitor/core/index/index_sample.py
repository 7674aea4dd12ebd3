"""The real index against the live chunks as a whole: points counted, and a sample looked for by id."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import mix
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.report import ALL, CauseEvidence, Measurement

SAMPLE = 256
"""Chunks looked for at a time: of an index that lacks one chunk in a hundred, 92 such samples in 100 find one."""
NO_CHUNKS = "no_chunks"


@dataclass(frozen=True, slots=True)
class IndexSample:
    """What was found when the index was looked at.

    Args:
        live: chunks live by the events then.
        points: points counted in the index, or the reason why it did not say.
        hidden: points that the index holds and no read sees yet, or the reason why it did not say.
        looked: chunks looked for by id.
        found: those of them that the index has, or the reason why it did not say.
        unsettled: chunks changed so shortly before that the index may not have them yet; none of them was looked for.
    """

    live: int
    points: int | str
    hidden: int | str
    looked: int
    found: int | str
    unsettled: int

    def measurements(self) -> Iterator[Measurement]:
        """`index_points_difference` = live - points, `index_hidden_points`, and `index_missing_ratio` = 1 - found /
        looked for, in 0..1.

        NaN with a reason, `index_` and the name of the failure, where the index did not answer; the ratio also where
        nothing could be looked for. Beside a value the reason says how many chunks were still on their way: the
        difference counts them, the ratio does not.
        """
        waiting = f"settling: {self.unsettled} chunks" if self.unsettled else ""
        points = self.points if isinstance(self.points, str) else float(self.live - self.points)
        yield _measurement("index_points_difference", points, self.live, waiting)
        hidden = self.hidden if isinstance(self.hidden, str) else float(self.hidden)
        yield _measurement("index_hidden_points", hidden, self.live, "")
        yield _measurement("index_missing_ratio", self._missing(), self.looked, "")

    def _missing(self) -> float | str:
        if isinstance(self.found, str):
            return self.found
        return 1.0 - self.found / self.looked if self.looked else NO_CHUNKS

    def evidence(self) -> Iterator[CauseEvidence]:
        """Points that are in the index and cannot be found point at it."""
        if not isinstance(self.hidden, str) and self.hidden:
            yield CauseEvidence("INDEX", f"{self.hidden} points of the index are hidden from reads until optimised")


def _measurement(metric: str, value: float | str, n: int, note: str) -> Measurement:
    """The value, or why it is not known."""
    if isinstance(value, str):
        return Measurement(metric, "corpus", 0, ALL, ALL, "mean", float("nan"), 0, n, reason=value)
    return Measurement(metric, "corpus", 0, ALL, ALL, "mean", value, n, n, reason=note)


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
    live: int,
    points: int | str,
    looked: Mapping[str, str],
    content_hashes: Mapping[str, str] | str,
    unsettled: int,
    *,
    hidden: int | str = 0,
) -> IndexSample:
    """The sample as it was answered.

    Args:
        live: chunks live by the events.
        points: points counted, or the name of what kept the index from saying.
        looked: content hash by id of the chunks that were looked for.
        content_hashes: content hash by id of those that the index has; a name likewise.
        unsettled: chunks that may be on their way.
        hidden: points that no read sees yet; a name likewise.
    """
    found = (
        _unsaid(content_hashes) if isinstance(content_hashes, str) else sum(name in content_hashes for name in looked)
    )
    counted, unread = (_unsaid(one) if isinstance(one, str) else one for one in (points, hidden))
    return IndexSample(live, counted, unread, len(looked), found, unsettled)


def _unsaid(reason: str) -> str:
    return f"index_{reason}"
