"""Attributions: every slot of one leg that entered or left, with its causes and their parts.

The unit is one slot whose content entered or left; a change of order alone is none, and a chunk rewritten in its
place is one of each. A slot whose own chunk changed since the baseline is explained by the last event that changed
it. Otherwise an entered slot is explained, in equal parts, by the events of the chunks that left or fell below it; an
exited slot by those of the chunks that came or rose above it. On the lexical leg, where neither holds, the statistics
moved (N, average length, document frequencies), and each source has the part that its changes had in the score
difference (`blame.statistics`), and beside that each deploy has the part that it had (`blame.path`). On the dense leg
such a slot is unexplained: index, encoder, configuration or a lost event. The parts of a slot add up to 1; no churn,
no slots. A content that stands in the other list under another id (re-chunking, moves, copies) is no churn and blames
nobody.

What lists of depth k cannot show is not blamed: a chunk that would have entered had another not come, and one that
never stood in a list and left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.attribution.slots import ABSENT, NOBODY, ChunkKeyPair, Events, Explained, SlotContents, explained
from monitor.core.attribution.statistics import NOBODY_WEIGHED, Shares, StatisticsShares
from monitor.core.index.since_baseline import ChangesSinceBaseline, Event
from monitor.core.measures.formulas.ties import settle_ties
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import Leg


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A document's part, in one segment, of a source's changed chunks; `share` is in (0, 1]."""

    doc_id: str
    segment: Segment
    share: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What somebody's changes did to the BM25 statistics: a source's, or in `Attribution.moved` a deploy's.

    The name is "" where nobody knows whose they were. `parts` are the source's documents that changed, by how many
    of their chunks did: the sums that move statistics are kept by source, so among its documents the share goes by
    size. Parts that are too many to keep are missing; the shares of those that are there add up to at most 1.
    """

    name: str
    parts: tuple[ChangedPart, ...] = ()


Cause = Event | Statistics
PartsOf = Callable[[str], tuple[ChangedPart, ...]]
"""The changed documents of a source."""
Weigh = Callable[[int, NDArray[np.int64], NDArray[np.int64], bool], Sequence[StatisticsShares]]
"""(row, keys that entered, unchanged keys that left, True) -> the shares in each entered slot; with False, of keys
that left against unchanged ones that entered."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The causes of one leg's churn: n entries, one per slot and cause.

    Args:
        leg: `dense` (as served), `lexical` or `production`.
        causes: events and statistics, by number.
        row: (n,) int64, the anchor by its row now; ascending.
        key: (n,) int64, the chunk that entered or left.
        entered: (n,) bool, False where it left.
        cause: (n,) int64 into `causes`, -1 where nothing explains the slot.
        part: (n,) float64, the cause's part of the slot, in (0, 1]; those of a slot add up to 1.
        moved: the slots that statistics explain once more, told by deploy; None where nobody knows the deploys.
    """

    leg: Leg
    causes: tuple[Cause, ...]
    row: NDArray[np.int64]
    key: NDArray[np.int64]
    entered: NDArray[np.bool_]
    cause: NDArray[np.int64]
    part: NDArray[np.float64]
    moved: "Attribution | None" = None

    def of(self, rows: NDArray[np.int64]) -> "Attribution":
        """The entries of some anchors."""
        at = np.isin(self.row, rows)
        cut = self.row[at], self.key[at], self.entered[at], self.cause[at], self.part[at]
        return Attribution(self.leg, self.causes, *cut, None if self.moved is None else self.moved.of(rows))

    def by_deploy(self) -> "Attribution | None":
        """The same slots with statistics told by deploy instead of by source; None where nobody knows the deploys."""
        statistics = np.array([isinstance(cause, Statistics) for cause in self.causes] + [False])
        kept = ~statistics[self.cause]
        if kept.all():
            return self
        if self.moved is None:
            return None
        ours = self.row, self.key, self.entered, self.cause, self.part
        more = self.moved
        theirs = more.row, more.key, more.entered, more.cause + len(self.causes), more.part
        joined = [np.concatenate((of[kept], other)) for of, other in zip(ours, theirs, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        row, key, entered, cause, part = (column[order] for column in joined)
        return Attribution(self.leg, (*self.causes, *more.causes), row, key, entered, cause, part)

    def slots(self, rows: int) -> NDArray[np.float64]:
        """(2, rows) float64: slots that entered and that left, by anchor."""
        both = [
            np.bincount(self.row[side], weights=self.part[side], minlength=rows)
            for side in (self.entered, ~self.entered)
        ]
        return np.stack(both)


def attribute(
    leg: Leg,
    lists: tuple[RankedLists, RankedLists],
    rows: NDArray[np.int64],
    changes: ChangesSinceBaseline,
    weigh: Weigh | None = None,
    *,
    ties: float | None = None,
    parts: PartsOf = lambda _: (),
) -> Attribution:
    """Explain one leg's churn.

    Args:
        leg: which.
        lists: P lists then and now, of the same anchors and depth; only anchors known in both count.
        rows: (P,) the anchors' rows, ascending where the entries are to be.
        changes: what changed since the baseline.
        weigh: shares of sources where only BM25 statistics moved; None where nobody knows them.
        ties: scores this close tie, and ties at the cut are no churn; None where no tie is cut arbitrarily.
        parts: whose documents moved a source's statistics.

    Returns:
        The attribution, entries in the order of the lists, entered slots before exited ones.
    """
    then, now = lists
    settled = now if ties is None else settle_ties(then, now, ties)
    known = np.flatnonzero(then.known & now.known)
    pair = ChunkKeyPair(then.keys[known], settled.keys[known], settled.keys[known] != now.keys[known])
    contents = SlotContents.of(pair, changes)
    exchanged = contents.exchanged()
    known, pair = known[exchanged], pair.take(exchanged)
    events = Events(changes)
    found = explained(pair, events, contents.take(exchanged))
    causes: list[Cause] = [*events.found]
    moved: Attribution | None = None
    if leg == "lexical":
        weighed = _weighed(found, _Open.of(pair, events, rows[known]), weigh)
        moved = _by_deploy(found, weighed, rows[known])
        found = _split(found, {at: of.sources for at, of in weighed.items()}, causes, parts)
    return _made(leg, causes, found, rows[known], moved)


def _made(
    leg: Leg, causes: Sequence[Cause], of: Explained, rows: NDArray[np.int64], moved: Attribution | None = None
) -> Attribution:
    return Attribution(leg, tuple(causes), rows[of.row], of.key, of.entered, of.cause, of.part, moved)


def _by_deploy(
    found: Explained, weighed: Mapping[int, StatisticsShares], rows: NDArray[np.int64]
) -> Attribution | None:
    """The slots that statistics explain, by deploy; None where no deploy is known of any."""
    if not any(of.deploys for of in weighed.values()):
        return None
    at = np.array(sorted(weighed), np.int64)
    opened = Explained(found.row[at], found.key[at], found.entered[at], found.cause[at], found.part[at])
    causes: list[Cause] = []
    split = _split(opened, {number: weighed[place].deploys for number, place in enumerate(at.tolist())}, causes)
    return _made("lexical", causes, split, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """Lists with slots that no event explains; `rows` are the anchors' rows."""

    pair: ChunkKeyPair
    rows: NDArray[np.int64]
    came: NDArray[np.bool_]
    left: NDArray[np.bool_]
    """(R, k) slots, now and then, of chunks that came or left though no event changed them."""

    @classmethod
    def of(cls, pair: ChunkKeyPair, events: Events, rows: NDArray[np.int64]) -> "_Open":
        """Look at all lists at once."""
        after, before = pair.ranks()
        came = (before == ABSENT) & (pair.now != NO_CHUNK) & (events.of(pair.now) == NOBODY)
        left = (after == ABSENT) & (pair.then != NO_CHUNK) & (events.of(pair.then) == NOBODY)
        return cls(pair, rows, came, left)

    def unchanged(self, row: int, *, entered: bool) -> NDArray[np.int64]:
        """Chunks as they were that came into a list, or left it."""
        keys, flags = (self.pair.now, self.came) if entered else (self.pair.then, self.left)
        found: NDArray[np.int64] = keys[row][flags[row]]
        return found


