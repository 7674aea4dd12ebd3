"""Commits beside the stream: what changes without an event is kept at the position where the loop stands."""

from dataclasses import dataclass, replace

from monitor.app.intake import Intake
from monitor.app.parts import MonitorComponents
from monitor.core.places import named_positions
from monitor.core.records.committed import Commit
from monitor.core.records.published import Published


@dataclass(frozen=True, slots=True)
class Committer:
    """Commits at the position of now, with the counters of now.

    Args:
        parts: of the loop.
        intake: where the loop stands in its stream.
    """

    parts: MonitorComponents
    intake: Intake

    def commit(self, made: Commit) -> None:
        """Commit what changed.

        Args:
            made: its position and event time are replaced by those of now; counters that it names go before those of
                the session.
        """
        parts = self.parts
        at = replace(
            made,
            positions=self.intake.positions,
            counters={**parts.session.counters, **made.counters},
            newest_event_time=parts.corpus.newest_event_time,
            epoch=parts.corpus.epoch,
        )
        parts.store.commit(at)
        parts.gauges.committed()

    def remember(self, view: Published | None) -> None:
        """Leave the last report in the state where it is of now, for whoever asks while no monitor runs."""
        if view is not None and view.report.positions == named_positions(self.intake.positions):
            production = None if self.parts.production is None else self.parts.production.kept()
            self.commit(Commit({}, current=(view.report, view.own), production=production))
