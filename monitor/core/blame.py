"""Blame: which changed chunks explain the slots that entered and left, folded up to documents and sources.

The unit is one entered or exited slot. A slot whose own chunk changed since the baseline is explained by that change.
Otherwise an entered slot is explained, in equal parts, by the changed chunks that left or fell below it; an exited
slot by the changed chunks that came or rose above it. On the lexical leg, where neither holds, the statistics moved
(N, average length, document frequencies); on the dense leg such a slot is unexplained: index, encoder, configuration
or a lost event. Shares and the unexplained part add up to 1; no churn gives no shares. A slot whose content stands in
the other list under another id (re-chunking, moves, copies) is no churn and blames nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from monitor.core.baseline import Snapshot
from monitor.core.corpus import Row
from monitor.core.lists import RankedLists
from monitor.core.report import Leg, Share

STATISTICS = "(lexical statistics)"
UNEXPLAINED = "(unexplained)"
UNNAMED = "(no source)"
MOST = 20
"""Shares kept per leg and level; the rest is summed under `(others)`."""
OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Culprit:
    """A changed chunk: where it belongs."""

    source: str
    doc_id: str


class Changes:
    """What changed since a baseline, looked up chunk by chunk.

    Args:
        baseline: the snapshot compared with.
        row: what is known of a chunk now, delete marks included.
    """

    def __init__(self, baseline: Snapshot, row: Callable[[int], Row | None]) -> None:
        self._baseline, self._row = baseline, row
        self._known: dict[int, Culprit | None] = {}

    def culprit(self, key: int) -> Culprit | None:
        """The chunk if it changed since the baseline, None if it is what it was."""
        if key not in self._known:
            self._known[key] = self._look(key)
        return self._known[key]

    def content_then(self, key: int) -> str | int:
        """What the chunk said in the baseline: its content hash, or the key itself where none is known."""
        member = self._baseline.members.get(key)
        return member.content_hash if member is not None and member.content_hash else key

    def content_now(self, key: int) -> str | int:
        """What the chunk says now: its content hash, or the key itself where none is known."""
        row = self._row(key)
        return row.content_hash if row is not None and row.live and row.content_hash else key

    def _look(self, key: int) -> Culprit | None:
        row, member = self._row(key), self._baseline.members.get(key)
        if row is None:
            # Its delete mark is older than the tombstone life: gone all the same.
            return None if member is None else Culprit(member.source, member.doc_id)
        if member is not None and row.live and row.content_hash == member.content_hash:
            return None
        since = self._baseline.positions.get(f"{row.position.topic}/{row.position.partition}", 0)
        if row.position.offset < since:
            return None
        source = dict(row.segment).get("source", "") or (member.source if member else "")
        return Culprit(source or UNNAMED, row.doc_id)


def blame(leg: Leg, baseline: RankedLists, current: RankedLists, changes: Changes) -> tuple[Share, ...]:
    """Shares of the churn of one leg by source and by document, the largest first.

    Args:
        leg: decides what an unexplained slot is called.
        baseline: A lists.
        current: A lists of the same anchors and depth; only anchors known in both count.
        changes: what changed since the baseline.

    Returns:
        Shares; per level (`source`, `document`) they add up to 1, or there are none.
    """
    rest = STATISTICS if leg == "lexical" else UNEXPLAINED
    nobody = Culprit(rest, rest)
    slots: dict[str, dict[str, float]] = {"source": defaultdict(float), "document": defaultdict(float)}
    anchors: dict[tuple[str, str], set[int]] = defaultdict(set)
    moved = baseline.known & current.known & np.any(baseline.keys != current.keys, axis=1)
    for row in np.flatnonzero(moved).tolist():
        for explained in _slots(_ranks(baseline, row), _ranks(current, row), changes):
            for culprit in explained or [nobody]:
                for level, name in (("source", culprit.source), ("document", culprit.doc_id)):
                    slots[level][name] += 1.0 / max(1, len(explained))
                    anchors[level, name].add(row)
    return tuple(share for level, counted in slots.items() for share in _shares(leg, level, counted, anchors))


def _ranks(lists: RankedLists, row: int) -> dict[int, int]:
    return {key: rank for rank, key in enumerate(lists.keys[row, : lists.lengths[row]].tolist(), 1)}


def _slots(then: Mapping[int, int], now: Mapping[int, int], changes: Changes) -> list[list[Culprit]]:
    """For each entered and exited slot, the chunks that explain it (none: nothing does)."""
    made: list[list[Culprit]] = []
    behind = len(then) + len(now) + 1
    said_then = {changes.content_then(key) for key in then}
    said_now = {changes.content_now(key) for key in now}
    for key, rank in now.items():
        if key not in then and changes.content_now(key) not in said_then:
            gone = [k for k, r in then.items() if now.get(k, behind) > rank and now.get(k, behind) > r]
            made.append(_explained(key, gone, changes))
    for key, rank in then.items():
        if key not in now and changes.content_then(key) not in said_now:
            come = [k for k in now if then.get(k, behind) > rank]
            made.append(_explained(key, come, changes))
    return made


def _explained(key: int, others: list[int], changes: Changes) -> list[Culprit]:
    own = changes.culprit(key)
    if own is not None:
        return [own]
    return [culprit for culprit in map(changes.culprit, others) if culprit is not None]


def _shares(
    leg: Leg, level: str, counted: Mapping[str, float], anchors: Mapping[tuple[str, str], set[int]]
) -> list[Share]:
    total = sum(counted.values())
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    made = [Share(leg, level, name, n / total, n, len(anchors[level, name])) for name, n in ranked[:MOST]]
    left = sum(n for _, n in ranked[MOST:])
    if left:
        touched = set().union(*(anchors[level, name] for name, _ in ranked[MOST:]))
        made.append(Share(leg, level, OTHERS, left / total, left, len(touched)))
    return made
