"""Anchors changed while the monitor runs: taken up between turns, refused when wrong, and never mixed in a report."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.anchors_file import write
from monitor.adapters.file_stamp import stamp
from monitor.adapters.stores.sqlite.snapshots import pack_deploy
from monitor.app.anchors_watch import PATIENCE, AnchorsWatch
from monitor.app.loop import Monitor
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Deploy, Upsert
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.records.published import AnchorsTaken
from monitor.ports import ConfigurationError, UnreachableError
from tests.app.loops import to_end
from tests.app.scripted import ScriptedSource, records, scripted, turn_until
from tests.corpora import Shape, World, anchors, events, write_case

SHAPE = Shape(40, 3, anchors=12, churn=0.3)
NONE = AnchorSet([], np.zeros((0, 0), np.float32), np.zeros(0), [])


def case(folder: Path, shape: Shape = SHAPE) -> Path:
    """A corpus on disk whose anchors file is looked at in every turn."""
    config = write_case(folder, shape=shape)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[anchors]\n", "[anchors]\nwatch_seconds = 1e-9\n"), encoding="utf-8")
    return config


def others() -> list[Anchor]:
    """The anchors in another order: four gone, two new, one that asks something else, one only renamed."""
    world, made = World(np.random.default_rng(5), SHAPE), anchors(7, SHAPE)
    texts = [world.text(topic, words=3) for topic in range(3)]
    given = [replace(made[0], text=text, vector=world.vector(text)) for text in texts]
    fresh = [replace(given[0], id="n0"), replace(given[1], id="n1"), replace(given[2], id=made[4].id)]
    return [*fresh, replace(made[5], id="renamed"), *made[11:5:-1]]


def digests(of: Sequence[Anchor]) -> dict[str, str]:
    return {anchor.id: anchor_digest(anchor) for anchor in of}


def lists(monitor: Monitor) -> dict[str, tuple[object, ...]]:
    return {
        leg: (one.keys.tobytes(), one.scores.tobytes(), one.lengths.tolist(), one.known.tolist())
        for leg, one in monitor.session.lists().items()
    }


def kept_of(monitor: Monitor, deploy_id: str) -> dict[str, str]:
    """Digests of the anchors that a deploy's record keeps."""
    record = monitor.parts.store.deploy(deploy_id)
    assert record is not None
    rows = {len(of) for of in record.snapshot.lists.values()}
    assert rows == {len(record.snapshot.anchors)}, "a record's lists are of its own anchors"
    return {name: mark.digest for name, mark in record.snapshot.anchors.items()}


def test_the_change_itself_is_measured_at_one_offset_and_kept(tmp_path: Path) -> None:
    config = case(tmp_path)
    with scripted(config, ScriptedSource(records(events(7, SHAPE)))) as monitor:
        assert to_end(monitor)
        assert not monitor.parts.panel.bridges
        write(config.parent / "anchors.jsonl", others())
        turn_until(monitor, lambda: taken(monitor).taken == 1)
        (found,) = monitor.parts.panel.bridges
        assert monitor.published is not None
        assert monitor.published.bridges == (found,)
    assert (found.metric, found.leg) == ("legs_rbo", "both")
    assert (found.matched, found.came, found.left) == (7, 3, 5)
    assert found.lower <= found.difference == found.after - found.before <= found.upper
    with scripted(config, ScriptedSource([])) as monitor:
        assert monitor.parts.panel.bridges == (found,)


def taken(monitor: Monitor) -> AnchorsTaken:
    assert monitor.published is not None
    found = monitor.published.health.anchors
    assert found is not None
    return found


