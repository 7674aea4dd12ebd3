"""The scheduled audit: maintained lists of a sample of anchors, computed once more by other means."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.audit import AuditedList, Rotation, differing
from monitor.core.index.corpus import Corpus
from monitor.core.index.maintained import MaintainedState
from monitor.core.model.anchors import rows_after
from monitor.core.model.events import Segment
from monitor.core.model.segments import admits
from monitor.core.records.published import Audited, AuditLeg
from monitor.core.text.tokens import tokenize
from monitor.ports import Auditor, CorpusDriftError, StateStore

LEGS: tuple[AuditLeg, ...] = ("dense", "lexical")
CHUNKS_AT_ONCE = 8_192
FIRST = 0.1
"""The first audit comes after this share of the interval: a monitor that restarts often is audited too."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When is audited, and how much.

    Args:
        every: seconds between two audits.
        chunks: the largest corpus that the lexical leg is audited on (the reference is rebuilt from nothing); 0
            switches all audits off. The dense leg is audited beyond, on so many anchors fewer.
        anchors: of one audit.
    """

    every: float = 3_600.0
    chunks: int = 20_000
    anchors: int = 20


@dataclass(frozen=True, slots=True)
class _Live:
    """A live chunk as the store has it."""

    key: int
    chunk_id: str
    segment: Segment
    tokens: list[str]


class Audit:
    """Audits both legs between two turns of the loop, in its thread, when nothing else is to do.

    The lexical leg is held against the reference on the texts of the state store, not on what the engine kept of
    them; the dense leg against a float64 pass over the live vectors, to the bit.

    Args:
        auditor: the reference of the lexical leg.
        store: has the texts; every change of the corpus must be committed when an audit runs.
        corpus: says how large it is.
        engine: whose lists are audited; it has the vectors.
        schedule: when, and how much.
        generator: draws the samples.
        clocks: both clocks.
    """

    def __init__(
        self,
        auditor: Auditor,
        store: StateStore,
        corpus: Corpus,
        engine: MaintainedState,
        *,
        schedule: Schedule,
        generator: np.random.Generator,
        clocks: Clocks,
    ) -> None:
        self._auditor, self._store, self._corpus, self._engine = auditor, store, corpus, engine
        self._schedule, self._clocks = schedule, clocks
        self._generator = generator
        self._turns = {leg: Rotation(len(engine.anchors), generator) for leg in LEGS}
        self._wrong: dict[AuditLeg, dict[int, int]] = {leg: {} for leg in LEGS}
        off = {} if schedule.chunks else {leg: Audited(skipped="switched_off") for leg in LEGS}
        self.results: dict[AuditLeg, Audited] = off
        """By leg, from the first attempt on."""
        self._next = clocks.monotonic() + FIRST * schedule.every

    def reanchor(self, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on, see `anchors.kept_rows`; what was found wrong stays wrong until it is right."""
        self._turns = {leg: Rotation(len(kept), self._generator) for leg in LEGS}
        for leg, wrong in self._wrong.items():
            self._wrong[leg] = {row: wrong[kept[row]] for row in rows_after(kept, wrong).tolist()}

    def due(self) -> bool:
        """Whether it is time for an audit."""
        return bool(self._schedule.chunks) and self._clocks.monotonic() >= self._next

    def problems(self) -> tuple[str, ...]:
        """Why the engine cannot be trusted: one line for each leg with mismatches."""
        return tuple(
            f"audit: {sum(wrong.values())} result(s) in the {leg} lists of {len(wrong)} anchor(s) disagree with the "
            "reference, expected 0; restart the monitor, which rebuilds its lists from the committed state"
            for leg, wrong in self._wrong.items()
            if wrong
        )

    def run(self) -> None:
        """Audit a sample of anchors on both legs; what cannot be audited is skipped with its reason."""
        self._next = self._clocks.monotonic() + self._schedule.every
        size, planned = len(self._corpus), self._schedule
        # One pass over the vectors per anchor: beyond the limit fewer anchors, for the same time.
        affordable = planned.anchors * planned.chunks // max(1, size)
        on = self._engine.lists().keys()
        reason = "leg_off" if "exact" not in on else "" if affordable else "corpus_too_large"
        self._look("dense", reason, min(planned.anchors, affordable), self._dense)
        reason = "leg_off" if "lexical" not in on else "" if self._auditor.defined else "variant"
        reason = reason or ("corpus_too_large" if size > planned.chunks else "")
        self._look("lexical", reason, planned.anchors, self._lexical)

    def _look(
        self, leg: AuditLeg, refused: str, count: int, audit: Callable[[NDArray[np.int64]], Sequence[int]]
    ) -> None:
        before, wrong = self.results.get(leg, Audited()), self._wrong[leg]
        began = self._clocks.monotonic()
        if not refused:
            rows = self._turns[leg].take(count, sorted(wrong))
            try:
                wrong = {**wrong, **dict(zip(rows.tolist(), audit(rows), strict=True))}
            except CorpusDriftError:
                refused = "state_unreadable"
        if refused:
            self.results[leg] = replace(before, skipped=refused)
            return
        self._wrong[leg] = {row: results for row, results in wrong.items() if results}
        seconds = self._clocks.monotonic() - began
        self.results[leg] = Audited(sum(wrong.values()), len(rows), self._clocks.wall(), seconds)

    def _dense(self, rows: NDArray[np.int64]) -> Sequence[int]:
        found = self._engine.lists()["exact"]
        return [int(wrong) for wrong in differing(self._engine.exact(rows), found.take(rows))]

    def _lexical(self, rows: NDArray[np.int64]) -> Sequence[int]:
        live = sorted(self._live(), key=lambda chunk: chunk.chunk_id)
        place = {chunk.key: at for at, chunk in enumerate(live)}
        lists, anchors = self._engine.lists()["lexical"], self._engine.anchors
        audited = []
        for row in rows.tolist():
            keys, wanted = lists.keys[row, : lists.lengths[row]], anchors.filters[row]
            audited.append(
                AuditedList(
                    query=tokenize(anchors.anchors[row].text),
                    admitted=np.array([admits(wanted, chunk.segment) for chunk in live], np.bool_),
                    positions=np.array([place.get(key, -1) for key in keys.tolist()], np.int64),
                    scores=lists.scores[row, : lists.lengths[row]],
                    depth=lists.depth,
                )
            )
        return self._auditor.mismatches([chunk.tokens for chunk in live], audited)

    def _live(self) -> Iterator[_Live]:
        for stored in self._store.chunks(CHUNKS_AT_ONCE):
            for row, text, _ in stored:
                if row.live:
                    yield _Live(row.key, row.chunk_id, row.segment, tokenize(text))
