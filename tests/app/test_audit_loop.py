"""Audits in a running loop: when nothing else is to do, and said in the view."""

from dataclasses import replace
from pathlib import Path

from monitor.app.loop import Monitor
from monitor.core.index.engine import of_one_process
from monitor.core.model.events import Partition
from monitor.core.records.published import Published
from monitor.ports import Polled
from tests.app.loops import opened, to_end
from tests.app.scripted import ScriptedSource, records, scripted, turn_until
from tests.corpora import Shape, events, write_case

SOON = "[measure]\naudit_seconds = 0.000001\n"


class Silent(ScriptedSource):
    """Never exhausted; what its late partitions hold has not been written yet."""

    late: frozenset[Partition] = frozenset()

    def poll(self, max_records: int, timeout: float) -> Polled:
        self.pause(self.late)
        return replace(super().poll(max_records, timeout), exhausted=False)


def test_the_loop_audits_only_when_nothing_else_is_to_do(tmp_path: Path) -> None:
    """Due from the first moment on: yet not at the start, not while there are events, not while a barrier is open."""
    made = events(7, Shape(chunks=20, deploys=1))[:-1]
    config = write_case(tmp_path, shape=Shape(chunks=20, deploys=1), extra=SOON + "[source]\nbatch = 6\n")
    late = records([made[-1]], partition=1)
    source = Silent([*records(made), *late], partitions=2)
    with scripted(config, source) as monitor:
        audit = monitor.parts.audit
        assert audit is not None
        assert audit.due()
        source.late = frozenset({late[0].position.source})
        worked = [monitor.turn(0.0) for _ in range(12)]
        assert worked[:4] == [True] * 4
        assert not any(worked[-5:])  # silence, and the other copy of the marker is missing
        assert monitor.intake.barrier.waiting
        assert not audit.results
        source.resume(source.late)
        source.late = frozenset()
        turn_until(monitor, lambda: bool(audit.results))
        assert not monitor.intake.barrier.waiting
        assert {leg: (of.mismatches, of.skipped) for leg, of in audit.results.items()} == {
            "dense": (0, ""),
            "lexical": (0, ""),
        }


def test_the_view_says_what_was_audited_and_how_the_engine_works(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=Shape(chunks=120, deploys=3, churn=0.3), extra=SOON)
    with opened(config) as monitor:
        assert to_end(monitor)
        view = _idle_view(monitor)
        engine = of_one_process(monitor.parts.engine)
        assert engine.dense is not None
        assert engine.lexical is not None
        assert {leg: of.anchors for leg, of in view.health.audits.items()} == {"dense": 20, "lexical": 20}
        assert not any(reason.startswith("audit") for reason in view.verdict.reasons)
        work = view.health.engine
        assert work is not None
        marks = sum(not row.live for row in monitor.parts.corpus.rows())
        assert (work.tombstones, work.terms) == (marks, len(engine.vocabulary))
        assert marks > 0
        assert work.refills["lexical"] == engine.lexical.refills > 0
        assert work.refills["dense"] == engine.dense.refills + 24 * engine.dense.rebuilds > 0
        assert (work.rebuilds, work.epochs) == (engine.dense.rebuilds, engine.lexical.epochs)
        assert min(work.touched.values()) >= 24
        assert work.refilling == {"dense": 0, "lexical": 0}  # nothing happened since the view before


def _idle_view(monitor: Monitor) -> Published:
    for _ in range(3):
        monitor.turn(0.0)
    view = monitor.published
    assert view is not None
    return view
