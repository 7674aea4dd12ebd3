"""What may be asked of the loop between two turns, in its own thread: baselines, deploys, incidents, another try."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.app.committing import Committer
from monitor.app.explaining import CardContext
from monitor.app.intake import Intake, IntakeBatch
from monitor.app.measuring import Measuring
from monitor.app.parts import MonitorComponents
from monitor.app.retrying import MOST, Sorted
from monitor.app.snapshot import NOTHING_LISTED, PENDING, listed, responsible
from monitor.core.attribution.cause import with_evidence
from monitor.core.explain.card import Incident
from monitor.core.index.baseline import Approval, Snapshot
from monitor.core.judging.policy import Rule
from monitor.core.model.events import Deploy
from monitor.core.model.report import CauseEvidence
from monitor.core.records.committed import Commit, Quarantined, Retried
from monitor.core.records.history import ApprovalMark
from monitor.core.reporting.drift import Drift
from monitor.core.session import OPEN_GAPS
from monitor.ports import ConfigurationError, ScanningSource, UnreachableError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Of a baseline, as in the configuration."""
DEPLOY_ID_BYTES = 1_024
"""As in events."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations on a running loop.

    Args:
        parts: of the loop.
        measuring: evaluates and publishes.
        intake: where the loop stands in its stream.
        again: applies and commits records that were set aside before; returns what is refused again.
        committer: commits at the position of now.
    """

    parts: MonitorComponents
    measuring: Measuring
    intake: Intake
    again: Callable[[IntakeBatch], Sequence[Quarantined]]
    committer: Committer

    def capture(self, name: str) -> Snapshot:
        """Freeze the current lists, freshly replayed; beside an approved baseline of that name, which stays in force.

        Raises:
            ConfigurationError: the name is none.
            UnreachableError: the corpus is empty, nothing is listed, or the index did not answer for every anchor.
        """
        if not NAME.fullmatch(name):
            found = f"baseline {name[:80]!r}"
            message = f"{found}: expected 1 to 64 letters, digits, '_', '.', '-', a letter or digit first"
            raise ConfigurationError(message)
        if not len(self.parts.corpus):
            message = f"baseline {name!r}: the corpus is empty, no event was applied; expected chunks to compare with"
            raise UnreachableError(message)
        self.measuring.replay(full=True)
        ledger = self.parts.session.ledger
        newest, kept_as = ledger[-1].deploy_id if ledger else "", self.parts.snapshots.captured_as(name)
        snapshot = self.measuring.snapshot(kept_as, newest)
        unknown = {
            leg: int((~lists.known).sum())
            for leg, lists in self.measuring.wanted(snapshot).items()
            if not lists.known.all()
        }
        if unknown:
            missing = ", ".join(f"{count} {leg}" for leg, count in sorted(unknown.items()))
            message = f"baseline {name!r}: {missing} lists could not be had from the index; expected all of them"
            raise UnreachableError(message)
        if not listed(snapshot):
            message = f"baseline {name!r}: {NOTHING_LISTED}"
            raise UnreachableError(message)
        snapshot = replace(self.measuring.with_noise(snapshot), replaces=name if kept_as != name else "")
        self.committer.commit(Commit({}, baselines=(snapshot,)))
        self._publish()
        return snapshot

    def approve(self, name: str, approval: Approval) -> Snapshot:
        """Approve a capture and put it in force, whatever name is configured and whatever deploy passed.

        Whoever approves also takes responsibility for earlier losses, and for the rounds up to the capture: what is
        normal is learnt from them.

        Raises:
            ConfigurationError: no such capture, nothing is listed in it, or no author or reason.
        """
        session, snapshots, alarms = self.parts.session, self.parts.snapshots, self.parts.alarms
        snapshot = snapshots.approved(name, approval)
        rounds = None if alarms is None else alarms.approved(snapshot.event_time)
        made = Commit(
            {},
            baselines=(snapshot,),
            counters={OPEN_GAPS: 0},
            withdrawn=(snapshot.name + PENDING,),
            decision=snapshots.decide(snapshot.name, session.ledger),
            approval=ApprovalMark(
                snapshot.name,
                approval.author,
                approval.reason,
                approval.time,
                session.ledger[-1].deploy_id if session.ledger else "",
            ),
            alarms=rounds,
        )
        self.committer.commit(made)
        session.counters[OPEN_GAPS] = 0  # only now: a store that refused has not forgotten the losses either
        if alarms is not None and rounds is not None:
            alarms.take(rounds)
        self.measuring.choose_baseline()
        self.measuring.replay(full=False)
        self._publish()
        return snapshot

    def accept(self, name: str, approval: Approval) -> Snapshot:
        """The corpus as it is now becomes what is compared with: capture and approval in one step.

        Args:
            name: of the baseline; "" for the configured one.
            approval: who takes responsibility, and why.
        """
        chosen = name or self.parts.snapshots.name
        responsible(chosen, approval)  # before the work of a capture
        self.capture(chosen)
        return self.approve(chosen, approval)

    def deploy_at_end(self, deploy_id: str) -> None:
        """Open a barrier at the source's end as it is now; a deploy that was judged already stays as it is.

        A source that scans begins a new look, and the deploy ends with it.

        Raises:
            ConfigurationError: the id is none, or the source cannot say where it ends.
        """
        if not deploy_id or not deploy_id.isprintable() or len(deploy_id.encode()) > DEPLOY_ID_BYTES:
            message = f"deploy {deploy_id[:80]!r}: expected 1 to {DEPLOY_ID_BYTES} bytes of printable characters"
            raise ConfigurationError(message)
        if any(judged.deploy_id == deploy_id for judged in self.parts.session.ledger):
            return
        source = self.parts.source
        if isinstance(source, ScanningSource) and source.deploy_next(deploy_id):
            return
        ends = source.end()
        if ends is None:
            message = "the source cannot say where it ends; expected a deploy marker in the stream"
            raise ConfigurationError(message)
        marker = Deploy(deploy_id, self.parts.corpus.newest_event_time, dict(ends))
        self.intake.barrier.request(marker)

    def incident(self) -> Incident:
        """The corpus as it is; what only reads is left to whoever asked.

        Raises:
            UnreachableError: no baseline to compare with, or nothing was measured.
        """
        measuring, session = self.measuring, self.parts.session
        if session.baseline is None:
            message = "no approved baseline: nothing can be explained; see corpus-drift baseline"
            raise UnreachableError(message)
        if measuring.touched():
            measuring.replay(full=False)
        measuring.blaming.soon()
        report, verdict = measuring.refresh()()
        stale = self.parts.gauges.staleness()
        if stale:
            report = replace(report, causes=with_evidence(report.causes, CauseEvidence("PIPELINE", stale)))
        context = self.card_context("")
        return Incident(
            deploy_id="",
            report=report,
            verdict=self.parts.gauges.judged(verdict),
            before=session.baseline,
            after=measuring.snapshot("now", ""),
            attributions=measuring.blaming.attributions(),
            ledger=tuple(session.ledger),
            texts=context.texts,
            versions=context.versions,
        )

    def card_context(self, config: str) -> CardContext:
        """What a card needs besides the state; may be asked for from any thread."""
        return CardContext(self.parts.engine.anchors.anchors, self.parts.embedder.encoder, config)

    def retry(self) -> Retried:
        """Decode and apply everything in quarantine again, the oldest of each partition first.

        The rules of order hold as in the stream: what a newer event superseded meanwhile changes nothing, and is
        done. A deploy marker stays aside: its barrier is past. Positions in the stream do not move.
        """
        found = Sorted.of(self.parts.store.quarantine(MOST), self.parts.decoder)
        kept = dict(found.kept)
        if found.events:
            refused = self.again(found.batch(self.intake.positions))
            kept.update({item.position: f"{item.reason}: {item.detail}" for item in refused})
        taken = sum(located.position not in kept for located in found.events)
        return Retried(taken, dict(sorted(kept.items())))

    def unsay(self, keys: Sequence[int]) -> None:
        """Forget the texts that are kept of chunks for pictures, from when they stood in lists."""
        self.committer.commit(Commit({}, unsaid=keys))
        self._remember()

    def apart(self) -> tuple[Drift, Sequence[Rule]]:
        """An evaluation of the anchors of now apart from the loop's, and the policy; from any thread."""
        return self.parts.drift_of(self.parts.engine.anchors), self.parts.rules

    def _publish(self) -> None:
        """Show the report of now, and leave it in the state: a command that owned the state for this ends then."""
        self.measuring.refresh()
        self._remember()

    def _remember(self) -> None:
        self.committer.remember(self.measuring.published)