@pytest.mark.parametrize("dense", [True, False])
def test_a_changed_file_is_taken_up_while_the_monitor_runs(tmp_path: Path, dense: bool) -> None:
    shape = replace(SHAPE, dense=dense)
    config = case(tmp_path, shape)
    made = records(events(7, shape))
    at = [number for number, one in enumerate(events(7, shape)) if isinstance(one, Deploy)]
    with scripted(config, ScriptedSource(made[: at[1] + 1])) as monitor:
        turn_until(monitor, lambda: len(monitor.ledger) == 2)
        before = digests(monitor.parts.engine.anchors.anchors)
        write(tmp_path / "anchors.jsonl", others())
        turn_until(monitor, lambda: len(monitor.parts.engine.anchors) == len(others()))
        turn_until(monitor, lambda: taken(monitor) == AnchorsTaken(len(others()), 1, ""))
        assert monitor.published is not None
        assert monitor.published.report.changed_anchors == 6
        now = digests(monitor.parts.engine.anchors.anchors)
        assert all(of.known.all() for of in monitor.session.lists().values()), "new anchors were asked, too"
        expected = lists(monitor)
    with scripted(config, ScriptedSource(made)) as again:  # a restart finds the other file, too
        assert lists(again) == expected
        assert digests(again.parts.engine.anchors.anchors) == now
        assert to_end(again)
        assert kept_of(again, "d0") == kept_of(again, "d1") == before
        assert kept_of(again, "d2") == now
        record = again.parts.store.deploy("d2")
        assert record is not None
        assert record.report.changed_anchors == 6


def take_up(monitor: Monitor, made: Sequence[Anchor]) -> None:
    """Write the file and have it taken up, with no event in between."""
    write(monitor.parts.snapshots.store.path.parent / "anchors.jsonl", made)  # type: ignore[attr-defined]  # SQLite
    for _ in range(3):
        monitor._background.reanchor()
    assert [of.id for of in monitor.parts.engine.anchors.anchors] == [of.id for of in made]


