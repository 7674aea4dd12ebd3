"""Traffic as the loop reads it: every query is judged by the lists of now, counted under its mark, and forgotten."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.corpus import NO_SLOT
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.engine import Engine
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Partition, Position, Segment
from monitor.core.model.scoring import Distance, prepare
from monitor.core.records.committed import Quarantined
from monitor.core.selection.selection import normal_form
from monitor.core.session import Session
from monitor.core.traffic.carrying import CarriedJudgement, carried, judged_keys, still_said
from monitor.core.traffic.intents import KeptText
from monitor.core.traffic.leak import AnchorLeak, corpus_leaks, tuning_leaks
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.marks import TrafficMarks
from monitor.core.traffic.model import (
    ANONYMOUS,
    DAY,
    VALUE_UNIT,
    KeptTraffic,
    RefusedQuery,
    TrafficAsk,
    TrafficCommit,
    UserQuery,
)
from monitor.core.traffic.panel import PanelBridge, held_out_gap
from monitor.core.traffic.representing import AskedQuestions, represented, restanding, standings
from monitor.core.traffic.rotation import PanelMonth, due
from monitor.core.traffic.summary import traffic_view
from monitor.core.traffic.view import TrafficLog, TrafficView
from monitor.kinds import TrafficRead
from monitor.ports import CorpusDriftError, Encoder, Polled, Source, StateStore, UnreachableError

LOG = logging.getLogger(__name__)
BATCH = 256
"""Records of one poll, and questions that are searched for at once."""
LOOK, RETRY = 1.0, 30.0
"""Seconds between two looks at a log that had nothing more, and until what did not answer is tried again."""
BUSY = 9.0
"""While events arrive, traffic takes at most a tenth of the time."""
AGAIN = 7
"""Days after which a question that is asked once more is judged once more: both lists move with the corpus."""
MOST_TEXTS = 20_000
"""Texts of questions that no anchor represents, held in memory alone, for proposals."""
AHEAD = DAY
"""Microseconds that a query may be dated ahead of the clock."""
EACH_LOOK = 3_600.0
"""Seconds between two looks for anchors in the corpus, and for their judged chunks."""
VIEW_PAUSES = 20.0
"""A view is made anew after so many times what it took."""


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What is configured of traffic.

    Args:
        keep_days, max_rows: of the ledger.
        seconds: that one look may take.
        least: coverage below which the anchors no longer speak for the traffic.
        k: depth of the lists that are compared.
        dimension: of the vectors, 0 without a dense leg.
        distance: of the dense leg.
        filter_by: attributes that results share with their query.
        dimensions: by whose segments shares are told apart.
        cap: the most segments of a dimension.
        tuning: texts that something was tuned on.
        held_out: attribute and value of the anchors that whoever tunes is not shown; "" for none.
    """

    keep_days: int
    max_rows: int
    seconds: float
    least: float
    k: int
    dimension: int
    distance: Distance
    filter_by: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    cap: int = 50
    tuning: tuple[str, ...] = ()
    held_out: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, eq=False)
class _Marked:
    """A query under its marks."""

    query: UserQuery
    question: bytes
    client: bytes
    day: int


