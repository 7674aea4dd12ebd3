"""Killed at any instant and started again, the program leaves what an undisturbed run leaves, to the bit.

About forty kills here; `python -m tests.kill --kills 300` does hundreds on longer stories.
"""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.sources.kafka.dead_letters import PREFIX
from monitor.adapters.sources.kafka.source import KafkaSource
from monitor.adapters.stores.sqlite.snapshots import pack_deploy, unpack_deploy
from tests.kafka_mock import MockCluster, mock_cluster, settings_for
from tests.kafka_reading import count, until
from tests.kill.child import Life
from tests.kill.digest import barrier, difference, digest, sections
from tests.kill.points import NAMED
from tests.kill.stage import Setting, Stage
from tests.kill.story import Plot
from tests.kill.trial import KILLED, Figures, Nursery, Reference, Run, nursery, torment

Case = tuple[Stage, Reference]
START = ("creating", "image sought", "restored", "index opened", "before reconcile", "reconciled",
         "before source start", "source started", "started", "polled", "embedded", "corpus applied",
         "engine applied")  # fmt: skip
TURN = ("before index", "in index", "index applied", "before commit", "chunks written", "counters written",
        "positions written", "before COMMIT", "committed", "before offsets", "offsets sent")  # fmt: skip
BARRIER = ("holding", "before deploy commit", "before deploy row", "before baseline row", "deploy committed",
           "measured", "before replay", "replayed", "published", "before image",
           "image written", "image kept", "closing", "index closed")  # fmt: skip
RUNS, INSTANTS = 2, (0.3, 0.5, 0.2, 0.6)
"""Runs, and when each is killed: shares of the seconds that an undisturbed one takes."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def bred() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="module")
def case(cluster: MockCluster, bred: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A story and what an undisturbed run over it leaves."""
    stage = Stage.build(cluster, tmp_path_factory.mktemp("first"), Setting(5, mode="previous-deploy"))
    return stage, Run.fresh(stage, "reference").reference(bred)


