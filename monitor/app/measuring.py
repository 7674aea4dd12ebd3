"""Measuring: when to replay and when to evaluate; what comes out is published as one view."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.app.blaming import Blaming
from monitor.app.freshness import Freshness
from monitor.app.intake import Intake
from monitor.app.lazy import Lazy
from monitor.app.overhearing import OverheardProduction
from monitor.app.parts import MonitorComponents
from monitor.app.sampling import Sampling
from monitor.app.snapshot import listed
from monitor.app.throttle import RefreshThrottle
from monitor.core.evaluation import withheld
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.index.engine import rows_of
from monitor.core.judging.learning import WINDOW, ApprovedDeploy, learnt
from monitor.core.judging.policy import Rule, Verdict
from monitor.core.model.anchors import rows_after
from monitor.core.model.events import Segment
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import DriftReport, Measurement
from monitor.core.places import named_positions
from monitor.core.records.history import approved_deploys
from monitor.core.records.published import Published, Pulse
from monitor.core.session import Ingested, ServedLists

REPLAY_PAUSES = 9.0
"""While a backlog is worked off, replays take at most a tenth of the time."""
Measured = Callable[[], tuple[DriftReport, Verdict]]
"""A report and its verdict: worked out when somebody looks."""


class Measuring:
    """Schedules what the session is asked: which anchors to replay, when to evaluate, when to work out blame.

    Args:
        parts: of the loop.
        intake: where the loop stands in its stream.
    """

    def __init__(self, parts: MonitorComponents, intake: Intake) -> None:
        self._parts, self._session, self._intake = parts, parts.session, intake
        self._touched: set[int] = set()
        self._moved: dict[int, float] = {}
        self._behind = False
        self.blaming = Blaming(parts.clocks, parts.pace.report)
        self._replay_seconds = 0.0
        self._next_full = parts.clocks.monotonic() + parts.pace.full_replay
        self._next_report = self._next_retry = 0.0
        self._pause = parts.pace.report
        self._owed_since: float | None = None
        self._sampling, self._throttle = Sampling(parts.pace.settle), RefreshThrottle(parts.clocks)
        self._fresh = Freshness(parts.clocks, on=parts.index is None)
        self._approved: Sequence[ApprovedDeploy] = ()
        self._measured: Measured | None = None
        self._view: Lazy[Published] | None = None
        self.pulse: Pulse | None = None
        """Of the last view, known without working it out."""

    @property
    def published(self) -> Published | None:
        """The last view, worked out by whoever looks first, in any thread; one that nobody looks at costs nothing."""
        view = self._view
        return None if view is None else view()

    @property
    def latest(self) -> Measured | None:
        """What was published last; None before the first."""
        return self._measured

    def touch(self, ingested: Ingested) -> None:
        """The corpus changed; anchors whose dense lists may have are replayed before the next report."""
        rows = rows_of(ingested.touched, ("dense",)).tolist()
        self._touched.update(rows)
        self._behind = True
        if self._parts.production is not None:
            self._parts.production.changed()
        if self._parts.pace.settle:
            now = self._parts.clocks.monotonic()
            self._sampling.changed(ingested.came.tolist(), now)
            self._moved.update(dict.fromkeys(rows, now))
        self._fresh.changed(ingested.came, self._parts.corpus)

    def reanchor(self, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on, see `anchors.kept_rows`: new questions are asked before the next report."""
        self._touched = {*rows_after(kept, self._touched).tolist(), *np.flatnonzero(kept < 0).tolist()}
        self._moved = {row: self._moved[kept[row]] for row in rows_after(kept, self._moved).tolist()}
        self.blaming.forget()
        self._behind = True

    def _settling(self) -> frozenset[int]:
        """Anchors whose documents production may still be writing to its index."""
        since = self._parts.clocks.monotonic() - self._parts.pace.settle
        self._moved = {row: at for row, at in self._moved.items() if at > since}
        return frozenset(self._moved)

    def touched(self) -> bool:
        """Whether the last report is older than the corpus, on whatever leg."""
        if self.blaming.owed(self._session.baseline) or self._throttle.owed():
            return True
        return self._behind or (self._session.baseline is not None and bool(self._touched))

    def retry_due(self) -> bool:
        """Whether anchors that the index did not answer for may be asked again, though nothing touched them."""
        parts = self._parts
        failed = self._session.baseline is not None and parts.served is not None and bool(parts.served.failures)
        return failed and parts.clocks.monotonic() >= self._next_retry

    def full_due(self) -> bool:
        """Whether the schedule asks for a full replay."""
        return self._parts.served is not None and self._parts.clocks.monotonic() >= self._next_full

    @property
    def owed(self) -> bool:
        """Whether the last view is older than what a turn took in: it is measured when somebody looks."""
        return self._owed_since is not None

    def owe(self) -> None:
        """A turn took a batch in and does not measure it."""
        if self._owed_since is None:
            self._owed_since = self._parts.clocks.monotonic()

    def overdue(self) -> bool:
        """Whether a turn measures although nobody looks: what was taken in has waited long enough."""
        since, now = self._owed_since, self._parts.clocks.monotonic()
        return self._view is None or (since is not None and now >= since + self._pause)

    def report_due(self) -> bool:
        """Whether the last view is old enough for another one, though nothing changed."""
        return self._view is None or self._parts.clocks.monotonic() >= self._next_report

    def production_due(self) -> bool:
        """Whether production is to be asked again, or may have been overheard."""
        production = self._parts.production
        return production is not None and production.due()

    def _look_at_production(self, *, full: bool) -> None:
        production = self._parts.production
        if production is not None and (full or production.due()):
            production.look(self._session.mapping())
            self._session.observe_production(production.lists)

    def passed(self) -> None:
        """A deploy is complete and was replayed: what production was overheard to serve before says nothing of it."""
        production = self._parts.production
        if production is not None:
            production.passed()
            self._session.observe_production(production.lists)

    def replay(self, *, full: bool) -> None:
        """Ask the real index about touched anchors, or all; without a baseline only when all are asked for."""
        self._look_at_production(full=full)
        parts, now = self._parts, self._parts.clocks.monotonic()
        self._behind = True
        if self._session.baseline is None and not full:
            return  # nothing to compare with: the answers would be thrown away
        touched = np.array(sorted(self._touched), np.int64)
        self._touched.clear()
        if parts.served is None:
            return
        replay = parts.served.refresh(touched, now, full=full)
        if full:
            self._next_full = now + parts.pace.full_replay
            if parts.retriever is not None:
                self._sampling.look(parts.corpus, parts.retriever, now)
            if parts.served_lexical is not None:
                parts.served_lexical.look(self._session.lists()["lexical"])
        self._observe(restated=parts.served.restated)
        seconds = self._replay_seconds = parts.clocks.monotonic() - now
        self._next_retry = now + seconds + max(parts.pace.retry, REPLAY_PAUSES * seconds)
        parts.gauges.replayed(replay, parts.served.failures, full=full, seconds=seconds)
        if parts.migration is not None:
            parts.migration.replay(full=full, old_seconds=parts.served.seconds)

    def _observe(self, *, restated: Sequence[int] = ()) -> None:
        """Tell the session what the index said last."""
        served = self._parts.served
        if served is not None:
            problems = [Problem(ProblemKind.INDEX, text) for text in served.problems]
            problems += [Problem(ProblemKind.INDEX_BUSY, text) for text in served.busy]
            said = ServedLists(
                served.lists,
                served.hashes,
                dict(served.failures),
                self._settling(),
                tuple(problems),
                served.names,
                served.nameless,
                (*self._sampling.measurements(), *self._lexical()),
                (*self._sampling.evidence(), *served.evidence()),
                served.configuration(),
            )
            self._session.observe(said, restated=restated)

    def _lexical(self) -> Sequence[Measurement]:
        of = self._parts.served_lexical
        return () if of is None else of.measurements

    def measure(self, deploy_id: str = "", problems: Sequence[Problem] = (), *, expected: Segment = ()) -> Measured:
        """The report and verdict on the corpus as it is now; `expected` is what the deploy said it would change."""
        session, brief, began = self._session, self._throttle.brief(deploy_id), self._parts.clocks.monotonic()
        self._observe()
        evaluation = self.blaming.evaluated(
            session.baseline,
            deploy_id,
            lambda blame: session.evaluate(
                deploy_id,
                rules=self._rules(deploy_id),
                problems=(*problems, *self.untrusted()),
                expected=expected,
                positions=named_positions(self._intake.positions),
                blame=blame,
                brief=brief,
            ),
        )
        self._throttle.looked(brief=brief, since=began)
        self._behind, self._owed_since = False, None
        return Lazy(evaluation.judged)

    def renew(self) -> None:
        """Measure and publish what is owed, unless somebody else was faster, and work the view out.

        Whoever asked for it would work it out beside the loop, and the two wait for each other at every step.
        """
        if self.owed:
            self.replay(full=False)
            self.refresh()
        with suppress(Exception):  # whoever looks meets it again, in a thread of its own
            self.published  # noqa: B018 - worked out here

    def refresh(self) -> Measured:
        """Measure the corpus as it is now, and publish that."""
        measured = self.measure()
        self.publish(measured)
        return measured

    def publish(self, measured: Measured, *, whole: bool = True) -> None:
        """Swap the one reference that scrapes and pages read.

        Args:
            measured: what they read.
            whole: whether the corpus may be asked; not while a shard is away in the midst of a step.
        """
        parts, intake = self._parts, self._intake
        self._pause = max(parts.pace.report, REPLAY_PAUSES * self._replay_seconds)
        self._next_report = parts.clocks.monotonic() + self._pause
        parts.gauges.reported()
        parts.gauges.watch(parts.source, intake.positions)
        health = parts.gauges.health(
            waiting=intake.barrier.waiting,
            state_bytes=parts.store.size(),
            points=self._sampling.points(parts.retriever, parts.clocks.monotonic()),
            freshness=self._fresh.look(parts.retriever, parts.corpus) if whole else None,
            audits=parts.audit.results if parts.audit is not None else {},
            engine=parts.gauges.worked(parts.engine) if whole else None,
            anchors=None if parts.anchors_watch is None else parts.anchors_watch.state(len(parts.engine.anchors)),
            foreign=None if parts.served is None else parts.served.foreign_places,
            remarks=() if parts.served is None else parts.served.remarks(),
            production=None if parts.production is None else parts.production.health(),
            awaited=None if parts.readiness is None else parts.readiness.waiting,
            shards=() if parts.shards is None else parts.shards.status(),
        )
        self._measured = measured
        watch = parts.migration
        at = named_positions(intake.positions)
        migration = None if watch is None else watch.view(self._session, parts.served, at)
        judge = parts.migration_judge
        judged = None if migration is None or judge is None else judge.judging(migration, self._session)
        traffic = None if parts.traffic is None else parts.traffic.view(parts.engine.anchors)
        staleness, session = parts.gauges.staleness(), self._session
        counters, ledger = dict(session.counters), tuple(session.ledger)
        alarms, linked = None if parts.alarms is None else parts.alarms.view(), parts.panel.bridges

        def view() -> Published:
            report, verdict = measured()
            said = withheld(verdict, staleness)
            own = None if judged is None else judged()
            return Published(
                parts.corpus_name,
                report,
                verdict,
                said,
                counters,
                ledger,
                health,
                migration,
                own,
                alarms,
                traffic,
                linked,
            )

        self._view, self.pulse = Lazy(view), Pulse(health, ledger, at)

    def republish(self) -> None:
        """The last report once more, with the health of now; measured where there is none."""
        self.publish(self._measured or self.measure())

    def untrusted(self) -> tuple[Problem, ...]:
        """Why the maintained lists cannot be trusted: what audits found."""
        found = () if self._parts.audit is None else self._parts.audit.problems()
        return tuple(Problem(ProblemKind.AUDIT, text) for text in found)

    def close_round(self) -> None:
        """A round is over and all anchors were just asked: look at what it was, unless the lists mean nothing."""
        parts, session = self._parts, self._session
        if parts.alarms is not None:
            served = () if parts.served is None else parts.served.problems
            unknown = session.lost() or self.untrusted() or session.hollow(parts.rules) or parts.gauges.staleness()
            parts.alarms.close(measurable=not (unknown or served))

    def sound(self, snapshot: Snapshot) -> bool:
        """Whether all lists were had and hold something, no loss is open and no audit failed: else no bootstrap."""
        if self._session.lost() or self.untrusted() or not listed(snapshot):
            return False
        if self._session.hollow(self._parts.rules):
            return False
        return all(lists.known.all() for lists in self.wanted(snapshot).values())

    def wanted(self, snapshot: Snapshot) -> Mapping[ListLeg, RankedLists]:
        """The lists that a baseline needs whole: all but those of a production that is only overheard."""
        passive = isinstance(self._parts.production, OverheardProduction)
        return {leg: of for leg, of in snapshot.lists.items() if leg != "production" or not passive}

    def with_noise(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot of now that is to be a baseline, with what a twin of the index serves where there is one.

        The twin of an owned index is built for the purpose; that of a server is its earlier self, over the anchors
        that no event touched between two full replays. Deploys' own snapshots have none: builds take their time, and
        when full replays happen depends on the clock.
        """
        parts, noise = self._parts, None
        if parts.index is not None and parts.served is not None:
            rows = [row for row in parts.corpus.rows() if row.live]
            noise = parts.served.twin(partial(parts.index.rebuilt, rows, parts.corpus.vectors))
        elif parts.served is not None and parts.served.repeated.known.any():
            noise = parts.served.repeated
        if noise is None:
            return snapshot
        made = self.snapshot(snapshot.name, snapshot.deploy_id, noise=noise)
        return replace(made, approval=snapshot.approval)

    def snapshot(self, name: str, deploy_id: str, *, noise: RankedLists | None = None) -> Snapshot:
        """The current lists, frozen."""
        positions, comparable = named_positions(self._intake.positions), self._parts.snapshots.comparable
        made = self._session.snapshot(
            name, deploy_id, positions=positions, noise=noise, population=comparable(name, deploy_id)
        )
        if name == deploy_id:
            self._parts.milestones.note(deploy_id, made.statistics)
        return made

    def _rules(self, deploy_id: str) -> Sequence[Rule]:
        """The policy, with what approved deploys taught; one that is judged again teaches itself nothing."""
        taught = [one for one in self._approved if one.deploy_id != deploy_id]
        return learnt(self._parts.rules, taught) if taught else self._parts.rules

    def choose_baseline(self) -> None:
        """After a deploy was judged or a baseline approved."""
        session, parts = self._session, self._parts
        self._approved = approved_deploys(parts.store.history(WINDOW, 0)) if parts.learns else []
        session.compare_with(*self._parts.snapshots.chosen(session.ledger, session.baseline))
