"""Each page of docs/ways-in is walked from nothing to a verdict, with what a user has at first."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.adapters.native_form import native
from tests import corpora
from tests.adapters.sources.qdrant.cases import filled, serving
from tests.contracts.sources import build_repository
from tests.docs.pages import WALKED, blocks, nav
from tests.e2e.test_readme_commands import run_all
from tests.kafka_mock import mock_cluster

Update = Callable[[], None]
Had = tuple[dict[str, str], Update]
QUERIES = "".join(f"word{at:02} word{at + 1:02} word{at * 7 % 70:02}\n" for at in range(40))


@contextmanager
def qdrant(folder: Path) -> Iterator[Had]:
    made = filled(collection="docs")

    def update() -> None:
        made.put("doc0#0", "word01 word02")
        made.drop("doc1#1")

    with serving(made) as url:
        yield {"QDRANT": url}, update


@contextmanager
def kafka(folder: Path) -> Iterator[Had]:
    with mock_cluster(partitions=1) as cluster:
        topic = cluster.create("corpus-changes", 1)
        cluster.produce(topic, 0, [native(event) for event in corpora.events(7, corpora.Shape(deploys=2))])
        # the broker of tests does not say its version
        yield {"KAFKA": f"{cluster.bootstrap} --api-version 2.3"}, lambda: None


@contextmanager
def file(folder: Path) -> Iterator[Had]:
    events = corpora.events(7, corpora.Shape(deploys=2))
    lines = [native(event)[1] for event in events if type(event).__name__ != "Deploy"]
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines[:50]) + b"\n")
    chunks = [json.loads(line)["chunk_id"] for line in lines[:50:2]]
    gone = [json.dumps({"op": "delete", "chunk_id": name, "event_time": "2026-12-01T00:00:00Z"}) for name in chunks]

    def update() -> None:
        with path.open("ab") as appended:
            appended.write("\n".join(gone).encode() + b"\n")

    yield {}, update


@contextmanager
def git(folder: Path) -> Iterator[Had]:
    build_repository(folder / "handbook")
    (folder / "queries.txt").write_text("intro\nuse\nnew intro\nguide text more\n")
    yield {}, lambda: None


WAYS = {"qdrant": qdrant, "kafka": kafka, "file": file, "git": git}


def test_every_page_is_walked() -> None:
    assert tuple(f"docs/ways-in/{way}.md" for way in WAYS) == WALKED
    assert set(WALKED) <= set(nav())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_a_page_leads_from_nothing_to_a_verdict(way: str, tmp_path: Path, programs: Path) -> None:
    steps = [block.commands() for block in blocks("console", pages=(f"docs/ways-in/{way}.md",))]
    assert steps[0][0].startswith("corpus-drift init ")
    assert steps[-1][-1].startswith("corpus-drift gate ")
    (tmp_path / "queries.txt").write_text(QUERIES)
    with WAYS[way](tmp_path) as (variables, update):
        run_all(steps[0], tmp_path, programs, **variables, CORPUS_DRIFT_HTTP__PORT="0")
        update()
        for step in steps[1:]:
            run_all(step, tmp_path, programs, **variables, CORPUS_DRIFT_HTTP__PORT="0")