@pytest.fixture(scope="module")
def other(cluster: MockCluster, bred: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Another one, with fewer partitions, Okapi's weights and a quarantine that overflows.

    What is compiled at the first run is no part of the reference's seconds.
    """
    setting = Setting(12, Plot(partitions=2, lost=2), variant="okapi", quarantine_rows=9)
    stage = Stage.build(cluster, tmp_path_factory.mktemp("second"), setting)
    Run.fresh(stage, "warm").reference(bred)
    return stage, Run.fresh(stage, "reference").reference(bred)


def test_all_points_are_killed_at() -> None:
    assert {*START, *TURN, *BARRIER} == set(NAMED)


@pytest.mark.parametrize(
    ("points", "call"), [(START, 1), (TURN, 2), (BARRIER, 1)], ids=["starting", "turning", "at a barrier"]
)
def test_killed_at_named_points(case: Case, bred: Nursery, points: Sequence[str], call: int) -> None:
    stage, reference = case
    kills = [Life("", point=point, call=call) for point in points]
    figures = torment(bred, Run.fresh(stage, points[0]), reference, kills)
    assert not figures.mismatches
    assert figures.kills == dict.fromkeys(points, 1)


def test_killed_at_any_instant(other: Case, bred: Nursery) -> None:
    stage, reference = other
    figures = Figures()
    for number in range(RUNS):
        kills = [Life("", after=share * reference.seconds) for share in INSTANTS[number:] + INSTANTS[:number]]
        kills.insert(number, Life("", after=0.4 * reference.seconds, signal=signal.SIGTERM))
        figures.add(torment(bred, Run.fresh(stage, f"instants{number}"), reference, kills))
    assert not figures.mismatches
    assert figures.kills.total() >= RUNS


def test_killed_during_a_backfill(cluster: MockCluster, bred: Nursery, tmp_path: Path) -> None:
    """Points of the target, its faults and the migration's steps are what an undisturbed run leaves."""
    setting = Setting(31, Plot(chunks=80, events=70, migrates=True), mode="previous-deploy")
    stage = Stage.build(cluster, tmp_path / "migration", setting)
    reference = Run.fresh(stage, "reference").reference(bred)
    targets = [name for name in reference.parts if name.startswith("target/")]
    assert len(targets) > 20, "nothing was migrated"
    assert "begin" in reference.parts["meta/migration steps"]
    points = (
        "restored",
        "corpus applied",
        "before commit",
        "chunks written",
        "before COMMIT",
        "committed",
        "closing",
    )
    kills = [Life("", point=point, call=call) for call in (1, 3) for point in points]
    figures = torment(bred, Run.fresh(stage, "killed"), reference, kills)
    assert not figures.mismatches
    assert figures.kills.total() >= len(points)
    done = Figures()
    instants = [Life("", after=share * reference.seconds) for share in INSTANTS]
    done.add(torment(bred, Run.fresh(stage, "instants"), reference, instants))
    assert not done.mismatches


def test_dead_letters_are_published_at_least_once(cluster: MockCluster, bred: Nursery, tmp_path: Path) -> None:
    """Before the commit, so that a kill between may publish twice, and never not at all."""
    stage = Stage.build(cluster, tmp_path / "letters", Setting(21, Plot(chunks=60, events=60), dead_letters=True))
    run = Run.fresh(stage, "killed")
    for point, call in (("before letters", 1), ("letters sent", 2), ("before commit", 2), ("committed", 2)):
        assert run.life(bred, Life("", point=point, call=call), batch=16) == KILLED
    assert run.life(bred, Life(""), batch=16) == 0
    assert not run.mismatches
    wanted = {name.removeprefix("quarantine/") for name in digest(run.state) if name.startswith("quarantine/")}
    source = KafkaSource(settings_for(cluster, stage.dead_letters))
    source.start({})
    try:
        ends = sum((source.end() or {}).values())
        sent, _ = until(source, count(ends))
    finally:
        source.close()
    told = [{name: value.decode() for name, value in record.headers} for record in sent]
    places = [f"{of[PREFIX + 'topic']}/{of[PREFIX + 'partition']}@{of[PREFIX + 'offset']}" for of in told]
    assert set(places) == wanted
    assert len(places) > len(wanted), "no kill fell between"


def test_a_torn_commit_would_be_found(case: Case, bred: Nursery) -> None:
    """The test itself: positions that are committed before what they stand for lose a batch at a kill between."""
    stage, reference = case
    torn = Life("", point="chunks written", call=40, defect="positions first")
    run = Run.fresh(stage, "torn")
    assert run.life(bred, torn, batch=16) == KILLED
    assert "counted as applied" in " ".join(run.mismatches)
    figures = torment(bred, Run(stage, run.folder), reference, [])
    assert any("at the end" in line for line in figures.mismatches)


def test_a_graceful_stop_keeps_what_is_committed(case: Case, bred: Nursery) -> None:
    """The program as users start it, stopped as service managers do: exit code 0, and the next start goes on."""
    stage, reference = case
    run = Run.fresh(stage, "stopped")
    config = run.folder / "corpus-drift.toml"
    config.write_text(stage.configuration(16), encoding="utf-8")
    command = [sys.executable, "-c", "from monitor.cli import entry; entry()", "run", "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stderr is not None
        assert any("deploy d0" in line for line in process.stderr), "it ended before the first deploy"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert run.folder.joinpath("corpus-drift.state.index", "closed").exists()
    figures = torment(bred, run, reference, [])
    assert not figures.mismatches


def test_interrupted_when_caught_up_it_ends_well(case: Case, bred: Nursery) -> None:
    stage, reference = case
    run = Run.fresh(stage, "interrupted")
    waiting = Life("", until_end=False, after=1.5 * reference.seconds, signal=signal.SIGINT)
    assert run.life(bred, waiting, batch=60) == 0
    run.compare_end(reference)
    assert not run.mismatches


def test_the_digest_sees_every_bit_and_nothing_else(case: Case, tmp_path: Path) -> None:
    stage, reference = case
    state = tmp_path / "state"
    shutil.copy(stage.folder / "reference" / "corpus-drift.state", state)
    with closing(sqlite3.connect(state, isolation_level=None)) as db:
        db.executescript(
            "CREATE TABLE other AS SELECT * FROM quarantine ORDER BY random(); DELETE FROM quarantine;"
            "INSERT INTO quarantine SELECT * FROM other; DROP TABLE other; UPDATE deploy SET number=number+7; VACUUM"
        )
        assert difference(reference.parts, digest(state)) == ""
        record = unpack_deploy(db.execute("SELECT record FROM deploy WHERE deploy_id='d2'").fetchone()[0])
        scores = record.snapshot.lists["lexical"].scores.copy()
        scores[3, 0] = np.nextafter(scores[3, 0], np.inf)
        record.snapshot.lists["lexical"].scores.setflags(write=False)
        object.__setattr__(record.snapshot.lists["lexical"], "scores", scores)
        db.execute("UPDATE deploy SET record=? WHERE deploy_id='d2'", (pack_deploy(record),))
        assert difference(reference.parts, digest(state)).startswith("deploy/d2/snapshot/lexical/q3: expected")
        assert "deploy/d2" in difference(sections(reference.parts), sections(digest(state)))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("DELETE FROM chunk WHERE key=(SELECT MAX(key) FROM chunk)", "chunk/"),
        ("UPDATE chunk SET version=version+1 WHERE version NOT NULL", "chunk/"),
        ("UPDATE counter SET value=value+1 WHERE name=(SELECT MIN(name) FROM counter)", "counter/"),
        ("UPDATE position SET next=next-1 WHERE partition=1", "position/"),
        ("DELETE FROM quarantine WHERE at=(SELECT MAX(at) FROM quarantine)", "quarantine/"),
        ("UPDATE meta SET value=value-1", "meta/"),
        ("DELETE FROM baseline", "baseline/"),
        ("DELETE FROM point WHERE deploy_id='d1'", "point/d1"),
        ("UPDATE track SET keys=NULL WHERE number=2", "track/"),
        ("UPDATE listed SET newest=newest-1", "listed/"),
        ("DELETE FROM said", "listed/"),
        ("UPDATE deploy SET verdict='pass' WHERE deploy_id='d0'", "deploy/d0/verdict"),
    ],
)
def test_the_digest_sees_every_table(case: Case, tmp_path: Path, change: str, part: str) -> None:
    stage, reference = case
    state = tmp_path / "state"
    shutil.copy(stage.folder / "reference" / "corpus-drift.state", state)
    with closing(sqlite3.connect(state, isolation_level=None)) as db:
        assert db.execute(change).rowcount > 0
    assert difference(reference.parts, digest(state)).startswith(part)


def test_no_state_and_a_state_between_barriers(case: Case, tmp_path: Path) -> None:
    _, reference = case
    assert digest(tmp_path / "state") == {}
    assert barrier({}) == ""
    assert barrier(reference.parts) == "", "the story goes on behind its last marker"
