"""Blame: which changed chunks explain the slots that entered and left, folded up to documents and sources.

The unit is one entered or exited slot. A slot whose own chunk changed since the baseline is explained by that change.
Otherwise an entered slot is explained, in equal parts, by the changed chunks that left or fell below it; an exited
slot by the changed chunks that came or rose above it. On the lexical leg, where neither holds, the statistics moved
(N, average length, document frequencies); on the dense leg such a slot is unexplained: index, encoder, configuration
or a lost event. Shares and the unexplained part add up to 1; no churn gives no shares. A slot whose content stands in
the other list under another id (re-chunking, moves, copies) is no churn and blames nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.baseline import Snapshot
from monitor.core.corpus import Row
from monitor.core.lists import NO_CHUNK, RankedLists
from monitor.core.report import Leg, Share

STATISTICS = "(lexical statistics)"
UNEXPLAINED = "(unexplained)"
UNNAMED = "(no source)"
MOST = 20
"""Shares kept per leg and level; the rest is summed under `(others)`."""
OTHERS = "(others)"
ABSENT = 1 << 30
"""Rank of what is not in a list: behind everything."""
Keys = NDArray[np.int64]


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
    known = baseline.known & current.known & np.any(baseline.keys != current.keys, axis=1)
    rows = np.flatnonzero(known)
    pair = _Pair(baseline.keys[rows], current.keys[rows])
    exchanged = pair.exchanged()
    rows, pair = rows[exchanged], _Pair(pair.then[exchanged], pair.now[exchanged])
    culprits = _Culprits(changes, Culprit(rest, rest))
    explained = _explained(pair, culprits, changes)
    return (
        *_shares(leg, "source", rows, explained, [culprit.source for culprit in culprits.found]),
        *_shares(leg, "document", rows, explained, [culprit.doc_id for culprit in culprits.found]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """(R, k) chunk keys of the same anchors' lists then and now, NO_CHUNK behind the end."""

    then: Keys
    now: Keys

    def ranks(self) -> tuple[Keys, Keys]:
        """Of the results then their ranks now, and the other way round; ABSENT where there is none."""
        there = (self.then[:, :, None] == self.now[:, None, :]) & (self.then != NO_CHUNK)[:, :, None]
        return _place(there), _place(np.swapaxes(there, 1, 2))

    def exchanged(self) -> NDArray[np.bool_]:
        """(R,) bool: lists in which a result came or left; the others only changed their order."""
        after, before = self.ranks()
        came: NDArray[np.bool_] = np.any((before == ABSENT) & (self.now != NO_CHUNK), axis=1)
        left: NDArray[np.bool_] = np.any((after == ABSENT) & (self.then != NO_CHUNK), axis=1)
        return came | left


def _place(there: NDArray[np.bool_]) -> Keys:
    return np.where(there.any(axis=2), there.argmax(axis=2) + 1, ABSENT)


class _Culprits:
    """Culprits by number; the first is nobody."""

    def __init__(self, changes: Changes, nobody: Culprit) -> None:
        self._changes = changes
        self.found = [nobody]
        self._numbers = {nobody: 0}

    def of(self, keys: Keys) -> Keys:
        """The number of each key's culprit, -1 where the chunk is what it was."""
        return _mapped(keys, self._number)

    def _number(self, key: int) -> int:
        culprit = self._changes.culprit(key) if key != NO_CHUNK else None
        if culprit is None:
            return -1
        if culprit not in self._numbers:
            self._numbers[culprit] = len(self.found)
            self.found.append(culprit)
        return self._numbers[culprit]


