"""Work beside the stream: what the loop does without an event, each part committed where the loop stands."""

from monitor.app.committing import Committer
from monitor.app.measuring import Measured, Measuring
from monitor.app.reanchoring import reanchored
from monitor.app.recording import Recorder
from monitor.core.index.engine import of_one_process
from monitor.core.records.committed import Commit
from monitor.core.records.history import HistoryPoint


class BackgroundWork:
    """Other anchors, a migration's target, traffic, rounds, replays that are owed, audits and the points of hours.

    Used by the loop's thread alone.

    Args:
        committer: commits at the position of now.
        measuring: measures and publishes.
        recorder: makes the points of hours.
    """

    def __init__(self, committer: Committer, measuring: Measuring, recorder: Recorder) -> None:
        self._parts, self._intake = committer.parts, committer.intake
        self._committer, self._measuring, self._recorder = committer, measuring, recorder

    def reanchor(self) -> None:
        """Take up a changed anchors file between two turns: every report is of one set of anchors."""
        watch = self._parts.anchors_watch
        anchors = None if watch is None else watch.look()
        if anchors is not None:
            self._measuring.reanchor(reanchored(self._parts, anchors))
            self._committer.commit(Commit({}, bridges=self._parts.panel.commit()))

    def complete_target(self) -> None:
        """Read or encode part of what a migration's target lacks."""
        watch = self._parts.migration
        if watch is not None and watch.work():
            self._committer.commit(Commit({}, target=watch.commit()))

    def read_traffic(self, *, idle: bool) -> bool:
        """Take in some of the traffic; says whether anything came. To be called where no events wait."""
        watch, parts = self._parts.traffic, self._parts
        if watch is None:
            return False
        if idle:
            watch.look_at_anchors(parts.session, parts.store)
        worked = watch.work(of_one_process(parts.engine), idle=idle)
        made = watch.commit()
        if made is not None:
            traffic, aside = made
            self._committer.commit(Commit({}, traffic=traffic, quarantined=aside))
        return worked

    def idle(self) -> None:
        """Nothing arrived: close a round that is over, catch up on replays, then audit when it is time, and keep the
        view's health fresh.
        """
        measuring, audit = self._measuring, self._parts.audit
        if self.round_over():
            self._close_round()
        elif measuring.touched() or measuring.retry_due() or measuring.full_due() or measuring.production_due():
            measuring.replay(full=measuring.full_due())
            measuring.refresh()
        elif audit is not None and audit.due() and not (self._intake.barrier.waiting or self._intake.ready()):
            audit.run()
            measuring.refresh()
        elif measuring.report_due():
            measuring.republish()
        self._note_hour()

    def round_over(self) -> bool:
        """Whether a round of the alarms is over and was not closed yet."""
        return self._parts.alarms is not None and self._parts.alarms.due()

    def hour(self, measured: Measured) -> HistoryPoint | None:
        """The point of this hour, where it is over: the one time an hour that a report is worked out unasked."""
        if not self._recorder.hour_due():
            return None
        ledger = self._parts.session.ledger
        newest = ledger[-1].deploy_id if ledger else ""
        return self._recorder.hour(*measured(), newest, self._parts.gauges.staleness())

    def _note_hour(self) -> None:
        """Where nothing arrives the hours pass all the same."""
        measured = self._measuring.latest
        point = None if measured is None else self.hour(measured)
        if point is not None:
            self._committer.commit(Commit({}, point=point))

    def _close_round(self) -> None:
        """Close a round between two batches: measured, committed, published."""
        self._measuring.replay(full=True)
        self._measuring.close_round()
        measured, alarms = self._measuring.measure(), self._parts.alarms
        made = None if alarms is None else alarms.commit()
        if made is not None:
            self._committer.commit(Commit({}, alarms=made))
        self._measuring.publish(measured)
