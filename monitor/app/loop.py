"""The loop: one writer thread; one turn takes a batch from the source to a committed, published report."""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from monitor.app.intake import GAP_FAULTS, Intake, IntakeBatch, set_aside
from monitor.app.measuring import Measured, Measuring
from monitor.app.migration import counted
from monitor.app.operations import Operations
from monitor.app.parts import MonitorComponents
from monitor.app.reanchoring import reanchored
from monitor.app.recording import Recorder
from monitor.app.restore import restore
from monitor.app.span import bootstrap_problems, span_problems
from monitor.app.tally import Tally
from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.judging.policy import Verdict
from monitor.core.model.barrier import Closed
from monitor.core.model.events import Position, Segment
from monitor.core.model.plausibility import DOUBTFUL, Doubt, StreamTime
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.places import named_positions
from monitor.core.records.committed import Commit, DeployRecord, Quarantined, Resumed
from monitor.core.records.history import DeploySize, HistoryPoint, Track, size_of
from monitor.core.records.published import Published
from monitor.core.session import OPEN_GAPS, Ingested
from monitor.ports import CorpusDriftError, ScanningSource, UnreachableError

LOG = logging.getLogger(__name__)
T = TypeVar("T")
AT_DEPLOY = "at_deploy"
"""Before the name of a counter: what it was at the newest judged deploy."""
BARRIER_LOOK = 1.0
"""Seconds between two looks at an open barrier: each may ask the source for its end."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The newest judged deploy where only the index kept it from a verdict: it is judged again when that is over.

    Args:
        deploy_id: the deploy.
        expected: the segment that its marker said it would change.
    """

    deploy_id: str
    expected: Segment


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The loop was told to stop while it waited for an outside system; nothing of the turn is committed."""


class Monitor:
    """Turns events into committed, published reports. One thread calls `start`, then `run` or `turn`."""

    def __init__(self, parts: MonitorComponents) -> None:
        self.parts, self.session = parts, parts.session
        self.stopping = threading.Event()
        self._requests: queue.SimpleQueue[tuple[Callable[[Operations], Any], Future[Any]]] = queue.SimpleQueue()
        self.begun = Tally()
        """What had been read before this start."""
        self._stream_time = StreamTime()
        self._exhausted = False
        self._next_look = 0.0
        self._over = False
        self._caught_up = False
        """Whether the turn before found no full batch: what is judged meanwhile is judged by the corpus of now."""
        self._unsettled: Unsettled | None = None
        self._recorder = Recorder(parts.clocks, parts.corpus)

    @property
    def published(self) -> Published | None:
        """The last view; safe to read from any thread."""
        return self.measuring.published

    @property
    def ledger(self) -> Sequence[Judged]:
        """Deploys judged so far, oldest first."""
        return self.session.ledger

    @property
    def operations(self) -> Operations:
        """What may be asked of the loop between two turns; in its own thread, or through `ask`."""
        return Operations(self.parts, self.measuring, self.intake, self.again, self.remember)

    def ask(self, action: Callable[[Operations], T]) -> Future[T]:
        """Have something done between two turns, from any thread."""
        answer: Future[T] = Future()
        self._requests.put((action, answer))
        self._refuse_when_over()
        return answer

    def start(self) -> None:
        """Restore the committed state, mend the owned index, start the source where the state left off, measure."""
        parts = self.parts
        resumed = restore(parts.store, parts.corpus, parts.engine, parts.index, parts.restoring)
        self.session.resume(resumed)
        self.begun = Tally.of(self.session.counters)
        if parts.retriever is not None and parts.index is None:
            parts.retriever.start()
        if parts.served_lexical is not None:
            parts.served_lexical.start()
        if isinstance(parts.source, ScanningSource):
            parts.source.reopen(resumed.bookmark)
        parts.source.start(resumed.positions)
        closed = [judged.deploy_id for judged in resumed.ledger]
        self.intake = self._intake(resumed, closed)
        if parts.production is not None:
            parts.production.resume(resumed.production)
        if parts.alarms is not None:
            parts.alarms.resume(resumed)
        parts.panel.resume(parts.store.bridges())
        if parts.traffic is not None:
            parts.traffic.resume(parts.store.traffic())
        self.measuring = Measuring(parts, self.intake)
        self._recorder.resume(parts.store)
        self._resume_readiness(resumed)
        self.measuring.choose_baseline()
        if not resumed.empty:
            self.measuring.replay(full=True)
            self.measuring.refresh()

    def _intake(self, resumed: Resumed, closed: Sequence[str]) -> Intake:
        parts, watch = self.parts, self.parts.migration
        if watch is None:
            return Intake(parts.decoder, resumed.positions, closed, control_topics=parts.control_topics)
        watch.restore()
        known = [*closed, *watch.closed]
        topics, refusal = parts.control_topics, watch.refusal
        return Intake(parts.decoder, resumed.positions, known, control_topics=topics, refusal=refusal)

    def _resume_readiness(self, resumed: Resumed) -> None:
        """What the open deploy, or one that is to be judged again, changed; the state knows both."""
        readiness, ledger = self.parts.readiness, list(resumed.ledger)
        if readiness is None:
            return
        record = self.parts.store.deploy(ledger[-1].deploy_id) if ledger else None
        if record is not None and record.report.unsettled:
            self._unsettled = Unsettled(record.deploy_id, record.expected)
            ledger.pop()
        since = ledger[-1].positions if ledger else {}
        if any(at > since.get(where, 0) for where, at in named_positions(resumed.positions).items()):
            readiness.resume(self.parts.corpus.rows(), since)

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
                if until_end and not worked and self._over_now():
                    if not deploy:
                        break
                    self.operations.deploy_at_end(deploy)
                    deploy = ""
            self.remember()
        except Stopped:
            return
        finally:
            self._over = True
            self._refuse_when_over()

    def remember(self) -> None:
        """Leave the last report in the state where it is of now, for whoever asks while no monitor runs."""
        view = self.published
        if view is not None and view.report.positions == named_positions(self.intake.positions):
            newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
            said = (view.report, view.own)
            production = None if self.parts.production is None else self.parts.production.kept()
            commit = Commit(
                self.intake.positions,
                counters=counters,
                newest_event_time=newest,
                current=said,
                production=production,
            )
            self.parts.store.commit(commit)

    def turn(self, wait: float) -> bool:
        """One turn of the loop; False when there was nothing to do."""
        self._answer_requests()
        self._reanchor()
        self._judge_again()
        self._complete_target()
        heard = self._read_traffic(idle=False)
        batch = self._next_batch(wait)  # 1. poll, 2. decode, up to the next barrier
        if not (batch.events or batch.counts):  # records that came to nothing count and move the position too
            self._caught_up = True
            heard = self._read_traffic(idle=True) or heard
            self._idle()
            return heard
        self._caught_up = len(batch.events) < self.parts.pace.batch and not self.intake.ready()
        began = self.parts.clocks.monotonic()
        ingested, quarantined = self._apply(batch)  # 3. corpus, 4. engine and owned index: memory only
        self._count(batch, quarantined)
        measured = self._measure(batch)  # 5. replay, 6. evaluate, 7. judge
        self._publish_dead_letters(quarantined)
        self._commit(batch, ingested, quarantined, measured)  # 8. ONE transaction: state, positions, deploy
        self.parts.gauges.took(self.parts.clocks.monotonic() - began)
        if measured:
            self.measuring.publish(measured)  # 9. one reference swap
        self.parts.source.commit(batch.positions)  # 10. for lag tools only
        self.parts.source.resume(self.parts.source.partitions() - self.intake.holding())
        self.parts.source.pause(self.intake.holding())
        return True

    def ended(self) -> bool:
        """Whether a bounded source is exhausted, or an unbounded one caught up; never while a barrier is open."""
        if self.intake.barrier.waiting or self.intake.ready():
            return False
        ends = None if self._exhausted else self.parts.source.end()
        at = self.intake.positions
        return self._exhausted or (ends is not None and all(at.get(part, 0) >= end for part, end in ends.items()))

    def _looks_for(self, deploy: str) -> bool:
        """Whether the source's next look ends as this deploy; one that was judged already stays as it is."""
        if not deploy or any(judged.deploy_id == deploy for judged in self.ledger):
            return True
        source = self.parts.source
        return isinstance(source, ScanningSource) and source.deploy_next(deploy)

    def _over_now(self) -> bool:
        """Whether the stream is at its end; UnreachableError where it will never be: the look came to nothing."""
        source = self.parts.source
        if isinstance(source, ScanningSource) and (why := source.refusal()):
            raise UnreachableError(why)
        return self.ended()

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

    def _reanchor(self) -> None:
        """Take up a changed anchors file between two turns: every report is of one set of anchors."""
        watch = self.parts.anchors_watch
        anchors = None if watch is None else watch.look()
        if anchors is not None:
            self.measuring.reanchor(reanchored(self.parts, anchors))
            newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
            bridges = self.parts.panel.commit()
            commit = Commit(self.intake.positions, counters=counters, newest_event_time=newest, bridges=bridges)
            self.parts.store.commit(commit)

    def _next_batch(self, wait: float) -> IntakeBatch:
        source, pace = self.parts.source, self.parts.pace
        due = None if self.parts.readiness is None else self.intake.due(source.partitions())
        if due is not None and due.deploy.step is None:
            held = self._held_back(due)
            if held:
                self.stopping.wait(
                    wait
                )  # the partitions hold: there is nothing to poll for, and requests are answered
            return self.intake.take(0, source.partitions(), closing=not held)
        # Looked at before anything is taken: partitions that never fall silent must not keep a lost barrier open.
        lost = self._barrier_lost()
        if not lost and not self.intake.ready():
            polled = source.poll(pace.batch, wait)
            self._exhausted = polled.exhausted
            self.intake.feed(polled)
            self.intake.drained(source.positions())
        # Where a deploy has to be found in the index, it is applied and committed first, and closes in a later turn.
        closing = self.parts.readiness is None or (due is not None and due.deploy.step is not None)
        batch = self.intake.take(0 if lost else pace.batch, source.partitions(), closing=closing)
        return self.intake.expire(source.partitions()) if lost and batch.closed is None else batch

    def _held_back(self, due: Closed) -> bool:
        """Whether a barrier that could close waits: the index is not at rest, or does not hold the deploy yet."""
        readiness = self.parts.readiness
        return due.how == "complete" and readiness is not None and readiness.holds_back(due.deploy.deploy_id)

    def _judge_again(self) -> None:
        """Judge the newest deploy again once the index holds it; no event is needed, and all that came is judged.

        Never while the marker of a later deploy stands open: what that one changed is not this one's.
        """
        again, readiness = self._unsettled, self.parts.readiness
        if again is None or readiness is None or self.intake.barrier.waiting:
            return
        if not readiness.ready_now(again.deploy_id):
            return
        earlier = self.session.ledger.pop()  # it is judged as it would have been: not yet in the ledger
        self.measuring.replay(full=True)
        measured = self.measuring.measure(again.deploy_id, expected=again.expected)
        if measured()[0].unsettled:  # it was at rest when we looked and is no longer
            self.session.ledger.append(earlier)
            return
        stamp = datetime.fromtimestamp(self.parts.clocks.wall(), UTC).isoformat(timespec="seconds")
        deploy = replace(self._judged(again.deploy_id, again.expected, measured), judged_again=stamp)
        self._settle(deploy)
        first = self._first(deploy)
        same = [of.size for of in self.parts.store.history(1, 0).deploys if of.deploy_id == deploy.deploy_id]
        point, tracks = self._recorder.deploy(deploy, same[0] if same else None, self.session.ledger)
        alarms = self.parts.alarms
        if alarms is not None:
            alarms.judged(deploy.verdict)
        self.parts.store.commit(
            Commit(
                positions=self.intake.positions,
                counters=dict(self.session.counters),
                deploy=deploy,
                baselines=() if first is None else (first,),
                newest_event_time=self.parts.corpus.newest_event_time,
                point=point,
                tracks=tracks,
                alarms=None if alarms is None else alarms.commit(),
            )
        )
        self.parts.gauges.committed()
        self.measuring.choose_baseline()
        self.measuring.publish(measured)

    def _settle(self, deploy: DeployRecord) -> None:
        """Remember whether the newest deploy is to be judged again."""
        readiness = self.parts.readiness
        if readiness is None:
            return
        self._unsettled = Unsettled(deploy.deploy_id, deploy.expected) if deploy.report.unsettled else None
        if self._unsettled is None:
            readiness.settled()

    def _barrier_lost(self) -> bool:
        """Whether the copies an open barrier misses will not come: too late, or the source is exhausted."""
        if not self.intake.barrier.waiting:
            return False
        if self._exhausted and not self.intake.ready():
            return True
        source, pace, now = self.parts.source, self.parts.pace, self.parts.clocks.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + min(BARRIER_LOOK, pace.barrier / 4)
        return self.intake.overdue(now, pace.barrier, source.partitions(), source.end())

    def _apply(self, batch: IntakeBatch) -> tuple[Ingested, list[Quarantined]]:
        parts = self.parts
        events, vectorless = self._insist(lambda: parts.embedder.embed(batch.events))
        self._doubt(parts.embedder.doubts() + self._stream_time.doubts(events))
        ingested = self.session.apply(events)
        refused = [*vectorless, *((item.located, item.error) for item in ingested.refused)]
        aside = [set_aside(batch.records[located.position], error) for located, error in refused]
        parts.gauges.applied(ingested.touched)
        if parts.readiness is not None:
            parts.readiness.changed(ingested.delta)
        if parts.index is not None:
            parts.index.apply(ingested.delta)
        self.measuring.touch(ingested)
        if parts.migration is not None:
            made = parts.migration.apply(events, ingested.changes)
            self.session.counters.update(counted(made))
            aside += [set_aside(batch.records[item.located.position], item.error) for item in made.refused]
        return ingested, [*batch.quarantined, *aside]

    def _complete_target(self) -> None:
        """Read or encode part of what a migration's target lacks, and commit that: no event is needed for it."""
        watch = self.parts.migration
        if watch is None or not watch.work():
            return
        newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
        commit = Commit(self.intake.positions, counters=counters, newest_event_time=newest, target=watch.commit())
        self.parts.store.commit(commit)
        self.parts.gauges.committed()

    def _read_traffic(self, *, idle: bool) -> bool:
        """Take in some of the traffic and commit that; says whether anything came. Never while events wait."""
        watch = self.parts.traffic
        if watch is None or not self._caught_up:
            return False
        if idle:
            watch.look_at_anchors(self.session, self.parts.store)
        worked = watch.work(self.parts.engine, idle=idle)
        made = watch.commit()
        if made is not None:
            newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
            traffic, aside = made
            commit = Commit(
                self.intake.positions,
                counters=counters,
                newest_event_time=newest,
                traffic=traffic,
                quarantined=aside,
            )
            self.parts.store.commit(commit)
            self.parts.gauges.committed()
        return worked

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
        """At a barrier always and everything; else what was touched, when the backlog is worked off or it is time."""
        full = batch.closed is not None or self.measuring.full_due()
        backlog = len(batch.events) + len(batch.quarantined) >= self.parts.pace.batch or self.intake.ready()
        if not full and backlog and not self.measuring.report_due():
            return None
        over = not backlog and self._round_over()
        self.measuring.replay(full=full or over)
        if over:
            self.measuring.close_round()
        if batch.closed is None:
            return self.measuring.measure()
        self.measuring.passed()
        deploy = batch.closed.deploy
        if deploy.step is not None:
            if self.parts.migration is not None:
                self.parts.migration.step(deploy.step)
            return self.measuring.measure()
        readiness, complete = self.parts.readiness, batch.closed.how == "complete"
        behind = readiness.behind if complete and readiness is not None else ()
        early = bootstrap_problems(batch.closed, self.intake.barrier.waiting)
        problems = (*span_problems(batch.closed), *early, *self._refused(), *behind)
        return self.measuring.measure(deploy.deploy_id, problems, expected=deploy.expected)

    def _commit(
        self,
        batch: IntakeBatch,
        ingested: Ingested,
        quarantined: Sequence[Quarantined],
        measured: Measured | None,
        released: Sequence[Position] = (),
    ) -> None:
        parts, deploy, first = self.parts, None, None
        point: HistoryPoint | None = None
        tracks: Sequence[Track] = ()
        if batch.closed is not None and batch.closed.deploy.step is None and measured is not None:
            deploy = self._judged(batch.closed.deploy.deploy_id, batch.closed.deploy.expected, measured)
            self._settle(deploy)
            first = self._first(deploy)
            point, tracks = self._recorder.deploy(deploy, self._size(), self.session.ledger)
            self._close_tally()
            if parts.alarms is not None:
                parts.alarms.judged(deploy.verdict)
        elif measured is not None:
            point = self._hour(measured)
        commit = Commit(
            positions=batch.positions,
            changes=ingested.changes,
            sketches=ingested.sketches,
            forgotten=self.session.forget() if batch.closed is not None else (),
            counters=dict(self.session.counters),
            quarantined=quarantined,
            released=released,
            deploy=deploy,
            baselines=() if first is None else (first,),
            production=None if parts.production is None else parts.production.kept(),
            newest_event_time=parts.corpus.newest_event_time,
            bookmark=parts.source.bookmark(batch.positions) if isinstance(parts.source, ScanningSource) else None,
            target=None if parts.migration is None else parts.migration.commit(),
            point=point,
            tracks=tracks,
            alarms=None if parts.alarms is None else parts.alarms.commit(),
        )
        parts.store.commit(commit)
        parts.gauges.committed()
        if deploy is not None:
            self.measuring.choose_baseline()

    def _hour(self, measured: Measured) -> HistoryPoint | None:
        """The point of this hour, where it is over: the one time an hour that a report is worked out unasked."""
        if not self._recorder.hour_due():
            return None
        newest = self.session.ledger[-1].deploy_id if self.session.ledger else ""
        return self._recorder.hour(*measured(), newest, self.parts.gauges.staleness())

    def _note_hour(self) -> None:
        """Where nothing arrives the hours pass all the same."""
        measured = self.measuring.latest
        point = None if measured is None else self._hour(measured)
        if point is None:
            return
        newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
        self.parts.store.commit(
            Commit(self.intake.positions, counters=counters, newest_event_time=newest, point=point)
        )
        self.parts.gauges.committed()

    def _first(self, deploy: DeployRecord) -> Snapshot | None:
        """The deploy as the first baseline, where the configuration asks for one; never where anything is unsure."""
        if any(of.kind.of_stream or of.kind.of_index for of in deploy.report.problems):
            return None
        if not self.measuring.sound(deploy.snapshot):
            return None
        first = self.parts.snapshots.bootstrapped(deploy.snapshot)
        return None if first is None else self.measuring.with_noise(first)

    def _refused(self) -> tuple[Problem, ...]:
        """Why a deploy that closes now cannot be judged: most of what belongs to it was not understood."""
        of, limit = Tally.of(self.session.counters).since(self._tally_before), self.parts.pace.refused
        return (Problem(ProblemKind.REFUSED, of.complaint(limit)),) if of.too_many(limit) else ()

    @property
    def _tally_before(self) -> Tally:
        """At the deploy before: kept with the counters, so that a restart within a deploy forgets nothing of it."""
        return Tally.of({name[1:]: n for name, n in self.session.counters.items() if name[0] == AT_DEPLOY})

    def _size(self) -> DeploySize:
        """What changed since the deploy before, by the counters that are kept with the state."""
        counters = self.session.counters
        return size_of(counters, {name[1:]: n for name, n in counters.items() if name[0] == AT_DEPLOY})

    def _close_tally(self) -> None:
        counters = self.session.counters
        for name in [name for name in counters if name[0] in ("events", "quarantined")]:
            counters[AT_DEPLOY, *name] = counters[name]

    def _judged(self, deploy_id: str, expected: Segment, measured: Measured) -> DeployRecord:
        report, verdict = measured()
        entry = Judged(deploy_id, report.now, verdict.verdict, report.positions)
        moved = self.parts.snapshots.moved_on([*self.session.ledger, entry])
        if moved is not None:
            LOG.warning("baseline moves on to deploy %r: %s", moved.deploy_id, moved.approval.reason)
        self.session.ledger.append(replace(entry, adopted=moved))
        return DeployRecord(
            deploy_id,
            report.now,
            verdict,
            report,
            self.measuring.snapshot(deploy_id, deploy_id),
            self.measuring.blaming.attributions(),
            moved,
            expected,
        )

    def _idle(self) -> None:
        """Nothing arrived: close a round that is over, catch up on replays, then audit when it is time, and keep the
        view's health fresh.
        """
        measuring, audit = self.measuring, self.parts.audit
        if self._round_over():
            self._close_round()
        elif measuring.touched() or measuring.retry_due() or measuring.full_due() or measuring.production_due():
            measuring.replay(full=measuring.full_due())
            measuring.refresh()
        elif audit is not None and audit.due() and not (self.intake.barrier.waiting or self.intake.ready()):
            audit.run()
            measuring.refresh()
        elif measuring.report_due():
            measuring.republish()
        self._note_hour()

    def _round_over(self) -> bool:
        return self.parts.alarms is not None and self.parts.alarms.due()

    def _close_round(self) -> None:
        """Close a round between two batches: measured, committed, published."""
        self.measuring.replay(full=True)
        self.measuring.close_round()
        measured, alarms = self.measuring.measure(), self.parts.alarms
        made = None if alarms is None else alarms.commit()
        if made is not None:
            newest, counters = self.parts.corpus.newest_event_time, dict(self.session.counters)
            commit = Commit(self.intake.positions, counters=counters, newest_event_time=newest, alarms=made)
            self.parts.store.commit(commit)
            self.parts.gauges.committed()
        self.measuring.publish(measured)

    def _insist(self, action: Callable[[], T]) -> T:
        """Try until an outside system that the stream cannot do without answers, or the loop is told to stop."""
        while True:
            try:
                return action()
            except UnreachableError as error:
                view = self.published
                if view is not None:
                    said = (view.report, Verdict("unknown", (str(error),), ()))
                    self.measuring.publish(lambda said=said: said)  # type: ignore[misc]  # bound now
                if self.stopping.wait(self.parts.pace.retry):
                    raise Stopped from error

    def _publish_dead_letters(self, quarantined: Sequence[Quarantined]) -> None:
        letters = self.parts.dead_letters
        if letters is not None and quarantined:
            self._insist(lambda: letters.publish(quarantined))

    def _answer_requests(self) -> None:
        while not self._requests.empty():
            action, answer = self._requests.get()
            try:
                answer.set_result(action(self.operations))
            except CorpusDriftError as error:
                answer.set_exception(error)

    def _refuse_when_over(self) -> None:
        """Answer what is asked of a loop that has ended; whoever asks comes here after asking, from any thread."""
        while self._over:
            try:
                _, answer = self._requests.get_nowait()
            except queue.Empty:
                return
            answer.set_exception(UnreachableError("the monitor is stopping; ask again when it runs"))
