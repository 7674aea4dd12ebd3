"""Judging at little cost: people look only at results in which the versions differ, until the sign cannot turn.

Discounted cumulative gain is linear in the grades, so the difference of both versions is a sum over chunks of
(discount in the new list - discount in the old list) times the grade. A chunk at the same rank in both weighs nothing
and need not be judged; what is not judged lies between no gain and the greatest one, which bounds the difference.

Source: Carterette, Allan, Sitaraman, Minimal test collections for retrieval evaluation, SIGIR 2006.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.core.model.lists import RankedLists


@dataclass(frozen=True, slots=True)
class SlotToJudge:
    """A result that only one version shows, or shows elsewhere.

    Args:
        row: of the anchor.
        key: `chunk_key` of the result.
        old_rank: from 1; 0 where the old version does not list it.
        new_rank: likewise.
        weight: what one grade of it moves the difference by, times the anchor's weight; positive speaks for the new
            one.
    """

    row: int
    key: int
    old_rank: int
    new_rank: int
    weight: float


def slots_to_judge(
    old: RankedLists, new: RankedLists, weights: Sequence[float], depth: int, judged: Sequence[frozenset[int]] = ()
) -> list[SlotToJudge]:
    """The results in which the versions differ, those that move the difference most first.

    Args:
        old: A lists.
        new: A lists of the same anchors.
        weights: A weights of the anchors.
        depth: k.
        judged: keys that each anchor has judgements of already; empty: of none.

    Returns:
        nothing of an anchor whose list is unknown in either version; ties by row, then key.
    """
    made = []
    for row in np.flatnonzero(old.known & new.known).tolist():
        ranks = [
            {key: rank for rank, key in enumerate(of.keys[row, : min(depth, int(of.lengths[row]))].tolist(), 1)}
            for of in (old, new)
        ]
        for key in ranks[0].keys() | ranks[1].keys():
            before, after = ranks[0].get(key, 0), ranks[1].get(key, 0)
            if before != after and not (judged and key in judged[row]):
                weight = weights[row] * (_discount(after) - _discount(before))
                made.append(SlotToJudge(row, key, before, after, weight))
    return sorted(made, key=lambda slot: (-abs(slot.weight), slot.row, slot.key))


def _discount(rank: int) -> float:
    return 1.0 / math.log2(rank + 1) if rank else 0.0


@dataclass(frozen=True, slots=True)
class JudgedSign:
    """Where the difference in gain (new minus old, weighted mean per anchor) can still lie.

    `sign` is 1 where the new version is better whatever the open results are, -1 where it is worse, 0 where that is
    open. Nothing differs: 0 and both bounds 0.
    """

    lower: float
    upper: float
    judged: int
    open: int

    @property
    def sign(self) -> int:
        """1, -1, or 0 while it can turn."""
        return 1 if self.lower > 0.0 else -1 if self.upper < 0.0 else 0


def judged_sign(
    slots: Sequence[SlotToJudge], grades: Mapping[tuple[int, int], float], mass: float, greatest: float = 1.0
) -> JudgedSign:
    """Bounds of the difference after some judgements.

    Args:
        slots: all results in which the versions differ.
        grades: by (row, key), those that were judged; below 0 counts as no gain.
        mass: sum of the weights of all anchors, positive.
        greatest: the greatest grade there is.
    """
    known = [slot for slot in slots if (slot.row, slot.key) in grades]
    open_ = [slot.weight for slot in slots if (slot.row, slot.key) not in grades]
    fixed = math.fsum(slot.weight * max(0.0, grades[slot.row, slot.key]) for slot in known)
    low = fixed + greatest * math.fsum(weight for weight in open_ if weight < 0.0)
    high = fixed + greatest * math.fsum(weight for weight in open_ if weight > 0.0)
    return JudgedSign(low / mass, high / mass, len(known), len(open_))
