"""The loop: one writer thread; one turn takes a batch from the source to a committed, published report."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np

from monitor.app.intake import GAP_FAULTS, Batch, Intake, set_aside
from monitor.app.parts import Parts
from monitor.app.restore import restore
from monitor.core.barrier import Closed
from monitor.core.baseline import Judged, ListLeg, Snapshot
from monitor.core.corpus import Change
from monitor.core.drift import Seen
from monitor.core.engine import rows_of
from monitor.core.lists import RankedLists
from monitor.core.policy import Verdict, judge
from monitor.core.published import Published
from monitor.core.report import DriftReport
from monitor.ports import Commit, CorpusDriftError, DeployRecord, Polled, Quarantined, UnreachableError

OPEN_GAPS = ("open_gaps",)
"""Counter of losses in the stream that nobody has looked at since; approving a baseline sets it to 0."""


T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The loop was told to stop while it waited for an outside system; nothing of the turn is committed."""


class Monitor:
    """Turns events into committed, published reports. One thread calls `start`, `run` or `turn`, and `close`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.published: Published | None = None
        self.stopping = threading.Event()
        self.requests: queue.SimpleQueue[tuple[Callable[[Monitor], Any], Future[Any]]] = queue.SimpleQueue()
        self.counters: Counter[tuple[str, ...]] = Counter()
        self.ledger: list[Judged] = []
        self.baseline: Snapshot | None = None
        self.pinned: Snapshot | None = None
        self._exhausted = False
        self._touched: set[int] = set()
        self._next_full = self._next_report = 0.0

    def start(self) -> None:
        """Restore the committed state, mend the owned index, start the source where the state left off, measure."""
        parts = self.parts
        resumed = restore(parts.store, parts.corpus, parts.engine, parts.index)
        self.counters.update(resumed.counters)
        self.ledger = list(resumed.ledger)
        if parts.retriever is not None and parts.index is None:
            parts.retriever.start()
        parts.source.start(resumed.positions)
        # Full replays go by the clock from here on, whether or not there is anything to measure yet.
        self._next_full = parts.clocks.monotonic() + parts.pace.full_replay
        closed = [judged.deploy_id for judged in self.ledger]
        self.intake = Intake(parts.decoder, resumed.positions, closed, control_topics=parts.control_topics)
        self._choose_baseline()
        if not resumed.empty:
            self._replay(full=True)
            self._publish(*self._measure("", ()))

    def run(self, *, until_end: bool = False) -> None:
        """Turn until told to stop, or until the source has nothing more."""
        try:
            while not self.stopping.is_set():
                worked = self.turn(self.parts.pace.poll)
                if until_end and not worked and self._ended():
                    break
            if not self.stopping.is_set():
                self.finish()
        except Stopped:
            return

    def turn(self, wait: float) -> bool:
        """One turn of the loop; False when there was nothing to do."""
        self._answer_requests()
        batch = self._next_batch(wait)
        if not (batch.events or batch.quarantined or batch.faults or batch.closed):
            self._idle()
            return False
        began = self.parts.clocks.monotonic()
        changes, quarantined = self._apply(batch)
        self._count(batch, quarantined)
        measured = self._measured(batch)
        self._publish_dead_letters(quarantined)
        deploy = self._deploy(batch.closed, *measured) if batch.closed and measured else None
        self._commit(batch, changes, quarantined, deploy)
        self.parts.gauges.took(self.parts.clocks.monotonic() - began)
        if measured:
            self._publish(*measured)
        self.parts.source.commit(batch.positions)
        self.parts.source.resume(self.parts.source.partitions() - self.intake.holding())
        self.parts.source.pause(self.intake.holding())
        return True

    def finish(self) -> None:
        """Measure once more at the very end of a bounded stream, so that the last report speaks of all of it."""
        self._replay(full=False)
        self._publish(*self._measure("", ()))

    # ------------------------------------------------------------ the steps of a turn, in order

    def _next_batch(self, wait: float) -> Batch:
        source, pace = self.parts.source, self.parts.pace
        if not self.intake.ready():
            polled: Polled = source.poll(pace.batch, wait)
            self._exhausted = polled.exhausted
            self.intake.feed(polled)
            self.intake.drained(source.positions())
        batch = self.intake.take(pace.batch, source.partitions())
        if batch.closed is None and not batch.events and self._barrier_lost():
            return self.intake.expire(source.partitions())
        return batch

    def _barrier_lost(self) -> bool:
        if not self.intake.barrier.waiting:
            return False
        source = self.parts.source
        overdue = self.intake.overdue(
            self.parts.clocks.monotonic(), self.parts.pace.barrier, source.partitions(), source.end()
        )
        return overdue or (self._exhausted and not self.intake.ready())

    def _apply(self, batch: Batch) -> tuple[tuple[Change, ...], list[Quarantined]]:
        parts = self.parts
        events, vectorless = self._insist(lambda: parts.embedder.embed(batch.events))
        applied = parts.corpus.apply(events)
        refused = [*vectorless, *((item.located, item.error) for item in applied.refused)]
        aside = [set_aside(batch.records[located.position], error) for located, error in refused]
        self.counters.update({("events", *outcome): n for outcome, n in applied.outcomes.items()})
        delta = parts.corpus.delta(applied.changes)
        touched = parts.engine.apply(delta)
        if parts.index is not None:
            parts.index.apply(delta)
        self._touched.update(rows_of(touched, ("dense",)).tolist())
        return applied.changes, [*batch.quarantined, *aside]

    def _count(self, batch: Batch, quarantined: Sequence[Quarantined]) -> None:
        self.counters.update({("events", *outcome): n for outcome, n in batch.counts.items()})
        self.counters.update(("quarantined", item.reason) for item in quarantined)
        self.counters.update(OPEN_GAPS for fault in batch.faults if fault.kind in GAP_FAULTS)
        self.parts.gauges.event_seen()

    def _replay(self, *, full: bool) -> None:
        parts, now = self.parts, self.parts.clocks.monotonic()
        touched = np.array(sorted(self._touched), np.int64)
        self._touched.clear()
        if parts.served is None:
            return
        replay = parts.served.refresh(touched, now, full=full)
        if full:
            self._next_full = now + parts.pace.full_replay
        seconds = parts.clocks.monotonic() - now
        parts.gauges.replayed(replay, parts.served.failures, full=full, seconds=seconds)

    def _measure(self, deploy_id: str, problems: Sequence[str]) -> tuple[DriftReport, Verdict]:
        gaps = self.counters[OPEN_GAPS]
        lost = [f"the stream lost events {gaps} time(s); reload the corpus, then approve a baseline"] if gaps else []
        lists, corpus = self.lists(), self.parts.corpus
        seen = Seen(
            deploy_id=deploy_id,
            now=corpus.newest_event_time,
            positions={f"{part.topic}/{part.partition}": at for part, at in sorted(self.intake.positions.items())},
            lists=lists,
            hashes={key: row.content_hash for key, row in corpus.listed(lists.values())},
            corpus={"chunks": float(len(corpus))},
            failures=self.parts.served.failures if self.parts.served is not None else {},
            problems=(*problems, *lost),
        )
        report = self.parts.drift.evaluate(self.baseline, self.pinned, seen)
        return report, judge(self.parts.rules, report)

    def _measured(self, batch: Batch) -> tuple[DriftReport, Verdict] | None:
        """Replay and measure: at a barrier always and everything, else when it is time and what was touched."""
        full = batch.closed is not None or self.parts.clocks.monotonic() >= self._next_full
        if not full and not self._due(batch):
            return None
        self._replay(full=full)
        deploy_id = batch.closed.deploy.deploy_id if batch.closed else ""
        return self._measure(deploy_id, () if batch.closed is None else _barrier_problems(batch.closed))

    def _publish(self, report: DriftReport, verdict: Verdict) -> None:
        self._next_report = self.parts.clocks.monotonic() + self.parts.pace.report
        self.parts.gauges.reported()
        gauges, index = self.parts.gauges, self.parts.retriever
        gauges.watch(self.parts.source, self.intake.positions)
        health = gauges.health(
            waiting=self.intake.barrier.waiting,
            state_bytes=self.parts.store.size(),
            points=None if index is None else index.count(),
        )
        self.published = Published(
            self.parts.corpus_name, report, gauges.judged(verdict), dict(self.counters), tuple(self.ledger), health
        )

    def _deploy(self, closed: Closed, report: DriftReport, verdict: Verdict) -> DeployRecord:
        deploy_id, corpus = closed.deploy.deploy_id, self.parts.corpus
        snapshot = self.parts.snapshots.freeze(deploy_id, deploy_id, self.lists(), corpus)
        self.ledger.append(Judged(deploy_id, report.now, verdict.verdict))
        return DeployRecord(deploy_id, report.now, verdict, report, snapshot)

    def _commit(
        self, batch: Batch, changes: Sequence[Change], quarantined: Sequence[Quarantined], deploy: DeployRecord | None
    ) -> None:
        forgotten = self.parts.corpus.prune() if batch.closed is not None else []
        first = None
        if deploy is not None and batch.closed is not None and batch.closed.how == "complete":
            first = self.parts.snapshots.bootstrapped(deploy.snapshot)
        self.parts.store.commit(
            Commit(
                positions=batch.positions,
                changes=changes,
                forgotten=forgotten,
                counters=dict(self.counters),
                quarantined=quarantined,
                deploy=deploy,
                baselines=() if first is None else (first,),
                newest_event_time=self.parts.corpus.newest_event_time,
            )
        )
        self.parts.gauges.committed()
        if deploy is not None:
            self._choose_baseline()

    # ------------------------------------------------------------ what the steps need

    def lists(self) -> dict[ListLeg, RankedLists]:
        """The lists now: dense as served (or exact, where there is no index to ask), lexical, exact."""
        made = dict(self.parts.engine.lists())
        if self.parts.served is not None:
            made["dense"] = self.parts.served.lists
        return made

    def _due(self, batch: Batch) -> bool:
        """Measure when the backlog is worked off, and at least once in a while before that."""
        backlog = len(batch.events) + len(batch.quarantined) >= self.parts.pace.batch or self.intake.ready()
        return not backlog or self.parts.clocks.monotonic() >= self._next_report

    def _idle(self) -> None:
        now = self.parts.clocks.monotonic()
        if self._touched or (self.published and now >= self._next_full and self.parts.served is not None):
            self._replay(full=now >= self._next_full)
            self._publish(*self._measure("", ()))
        elif self.published is None or now >= self._next_report:
            report, verdict = (
                (self.published.report, self.published.verdict) if self.published else self._measure("", ())
            )
            self._publish(report, verdict)

    def _ended(self) -> bool:
        if self.intake.barrier.waiting or self.intake.ready():
            return False
        ends = None if self._exhausted else self.parts.source.end()
        at = self.intake.positions
        return self._exhausted or (ends is not None and all(at.get(part, 0) >= end for part, end in ends.items()))

    def _insist(self, action: Callable[[], T]) -> T:
        """Try until an outside system that the stream cannot do without answers, or the loop is told to stop."""
        while True:
            try:
                return action()
            except UnreachableError as error:
                if self.published is not None:
                    self._publish(self.published.report, Verdict("unknown", (str(error),), ()))
                if self.stopping.wait(self.parts.pace.retry):
                    raise Stopped from error

    def _publish_dead_letters(self, quarantined: Sequence[Quarantined]) -> None:
        letters = self.parts.dead_letters
        if letters is not None and quarantined:
            self._insist(lambda: letters.publish(quarantined))

    def _choose_baseline(self) -> None:
        self.baseline = self.parts.snapshots.current(self.ledger)
        pinned = self.parts.snapshots.pinned()
        same = self.baseline is not None and pinned is not None and pinned.name == self.baseline.name
        self.pinned = self.baseline if same else pinned

    # ------------------------------------------------------------ what other threads may ask for

    def fresh_snapshot(self, name: str) -> Snapshot:
        """The current lists, freshly replayed."""
        self._replay(full=True)
        newest = self.ledger[-1].deploy_id if self.ledger else ""
        return self.parts.snapshots.freeze(name, newest, self.lists(), self.parts.corpus)

    def forgive_gaps(self) -> None:
        """Whoever approves a baseline takes the corpus as it is now."""
        self.counters[OPEN_GAPS] = 0

    def refresh_baseline(self) -> None:
        """Compare with the newly approved baseline from now on, and say so at once."""
        self._choose_baseline()
        self._publish(*self._measure("", ()))

    def _answer_requests(self) -> None:
        while not self.requests.empty():
            action, answer = self.requests.get()
            try:
                answer.set_result(action(self))
            except CorpusDriftError as error:
                answer.set_exception(error)


def _barrier_problems(closed: Closed) -> tuple[str, ...]:
    """Why a deploy whose barrier did not complete cannot be judged."""
    if closed.how == "complete":
        return ()
    missing = ", ".join(f"{part.topic}/{part.partition}" for part in closed.missing) or "none"
    return (f"deploy {closed.deploy.deploy_id!r}: barrier {closed.how}, markers missing from: {missing}",)