def _weighed(found: Explained, lists: _Open, weigh: Weigh | None) -> dict[int, StatisticsShares]:
    """Of the entries that nobody explains: whose statistics moved them."""
    at_all = np.flatnonzero(found.cause == NOBODY)
    made = dict.fromkeys(at_all.tolist(), NOBODY_WEIGHED)
    for row in np.unique(found.row[at_all]).tolist() if weigh is not None else []:
        for entered in (True, False):
            at = at_all[(found.row[at_all] == row) & (found.entered[at_all] == entered)]
            others = lists.unchanged(row, entered=not entered)
            if len(at) and len(others) and weigh is not None:
                said = weigh(int(lists.rows[row]), found.key[at], others, entered)
                made.update(zip(at.tolist(), said, strict=True))
    return made


def _split(
    found: Explained, shares: Mapping[int, Shares], causes: list[Cause], parts: PartsOf = lambda _: ()
) -> Explained:
    """The entries, with those that nobody explains given to whoever moved the statistics; names join the causes."""
    numbers: dict[str, int] = {}
    times = np.ones(len(found.row), np.int64)
    flat: list[tuple[int, float]] = []
    for at, of in shares.items():
        named = of or {"": 1.0}
        times[at] = len(named)
        for name, share in named.items():
            if name not in numbers:
                numbers[name] = len(causes)
                causes.append(Statistics(name, parts(name)))
            flat.append((numbers[name], share))
    cause, part = np.repeat(found.cause, times), np.repeat(found.part, times)
    opened = np.flatnonzero(cause == NOBODY)
    cause[opened] = [number for number, _ in flat]
    part[opened] = part[opened] * [share for _, share in flat]
    row, key, entered = (np.repeat(found.row, times), np.repeat(found.key, times), np.repeat(found.entered, times))
    return Explained(row, key, entered, cause, part)
