"""The rotating panel: anchors fall into eight groups, and each month one of them is replaced.

Labour-force surveys rotate their households so: most of the panel stays from month to month and is compared, and
nobody stays for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Segment
from monitor.core.model.segments import value_of
from monitor.core.selection.selection import Candidate, as_anchors, normal_form, select

GROUPS = 8
_KEY = b"corpus-drift: group of the panel"
"""Of the hash: nobody's texts fall into a group by design, and another use of the hash tells nothing of it."""


class PanelMonth(NamedTuple):
    """A month of the calendar, UTC.

    >>> PanelMonth(2026, 12).next, str(PanelMonth(2026, 3))
    (PanelMonth(year=2027, month=1), '2026-03')
    """

    year: int
    month: int

    @classmethod
    def at(cls, seconds: float) -> "PanelMonth":
        """The month of a moment, in seconds since the epoch.

        >>> str(PanelMonth.at(1_780_000_000))
        '2026-05'
        """
        months = int(np.datetime64(int(seconds), "s").astype("datetime64[M]").astype(np.int64))
        return cls(1970 + months // 12, months % 12 + 1)

    @property
    def group(self) -> int:
        """The group that is replaced in it, 1 to GROUPS: each in turn."""
        return (self.year * 12 + self.month - 1) % GROUPS + 1

    @property
    def next(self) -> "PanelMonth":
        """The month after it."""
        return PanelMonth(self.year + self.month // 12, self.month % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def panel_group(text: str) -> int:
    """The group of a question, 1 to GROUPS: by its words alone, whatever else the panel holds.

    So a group is the same on every machine, added anchors move no other, and a question that takes the place of one
    in its group stays for GROUPS months, as every other did.

    >>> panel_group("How do I rotate a key?") == panel_group("how do i ROTATE a key")
    True
    """
    return int.from_bytes(blake2b(normal_form(text).encode(), digest_size=8, key=_KEY).digest(), "big") % GROUPS + 1


@dataclass(frozen=True, slots=True)
class PanelRotation:
    """The month's replacement.

    Args:
        month: of the replacement.
        leave: anchors that leave, in the order of the file.
        come: those that take their places, as many; `since` says the month.
        waiting: anchors of the group that stay because no candidate of their segment was found.
        common: share of the panel's weight that stays, in [0, 1].
    """

    month: PanelMonth
    leave: tuple[Anchor, ...]
    come: tuple[Anchor, ...]
    waiting: int
    common: float


def due(anchors: Sequence[Anchor], month: PanelMonth) -> int:
    """Anchors of the month's group that are to be replaced; 0 once some of it came in that month."""
    return 0 if rotated_in(anchors, month) else sum(panel_group(of.text) == month.group for of in anchors)


def rotated_in(anchors: Sequence[Anchor], month: PanelMonth) -> bool:
    """Whether the month's group was replaced in it: some anchor of it came then."""
    return any(of.since == str(month) and panel_group(of.text) == month.group for of in anchors)


def rotation(
    anchors: Sequence[Anchor],
    candidates: Sequence[Candidate],
    vectors: NDArray[np.float32],
    month: PanelMonth,
    *,
    dimensions: Sequence[str] = (),
    kept: Segment = (),
    handed_on: str = "",
) -> PanelRotation:
    """Replace the anchors of the month's group, one for one and segment by segment.

    The places are filled as `select` chooses: frequent and diverse questions. A segment whose candidates do not
    suffice keeps its heaviest anchors. A segment's weight stays what it was.

    Args:
        anchors: the panel.
        candidates: n questions that were asked, ordered; those of other groups wait for their month.
        vectors: (n, d) float32 of unit length, which spread the choice.
        month: of the replacement.
        dimensions: attributes by whose values segments are told apart.
        kept: attributes; anchors that have one of them never leave.
        handed_on: an attribute that whoever comes takes over from the one that leaves, such as that of a group that
            is held out; no log says it. No segments are told apart by it.
    """
    here = {normal_form(of.text) for of in anchors}
    fresh = [
        at
        for at, of in enumerate(candidates)
        if panel_group(of.text) == month.group and normal_form(of.text) not in here
    ]
    mine = [of for of in anchors if panel_group(of.text) == month.group and not set(kept) & set(of.segment)]
    apart = [name for name in dimensions if handed_on not in name.split("+")]
    leaving = _by_stratum({at: of.segment for at, of in enumerate(mine)}, apart)
    offered = _by_stratum({at: candidates[at].segment for at in fresh}, apart)
    leave: set[int] = set()
    come: list[Anchor] = []
    for stratum, rows in sorted(leaving.items()):
        found = offered.get(stratum, [])
        chosen = select([candidates[at] for at in found], vectors[found], len(rows))
        gone = sorted(rows, key=lambda at: (mine[at].weight, at))[: len(chosen.chosen)]
        weight = float(np.mean([mine[at].weight for at in gone])) if gone else 1.0
        made = as_anchors([candidates[at] for at in found], chosen, vectors[found], embedding_version="")
        for of, one, at in zip(made, chosen.chosen, gone, strict=True):
            handed = tuple(pair for pair in mine[at].segment if pair[0] == handed_on)
            segment = tuple(sorted({*(pair for pair in of.segment if pair[0] != handed_on), *handed}))
            vector = candidates[found[one.candidate]].vector
            come.append(replace(of, vector=vector, segment=segment, weight=of.weight * weight, since=str(month)))
        leave |= set(gone)
    left = tuple(mine[at] for at in sorted(leave))
    whole, away = (sum(of.weight for of in part) for part in (anchors, left))
    return PanelRotation(month, left, tuple(come), len(mine) - len(left), 1.0 - away / whole if whole else 1.0)


def _by_stratum(segments: Mapping[int, Segment], dimensions: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    made: dict[tuple[str, ...], list[int]] = {}
    for at, segment in segments.items():
        made.setdefault(tuple(value_of(name, segment) for name in dimensions), []).append(at)
    return made
