"""The loop leaves a point a deploy and an hour behind, in the turn's own transaction, and goes on after a restart."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.health import Clocks
from monitor.app.loop import Monitor
from monitor.app.recording import Recorder
from monitor.core.index.baseline import Approval
from monitor.core.index.corpus import Corpus
from monitor.core.model.report import ALL
from monitor.core.records.committed import Commit
from monitor.core.records.history import HOUR, History, Series, Track
from tests.adapters.stores.sqlite.test_history import point
from tests.app.loops import opened, to_end
from tests.contracts.stores import point_contents
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=60, deploys=4, anchors=24, churn=0.15, incident=True)


def past(config: Path) -> tuple[History, dict[str, list[Track]]]:
    store = SqliteStore(config.parent / "state.db", read_only=True)
    store.start()
    try:
        found = store.history(99, 99)
        return found, {name: list(store.tracks(name)) for name in dict.fromkeys(of[0] for of in store.tracked())}
    finally:
        store.close()


def test_every_deploy_leaves_its_numbers_its_size_and_the_lists_it_moved(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    with opened(config) as monitor:
        assert to_end(monitor)
        ledger, counters = list(monitor.ledger), dict(monitor.session.counters)
        lists = {leg: of for leg, of in monitor.session.lists().items() if leg in ("dense", "lexical")}
        names = [anchor.id for anchor in monitor.parts.engine.anchors.anchors]
        records = [monitor.parts.store.deploy(one.deploy_id) for one in ledger]
    found, tracks = past(config)
    assert [(of.deploy_id, of.verdict) for of in found.deploys] == [(of.deploy_id, of.verdict) for of in ledger]
    assert found.hours == ()
    sizes = [of.size for of in found.deploys if of.size is not None]
    assert sum(of.written for of in sizes) == counters["events", "upsert", "new"]
    assert sum(of.rewritten for of in sizes) == counters["events", "upsert", "modified"]
    assert all(of.total > 0 for of in sizes)
    for kept, record in zip(found.deploys, records, strict=True):
        assert record is not None
        for item in record.report.measurements:
            if item.metric == "kept_answers_ratio" and item.k == 10:
                value, _ = kept.at(item.dimension, item.segment, Series(item.metric, item.leg))
                assert value == item.value or (math.isnan(value) and math.isnan(item.value))
    newest = {(of.anchor, of.leg): of for mine in tracks.values() for of in mine}
    for leg, of in lists.items():
        expected = [tuple(keys[:length]) for keys, length in zip(of.keys.tolist(), of.lengths.tolist(), strict=True)]
        assert [newest[name, leg].keys for name in names] == expected
    changed = [of for mine in tracks.values() for of in mine if of.number > found.deploys[0].number]
    assert any(of.touches for of in changed), "the incident's events stand in the lists they changed"


def test_a_restart_changes_nothing_that_is_kept(tmp_path: Path) -> None:
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole, cut = (write_case(tmp_path / name, shape=SHAPE) for name in ("whole", "cut"))
    with opened(whole) as monitor:
        assert to_end(monitor)
    for _ in range(200):
        with opened(cut) as monitor:
            if to_end(monitor, turns=1):
                break
    (one, tracks), (other, others) = past(whole), past(cut)
    told = [[point_contents(replace(of, taken=0.0)) for of in points.deploys] for points in (one, other)]
    assert told[0] == told[1]
    assert tracks == others


def test_hours_pass_without_events_and_stale_numbers_are_not_known(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    wall = [1.7e9]
    with opened(config) as monitor:
        assert to_end(monitor)
        clocked(monitor, wall)
        for _ in range(3):
            monitor.turn(0.0)
        wall[0] += HOUR
        for _ in range(3):
            monitor.turn(0.0)
        monitor.parts.gauges.staleness = lambda: "no news for 900 s"  # type: ignore[method-assign]
        wall[0] += 1.5 * HOUR
        for _ in range(3):
            monitor.turn(0.0)
        published = monitor.published
    found, _ = past(config)
    assert [of.taken for of in found.hours] == [1.7e9 + HOUR, 1.7e9 + 2.5 * HOUR], "one an hour, however many turns"
    first, stale = found.hours
    assert published is not None
    kept = next(of for of in published.report.measurements if of.metric == "kept_answers_ratio" and of.k == 10)
    assert first.at(kept.dimension, kept.segment, Series(kept.metric, kept.leg))[0] == kept.value
    assert (first.deploy_id, first.size, first.kind) == ("d3", None, "hour")
    assert math.isnan(stale.at(ALL, ALL, Series("kept_answers_ratio", "dense"))[0])
    assert {*stale.verdicts} == {"unknown"}


def clocked(monitor: Monitor, wall: list[float]) -> None:
    """Give the recorder of a running loop another wall clock."""
    made = Recorder(Clocks(lambda: 0.0, lambda: wall[0]), monitor.parts.corpus)
    made.resume(monitor.parts.store)
    monitor._background._recorder = made


@pytest.mark.parametrize(("ago", "due"), [(0.5 * HOUR, 0.5 * HOUR), (3 * HOUR, 0.0), (None, HOUR)])
def test_an_hour_is_over_an_hour_after_the_newest_point(tmp_path: Path, ago: float | None, due: float) -> None:
    now = [1.7e9]
    store = SqliteStore(tmp_path / "state")
    store.start()
    recorder = Recorder(Clocks(lambda: 0.0, lambda: now[0]), Corpus(0))
    if ago is not None:
        store.commit(Commit({}, point=replace(point("deploy", "d"), taken=now[0] - ago)))
    recorder.resume(store)
    store.close()
    assert recorder.hour_due() is (due == 0.0)
    now[0] += max(0.0, due - 1.0)
    assert recorder.hour_due() is (due == 0.0)
    now[0] += 1.0
    assert recorder.hour_due()


def test_who_approves_stands_behind_the_deploy_that_was_newest_then(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    with opened(config) as monitor:
        assert to_end(monitor)
        monitor.operations.accept("main", Approval("ann", "looked at it", "2026-11-29T20:00:00+00:00"))
    found, _ = past(config)
    assert [(of.name, of.author, of.reason, of.after) for of in found.approvals] == [
        ("main", "ann", "looked at it", "d3")
    ]
