"""Questions to a Qdrant engine and its answers: what the embedded engine and a server have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Segment
from monitor.core.scoring import Distance

Point = int | str
"""A Qdrant point id."""

Stored = Mapping[Point, NDArray[np.float32] | str | None]
"""Stored vectors by point; a reason where one could not be read, None where the point is gone."""


class Question(NamedTuple):
    """One query: a prepared (d,) float32 vector and the attribute values a result must have."""

    vector: NDArray[np.float32]
    filters: Segment


class Hit(NamedTuple):
    """One result; `score` is the engine's, bigger is better (Euclid: minus the distance)."""

    point: Point
    score: float
    chunk_id: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one question: hits in any order, or the name of what went wrong.

    `seconds` is the time the request took, divided by the questions it carried.
    """

    hits: Sequence[Hit] = ()
    reason: str = ""
    seconds: float = np.nan


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

    def ask(self, questions: Sequence[Question], limit: int, until: float) -> Sequence[Answer]:
        """Answer every question, in order, with at most `limit` hits each."""
        ...

    def fetch(self, hits: Sequence[Hit], until: float) -> Stored:
        """Read the stored vector of each hit, prepared for the distance; (d,) float32."""
        ...


class Asked:
    """One anchor on its way through a replay: its question, the hits so far (best first), how many were asked for."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.norm = float(np.linalg.norm(question.vector.astype(np.float64)))
        self.hits: Sequence[Hit] = ()
        self.limit = 0
        self.floor = -np.inf
        """The engine's score below which nothing can be in the top k; minus infinity while the list is short."""
        self.seconds = np.nan
        self.reason = ""

    def take(self, answer: Answer, limit: int) -> None:
        """Keep an answer; the first one's latency counts, a later failure makes the whole anchor fail."""
        if not self.limit:
            self.seconds = answer.seconds
        self.limit, self.reason = limit, answer.reason or _fault(answer.hits, limit)
        self.hits = sorted(answer.hits, key=lambda hit: -hit.score)

    def settle(self, k: int, reader: Reader, bound: float) -> None:
        """Set the floor: the k-th distinct chunk's score less the slack of float32."""
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
        return len(self.hits) >= self.limit and self.hits[-1].score >= self.floor

    @property
    def candidates(self) -> list[Hit]:
        """The hits that can be in the top k."""
        return [hit for hit in self.hits if hit.score >= self.floor]

    def _slack(self, reader: Reader, kth: float, bound: float) -> float:
        """Twice the greatest difference between a float32 score and ours: gamma_d (Higham 2002, section 3.1)."""
        unit = 1.05 * (reader.dimension + 8) * 2.0**-24
        if reader.distance is Distance.EUCLID:  # a sum of squares: the error is relative to the distance itself
            return 2.0 * (unit * abs(kth) + 1e-20)
        return 2.0 * unit * self.norm * bound


def _fault(hits: Sequence[Hit], limit: int) -> str:
    if len(hits) > limit:
        return "too_many_results"
    if not all(np.isfinite(hit.score) for hit in hits):
        return "not_finite"
    # The same point twice is no answer an index can give; one chunk under two points is (a re-ingested copy).
    return "bad_answer" if len({hit.point for hit in hits}) < len(hits) else ""
