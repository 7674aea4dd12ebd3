"""A corpus in shards, killed between any two commits of a step, ends as one process ends that nobody killed.

Shards commit one after the other, then the coordinator. In between some shards are one commit ahead of what is
published; the next start takes that back.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kafka_mock import MockCluster, mock_cluster
from tests.kill.child import Life
from tests.kill.points import IN_SHARDS
from tests.kill.stage import Setting, Stage
from tests.kill.story import Plot
from tests.kill.trial import KILLED, Nursery, Reference, Run, nursery, torment

SHARDS = 3
SETTING = Setting(5, Plot(partitions=4), mode="previous-deploy", variant="okapi", dense=False)
KILLS = (
    ("staged", 1), ("ranked", 2), ("before shard", 1), ("shard written", 2), ("shard stored", 1), ("shard stored", 2),
    ("shard stored", 3), ("shard written", 6), ("before COMMIT", 1), ("committed", 1), ("shard stored", 4),
    ("positions written", 2), ("deploy committed", 1), ("before deploy row", 1), ("shard taken back", 2),
)  # fmt: skip
"""Points in the order of the lives: a life that dies with shards ahead is followed by one that takes them back."""


@pytest.fixture(scope="module")
def bred() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="module")
def case(bred: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Reference]]:
    """A story, and what one process over it leaves that nobody disturbs."""
    with mock_cluster() as cluster:
        assert isinstance(cluster, MockCluster)
        stage = Stage.build(cluster, tmp_path_factory.mktemp("shards"), SETTING)
        yield stage, Run.fresh(stage, "one").reference(bred)


def in_shards(stage: Stage, name: str) -> Run:
    return Run.fresh(replace(stage, setting=replace(stage.setting, shards=SHARDS)), name)


def test_shards_leave_what_one_process_leaves(case: tuple[Stage, Reference], bred: Nursery) -> None:
    stage, reference = case
    figures = torment(bred, in_shards(stage, "calm"), reference, [])
    assert not figures.mismatches
    assert sum(name.startswith("chunk/") for name in reference.parts) > 50


def test_killed_between_the_commits_of_a_step(case: tuple[Stage, Reference], bred: Nursery) -> None:
    stage, reference = case
    kills = [Life("", point=point, call=call) for point, call in KILLS]
    figures = torment(bred, in_shards(stage, "killed"), reference, kills)
    assert not figures.mismatches
    assert {point for _, _, *around in IN_SHARDS for point in around if point} <= figures.kills.keys()
    assert figures.kills.total() == len(KILLS)


def test_a_file_of_a_shard_that_is_lost_is_missed(case: tuple[Stage, Reference], bred: Nursery) -> None:
    stage, _ = case
    run = in_shards(stage, "lost")
    assert run.life(bred, Life("", point="committed", call=2), batch=60) == KILLED
    for file in Path(run.folder).glob("*.shard-1-of-3.*"):
        file.unlink()
    run.mismatches.clear()
    config = run.folder / "corpus-drift.toml"
    assert bred.life(Life(str(config))) == 2
    assert "shard-1-of-3.state: no such file, the state stands at epoch" in run.said()
