"""Lists of what is said, not of the ids it is said under: copies, near copies or one document's chunks count once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import without_repeats
from monitor.core.measures.formulas.overlap import Overlap, overlap
from monitor.core.measures.formulas.ties import settle_ties
from monitor.core.model.lists import RankedLists

Codes = NDArray[np.int64]


class Sides(NamedTuple):
    """(R, k) codes of what stands in the slots of the baseline's lists, and of those now; NO_CHUNK for none."""

    then: Codes
    now: Codes


def collapsed(then: RankedLists, now: RankedLists, sides: Sides, eps: float | None) -> Overlap:
    """The two lists matched by code, each code said once.

    Two lists that both hold as many different codes as they have slots may have cut a tie otherwise, which is no
    drift; shorter ones cut none.

    Args:
        then: R lists of the baseline, cut at the depth that is measured.
        now: R lists, cut alike.
        sides: what stands in their slots.
        eps: scores this close tie; None: the lists are compared as they are.
    """
    before, after = without_repeats(then, sides.then), without_repeats(now, sides.now)
    settled = after if eps is None or before.depth != after.depth else settle_ties(before, after, eps)
    return overlap(before, settled)
