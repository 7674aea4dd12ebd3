"""One baseline against lists that move: what is measured of the lists themselves, and of what their results say."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.fixed import fixed
from monitor.core.arrays.sorted_sets import SetLists, Sets, Sieves, sift
from monitor.core.index.baseline import ListLeg, Snapshot, content_keys, contents_of
from monitor.core.index.duplicates.likeness import Likeness
from monitor.core.index.duplicates.shingles import NO_SHINGLES
from monitor.core.measures.answers import AnswersView, FatesView, Texts
from monitor.core.measures.collapsed import Sides
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.by_key import ByKey
from monitor.core.measures.comparison.content_hashes import hashes_of
from monitor.core.measures.comparison.facts import Facts
from monitor.core.measures.comparison.first_results import FirstResults
from monitor.core.measures.comparison.seen import MeasureConfig, Observation
from monitor.core.measures.comparison.summary import SETTLING, SummaryTable
from monitor.core.measures.comparison.turn import Mask, Turn, Turns
from monitor.core.measures.comparison.watched import document_code
from monitor.core.measures.formulas.columns import FUSED_QUERY, NOT_REPLAYED, ListPair, PairRows, Settings
from monitor.core.measures.formulas.moved import among
from monitor.core.measures.incremental import ALL, MeasureColumns, RowSelection, Stale, stale
from monitor.core.measures.kernels_answers import UNSEEN, carry
from monitor.core.measures.kernels_neighbours import Circumstances
from monitor.core.measures.measure import Group, Need
from monitor.core.measures.needs import ANSWERS, CONTENTS, FATES, INDEX, PINNED, PINNED_ANSWERS, RESULTS, SCORES
from monitor.core.measures.needs import LEGS as BOTH
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.measures.views import IndexView, LegsView, ListsView, SaidView
from monitor.core.model.lists import NO_CHUNK

TIE_EPS = 1e-6
"""Dense scores this close tie: float32 engines cut them arbitrarily."""
KEPT_ANSWERS = "kept_answers_ratio"
ListedLeg = Literal["dense", "lexical", "production"]
LEGS: tuple[ListedLeg, ...] = ("dense", "lexical", "production")
LISTS: tuple[ListLeg, ...] = ("dense", "lexical", "exact", "production")


def tie_eps(leg: ListedLeg) -> float | None:
    """How close two scores of a leg tie; None where they are compared as they are."""
    return TIE_EPS if leg == "dense" else None


class Comparison:
    """The tables of one baseline, kept from report to report; see `MeasureColumns` for what is measured anew.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        asked: what to measure.
        registry: the measures there are.
    """

    def __init__(
        self, baseline: Snapshot, alignment: Alignment, asked: MeasureConfig, registry: MeasureRegistry = REGISTRY
    ) -> None:
        self.alignment = alignment
        self._asked, self._registry = asked, registry
        self._noise_gap = baseline.noise_gap
        self._then = {leg: baseline.lists[leg].take(alignment.then) for leg in LEGS if leg in baseline.lists}
        self._hashes = {key: member.content_hash for key, member in baseline.members.items()}
        self._said_then = {leg: content_keys(lists.keys, self._hashes) for leg, lists in self._then.items()}
        self._baseline = baseline
        said = [self._said_then[leg][self._said_then[leg] != lists.keys] for leg, lists in self._then.items()]
        self._said_ever = np.unique(np.concatenate([np.zeros(0, np.int64), *said]))
        """Content keys of all that stood in the baseline's lists."""
        self._turns = Turns(alignment, LISTS)
        self._said: dict[ListedLeg, NDArray[np.int64]] = {}
        self._listed: dict[ListedLeg, NDArray[np.int64]] = {}
        """Chunk keys that `_said` was looked up for."""
        self._columns: dict[tuple[str, Group], MeasureColumns[Any]] = {}
        self._slots: dict[ListedLeg, NDArray[np.int64]] = {}
        """Where the vectors of the listed chunks stand."""
        self._live: dict[ListedLeg, NDArray[np.int64]] = {}
        """1 where the listed chunk is live."""
        self._contents, self._shingles = ByKey(3), baseline.shingles
        """Content key, whether it is live, and where its vector stands."""
        self._came, self._documents = ByKey(1), ByKey(1)
        """1 where a chunk says something else than in the baseline or was not in it, and a code of its document."""
        self._owned_then: dict[ListedLeg, NDArray[np.int64]] = {}
        self._firsts = FirstResults(self._then.values(), self._hashes, self._shingles)
        self._first = {leg: self._firsts.places(lists) for leg, lists in self._then.items()}
        self._heard: dict[ListedLeg, NDArray[np.int64]] = {}
        """See `AnswersView`."""
        self._sieves: dict[ListedLeg, NDArray[np.uint64]] = {}
        """Of what stands in the lists, and of some that stood there; see `Sieves`."""
        self._listed_then: dict[ListedLeg, SetLists] = {}
        self._sieves_then: dict[ListedLeg, NDArray[np.uint64]] = {}
        self.likeness = Likeness()
        """Which contents are near copies, for all that is measured of this baseline."""
        self._knows: dict[ListedLeg, int] = {}
        self._calm: Mask = np.zeros(0, np.bool_)

    def tables(self, seen: Observation, *, afresh: bool) -> list[SummaryTable]:
        """The tables at one position.

        Args:
            seen: lists and circumstances; `changed` since the last call of this very method.
            afresh: measure everything anew, whatever is kept.
        """
        turn = self._begin(seen, afresh=afresh)
        self.likeness.trim()
        legs = [leg for leg in LEGS if leg in self._then and leg in turn.now]
        looked = self._look_up(legs, turn, known=True)
        self._know(legs, turn.seen)
        made = [self._leg(leg, turn, looked[leg]) for leg in legs]
        if {"dense", "lexical"} <= set(legs):
            made.append(self._both(turn))
        if {"dense", "exact"} <= set(turn.now):
            made.append(self._index(turn))
        return made

    def distances(self, seen: Observation, *, afresh: bool) -> list[SummaryTable]:
        """How far the lists have gone from this baseline, for the pinned one beside a moving one.

        Args:
            seen: as of `tables`.
            afresh: likewise; whoever asked for tables the last time measures everything anew.
        """
        turn = self._begin(seen, afresh=afresh)
        made = []
        legs = [leg for leg in LEGS if leg in self._then and leg in turn.now]
        for leg, moved in self._look_up(legs, turn, known=False).items():
            part = stale(moved, partial(PairRows, ListPair(self._then[leg], turn.now[leg])))
            columns = self._of(leg, "pinned")
            lists = part.seen(lambda of: ListsView(of, Settings(self._asked.depths)))
            columns.update(len(moved), {PINNED: lists, PINNED_ANSWERS: self._answered(leg, turn, part)})
            made.append(SummaryTable(leg, columns.names, columns.values, columns.reasons))
        return made

    def _eps(self, leg: ListedLeg) -> float | None:
        return tie_eps(leg) if self._asked.settle_ties else None

    def _fused(self, leg: ListedLeg) -> bool:
        return leg == "dense" and self._asked.fused

    def _leg(self, leg: ListedLeg, turn: Turn, moved: Mask) -> SummaryTable:
        """By chunk id, by content and by answers in one table; `moved` as of `_look_up`."""
        rescored = (
            moved if self._eps(leg) is None else moved | turn.scores(leg)
        )  # ties at the cut are settled by scores
        whole = ListPair(self._then[leg], turn.now[leg])
        part, columns = stale(rescored, partial(PairRows, whole)), self._of(leg, "lists", "said", "answers", "fates")
        parts = self._lists(leg, turn, part)
        parts |= {CONTENTS: self._contentwise(leg, part), ANSWERS: self._answered(leg, turn, part)}
        if turn.afresh or moved.any() or len(turn.changed):  # what became of those not kept depends on every chunk
            fates = FatesView(whole, lambda k: columns.of(KEPT_ANSWERS, k), self._first[leg], self._firsts.live)
            parts[FATES] = Stale(ALL, fates)
        columns.update(len(moved), parts, {SCORES: FUSED_QUERY} if self._fused(leg) else {})
        unknown = "" if (whole.baseline.known & whole.current.known).any() else NOT_REPLAYED
        reasons = tuple(
            of or (unknown if group == "lists" else "")
            for of, group in zip(columns.reasons, columns.groups, strict=True)
        )
        return SummaryTable(leg, columns.names, columns.values, reasons)

    def _lists(self, leg: ListedLeg, turn: Turn, part: Stale) -> dict[Need[Any], Stale]:
        settings = Settings(
            self._asked.depths,
            score_threshold=self._asked.score_threshold(leg),
            gap_threshold=self._asked.gaps.get(leg),
            noise_gap={"lexical": 0.0, "dense": self._noise_gap}.get(leg),
            tie_eps=self._eps(leg),
        )
        moved = rescored = part.seen(lambda of: ListsView(of, settings))
        if settings.tie_eps is None:
            whole = ListPair(self._then[leg], turn.now[leg])
            rescored = stale(turn.scores(leg), lambda rows: ListsView(PairRows(whole, rows), settings))
        return {RESULTS: moved, SCORES: rescored}

    def _contentwise(self, leg: ListedLeg, part: Stale) -> Stale:
        """Of the lists of what is said, instead of under which id; copies are said once."""
        return part.seen(lambda of: SaidView(of, self._sides(leg, of.rows), self.likeness, self._eps(leg)))

    def _sides(self, leg: ListedLeg, rows: RowSelection) -> Sides:
        return Sides(self._said_then[leg][rows], self._said[leg][rows])

    def _answered(self, leg: ListedLeg, turn: Turn, part: Stale) -> Stale:
        """Which of the first results are kept, and what is new beside them."""

        def view(of: PairRows) -> AnswersView:
            rows, places = of.rows, of.numbers
            now = turn.seen.facts.texts(of.whole.current.keys[rows], self._slots[leg][rows])
            texts = Texts(self._texts_then(leg).take(rows), Sieves(self._sieves_then[leg], places, loose=False))
            now_too = Texts(now, Sieves(self._sieves[leg], places, loose=True))

            def about(some: NDArray[np.int64], closely: bool) -> Circumstances:
                return self._circumstances(leg, places[some], turn.seen.facts, closely=closely)

            return AnswersView(of, self._sides(leg, rows), (texts, now_too), about, self._heard[leg])

        return part.seen(view)

    def _circumstances(
        self, leg: ListedLeg, rows: NDArray[np.int64], facts: Facts, *, closely: bool
    ) -> Circumstances:
        """Of the lists of some anchors, which may be named several times."""
        now, said = self._listed[leg][rows], self._said[leg][rows]

        def documents(keys: list[int]) -> NDArray[np.int64]:
            owned = zip(keys, facts.origins(keys), strict=True)
            return np.array([document_code(key, document) for key, (_, document) in owned], np.int64)[:, None]

        def came(keys: list[int]) -> NDArray[np.int64]:
            found = {row.key for row in facts.changes(self._baseline).came(keys)}
            return np.array([key in found for key in keys], np.int64)[:, None]

        stood, owners = among(said, self._said_ever), np.full(now.shape, NO_CHUNK, np.int64)
        if closely:
            asked = np.nonzero(~stood & (self._slots[leg][rows] >= 0))
            stood[asked] = self._came.of(now[asked], came)[:, 0] == 0
        owners[stood] = self._documents.of(now[stood], documents)[:, 0]
        return Circumstances(self._documents_then(leg)[rows], owners, stood)

    def _documents_then(self, leg: ListedLeg) -> NDArray[np.int64]:
        """Codes of the documents of the baseline's lists, looked up once."""
        found = self._owned_then.get(leg)
        if found is None:
            keys, members = self._then[leg].keys, self._baseline.members
            owners = {key: document_code(key, of.doc_id) for key, of in members.items()}
            look = np.array([owners.get(key, key) for key in keys.ravel().tolist()], np.int64)
            found = self._owned_then[leg] = look.reshape(keys.shape)
        return found

    def _texts_then(self, leg: ListedLeg) -> SetLists:
        """What the baseline's lists said, gathered once."""
        found = self._listed_then.get(leg)
        if found is None:
            look = self._shingles.get
            found = SetLists.of(
                self._then[leg].keys, NO_CHUNK, lambda keys: Sets.of([look(key, NO_SHINGLES) for key in keys])
            )
            count = len(found.places)
            sieves = Sieves(np.zeros((count, Sieves.words(found)), np.uint64), np.arange(count), loose=False)
            sift(sieves, found)
            self._listed_then[leg], self._sieves_then[leg] = found, sieves.bits
        return found

    def _begin(self, seen: Observation, *, afresh: bool) -> Turn:
        """The next moment; what changed chunks said is not known any more."""
        turn = self._turns.next(seen, afresh=afresh)
        if turn.afresh:
            self._columns.clear()
            self._said.clear()
            self._slots.clear()
            self._live.clear()
            self._listed.clear()
            self._heard.clear()
        changed = None if turn.afresh else turn.changed
        for known in (self._contents, self._came, self._documents):
            known.forget(changed)
        self._firsts.begin(seen, changed)
        return turn

    def _look_up(self, legs: Sequence[ListedLeg], turn: Turn, *, known: bool) -> dict[ListedLeg, Mask]:
        """Bring `_said`, `_live`, `_slots` and `_heard` up to date; by leg (P,) bool, whose results, what they say or
        what is known of them may be others.

        Args:
            legs: whose lists.
            turn: the moment.
            known: whether what is said must be known to `likeness`.
        """
        made: dict[ListedLeg, Mask] = {}
        places: dict[ListedLeg, NDArray[np.int64]] = {}
        for leg in legs:
            keys, before = turn.now[leg].keys, self._listed.get(leg)
            if before is None:
                made[leg], places[leg] = np.ones(len(keys), np.bool_), np.arange(keys.size)
                for of in (self._said, self._live, self._slots):
                    of[leg] = np.full(keys.shape, NO_CHUNK, np.int64)
                self._heard[leg] = np.full(keys.shape, UNSEEN)
                self._texts_then(leg)
                self._sieves[leg] = np.zeros_like(self._sieves_then[leg])
            else:
                looked, places[leg] = carry(self._heard[leg], fixed(before), fixed(keys), turn.changing(leg))
                made[leg] = turn.results(leg) | looked
            self._listed[leg] = keys
        sought = [self._listed[leg].reshape(-1)[at] for leg, at in places.items()]
        found = self._looked(np.concatenate((np.zeros(0, np.int64), *sought)), turn.seen, known=known)
        until = 0
        for leg, slots in places.items():
            start, until = until, until + len(slots)
            for at, of in enumerate((self._said, self._live, self._slots)):
                of[leg].reshape(-1)[slots] = found[start:until, at]
        return made

    def _looked(self, keys: NDArray[np.int64], seen: Observation, *, known: bool) -> NDArray[np.int64]:
        """(..., 3) content key, 1 where the chunk is live, and where its vector stands."""

        def look(unknown: list[int]) -> NDArray[np.int64]:
            slots = seen.facts.slots(unknown)
            contents, live = contents_of(unknown, hashes_of(unknown, seen.hashes))
            if known:
                self.likeness.know(contents[None], seen.facts.texts(np.array([unknown]), slots[None]))
            return np.stack((contents, live, slots), axis=1)

        return self._contents.of(keys, look)

    def _know(self, legs: Sequence[ListedLeg], seen: Observation) -> None:
        """Make known to `likeness`, at first and after it forgot all, whatever stands in the lists: else it was made
        known when it was looked up.
        """
        for leg in legs:
            if self._knows.get(leg) != self.likeness.forgotten:
                self._knows[leg] = self.likeness.forgotten
                self.likeness.know(self._said_then[leg], self._texts_then(leg))
                self.likeness.know(self._said[leg], seen.facts.texts(self._listed[leg], self._slots[leg]))

    def _both(self, turn: Turn) -> SummaryTable:
        def view(rows: RowSelection) -> LegsView:
            return LegsView(*(PairRows(ListPair(self._then[leg], turn.now[leg]), rows) for leg in LEGS[:2]))

        columns = self._of("both", "legs")
        columns.update(len(self.alignment.now), {BOTH: stale(turn.results("dense") | turn.results("lexical"), view)})
        return SummaryTable("both", columns.names, columns.values, columns.reasons)

    def _index(self, turn: Turn) -> SummaryTable:
        """What the index serves against what the events say, wherever the two had time to agree."""
        settling, calm = turn.seen.settling, np.ones(len(self.alignment.now), np.bool_)
        if settling:
            calm = ~np.isin(self.alignment.now, np.fromiter(settling, np.int64, len(settling)))
        others = calm != self._calm if len(self._calm) == len(calm) else np.ones(len(calm), np.bool_)
        self._calm = calm

        def view(rows: RowSelection) -> IndexView:
            served, exact = turn.now["dense"].take(rows), turn.now["exact"].take(rows)
            exact = replace(exact, known=exact.known & calm[rows])
            looked = "dense" in self._then  # else nobody asked what stands in these lists
            live = self._live["dense"][rows] if looked else self._looked(served.keys, turn.seen, known=True)[:, :, 1]
            return IndexView(served, exact, live == 1, eps=TIE_EPS, distances=self._asked.distances)

        changed = turn.scores("dense") | turn.scores("exact") | others | turn.touched("dense")
        columns = self._of("dense", "index")
        columns.update(len(calm), {INDEX: stale(changed, view)}, {INDEX: FUSED_QUERY} if self._fused("dense") else {})
        missing = dict.fromkeys(settling, SETTLING)
        return SummaryTable("dense", columns.names, columns.values, columns.reasons, missing)

    def _of(self, leg: str, *groups: Group) -> MeasureColumns[Any]:
        found = self._columns.get((leg, groups[0]))
        if found is None:
            found = self._columns[leg, groups[0]] = MeasureColumns(self._registry.group(*groups), self._asked.depths)
        return found
