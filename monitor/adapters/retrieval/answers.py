"""Questions to a store of vectors and its answers: a store that has a `Reader` can be replayed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.retrieval.reasons import FailureReason
from monitor.core.model.anchors import QueryVector
from monitor.core.model.events import Segment
from monitor.core.model.scoring import Distance

Point = int | str
"""The id of a point, as its store has it."""

UNLIMITED = 2**31
"""More results than anybody asks for."""

Stored = Mapping[Point, NDArray[np.float32] | str | None]
"""Stored vectors by point; a reason where one could not be read, None where the point is gone."""


class VectorQuery(NamedTuple):
    """One query: a prepared (d,) float32 vector, the attribute values that a result must have, the text asked, and by
    name the vectors that a query of production's own asks with.
    """

    vector: NDArray[np.float32]
    filters: Segment
    text: str = ""
    named: Mapping[str, QueryVector] = {}


class Hit(NamedTuple):
    """One result; `score` is the engine's, bigger is better (Euclid: minus the distance)."""

    point: Point
    score: float
    chunk_id: str
    content_hash: str


class Foreign(NamedTuple):
    """A result that bears no chunk id: somebody else's point in the same collection."""

    point: Point
    score: float


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What came back for one question: hits in any order, or the name of what went wrong.

    `seconds` is the time the request took, divided by the questions it carried. `foreign` came among the hits.
    """

    hits: Sequence[Hit] = ()
    reason: str = ""
    seconds: float = np.nan
    foreign: Sequence[Foreign] = ()


class Reader(Protocol):
    """The two reads a replay is made of. `until` is on the monotonic clock; neither method raises."""

    @property
    def dimension(self) -> int:
        """Dimension d of the vectors."""
        ...

    @property
    def distance(self) -> Distance:
        """How vectors are compared."""
        ...

    @property
    def norm_bound(self) -> float:
        """The greatest norm of a stored vector, as far as is known; only dot and cosine use it."""
        ...

    @property
    def compared_as(self) -> type[np.float16 | np.float32]:
        """The numbers in which the engine compares vectors: stored ones are such, questions are rounded to them."""
        ...

    @property
    def most_results(self) -> int:
        """The most results that one question may ask for."""
        ...

    def ask(self, questions: Sequence[VectorQuery], limit: int, until: float) -> Sequence[SearchAnswer]:
        """Answer every question, in order, with at most `limit` hits each."""
        ...

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read the stored vector of each hit, prepared for the distance; (d,) float32."""
        ...


class PendingSearch:
    """One anchor on its way through a replay: its question, the hits so far (best first), how many were asked for.

    Args:
        question: what is asked.
        reader: the engine.
        as_served: whether the engine's own scores order the list: they are not those of the vectors.
    """

    def __init__(self, question: VectorQuery, reader: Reader, *, as_served: bool = False) -> None:
        self.question, self._as_served = question, as_served
        self.compared = question.vector.astype(reader.compared_as).astype(np.float32)
        """The question as the engine compares it: scores are of this one."""
        self.norm = float(np.linalg.norm(self.compared.astype(np.float64)))
        self.hits: Sequence[Hit] = ()
        self.foreign: Sequence[Foreign] = ()
        self.limit = 0
        self.floor = -np.inf
        """The engine's score below which nothing can be in the top k; minus infinity while the list is short."""
        self.seconds = np.nan
        self.reason = ""

    def take(self, answer: SearchAnswer, limit: int) -> None:
        """Keep an answer; the first one's latency counts, a later failure makes the whole anchor fail."""
        if not self.limit:
            self.seconds = answer.seconds
        self.limit, self.reason = limit, answer.reason or _fault([*answer.hits, *answer.foreign], limit)
        self.hits = sorted(answer.hits, key=lambda hit: -hit.score)
        self.foreign = sorted(answer.foreign, key=lambda one: -one.score)

    def settle(self, k: int, reader: Reader, bound: float) -> None:
        """Set the floor: the k-th distinct chunk's score less the slack of the engine's arithmetic."""
        seen: set[str] = set()
        self.floor = -np.inf
        for hit in self.hits:
            seen.add(hit.chunk_id)
            if len(seen) == k:
                self.floor = hit.score - self._slack(reader, hit.score, bound)
                return

    @property
    def cut(self) -> bool:
        """Whether the engine may have left out results that belong above the floor."""
        ends: list[Hit | Foreign] = [*self.hits[-1:], *self.foreign[-1:]]
        last = min((one.score for one in ends), default=-np.inf)
        return len(self.hits) + len(self.foreign) >= self.limit and last >= self.floor

    @property
    def unnamed(self) -> bool:
        """Whether results without a chunk id keep the list from being known: they are all, or too many of, it."""
        return bool(self.foreign) and (not self.hits or (self.cut and self.floor == -np.inf))

    @property
    def candidates(self) -> list[Hit]:
        """The hits that can be in the top k."""
        return [hit for hit in self.hits if hit.score >= self.floor]

    def strangers(self, k: int) -> tuple[str, ...]:
        """The points without a chunk id among the first k results, as the engine ranks them."""
        ranked: list[Hit | Foreign] = sorted([*self.hits, *self.foreign], key=lambda one: -one.score)
        return tuple(str(one.point) for one in ranked[:k] if isinstance(one, Foreign))

    def _slack(self, reader: Reader, kth: float, bound: float) -> float:
        """Twice the greatest difference between the engine's score and ours.

        float32: gamma_d (Higham 2002, section 3.1). float16 vectors are added up in float32, but a product may be
        rounded to float16 before (half a unit in the last place, 2^-25 where it is subnormal), and the question may
        be rounded from another last bit.
        """
        if self._as_served:
            return 0.0
        unit = 1.05 * (reader.dimension + 8) * 2.0**-24
        least = 1e-20
        if reader.compared_as is np.float16:
            unit, least = unit + 2.0**-10, reader.dimension * 2.0**-25
        if reader.distance is Distance.EUCLID:  # a sum of squares: the error is relative to the distance itself
            return 2.0 * (unit * abs(kth) + least)
        return 2.0 * (unit * self.norm * bound + (least if reader.compared_as is np.float16 else 0.0))


def _fault(results: Sequence[Hit | Foreign], limit: int) -> str:
    if len(results) > limit:
        return FailureReason.TOO_MANY_RESULTS
    if not all(np.isfinite(one.score) for one in results):
        return FailureReason.NOT_FINITE
    # The same point twice is no answer an index can give; one chunk under two points is (a re-ingested copy).
    return FailureReason.BAD_ANSWER if len({one.point for one in results}) < len(results) else ""
