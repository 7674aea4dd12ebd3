"""The loop: one writer thread; one turn takes a batch from the source to committed lists; a look measures them."""

import gc
import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import numpy as np

from monitor.app.background import BackgroundWork
from monitor.app.batches import BatchReader
from monitor.app.committing import Committer
from monitor.app.deploy_judging import DeployJudging
from monitor.app.intake import GAP_FAULTS, Intake, IntakeBatch, set_aside
from monitor.app.loop_requests import LoopRequests
from monitor.app.measuring import Measured, Measuring
from monitor.app.migration import counted
from monitor.app.operations import Operations
from monitor.app.parts import MonitorComponents
from monitor.app.recording import Recorder
from monitor.app.restore import keep_image
from monitor.app.restoring import restored
from monitor.app.tally import Tally
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import BOOTSTRAP_DEPLOY, Deploy, Position, of_stream
from monitor.core.model.plausibility import DOUBTFUL, Doubt, StreamTime
from monitor.core.records.committed import Commit, Quarantined, Resumed
from monitor.core.records.published import Published
from monitor.core.session import OPEN_GAPS, Ingested
from monitor.core.shards.messages import ShardAwayError
from monitor.ports import ConfigurationError, CorpusDriftError, ScanningSource, UnreachableError

LOG = logging.getLogger(__name__)
T = TypeVar("T")
LULL = 0.02
"""Seconds without an event after which a turn that nobody looked at is measured all the same."""
PATIENCE = 0.5
"""Seconds that a look waits for the turn in hand before it is shown the last view."""
COLLECT = (300_000, 10, 10)
"""When Python looks for circles among objects: turns and looks make none, and a look through the 50,000 rows and
positions that are kept for a while stops the loop for as long as a turn takes."""


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The loop was told to stop while it waited for an outside system; nothing of the turn is committed."""


class Monitor:
    """Turns events into committed, published reports. One thread calls `start`, then `run` or `turn`."""

    def __init__(self, parts: MonitorComponents) -> None:
        self.parts, self.session = parts, parts.session
        # asked once: to look through a protocol takes as long as to write ten chunks
        self._scanning = parts.source if isinstance(parts.source, ScanningSource) else None
        self.stopping = threading.Event()
        self._requests = LoopRequests()
        self.begun = Tally()
        """What had been read before this start."""
        self._stream_time = StreamTime()
        self._thread = threading.get_ident()
        self._caught_up = False
        """Whether the turn before found no full batch: what is judged meanwhile is judged by the corpus of now."""

    @property
    def published(self) -> Published | None:
        """The view of now; safe to read from any thread.

        A turn only takes its batch in: what it came to is measured when somebody looks, once, between two turns.
        While a backlog is worked off, or where the turn in hand takes long, this is the last view.
        """
        if self._caught_up and (self.measuring.owed or self._reader.gathering):
            if threading.get_ident() == self._thread:
                self.measuring.renew()
            else:
                with suppress(TimeoutError, CorpusDriftError):
                    self.ask(lambda loop: loop.measuring.renew()).result(PATIENCE)
        return self.measuring.published

    @property
    def ledger(self) -> Sequence[Judged]:
        """Deploys judged so far, oldest first."""
        return self.session.ledger

    @property
    def operations(self) -> Operations:
        """What may be asked of the loop between two turns; in its own thread, or through `ask`."""
        return Operations(self.parts, self.measuring, self.intake, self.again, self._committer)

    def ask(self, action: Callable[[Operations], T]) -> Future[T]:
        """Have something done between two turns, from any thread."""
        return self._requests.ask(action)

    def start(self) -> None:
        """Restore the committed state, mend the owned index, start the source where the state left off, measure."""
        gc.set_threshold(*COLLECT)
        parts = self.parts
        resumed = restored(parts)
        if parts.filled and resumed.files is None:
            message = "[bootstrap] names files and the state has none of them; expected corpus-drift bootstrap first"
            raise ConfigurationError(message)
        self.session.resume(resumed)
        self.begun = Tally.of(self.session.counters)
        if parts.retriever is not None and parts.index is None:
            parts.retriever.start()
        if parts.served_lexical is not None:
            parts.served_lexical.start()
        if self._scanning is not None:
            self._scanning.reopen(resumed.bookmark)
        parts.source.start(of_stream(resumed.positions))
        closed = [judged.deploy_id for judged in resumed.ledger]
        self.intake = self._intake(resumed, closed)
        if resumed.files is not None and BOOTSTRAP_DEPLOY not in closed:
            filled = Deploy(BOOTSTRAP_DEPLOY, resumed.newest_event_time, resumed.files.upto)
            self.intake.barrier.request(filled)
        if parts.production is not None:
            parts.production.resume(resumed.production)
        if parts.alarms is not None:
            parts.alarms.resume(resumed)
        parts.panel.resume(parts.store.bridges())
        if parts.traffic is not None:
            parts.traffic.resume(parts.store.traffic())
        self._build()
        if parts.shards is not None:
            parts.shards.insist(self._insist)
        self._deploys.resume(resumed)
        self.measuring.choose_baseline()
        if not resumed.empty:
            self.measuring.replay(full=True)
            self.measuring.refresh()

    def _build(self) -> None:
        """What works on the stream from where it was taken up."""
        parts, intake = self.parts, self.intake
        self.measuring = Measuring(parts, intake)
        self._reader = BatchReader(parts, intake, self.stopping, self._requests.asked)
        recorder, self._committer = Recorder(parts.clocks, parts.corpus), Committer(parts, intake)
        recorder.resume(parts.store)
        self._deploys = DeployJudging(self._committer, self.measuring, recorder)
        self._background = BackgroundWork(self._committer, self.measuring, recorder)

    def _intake(self, resumed: Resumed, closed: Sequence[str]) -> Intake:
        parts, watch = self.parts, self.parts.migration
        if watch is None:
            return Intake(parts.decoder, resumed.positions, closed, control_topics=parts.control_topics)
        watch.restore()
        known = [*closed, *watch.closed]
        topics, refusal = parts.control_topics, watch.refusal
        return Intake(parts.decoder, resumed.positions, known, control_topics=topics, refusal=refusal)

    def run(self, *, until_end: bool = False, deploy: str = "", turned: Callable[[], None] = lambda: None) -> None:
        """Turn until told to stop, or until the source has nothing more.

        Args:
            until_end: whether to end where the source does.
            deploy: what ends there, for streams without markers; "" for nothing.
            turned: is called after each turn.
        """
        deploy = "" if self._looks_for(deploy) else deploy
        try:
            while not self.stopping.is_set():
                worked = self.turn(self.parts.pace.poll)
                turned()
                if until_end and not worked and self._reader.over():
                    if not deploy:
                        break
                    self.operations.deploy_at_end(deploy)
                    deploy = ""
            self._committer.remember(self.published)
            keep_image(self.parts.store, self.parts.corpus, self.session.engine)
        except Stopped:
            return
        finally:
            self._requests.close()

    def turn(self, wait: float) -> bool:
        """One turn of the loop; False when there was nothing to do."""
        self._thread = threading.get_ident()
        self._requests.answer(self.operations)
        self._background.reanchor()
        self._deploys.judge_again()
        self._background.complete_target()
        heard = self._caught_up and self._background.read_traffic(idle=False)
        if self.measuring.owed:
            wait = min(wait, LULL)
        batch = self._reader.next(wait)  # 1. poll, 2. decode, up to the next barrier
        if not (batch.events or batch.counts):  # records that came to nothing count and move the position too
            self._caught_up = True
            heard = self._background.read_traffic(idle=True) or heard
            self._background.idle()
            return heard
        self._caught_up = len(batch.events) < self.parts.pace.batch and not self.intake.ready()
        began = self.parts.clocks.monotonic()
        ingested, quarantined = self._apply(batch)  # 3. corpus, 4. engine and owned index: memory only
        self._count(batch, quarantined)
        measured = self._measure(batch)  # 5. at a deploy, or when it is time: replay, evaluate, judge
        self._publish_dead_letters(quarantined)
        self._commit(batch, ingested, quarantined, measured)  # 6. ONE transaction: state, positions, deploy
        self.parts.gauges.took(self.parts.clocks.monotonic() - began)
        if measured:
            self.measuring.publish(measured)  # 7. one reference swap
        self.parts.source.commit(of_stream(batch.positions))  # 8. for lag tools only
        self.parts.source.resume(self.parts.source.partitions() - self.intake.holding())
        self.parts.source.pause(self.intake.holding())
        return True

    def ended(self) -> bool:
        """Whether a bounded source is exhausted, or an unbounded one caught up; never while a barrier is open."""
        return self._reader.ended()

    def _looks_for(self, deploy: str) -> bool:
        """Whether the source's next look ends as this deploy; one that was judged already stays as it is."""
        if not deploy or any(judged.deploy_id == deploy for judged in self.ledger):
            return True
        return self._scanning is not None and self._scanning.deploy_next(deploy)

    def again(self, batch: IntakeBatch) -> list[Quarantined]:
        """Apply and commit records that were set aside before, out of turn; what is refused again stays aside.

        Args:
            batch: events with their records, at the positions of now, without a barrier.

        Returns:
            What was refused, with the reasons of now.
        """
        ingested, quarantined = self._apply(batch)
        refused = {item.position for item in quarantined}
        released = [located.position for located in batch.events if located.position not in refused]
        self._commit(replace(batch, quarantined=()), ingested, (), None, released)
        self.measuring.replay(full=False)
        self.measuring.refresh()
        return quarantined

    def _apply(self, batch: IntakeBatch) -> tuple[Ingested, list[Quarantined]]:
        parts = self.parts
        events, vectorless = self._insist(lambda: parts.embedder.embed(batch.events))
        self._doubt(parts.embedder.doubts() + self._stream_time.doubts(events))
        ingested = self._insist(lambda: self.session.apply(events))  # a shard may be away
        refused = [*vectorless, *((item.located, item.error) for item in ingested.refused)]
        aside = [set_aside(batch.records[located.position], error) for located, error in refused]
        parts.gauges.applied(ingested.touched)
        if parts.readiness is not None:
            parts.readiness.changed(np.concatenate([ingested.gone, ingested.came]))
        if parts.index is not None:
            parts.index.apply(ingested.delta)
        self.measuring.touch(ingested)
        if parts.migration is not None:
            made = parts.migration.apply(events, ingested.changes)
            self.session.counters.update(counted(made))
            aside += [set_aside(batch.records[item.located.position], item.error) for item in made.refused]
        return ingested, [*batch.quarantined, *aside]

    def _doubt(self, found: Counter[Doubt]) -> None:
        """Count what is odd and taken all the same; the log has the first of each kind."""
        for kind, n in found.items():
            if not self.session.counters[DOUBTFUL, kind.value]:
                LOG.warning("%d event(s) taken although odd: %s; counted from here on", n, kind.value)
            self.session.counters[DOUBTFUL, kind.value] += n

    def _count(self, batch: IntakeBatch, quarantined: Sequence[Quarantined]) -> None:
        for (kind, outcome), count in batch.counts.items():
            # Faults are of the stream, not of an event in it: they are a family of their own.
            self.session.counters[("stream", outcome) if kind == "stream" else ("events", kind, outcome)] += count
        self.session.counters.update(("quarantined", item.reason) for item in quarantined)
        self.session.counters.update(OPEN_GAPS for fault in batch.faults if fault.kind in GAP_FAULTS)
        self.parts.gauges.event_seen()

    def _measure(self, batch: IntakeBatch) -> Measured | None:
        """At a barrier always and everything; else what was touched, when it is time and nobody looked meanwhile."""
        full = batch.closed is not None or self.measuring.full_due()
        backlog = len(batch.events) + len(batch.quarantined) >= self.parts.pace.batch or self.intake.ready()
        over = not backlog and self._background.round_over()
        if not (full or over or self.measuring.overdue()):
            self.measuring.owe()
            return None
        self.measuring.replay(full=full or over)
        if over:
            self.measuring.close_round()
        if batch.closed is None:
            return self.measuring.measure()
        self.measuring.passed()
        step, migration = batch.closed.deploy.step, self.parts.migration
        if step is None:
            return self._deploys.measure(batch.closed)
        if migration is not None:
            migration.step(step)
        return self.measuring.measure()

    def _commit(
        self,
        batch: IntakeBatch,
        ingested: Ingested,
        quarantined: Sequence[Quarantined],
        measured: Measured | None,
        released: Sequence[Position] = (),
    ) -> None:
        parts, made = self.parts, Commit({})
        if batch.closed is not None and batch.closed.deploy.step is None and measured is not None:
            made = self._deploys.close(batch.closed, measured)
        elif measured is not None:
            made = Commit({}, point=self._background.hour(measured))
        commit = replace(
            made,
            positions=batch.positions,
            changes=ingested.changes,
            sketches=ingested.sketches,
            said=ingested.said.tolist(),
            forgotten=self.session.forget() if batch.closed is not None else (),
            counters=dict(self.session.counters),
            quarantined=quarantined,
            released=released,
            production=None if parts.production is None else parts.production.kept(),
            newest_event_time=parts.corpus.newest_event_time,
            epoch=parts.corpus.epoch,
            bookmark=None if self._scanning is None else self._scanning.bookmark(batch.positions),
            target=None if parts.migration is None else parts.migration.commit(),
            alarms=None if parts.alarms is None else parts.alarms.commit(),
        )
        parts.store.commit(commit)
        parts.gauges.committed()
        if commit.deploy is not None:
            self.measuring.choose_baseline()

    def _insist(self, action: Callable[[], T]) -> T:
        """Try until an outside system that the stream cannot do without answers, or the loop is told to stop."""
        while True:
            try:
                return action()
            except UnreachableError as error:
                view = self.measuring.published  # the last one: this turn is not over
                if view is not None:
                    said = (view.report, Verdict("unknown", (str(error),), ()))
                    away = isinstance(error, ShardAwayError)
                    self.measuring.publish(lambda said=said: said, whole=not away)  # type: ignore[misc]  # bound now
                if self.stopping.wait(self.parts.pace.retry):
                    raise Stopped from error

    def _publish_dead_letters(self, quarantined: Sequence[Quarantined]) -> None:
        letters = self.parts.dead_letters
        if letters is not None and quarantined:
            self._insist(lambda: letters.publish(quarantined))