class TrafficWatch:
    """The traffic beside the corpus; used by the loop's thread alone.

    Args:
        plan: what is configured.
        source: the log's records.
        read: the queries in one.
        marks: stand for texts and clients.
        encoder: makes vectors of texts that come without; None: such queries are judged on the lexical leg alone.
        clocks: both clocks.
        limited: whether looks are paced and cut; else one reads all there is.
    """

    def __init__(
        self,
        plan: TrafficPlan,
        source: Source,
        read: TrafficRead,
        marks: TrafficMarks,
        encoder: Encoder | None,
        clocks: Clocks,
        *,
        limited: bool = True,
    ) -> None:
        self._plan, self._source, self._read, self._marks = plan, source, read, marks
        self._encoder, self._clocks, self._limited = encoder, clocks, limited
        self.ledger = TrafficLedger(plan.keep_days, plan.max_rows)
        self.texts: dict[bytes, KeptText] = {}
        """By mark, what was asked: of questions that no anchor represents, and only in memory."""
        self._outcomes: Counter[str] = Counter()
        self._positions: dict[Partition, int] = {}
        self._held: Polled | None = None
        """What was polled and not taken yet, because the encoder did not answer."""
        self._aside: list[Quarantined] = []
        self._started = self._dirty = self._afresh = self._waiting = False
        self._next = -np.inf
        self._last_error = self._broken = ""
        self._leaks: tuple[AnchorLeak, ...] = ()
        self._judgements: tuple[CarriedJudgement, ...] = ()
        self._gap: tuple[PanelBridge, ...] = ()
        self._next_look = -np.inf
        self._stale = True
        self._view: TrafficView | None = None
        self._next_view = -np.inf

    def resume(self, kept: KeptTraffic | None) -> None:
        """Go on where the state left off; what was kept under another key means nothing and is forgotten."""
        if kept is None:
            return
        if kept.key != self._marks.key():
            self._afresh = self._dirty = True
            self._last_error = "traffic.key is another one: what was kept of traffic is forgotten"
            LOG.warning("%s, and counted anew from the beginning of the log", self._last_error)
            return
        self.ledger.restore(kept.level, kept.newest, kept.questions, kept.asks)
        self._positions, self._outcomes = dict(kept.positions), Counter(kept.outcomes)

    def look_at_anchors(self, session: Session, store: StateStore) -> None:
        """Look whether anchors stand in chunks of their lists, and where their judgements lead; hourly at most."""
        now = self._clocks.monotonic()
        if now < self._next_look:
            return
        engine, corpus = session.engine, session.corpus
        leaks = corpus_leaks(engine.anchors, engine.lists(), corpus, engine.duplicates)
        judgements: tuple[CarriedJudgement, ...] = ()
        if any(of.relevant for of in engine.anchors.anchors):
            judgements = self._judged(session, store)
        self._gap = held_out_gap(engine.anchors, engine.lists(), *self._plan.held_out)
        self._leaks, self._judgements, self._next_look, self._stale = leaks, judgements, now + EACH_LOOK, True

    def _judged(self, session: Session, store: StateStore) -> tuple[CarriedJudgement, ...]:
        """Where the judgements lead; all chunks are looked at only where one is not where it was."""
        engine, corpus = session.engine, session.corpus
        anchors, shingles = engine.anchors.anchors, engine.duplicates.shingles
        keys = judged_keys(anchors)
        held = {} if session.baseline is None else session.baseline.shingles
        said = {key: ContentSketch(held[key], len(held[key])) for key in keys if key in held}
        slots = dict(zip(keys, corpus.slots(keys).tolist(), strict=True))
        here = {key: shingles(slot) for key, slot in slots.items() if slot != NO_SLOT}
        still = still_said(keys, here, said)
        lost = [key for key in keys if key not in still]
        said |= store.sketches([key for key in lost if key not in said])
        among = [row for row in corpus.rows() if row.live and (lost or row.key in here)]
        return carried(anchors, [(row.chunk_id, shingles(row.slot)) for row in among], said)

    def work(self, engine: Engine, *, idle: bool) -> bool:
        """Take in some of the log within the seconds of one look; says whether anything came.

        Args:
            engine: judges; its lists are up to date.
            idle: whether no event waits meanwhile.
        """
        began = self._clocks.monotonic()
        if began < self._next:
            return False
        worked = False
        while self._open():
            polled = self._held or self._polled()
            self._waiting = bool(polled.records or polled.faults)
            if not self._waiting:
                self._last_error = self._broken or self._source.last_error()
                self._next = self._clocks.monotonic() + (RETRY if self._broken else LOOK)
                self._broken = ""
                break
            if not self._take(polled, engine):
                break
            worked = True
            spent = self._clocks.monotonic() - began
            if self._limited and spent >= self._plan.seconds:
                self._next = began + spent if idle else began + (1.0 + BUSY) * spent
                break
        return worked

    def _open(self) -> bool:
        if self._started:
            return True
        try:
            self._source.start(self._positions)
        except CorpusDriftError as error:
            self._fail(str(error))
            return False
        self._started = True
        return True

    def _polled(self) -> Polled:
        """What the log has; nothing where it cannot be read: the corpus is watched all the same."""
        try:
            return self._source.poll(BATCH, 0.0)
        except CorpusDriftError as error:
            self._fail(str(error))
            self._broken = str(error)
            return Polled()

    def _fail(self, said: str) -> None:
        self._last_error, self._next = said, self._clocks.monotonic() + RETRY

    def _take(self, polled: Polled, engine: Engine) -> bool:
        """Count and judge what was polled, all of it or nothing: False where the encoder does not answer."""
        outcomes: Counter[str] = Counter()
        aside = [self._set_aside(of.position, of.kind, len(of.value)) for of in polled.faults]
        marked: list[_Marked] = []
        for record in polled.records:
            for found in self._found(record.value or b""):
                if isinstance(found, RefusedQuery):
                    outcomes[found.reason] += 1
                    aside.append(self._set_aside(record.position, found.reason, len(record.value or b"")))
                    continue
                made = self._mark(found)
                if isinstance(made, _Marked):
                    marked.append(made)
                else:
                    outcomes[made] += 1
        fresh = list({of.question: of for of in reversed(marked) if self._to_judge(of)}.values())[::-1]
        try:
            vectors = self._vectors([of.query for of in fresh])
        except UnreachableError as error:
            self._held = polled
            self._fail(str(error))
            return False
        for of in marked:
            worth = round(of.query.value * VALUE_UNIT)
            self.ledger.add(TrafficAsk(of.day, of.question, of.client, 1, worth), of.query.segment)
            outcomes["counted"] += 1
        self._judge(fresh, vectors, engine)
        outcomes.update(of.kind for of in polled.faults)
        self._outcomes += outcomes
        self._aside += aside
        self._held, self._positions, self._dirty = None, dict(self._source.positions()), True
        return True

    def _found(self, value: bytes) -> Iterable[UserQuery | RefusedQuery]:
        try:
            return list(self._read(value)) or [RefusedQuery("ignored", "a query")]
        except RefusedQuery as refused:
            return [refused]

    def _mark(self, query: UserQuery) -> _Marked | str:
        """A query under its marks, or why it is not counted."""
        now = int(self._clocks.wall() * 1e6)
        at = query.time or now
        if at > now + AHEAD:
            return "far_time"
        normal = normal_form(query.text)
        if not normal:
            return "no_words"
        question = self._marks.question(normal, query.segment)
        client = self._marks.client(query.client) if query.client else ANONYMOUS
        day = at // DAY
        if not self.ledger.keeps(day):
            return "too_old"
        return _Marked(query, question, client, day) if self.ledger.samples(question, client) else "not_sampled"

    def _to_judge(self, of: _Marked) -> bool:
        known = self.ledger.questions.get(of.question)
        if known is None or known.standing is None:
            return True
        lost = not represented(known.standing) and of.question not in self.texts and len(self.texts) < MOST_TEXTS
        return lost or of.day >= known.standing.day + AGAIN

    def _vectors(self, queries: Sequence[UserQuery]) -> NDArray[np.float32]:
        """Prepared vectors, zeros where there is none."""
        plan = self._plan
        made = np.zeros((len(queries), plan.dimension), np.float32)
        if not plan.dimension:
            return made
        lacking = [at for at, of in enumerate(queries) if of.vector is None]
        for at, of in enumerate(queries):
            if of.vector is not None:
                made[at] = of.vector
        if lacking and self._encoder is not None:
            made[lacking] = self._encoder.encode([queries[at].text for at in lacking])
        return prepare(made, plan.distance)

    def _judge(self, fresh: Sequence[_Marked], vectors: NDArray[np.float32], engine: Engine) -> None:
        for at in range(0, len(fresh), BATCH):
            part = fresh[at : at + BATCH]
            asked = AskedQuestions(
                [of.query.text for of in part],
                [self._filter(of.query.segment) for of in part],
                vectors[at : at + BATCH],
            )
            found = standings(engine, asked, k=self._plan.k, days=[of.day for of in part], mark=self._marks.result)
            for of, standing in zip(part, found, strict=True):
                self.ledger.judge(of.question, standing)
                if represented(standing):
                    self.texts.pop(of.question, None)
                elif of.question in self.texts or len(self.texts) < MOST_TEXTS:
                    # Where an encoder makes vectors of texts, a text is enough.
                    vector = of.query.vector if self._encoder is None else None
                    self.texts[of.question] = KeptText(of.query.text.strip(), vector)

    def _filter(self, segment: Segment) -> Segment:
        return tuple(pair for pair in segment if pair[0] in self._plan.filter_by)

    def _set_aside(self, position: Position, reason: str, size: int) -> Quarantined:
        """What cannot be read, without what it says."""
        where = Position(f"traffic:{position.topic}", position.partition, position.offset)
        return Quarantined(
            where, f"traffic_{reason}", "a record of traffic; its content is not kept", None, None, size
        )

    def reanchor(self, engine: Engine) -> None:
        """Other anchors from here on; the engine has their lists."""
        before = list(self.ledger.questions.values())
        found = restanding(before, engine, mark=self._marks.result)
        for question, standing in zip(before, found, strict=True):
            self.ledger.judge(question.mark, standing)
            if standing is not None and represented(standing):
                self.texts.pop(question.mark, None)
        self._dirty, self._view, self._next_look = True, None, -np.inf

    def commit(self) -> tuple[TrafficCommit, list[Quarantined]] | None:
        """What has changed since it was asked last, for the state; None for nothing."""
        if not self._dirty:
            return None
        questions, asks, gone_asks, gone_questions = self.ledger.changes()
        for mark in gone_questions:
            self.texts.pop(mark, None)
        ledger, aside = self.ledger, self._aside
        made = TrafficCommit(
            self._marks.key(),
            ledger.level,
            ledger.newest,
            dict(self._positions),
            dict(self._outcomes),
            questions,
            asks,
            gone_asks,
            gone_questions,
            self._afresh,
        )
        self._dirty, self._afresh, self._aside = False, False, []
        self._stale = True
        return made, aside

    def view(self, anchors: AnchorSet) -> TrafficView:
        """What is known now; worked out anew at intervals only."""
        began = self._clocks.monotonic()
        if self._view is None or (self._stale and began >= self._next_view):
            self._view, self._stale = self.view_now(anchors), False
            self._next_view = began + VIEW_PAUSES * (self._clocks.monotonic() - began)
        return self._view

    def view_now(self, anchors: AnchorSet) -> TrafficView:
        """The same, whatever it takes."""
        log = TrafficLog(dict(sorted(self._outcomes.items())), self._last_error, self._waiting)
        plan = self._plan
        leaks = [*self._leaks, *tuning_leaks(anchors, plan.tuning)]
        made = traffic_view(
            self.ledger,
            anchors,
            log,
            self.texts,
            leaks,
            self._judgements,
            dimensions=plan.dimensions,
            cap=plan.cap,
            least=plan.least,
        )
        month = PanelMonth.at(self._clocks.wall())
        return replace(made, gap=self._gap, month=month, due=due(anchors.anchors, month))

    def close(self) -> None:
        """Close the log."""
        self._source.close()
