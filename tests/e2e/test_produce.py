"""The living demo: what `produce` plays to a topic, a monitor judges as the story tells it."""

import shutil
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from monitor.app.configuration import load
from monitor.app.running import run_to_end
from monitor.app.wiring import open_monitor, read_state
from monitor.demo.docstrings import Root, installed_roots
from monitor.demo.playing import Tempo, play
from monitor.demo.production import Target, open_production
from monitor.ports import ConfigurationError, UnreachableError
from tests.commands import Commands, refused
from tests.kafka_mock import MockCluster, mock_cluster, settings_for
from tests.stack import free_ports

PACKAGES = ("asyncio", "email", "http", "jinja2", "kafka", "logging", "pydantic")
"""A part of this Python's documentation: reading all of it takes half a minute."""
SOME_CHUNKS = 2_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(partitions=8) as made:
        yield made


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Root, ...]:
    folder = tmp_path_factory.mktemp("sources")
    for root in installed_roots():
        for package in PACKAGES:
            if (root.path / package).is_dir():
                shutil.copytree(root.path / package, folder / package, ignore=shutil.ignore_patterns("*.so", "*.pyc"))
    return (Root(folder, "installed"),)


def play_some(target: Target, deploys: int) -> list[str]:
    """So many deploys of a story without end; the ids it told."""
    told: list[str] = []
    with open_production(target, count=0) as made:
        assert made.chunks > SOME_CHUNKS
        play(islice(made.story, deploys), made.writers, Tempo(0.0, 0.0), stopping=threading.Event(), tell=told.append)
    return [line.split(":")[0].removeprefix("deploy ") for line in told]


def judged(folder: Path) -> dict[str, str]:
    """What a monitor makes of the topic up to its end."""
    configuration = load(folder / "corpus-drift.toml", {"CORPUS_DRIFT_STATE__PATH": "state.db"})
    with open_monitor(configuration) as monitor:
        run_to_end(monitor, until_end=True)
    with read_state(configuration) as store:
        return {one.deploy_id: one.verdict for one in store.ledger()}


def test_a_monitor_sees_the_incident_and_its_revert_and_the_next_producer_begins_at_home(
    cluster: MockCluster, roots: tuple[Root, ...], tmp_path: Path
) -> None:
    target = Target(settings_for(cluster, cluster.fresh()), tmp_path, roots=roots, anchors=250)
    told = [*play_some(target, 5), *play_some(target, 1)]
    kinds = ["initial", "1.2-ordinary", "1.3-rechunked", "1.4-incident", "1.5-restored"]
    assert [name.partition(".")[2] for name in told] == [*kinds, kinds[0]]
    verdicts = judged(tmp_path)
    assert list(verdicts) == told
    assert list(verdicts.values()) == ["unknown", "pass", "pass", "fail", "pass", "pass"]


def test_what_cannot_work_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = Commands(capsys)
    asked = ("produce", "--topic", "t", "--folder", tmp_path, "--most", "1000")
    refused(run(*asked, "nowhere"), 2, "kafka.bootstrap_servers: 'nowhere'; expected host:port")
    assert not [one for one in tmp_path.iterdir() if one.name != ".gitignore"]


def test_no_broker_is_unreachable(roots: tuple[Root, ...], tmp_path: Path) -> None:
    with mock_cluster() as gone:
        settings = settings_for(gone, "t", start_timeout=0.5)
    with pytest.raises(UnreachableError), open_production(Target(settings, tmp_path, roots=roots), count=1):
        pass


def test_no_qdrant_is_unreachable(cluster: MockCluster, roots: tuple[Root, ...], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    target = Target(settings_for(cluster, cluster.fresh()), tmp_path, f"http://127.0.0.1:{port}", roots=roots)
    with pytest.raises(UnreachableError, match="qdrant collection"), open_production(target, count=1):
        pass


def test_a_folder_that_cannot_be_written_is_refused(
    cluster: MockCluster, roots: tuple[Root, ...], tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file", encoding="utf-8")
    target = Target(settings_for(cluster, cluster.fresh()), taken, roots=roots)
    with pytest.raises(ConfigurationError, match="taken"), open_production(target, count=1):
        pass
