"""Anchors: the queries under watch, and the set of them as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.events import Segment


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """One query under watch.

    `relevant` maps chunk ids to grades (qrels); `vector` is float32 of the corpus's dimension or None when the
    dense leg is off.
    """

    id: str
    text: str
    vector: NDArray[np.float32] | None = None
    segment: Segment = ()
    weight: float = 1.0
    rewrites: tuple[str, ...] = ()
    expected_sources: tuple[str, ...] = ()
    relevant: Mapping[str, float] = field(default_factory=dict)
    embedding_version: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSet:
    """All anchors, in file order, and their arrays.

    Args:
        anchors: A anchors with distinct ids.
        vectors: (A, d) float32, prepared for the corpus's distance; d = 0 when the dense leg is off.
        weights: (A,) float64, positive.
        filters: (A,) tuples: the attribute values a result must have to count (empty: no filter).
    """

    anchors: Sequence[Anchor]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float64]
    filters: Sequence[Segment]

    def __len__(self) -> int:
        return len(self.anchors)
