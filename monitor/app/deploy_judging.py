"""Judging deploys: at their barrier, and once more where only the index kept one from a verdict."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitor.app.committing import Committer
from monitor.app.measuring import Measured, Measuring
from monitor.app.recording import Recorder
from monitor.app.span import bootstrap_problems, span_problems
from monitor.app.tally import Tally
from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.model.barrier import Closed
from monitor.core.model.events import Segment
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.places import named_positions
from monitor.core.records.committed import Commit, DeployRecord, Resumed
from monitor.core.records.history import DeploySize, size_of

LOG = logging.getLogger(__name__)
AT_DEPLOY = "at_deploy"
"""Before the name of a counter: what it was at the newest judged deploy."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The newest judged deploy where only the index kept it from a verdict: it is judged again when that is over.

    Args:
        deploy_id: the deploy.
        expected: the segment that its marker said it would change.
    """

    deploy_id: str
    expected: Segment


class DeployJudging:
    """Measures and judges deploys, and says what of them is to be committed; used by the loop's thread alone.

    Args:
        committer: commits a deploy that is judged again.
        measuring: measures.
        recorder: makes what is kept for pictures.
    """

    def __init__(self, committer: Committer, measuring: Measuring, recorder: Recorder) -> None:
        self._parts, self._intake, self._session = committer.parts, committer.intake, committer.parts.session
        self._committer, self._measuring, self._recorder = committer, measuring, recorder
        self._unsettled: Unsettled | None = None

    def resume(self, resumed: Resumed) -> None:
        """What the open deploy, or one that is to be judged again, changed; the state knows both."""
        readiness, ledger = self._parts.readiness, list(resumed.ledger)
        if readiness is None:
            return
        record = self._parts.store.deploy(ledger[-1].deploy_id) if ledger else None
        if record is not None and record.report.unsettled:
            self._unsettled = Unsettled(record.deploy_id, record.expected)
            ledger.pop()
        since = ledger[-1].positions if ledger else {}
        if any(at > since.get(where, 0) for where, at in named_positions(resumed.positions).items()):
            readiness.resume(since)

    def measure(self, closed: Closed) -> Measured:
        """The report and verdict of a deploy whose barrier closed; all anchors were just asked."""
        readiness, complete = self._parts.readiness, closed.how == "complete"
        behind = readiness.behind if complete and readiness is not None else ()
        early = bootstrap_problems(closed, self._intake.barrier.waiting)
        problems = (*span_problems(closed), *early, *self._refused(), *behind)
        deploy = closed.deploy
        return self._measuring.measure(deploy.deploy_id, problems, expected=deploy.expected)

    def close(self, closed: Closed, measured: Measured) -> Commit:
        """Enter a deploy in the ledger; what of it the turn has to commit."""
        deploy = self._judged(closed.deploy.deploy_id, closed.deploy.expected, measured)
        made = self._kept(deploy, self._size())
        self._close_tally()
        return made

    def judge_again(self) -> None:
        """Judge the newest deploy again once the index holds it; no event is needed, and all that came is judged.

        Never while the marker of a later deploy stands open: what that one changed is not this one's.
        """
        again, readiness = self._unsettled, self._parts.readiness
        if again is None or readiness is None or self._intake.barrier.waiting:
            return
        if not readiness.ready_now(again.deploy_id):
            return
        earlier = self._session.ledger.pop()  # it is judged as it would have been: not yet in the ledger
        self._measuring.replay(full=True)
        measured = self._measuring.measure(again.deploy_id, expected=again.expected)
        if measured()[0].unsettled:  # it was at rest when we looked and is no longer
            self._session.ledger.append(earlier)
            return
        stamp = datetime.fromtimestamp(self._parts.clocks.wall(), UTC).isoformat(timespec="seconds")
        deploy = replace(self._judged(again.deploy_id, again.expected, measured), judged_again=stamp)
        same = [of.size for of in self._parts.store.history(1, 0).deploys if of.deploy_id == deploy.deploy_id]
        made, alarms = self._kept(deploy, same[0] if same else None), self._parts.alarms
        self._committer.commit(replace(made, alarms=None if alarms is None else alarms.commit()))
        self._measuring.choose_baseline()
        self._measuring.publish(measured)

    def _judged(self, deploy_id: str, expected: Segment, measured: Measured) -> DeployRecord:
        report, verdict = measured()
        entry = Judged(deploy_id, report.now, verdict.verdict, report.positions)
        moved = self._parts.snapshots.moved_on([*self._session.ledger, entry])
        if moved is not None:
            LOG.warning("baseline moves on to deploy %r: %s", moved.deploy_id, moved.approval.reason)
        self._session.ledger.append(replace(entry, adopted=moved))
        return DeployRecord(
            deploy_id,
            report.now,
            verdict,
            report,
            self._measuring.snapshot(deploy_id, deploy_id),
            self._measuring.blaming.attributions(),
            moved,
            expected,
        )

    def _kept(self, deploy: DeployRecord, size: DeploySize | None) -> Commit:
        """A judged deploy with its baseline, its point and its tracks; alarms and readiness learn of it."""
        self._settle(deploy)
        first = self._first(deploy)
        point, tracks = self._recorder.deploy(deploy, size, self._session.ledger)
        if self._parts.alarms is not None:
            self._parts.alarms.judged(deploy.verdict)
        return Commit({}, deploy=deploy, baselines=() if first is None else (first,), point=point, tracks=tracks)

    def _settle(self, deploy: DeployRecord) -> None:
        """Remember whether the newest deploy is to be judged again."""
        readiness = self._parts.readiness
        if readiness is None:
            return
        self._unsettled = Unsettled(deploy.deploy_id, deploy.expected) if deploy.report.unsettled else None
        if self._unsettled is None:
            readiness.settled()

    def _first(self, deploy: DeployRecord) -> Snapshot | None:
        """The deploy as the first baseline, where the configuration asks for one; never where anything is unsure."""
        if any(of.kind.of_stream or of.kind.of_index for of in deploy.report.problems):
            return None
        if not self._measuring.sound(deploy.snapshot):
            return None
        first = self._parts.snapshots.bootstrapped(deploy.snapshot)
        return None if first is None else self._measuring.with_noise(first)

    # ------------------------------------------------------------ the counters, since the deploy before

    @property
    def _before(self) -> dict[tuple[str, ...], int]:
        """At the deploy before: kept with the counters, so that a restart within a deploy forgets nothing of it."""
        return {name[1:]: n for name, n in self._session.counters.items() if name[0] == AT_DEPLOY}

    def _refused(self) -> tuple[Problem, ...]:
        """Why a deploy that closes now cannot be judged: most of what belongs to it was not understood."""
        of, limit = Tally.of(self._session.counters).since(Tally.of(self._before)), self._parts.pace.refused
        return (Problem(ProblemKind.REFUSED, of.complaint(limit)),) if of.too_many(limit) else ()

    def _size(self) -> DeploySize:
        """What changed since the deploy before."""
        return size_of(self._session.counters, self._before)

    def _close_tally(self) -> None:
        counters = self._session.counters
        for name in [name for name in counters if name[0] in ("events", "quarantined")]:
            counters[AT_DEPLOY, *name] = counters[name]