def _mapped(keys: Keys, of: Callable[[int], int]) -> Keys:
    distinct, back = np.unique(keys, return_inverse=True)
    return np.array([of(key) for key in distinct.tolist()], np.int64)[back].reshape(keys.shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    """Culprit by culprit: the row and the number of each, and its part of the slot; in the order of the lists."""

    row: Keys
    culprit: Keys
    part: NDArray[np.float64]


def _explained(pair: _Pair, culprits: _Culprits, changes: Changes) -> _Explained:
    """For each entered slot, then each exited one, the chunks that explain it in equal parts; else nobody."""
    after, before = pair.ranks()
    then, now = culprits.of(pair.then), culprits.of(pair.now)
    said: dict[str | int, int] = {NO_CHUNK: -1}

    def then_says(key: int) -> int:
        return said.setdefault(changes.content_then(key), len(said)) if key != NO_CHUNK else -1

    def now_says(key: int) -> int:
        return said.setdefault(changes.content_now(key), len(said)) if key != NO_CHUNK else -1

    says_then, says_now = _mapped(pair.then, then_says), _mapped(pair.now, now_says)
    same = says_then[:, :, None] == says_now[:, None, :]
    entered = (pair.now != NO_CHUNK) & (before == ABSENT) & ~same.any(axis=1)
    exited = (pair.then != NO_CHUNK) & (after == ABSENT) & ~same.any(axis=2)
    places_then, places_now = np.arange(1, pair.then.shape[1] + 1), np.arange(1, pair.now.shape[1] + 1)
    # who left, or fell below the slot and below where it was; who came, or rose above the slot
    gone = (after[:, None, :] > places_now[:, None]) & (after > places_then)[:, None, :]
    come = before[:, None, :] > places_then[:, None]
    parts = [
        _slots(entered, now, then, gone & (pair.then != NO_CHUNK)[:, None, :]),
        _slots(exited, then, now, come & (pair.now != NO_CHUNK)[:, None, :]),
    ]
    row, culprit, part = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(row, kind="stable")
    return _Explained(row[order], culprit[order], part[order])


def _slots(
    slots: NDArray[np.bool_], own: Keys, others: Keys, eligible: NDArray[np.bool_]
) -> tuple[Keys, Keys, NDArray[np.float64]]:
    """Rows, culprits and parts of some slots, (R, k) bool: its own culprit, else all eligible others, else nobody."""
    row, slot = np.nonzero(slots)
    mine = own[row, slot]
    valid = eligible[row, slot] & (others[row] >= 0) & (mine < 0)[:, None]
    nobody = (mine < 0) & ~valid.any(axis=1)
    candidates = np.concatenate((mine[:, None], others[row], np.zeros((len(row), 1), np.int64)), axis=1)
    chosen = np.concatenate(((mine >= 0)[:, None], valid, nobody[:, None]), axis=1)
    at, place = np.nonzero(chosen)
    return row[at], candidates[at, place], 1.0 / chosen.sum(axis=1)[at]


def _shares(leg: Leg, level: str, rows: Keys, explained: _Explained, names: Sequence[str]) -> list[Share]:
    if not len(explained.row):
        return []
    distinct = {name: at for at, name in enumerate(dict.fromkeys(names))}
    number = np.array([distinct[name] for name in names])[explained.culprit]
    # added one by one, in the order of the lists
    slots = np.bincount(number, weights=explained.part, minlength=len(distinct)).tolist()
    pairs = np.unique(number * (int(rows.max()) + 1) + rows[explained.row])
    holders = np.bincount(pairs // (int(rows.max()) + 1), minlength=len(distinct)).tolist()
    _, first = np.unique(number, return_index=True)
    total = sum(slots[at] for at in number[np.sort(first)].tolist())
    ranked = sorted(
        ((name, at) for name, at in distinct.items() if holders[at]), key=lambda of: (-slots[of[1]], of[0])
    )
    made = [Share(leg, level, name, slots[at] / total, slots[at], holders[at]) for name, at in ranked[:MOST]]
    left = sum(slots[at] for _, at in ranked[MOST:])
    if left:
        rest = np.isin(number, [at for _, at in ranked[MOST:]])
        made.append(Share(leg, level, OTHERS, left / total, left, len(np.unique(explained.row[rest]))))
    return made
