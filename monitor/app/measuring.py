"""Measuring: replay what was touched, evaluate against the baseline, judge, and publish one view."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.app.blaming import Blaming
from monitor.app.freshness import Freshness
from monitor.app.health import stale_or
from monitor.app.intake import Intake
from monitor.app.looking import Looking
from monitor.app.milestones import Milestones
from monitor.app.once import Once
from monitor.app.parts import Parts
from monitor.app.sampling import Sampling
from monitor.app.snapshot import listed
from monitor.app.statistics import measurable, profile
from monitor.core.anchors import rows_after
from monitor.core.baseline import Judged, ListLeg, Snapshot
from monitor.core.comparison.content_hashes import ContentHashes
from monitor.core.comparison.facts import CorpusFacts, member_shingles
from monitor.core.corpus import Delta
from monitor.core.drift import Compared, Observation
from monitor.core.evaluation import Budget, Evaluation, evidence_of
from monitor.core.events import Segment
from monitor.core.known import Known
from monitor.core.lists import RankedLists
from monitor.core.policy import Verdict
from monitor.core.problems import Problem, ProblemKind
from monitor.core.published import Published
from monitor.core.report import DriftReport

OPEN_GAPS = ("open_gaps",)
"""Counter of losses in the stream that nobody has looked at since; approving a baseline sets it to 0."""
REPLAY_PAUSES = 9.0
"""While a backlog is worked off, replays take at most a tenth of the time."""
Measured = Callable[[], tuple[DriftReport, Verdict]]
"""A report and its verdict: worked out when somebody looks."""


class Measuring:
    """What the loop knows about drift: touched anchors, the baseline, the deploys judged so far."""

    def __init__(self, parts: Parts, counters: Counter[tuple[str, ...]]) -> None:
        self._parts, self._counters = parts, counters
        self.ledger: list[Judged] = []
        self.baseline: Snapshot | None = None
        self._pinned: Snapshot | None = None
        self._touched: set[int] = set()
        self._moved: dict[int, float] = {}
        self._changed: list[NDArray[np.int64]] = []
        self._behind = False
        self.blaming = Blaming(parts.clocks, parts.pace.report)
        self._milestones = Milestones(parts.store)
        self._replay_seconds = 0.0
        self._next_full = self._next_report = self._next_retry = 0.0
        self._sampling, self._looking = Sampling(parts.pace.settle), Looking(parts.clocks)
        self._fresh = Freshness(parts.clocks, on=parts.index is None)
        self._measured: Measured | None = None
        self._view: Once[Published] | None = None

    @property
    def published(self) -> Published | None:
        """The last view, worked out by whoever looks first, in any thread; one that nobody looks at costs nothing."""
        view = self._view
        return None if view is None else view()

    def begin(self, ledger: Sequence[Judged]) -> None:
        """Take up the stored ledger; full replays go by the clock from here on."""
        self.ledger = list(ledger)
        self._next_full = self._parts.clocks.monotonic() + self._parts.pace.full_replay
        self.choose_baseline()

    def touch(self, rows: Sequence[int], delta: Delta) -> None:
        """The corpus changed; these anchors' dense lists may have: they are replayed before the next report."""
        self._touched.update(rows)
        self.note(delta.removed_keys.tolist())
        self.note([row.key for row in delta.rows])
        self._behind = True
        if self._parts.pace.settle:
            self._sampling.changed([row.key for row in delta.rows], self._parts.clocks.monotonic())
            self._moved.update(dict.fromkeys(rows, self._parts.clocks.monotonic()))
        self._fresh.changed(delta.rows)

    def note(self, keys: Sequence[int]) -> None:
        """Something is known otherwise of these chunks: their event, their being, what the index says of them."""
        self._changed.append(np.array(keys, np.int64))

    def reanchor(self, parts: Parts, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on, see `anchors.kept_rows`: new questions are asked before the next report."""
        self._parts = parts
        self._touched = {*rows_after(kept, self._touched).tolist(), *np.flatnonzero(kept < 0).tolist()}
        since = {row: self._moved[kept[row]] for row in rows_after(kept, self._moved).tolist()}
        self._moved = since
        self.blaming.forget()
        self._behind = True

    def _settling(self) -> frozenset[int]:
        """Anchors whose documents production may still be writing to its index."""
        since = self._parts.clocks.monotonic() - self._parts.pace.settle
        self._moved = {row: at for row, at in self._moved.items() if at > since}
        return frozenset(self._moved)

    def touched(self) -> bool:
        """Whether the last report is older than the corpus, on whatever leg."""
        if self.blaming.owed(self.baseline) or self._looking.owed():
            return True
        return self._behind or (self.baseline is not None and bool(self._touched))

    def retry_due(self) -> bool:
        """Whether anchors that the index did not answer for may be asked again, though nothing touched them."""
        parts = self._parts
        failed = self.baseline is not None and parts.served is not None and bool(parts.served.failures)
        return failed and parts.clocks.monotonic() >= self._next_retry

    def full_due(self) -> bool:
        """Whether the schedule asks for a full replay."""
        return self._parts.served is not None and self._parts.clocks.monotonic() >= self._next_full

    def report_due(self) -> bool:
        """Whether the last view is old enough for another one, backlog or not."""
        return self._view is None or self._parts.clocks.monotonic() >= self._next_report

    def replay(self, *, full: bool) -> None:
        """Ask the real index about touched anchors, or all; without a baseline only when all are asked for."""
        parts, now = self._parts, self._parts.clocks.monotonic()
        self._behind = True
        if self.baseline is None and not full:
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
        self.note(parts.served.restated)
        seconds = self._replay_seconds = parts.clocks.monotonic() - now
        self._next_retry = now + seconds + max(parts.pace.retry, REPLAY_PAUSES * seconds)
        parts.gauges.replayed(replay, parts.served.failures, full=full, seconds=seconds)

    def measure(
        self, intake: Intake, deploy_id: str = "", problems: Sequence[Problem] = (), *, expected: Segment = ()
    ) -> Measured:
        """The report and verdict on the corpus as it is now; `expected` is what the deploy said it would change."""
        parts, seen = self._parts, self._seen(intake, deploy_id, problems)
        self._changed.clear()
        began = parts.clocks.monotonic()
        compared = self._compared(seen)
        self._looking.looked(brief=seen.brief, since=began)
        self._behind = False
        budget = Budget(expected, self.known().changes)
        evidence = evidence_of(self.baseline, compared, parts.rules, budget) if deploy_id else None
        return Once(Evaluation(compared, parts.rules, evidence).judged)

    def _seen(self, intake: Intake, deploy_id: str, problems: Sequence[Problem]) -> Observation:
        """What there is to measure now; `problems` are those of the stream, the others are found here."""
        parts, corpus, served = self._parts, self._parts.corpus, self._parts.served
        return Observation(
            deploy_id=deploy_id,
            now=corpus.newest_event_time,
            positions=named_positions(intake),
            lists=self.lists(),
            hashes=ContentHashes(corpus),
            corpus={"chunks": float(len(corpus))},
            chunks=(*parts.drift.content(parts.engine.duplicates), *self._sampling.measurements()),
            settling=self._settling(),
            failures={} if served is None else dict(served.failures),
            problems=(*problems, *self._lost(), *self.untrusted(), *self._refusing(deploy_id)),
            changed=np.unique(np.concatenate([np.zeros(0, np.int64), *self._changed])),
            facts=CorpusFacts(corpus, parts.engine.duplicates, self.known().changes),
            served={} if served is None else served.hashes,
            rewrites=parts.engine.rewrites(),
            brief=self._looking.brief(deploy_id),
            profile=measurable(parts.engine, parts.drift, self._counters),
        )

    def _lost(self) -> tuple[Problem, ...]:
        gaps = self._counters[OPEN_GAPS]
        said = f"the stream lost events {gaps} time(s); reload the corpus, then approve a baseline"
        return (Problem(ProblemKind.STREAM_LOSS, said),) if gaps else ()

    def _refusing(self, deploy_id: str) -> tuple[Problem, ...]:
        """Why the served lists mean nothing now; an index that works on itself says nothing only of a deploy."""
        served = self._parts.served
        if served is None:
            return ()
        found = [Problem(ProblemKind.INDEX, text) for text in served.problems]
        found += [Problem(ProblemKind.INDEX_BUSY, text) for text in served.busy] if deploy_id else []
        return tuple(found)

    def _compared(self, seen: Observation) -> Compared:
        """What the report is made from; blame is worked out for every deploy, else when it is time for it."""
        return self.blaming.compared(
            self.baseline,
            seen.deploy_id,
            lambda blame: self._parts.drift.compared(
                self.baseline, self._pinned, seen, self.known() if blame else None
            ),
        )

    def known(self) -> Known:
        """The corpus now, for blame; good until the next event."""
        parts = self._parts
        served = {} if parts.served is None else parts.served.hashes
        ledger = tuple(self.ledger)
        return Known(parts.corpus, parts.engine, ledger, served, self._milestones.of(ledger))

    def publish(self, intake: Intake, measured: Measured) -> None:
        """Swap the one reference that scrapes and pages read."""
        parts = self._parts
        pause = max(parts.pace.report, REPLAY_PAUSES * self._replay_seconds)
        self._next_report = parts.clocks.monotonic() + pause
        parts.gauges.reported()
        parts.gauges.watch(parts.source, intake.positions)
        health = parts.gauges.health(
            waiting=intake.barrier.waiting,
            state_bytes=parts.store.size(),
            points=self._sampling.points(parts.retriever, parts.clocks.monotonic()),
            freshness=self._fresh.look(parts.retriever, parts.corpus),
            audits=parts.audit.results if parts.audit is not None else {},
            engine=parts.gauges.worked(parts.engine, parts.corpus),
            anchors=None if parts.anchors_watch is None else parts.anchors_watch.state(len(parts.engine.anchors)),
        )
        self._measured = measured
        staleness, counters, ledger = parts.gauges.staleness(), dict(self._counters), tuple(self.ledger)

        def view() -> Published:
            report, verdict = measured()
            said = stale_or(verdict, staleness)
            return Published(parts.corpus_name, report, verdict, said, counters, ledger, health)

        self._view = Once(view)

    def republish(self, intake: Intake) -> None:
        """The last report once more, with the health of now; measured where there is none."""
        self.publish(intake, self._measured or self.measure(intake))

    def untrusted(self) -> tuple[Problem, ...]:
        """Why the maintained lists cannot be trusted: what audits found."""
        found = () if self._parts.audit is None else self._parts.audit.problems()
        return tuple(Problem(ProblemKind.AUDIT, text) for text in found)

    def sound(self, snapshot: Snapshot) -> bool:
        """Whether all lists were had and hold something, no loss is open and no audit failed: else no bootstrap."""
        if self._counters[OPEN_GAPS] or self.untrusted() or not listed(snapshot):
            return False
        return all(lists.known.all() for lists in snapshot.lists.values())

    def lists(self) -> dict[ListLeg, RankedLists]:
        """The lists now: dense as served by the real index, lexical, and the exact dense ones."""
        made = dict(self._parts.engine.lists())
        if self._parts.served is not None:
            made["dense"] = self._parts.served.lists
        return made

    def with_noise(self, intake: Intake, snapshot: Snapshot) -> Snapshot:
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
        made = self.snapshot(intake, snapshot.name, snapshot.deploy_id, noise=noise)
        return replace(made, approval=snapshot.approval)

    def snapshot(self, intake: Intake, name: str, deploy_id: str, *, noise: RankedLists | None = None) -> Snapshot:
        """The current lists, frozen."""
        corpus, positions = self._parts.corpus, named_positions(intake)
        statistics = self._parts.engine.by_source()
        made = self._parts.snapshots.freeze(name, deploy_id, self.lists(), corpus, positions, noise=noise)
        shingles = member_shingles(made.members, CorpusFacts(corpus, self._parts.engine.duplicates))
        of_corpus = profile(self._parts, self._counters, name, deploy_id)
        if name == deploy_id:
            self._milestones.note(deploy_id, statistics)
        return replace(made, statistics=statistics, shingles=shingles, profile=of_corpus)

    def choose_baseline(self) -> None:
        """After a deploy was judged or a baseline approved."""
        self.baseline = self._parts.snapshots.current(self.ledger, self.baseline)
        pinned = self._parts.snapshots.pinned()
        same = self.baseline is not None and pinned is not None and pinned.name == self.baseline.name
        self._pinned = self.baseline if same else pinned
        self._parts.engine.statistics.rebase(None if self.baseline is None else self.baseline.profile)


def named_positions(intake: Intake) -> dict[str, int]:
    """Next offset by `topic/partition`."""
    return {f"{part.topic}/{part.partition}": at for part, at in sorted(intake.positions.items())}
