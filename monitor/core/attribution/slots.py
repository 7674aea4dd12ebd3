"""Slots that entered and left, and the changed chunks that explain each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.since_baseline import ChangesSinceBaseline, Event
from monitor.core.model.lists import NO_CHUNK

ABSENT = 1 << 30
"""Rank of what is not in a list: behind everything."""
NOBODY = -1
"""The cause of a slot that no event explains, and of a chunk that is what it was."""
Keys = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkKeyPair:
    """(R, k) chunk keys of the same anchors' lists then and now, NO_CHUNK behind the end."""

    then: Keys
    now: Keys
    settled: Flags
    """Slots whose tie at the cut was broken otherwise: `now` holds the result of then there, which is no change."""

    def take(self, rows: Keys) -> "ChunkKeyPair":
        """Some of the lists."""
        return ChunkKeyPair(self.then[rows], self.now[rows], self.settled[rows])

    def ranks(self) -> tuple[Keys, Keys]:
        """Of the results then their ranks now, and the other way round; ABSENT where there is none."""
        there = (self.then[:, :, None] == self.now[:, None, :]) & (self.then != NO_CHUNK)[:, :, None]
        return _place(there), _place(np.swapaxes(there, 1, 2))


def _place(there: Flags) -> Keys:
    return np.where(there.any(axis=2), there.argmax(axis=2) + 1, ABSENT)


class Events:
    """The events of changed chunks, by number."""

    def __init__(self, changes: ChangesSinceBaseline) -> None:
        self._changes = changes
        self.found: list[Event] = []
        self._numbers: dict[int, int] = {NO_CHUNK: NOBODY}
        """By chunk key, that of its event."""

    def of(self, keys: Keys) -> Keys:
        """The number of each key's event, NOBODY where the chunk is what it was."""
        return mapped(keys, self._numbered)

    def _numbered(self, keys: Sequence[int]) -> list[int]:
        numbers, found = self._numbers, self.found
        unknown = [key for key in keys if key not in numbers]
        for key, event in zip(unknown, self._changes.events(unknown), strict=True):
            numbers[key] = NOBODY if event is None else len(found)
            found += () if event is None else (event,)
        return [numbers[key] for key in keys]


def mapped(keys: Keys, of: Callable[[list[int]], list[int]]) -> Keys:
    """A number per distinct key, which are asked for all at once, in ascending order; in the shape of the keys."""
    distinct, back = np.unique(keys, return_inverse=True)
    return np.array(of(distinct.tolist()), np.int64)[back].reshape(keys.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One entry per slot and cause: the row and key of the slot, its side, the cause and its part of the slot."""

    row: Keys
    key: Keys
    entered: Flags
    cause: Keys
    part: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SlotContents:
    """(R, k) what each slot says, as numbers: equal numbers say the same, -1 is no slot."""

    then: Keys
    now: Keys

    @classmethod
    def of(cls, pair: ChunkKeyPair, changes: ChangesSinceBaseline) -> "SlotContents":
        """Look up all chunks at once."""
        said: dict[str | int, int] = {NO_CHUNK: -1}  # which stands for itself, then and now

        def then_says(keys: list[int]) -> list[int]:
            return [said.setdefault(of, len(said)) for of in changes.contents_then(keys)]

        def now_says(keys: list[int]) -> list[int]:
            return [said.setdefault(of, len(said)) for of in changes.contents_now(keys)]

        now = mapped(pair.now, now_says)
        if pair.settled.any():
            now[pair.settled] = mapped(pair.now[pair.settled], then_says)
        return cls(mapped(pair.then, then_says), now)

    def take(self, rows: Keys) -> "SlotContents":
        """Those of some lists."""
        return SlotContents(self.then[rows], self.now[rows])

    def slots(self) -> tuple[Flags, Flags]:
        """(R, k) slots now whose content was not there then, and slots then whose content is not there now."""
        same = self.then[:, :, None] == self.now[:, None, :]
        return (self.now != -1) & ~same.any(axis=1), (self.then != -1) & ~same.any(axis=2)

    def exchanged(self) -> Keys:
        """Lists in which a content came or left; the others only changed their order or their ids."""
        differ = np.flatnonzero(np.any(self.then != self.now, axis=1))
        entered, exited = self.take(differ).slots()
        return differ[entered.any(axis=1) | exited.any(axis=1)]


def explained(pair: ChunkKeyPair, events: Events, contents: SlotContents) -> Explained:
    """For each entered slot, then each exited one, the events that explain it in equal parts; else NOBODY."""
    after, before = pair.ranks()
    then, now = events.of(pair.then), events.of(pair.now)
    entered, exited = contents.slots()
    places_then, places_now = np.arange(1, pair.then.shape[1] + 1), np.arange(1, pair.now.shape[1] + 1)
    # who left, or fell below the slot and below where it was; who came, or rose above the slot
    gone = (after[:, None, :] > places_now[:, None]) & (after > places_then)[:, None, :]
    come = before[:, None, :] > places_then[:, None]
    row, key, cause, part = _slots(entered, (pair.now, now), then, gone & (pair.then != NO_CHUNK)[:, None, :])
    out = _slots(exited, (pair.then, then), now, come & (pair.now != NO_CHUNK)[:, None, :])
    side = np.concatenate((np.ones(len(row), np.bool_), np.zeros(len(out[0]), np.bool_)))
    columns = (row, key, side, cause, part), (out[0], out[1], side[:0], out[2], out[3])
    joined = [np.concatenate(column) for column in zip(*columns, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Explained(*(column[order] for column in joined))


def _slots(
    slots: Flags, own: tuple[Keys, Keys], others: Keys, eligible: Flags
) -> tuple[Keys, Keys, Keys, NDArray[np.float64]]:
    """Rows, keys, causes and parts of some slots, (R, k) bool: its own event, else all eligible others, else none."""
    row, slot = np.nonzero(slots)
    keys, events = own
    mine = events[row, slot]
    valid = eligible[row, slot] & (others[row] >= 0) & (mine < 0)[:, None]
    nobody = (mine < 0) & ~valid.any(axis=1)
    none = np.full((len(row), 1), NOBODY)
    candidates = np.concatenate((mine[:, None], others[row], none), axis=1)
    chosen = np.concatenate(((mine >= 0)[:, None], valid, nobody[:, None]), axis=1)
    at, place = np.nonzero(chosen)
    return row[at], keys[row, slot][at], candidates[at, place], 1.0 / chosen.sum(axis=1)[at]
