"""Whose lists changed by chunks from outside of the segment that a deploy said it would change."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution import ChangesSinceBaseline
from monitor.core.index.baseline import ListLeg, Member, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.tables import LEGS
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import Leg


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """What changed since a baseline, chunk by chunk.

    Args:
        baseline: the snapshot compared with.
        changes: since then.
        expected: the segment that was to change.
    """

    baseline: Snapshot
    changes: ChangesSinceBaseline
    expected: Segment

    def outside(self, key: int) -> bool:
        """Whether the chunk changed since the baseline and does not belong to the expected segment, then or now."""
        event, member = self.changes.event(key), self.baseline.members.get(key)
        stays = event is not None and set(self.expected) <= set(event.segment)
        return event is not None and not (stays and (member is None or self._was_inside(member)))

    def _was_inside(self, member: Member) -> bool:
        return set(self.expected) <= set(member.segment)


def out_of_scope_changes(
    changed: Changed, alignment: Alignment, lists: Mapping[ListLeg, RankedLists], depth: int
) -> dict[Leg, NDArray[np.float64]]:
    """By leg, who has a result that came or left because a chunk outside of the expected segment changed.

    A result that came or left is counted by content: the same text under another id did neither. Results that others
    pushed in or out without having changed themselves are no change out of scope.

    Args:
        changed: what changed, and what was to change.
        alignment: the P anchors compared.
        lists: the lists now.
        depth: k.

    Returns:
        (P,) float64 of 0 and 1, NaN where a list is not known.
    """
    made: dict[Leg, NDArray[np.float64]] = {}
    for leg in LEGS:
        if leg in changed.baseline.lists and leg in lists:
            then = changed.baseline.lists[leg].take(alignment.then).at(depth)
            made[leg] = _one(changed, then, lists[leg].take(alignment.now).at(depth))
    return made


def _one(changed: Changed, then: RankedLists, now: RankedLists) -> NDArray[np.float64]:
    known = then.known & now.known
    made = np.where(known, 0.0, np.nan)
    width = min(then.depth, now.depth)
    differs = np.any(then.keys[:, :width] != now.keys[:, :width], axis=1) | (then.lengths != now.lengths)
    for at in np.flatnonzero(known & differs).tolist():
        made[at] = float(_from_outside(changed, then.keys[at].tolist(), now.keys[at].tolist()))
    return made


def _from_outside(changed: Changed, then: list[int], now: list[int]) -> bool:
    then, now = ([key for key in of if key != NO_CHUNK] for of in (then, now))
    said = dict(zip(changed.changes.contents_then(then), then, strict=True))
    says = dict(zip(changed.changes.contents_now(now), now, strict=True))
    came = [says[content] for content in says.keys() - said.keys()]
    left = [said[content] for content in said.keys() - says.keys()]
    return any(changed.outside(key) for key in (*came, *left))
