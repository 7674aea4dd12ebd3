"""What production's own retriever answered, as users get it: results, and lists of what they turned out to be."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.lists import RankedLists


@dataclass(frozen=True, slots=True)
class ProductionResult:
    """One result as it was served; what an answer does not say is "", a score NaN.

    Args:
        result_id: its id.
        document_id: its document.
        text: its text.
        score: bigger is better, on whatever scale.
    """

    result_id: str = ""
    document_id: str = ""
    text: str = ""
    score: float = math.nan


@dataclass(frozen=True, slots=True)
class ProductionAnswer:
    """What came back for one anchor: results, best first, or the name of what went wrong.

    An answer without results is an answer: it lists nothing.
    """

    results: Sequence[ProductionResult] = ()
    reason: str = ""
    seconds: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class ProductionLists:
    """What production served last, of all A anchors.

    Args:
        lists: (A, k) in its own order, results that are chunks under their chunk keys, others under `stranger_key`.
        again: the same of a second call at the same position, unknown where there was none.
        strangers: what the retriever calls a result that is no chunk, by key.
        failures: by anchor (row) without a list, the reason.
    """

    lists: RankedLists
    again: RankedLists
    strangers: Mapping[int, str] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)

    def arranged(self, rows: NDArray[np.int64]) -> "ProductionLists":
        """The lists of some rows in the order given, unknown where a row is -1."""
        failures = {at: self.failures[row] for at, row in enumerate(rows.tolist()) if row in self.failures}
        return ProductionLists(self.lists.arranged(rows), self.again.arranged(rows), self.strangers, failures)


def stranger_key(result: ProductionResult) -> int:
    """The key that a result has which is no chunk: 63 bits of what names it, its id before its text.

    >>> one = ProductionResult("a", text="x")
    >>> stranger_key(one) == stranger_key(ProductionResult("a", text="y")) != stranger_key(ProductionResult("b"))
    True
    """
    named = ("id", result.result_id) if result.result_id else ("text", result.document_id + "\0" + result.text)
    said = "\0".join(("production", *named)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8, person=b"stranger").digest(), "big") >> 1


def stranger_name(result: ProductionResult, most: int = 120) -> str:
    """What people call such a result: its id, else its document, else how its text begins."""
    return " ".join((result.result_id or result.document_id or result.text).split())[:most]
