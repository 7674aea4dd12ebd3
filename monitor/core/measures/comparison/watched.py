"""What anchors bring along besides their question, as arrays: expected sources, judgements, rewrites."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.measures.formulas.sources import NO_SOURCE
from monitor.core.model.anchors import AnchorSet


@dataclass(frozen=True, slots=True, eq=False)
class AnchorLabels:
    """Of A anchors, in their order.

    Args:
        expected: (A, e) int64 `name_code` of each expected source, NO_SOURCE behind the last.
        judged: the relevance judgements.
        owners: (R,) int64, the anchor of each rewrite.
    """

    expected: NDArray[np.int64]
    judged: Judgements
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, anchors: AnchorSet) -> "AnchorLabels":
        """From the anchors; an expected source named twice counts once."""
        named = [tuple(dict.fromkeys(anchor.expected_sources)) for anchor in anchors.anchors]
        judged = Judgements.of([anchor.relevant for anchor in anchors.anchors])
        owners = [at for at, anchor in enumerate(anchors.anchors) for _ in anchor.rewrites]
        return cls(_coded(named), judged, np.array(owners, np.int64))

    def take(self, rows: NDArray[np.int64] | slice) -> "AnchorLabels":
        """The same of some distinct anchors, without their rewrites."""
        judged = Judgements(self.judged.keys[rows], self.judged.grades[rows])
        return AnchorLabels(self.expected[rows], judged, np.zeros(0, np.int64))


def _coded(named: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    made = np.full((len(named), max(map(len, named), default=0)), NO_SOURCE, np.int64)
    for at, row in enumerate(named):
        made[at, : len(row)] = [name_code(name) for name in row]
    return made


@lru_cache(maxsize=65_536)
def name_code(name: str) -> int:
    """63 bits that stand for a source's or a document's name; NO_SOURCE for no name."""
    if not name:
        return NO_SOURCE
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


def document_code(key: int, document: str) -> int:
    """63 bits that stand for a chunk's document; a chunk without one stands for itself."""
    return name_code(document) if document else key