def test_what_was_asked_meanwhile_leaves_no_trace(tmp_path: Path) -> None:
    """What counts is which anchors the file held when a deploy was judged, not what it held in between."""
    reports = []
    for number, changed in enumerate((False, True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = case(folder)
        config.write_text(f"{config.read_text(encoding='utf-8')}[source]\nbatch = 7\n", encoding="utf-8")
        with scripted(config, ScriptedSource(records(events(7, SHAPE)))) as monitor:
            for made in (others(), anchors(7, SHAPE)) * changed:
                monitor.turn(0.0)
                take_up(monitor, made)
            assert to_end(monitor)
            judged = [monitor.parts.store.deploy(entry.deploy_id) for entry in monitor.ledger]
            reports.append([pack_deploy(record) for record in judged if record is not None])
    assert len(reports[0]) == 3
    assert reports[0] == reports[1]


def test_a_wrong_file_is_refused_and_the_old_anchors_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = case(tmp_path)
    path = tmp_path / "anchors.jsonl"
    with scripted(config, ScriptedSource(records(events(7, SHAPE)))) as monitor, caplog.at_level(logging.WARNING):
        assert to_end(monitor)
        before = lists(monitor)
        path.write_bytes(path.read_bytes() + b'{"id": "wrong"}\n')
        for _ in range(5):
            monitor.turn(0.0)
        assert len(caplog.records) == 1
        assert "old anchors stay" in caplog.text
        assert f"{path}:13" in caplog.text
        monitor.measuring.republish()
        assert taken(monitor).anchors == 12
        assert taken(monitor).refused.startswith(f"{path}:13")
        assert lists(monitor) == before
        write(path, others())
        turn_until(monitor, lambda: len(monitor.parts.engine.anchors) == 10)
        turn_until(monitor, lambda: taken(monitor) == AnchorsTaken(10, 1, ""))


def test_what_was_asked_and_what_settles_follows_its_anchor(tmp_path: Path) -> None:
    config = case(tmp_path)
    with scripted(config, ScriptedSource(records(events(7, SHAPE)))) as monitor:
        assert to_end(monitor)
        served, measuring = monitor.parts.served, monitor.measuring
        assert served is not None
        audit = monitor.parts.audit
        assert audit is not None
        served.failures = {5: "deadline", 0: "refused"}
        measuring._touched, measuring._moved = {6, 1}, {7: 1.5, 2: 2.5}
        audit._wrong["dense"] = {8: 3, 3: 1}
        take_up(monitor, others())
        assert served.failures == {3: "deadline"}
        assert measuring._touched == {0, 1, 2, 9}, "new questions, and what was to be asked anyway"
        assert measuring._moved == {8: 1.5}
        assert audit._wrong["dense"] == {7: 3}
        assert served.lists.known.tolist() == [False] * 3 + [True] * 7


class Version:
    """A file as a watch sees it."""

    def __init__(self) -> None:
        self.stamp, self.now, self.reads = "a", 0.0, 0
        self.error: Exception | None = None
        self.watch = AnchorsWatch(lambda: self.stamp, self.load, lambda: self.now, every=2.0)

    def load(self) -> AnchorSet:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return NONE

    def look(self, seconds: float = 2.0) -> bool:
        self.now += seconds
        return self.watch.look() is not None


def test_a_version_is_read_once_it_stood_still() -> None:
    version = Version()
    assert not version.look()
    version.stamp = "b"
    assert [version.look(), version.look(1.0), version.look(1.0), version.look()] == [False, False, True, False]
    version.stamp = "c"
    version.look()
    version.stamp = "d"
    assert [version.look(), version.look(), version.look()] == [False, True, False]
    assert version.reads == 2
    assert version.watch.state(7) == AnchorsTaken(7, 2, "")


def test_a_version_that_changes_while_it_is_read_is_read_again() -> None:
    version = Version()
    version.stamp = "b"
    version.look()

    def changing() -> AnchorSet:
        version.stamp = "c"
        return NONE

    version.watch._load = changing
    assert not version.look()
    version.watch._load = version.load
    assert [version.look(), version.look()] == [False, True]


def test_an_encoder_that_is_down_is_asked_again_after_a_while() -> None:
    version = Version()
    version.stamp, version.error = "b", UnreachableError("encoder: no answer")
    assert [version.look(), version.look()] == [False, False]
    assert version.watch.state(0).refused == "encoder: no answer"
    version.error = None
    assert [version.look() for _ in range(PATIENCE + 1)] == [*[False] * PATIENCE, True]
    assert version.watch.state(0) == AnchorsTaken(0, 1, "")


def test_the_old_version_back_is_no_refusal_any_more() -> None:
    version = Version()
    version.stamp, version.error = "", ConfigurationError("cannot read it\nsecond line")
    assert [version.look(), version.look(), version.look()] == [False, False, False]
    assert (version.watch.state(0).refused, version.reads) == ("cannot read it", 1)
    version.stamp, version.error = "b", UnreachableError("down")
    assert [version.look(), version.look()] == [False, False]
    version.stamp = ""
    version.look(100.0)
    assert version.watch.state(0).refused == ""


def test_a_watch_that_is_switched_off_never_looks() -> None:
    version = Version()
    version.watch = AnchorsWatch(lambda: version.stamp, version.load, lambda: version.now, every=0.0)
    version.stamp = "b"
    assert not any(version.look() for _ in range(3))


def test_a_stamp_is_another_one_for_another_file(tmp_path: Path) -> None:
    path, other = tmp_path / "f", tmp_path / "g"
    assert stamp(path) == ""
    path.write_text("a")
    first = stamp(path)
    assert first == stamp(path) != ""
    other.write_text("a")
    other.replace(path)
    assert stamp(path) != first


def test_upserts_and_a_changed_file_in_one_turn(tmp_path: Path) -> None:
    """A batch that arrives together with new anchors is measured with them."""
    config = case(tmp_path)
    made = events(7, SHAPE)
    extra = [one for one in made if isinstance(one, Upsert)][:3]
    with scripted(config, ScriptedSource(records([*made, *extra]))) as monitor:
        write(tmp_path / "anchors.jsonl", others())
        assert to_end(monitor)
        turn_until(monitor, lambda: len(monitor.parts.engine.anchors) == 10)
        found = lists(monitor)
    with scripted(config, ScriptedSource([])) as again:
        assert lists(again) == found
