"""Rounds of the loop: when one is over, what its lists say, and what a verdict or an approval makes of it."""

import logging

from monitor.app.health import Clocks
from monitor.core.alarms.alarms import Alarms
from monitor.core.alarms.churn import CHURN_LEGS, ContentLists
from monitor.core.alarms.state import AlarmState, AlarmView
from monitor.core.judging.policy import Verdict
from monitor.core.measures.comparison.content_hashes import ContentHashes
from monitor.core.records.committed import Resumed
from monitor.core.session import Session

LOG = logging.getLogger(__name__)
SETTLED = 60.0
"""Seconds after a start before a round may be closed: until then a source may look idle that has a backlog."""


class AlarmRounds:
    """Closes a round when the wall clock says that it is over; used in the loop's thread alone.

    Rounds begin with the first baseline: before that nothing was approved, and the index is not asked.

    Args:
        alarms: how rounds become alarms.
        session: what is watched.
        clocks: both clocks.
    """

    def __init__(self, alarms: Alarms, session: Session, clocks: Clocks) -> None:
        self.alarms, self._session, self._clocks = alarms, session, clocks
        self.state = AlarmState()
        self._committed = self.state
        self._shown: AlarmView | None = None
        self._tried: int | None = None
        """The last round that was closed or given up."""
        self._since = clocks.monotonic() + SETTLED

    def resume(self, resumed: Resumed) -> None:
        """Where a store left off."""
        self.state = self._committed = self.alarms.resumed(resumed.alarms)
        self._tried = self.state.number

    def due(self) -> bool:
        """Whether a round is over that was neither closed nor given up."""
        if self._session.baseline is None or self._clocks.monotonic() < self._since:
            return False
        over = self.alarms.over(self._clocks.wall())
        if self._tried is None:
            self._tried = over  # the first one to be measured begins now or later, and not in the past
        return over > self._tried or over < self._tried - 1  # a clock that was set back begins anew, not in years

    def close(self, *, measurable: bool) -> None:
        """The round that is over, with the lists of now: all anchors were just asked.

        Args:
            measurable: whether the lists mean anything; if not, the round is left out, and a later one spans it.
        """
        number = self._tried = self.alarms.over(self._clocks.wall())
        if not measurable:
            LOG.warning("a round could not be measured and is left out: it is no evidence for anything")
            return
        session = self._session
        anchors, lists = session.engine.anchors, session.lists()
        said = {leg: lists[leg] for leg in CHURN_LEGS if leg in lists}
        now = ContentLists.of(anchors, said, ContentHashes(session.corpus), self.alarms.k)
        before = self.state
        self.state = self.alarms.closed(before, number, now, anchors, session.corpus.newest_event_time)
        for alarm in self.state.newly(before):
            LOG.warning("alarm: %s", alarm.said)

    def judged(self, verdict: Verdict) -> None:
        """A deploy was judged by the gate."""
        if verdict.verdict == "pass":
            self.state = self.alarms.passed(self.state)
        elif verdict.verdict == "fail":
            self.state = self.alarms.failed(self.state)

    def approved(self, until: int) -> AlarmState:
        """What is to be committed with a person's approval of a baseline of this event time; see `take`."""
        return self.alarms.approved(self.state, until)

    def take(self, state: AlarmState) -> None:
        """It was committed."""
        self.state = self._committed = state

    def commit(self) -> AlarmState | None:
        """What the next commit has to keep; None where nothing changed since the last one."""
        if self.state is self._committed:
            return None
        self._committed = self.state
        return self.state

    def view(self) -> AlarmView:
        """What is shown; the very view of the last time where nothing changed."""
        of, last = self.alarms, self._shown
        if last is None or last.state is not self.state:
            counted = of.counted(self.state)
            last = self._shown = AlarmView(self.state, of.budget.pages, of.budget.seconds, counted, of.enough)
        return last
