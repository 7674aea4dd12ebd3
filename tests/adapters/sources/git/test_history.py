"""Git history on real repositories built by the git program: events, deploys, which commits."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from monitor.adapters.documents.readers import sections_of
from monitor.adapters.sources.git.history import By, DeployMarks, HistorySelection
from monitor.adapters.sources.git.program import GitCommit
from tests.adapters.histories import corpus_after, empty_repository, short, walked
from tests.contracts.sources import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "handbook")


# ---------------------------------------------------------------- events


def test_events_of_edits_moves_and_removals(repository: Path) -> None:
    commit(repository, {"a.md": "# A\n\none\n\n## B\n\ntwo\n", "b.rst": "T\n==\n\nx\n", "code.py": "x"}, day=1)
    commit(repository, {"a.md": "# A\n\none!\n\n## B\n\ntwo\n"}, day=2)
    commit(repository, {"b.rst": None, "docs/b.rst": "T\n==\n\nx\n"}, day=3)
    commit(repository, {"code.py": "y"}, day=4)
    commit(repository, {"a.md": "# A\n\none!\n"}, day=5)
    git(repository, "tag", "v1")
    events, faults = walked(repository)
    assert faults == []
    assert short(events) == [
        *("+a.md#a", "+a.md#a/b", "+b.rst#t", "=initial"),
        *("+a.md#a", "-b.rst#t", "+docs/b.rst#t", "-a.md#a/b", "=v1"),
    ]
    assert events[0] == {
        "op": "upsert",
        "chunk_id": "a.md#a",
        "doc_id": "a.md",
        "position": 0,
        "text": "A\none",
        "segment": {"source": "handbook", "doc_type": "pages"},
        "event_time": "2024-01-01T12:00:00Z",
    }
    assert events[-2] == {"op": "delete", "chunk_id": "a.md#a/b", "event_time": "2024-01-05T12:00:00Z"}
    assert events[-1] == {"op": "deploy", "deploy_id": "v1", "event_time": "2024-01-05T12:00:00Z"}


def test_the_corpus_after_all_events_is_that_of_the_head(repository: Path) -> None:
    """Oracle: the working tree, read and split anew."""
    for day in range(1, 30):
        page = f"docs/{'de/' if day % 4 == 0 else ''}p{day % 7}.md"
        text = "".join(f"## S{n % 5}\n\nbody {n * day}\n\n" for n in range(day % 6))
        commit(repository, {page: None if day % 9 == 8 and (repository / page).exists() else text}, day=day)
    live: dict[str, str] = {}
    for path in sorted(repository.glob("docs/**/*.md")):
        name = path.relative_to(repository).as_posix()
        live |= {s.chunk_id: s.text for s in sections_of(path.read_text(), doc_id=name)}
    for deploys in get_args(By):
        events, _ = walked(repository, HistorySelection(deploys=deploys))
        assert corpus_after(events) == live


def test_merges_count_as_one_commit_of_the_first_parent(repository: Path) -> None:
    commit(repository, {"a.md": "a"}, day=1)
    git(repository, "checkout", "--quiet", "-b", "side")
    commit(repository, {"b.md": "draft"}, day=2)
    commit(repository, {"b.md": "final"}, day=3)
    git(repository, "checkout", "--quiet", "main")
    commit(repository, {"a.md": "a2"}, day=4)
    git(repository, "merge", "--quiet", "--no-ff", "-m", "merge", "side", day=5)
    git(repository, "tag", "on-side", "side")
    events, _ = walked(repository, HistorySelection(deploys="daily"))
    assert short(events) == ["+a.md#_top", "=initial", "+a.md#_top", "=2024-01-04", "+b.md#_top", "=2024-01-05"]
    assert events[4]["text"] == "final"
    assert short(walked(repository)[0])[-2:] == ["+b.md#_top", "=on-side"], "the deploy ends with its branch's merge"


def test_times_never_fall_and_absurd_ones_are_passed_over(repository: Path) -> None:
    for day in (5, 2, 9):
        commit(repository, {"a.md": f"day {day}"}, day=day)
    _commit_at(repository, {"a.md": "far"}, 400_000_000_000)
    events, _ = walked(repository)
    times = [event["event_time"] for event in events if event["op"] == "upsert"]
    assert times == ["2024-01-05T12:00:00Z"] * 2 + ["2024-01-09T12:00:00Z"] * 2


def _commit_at(repository: Path, pages: Mapping[str, str], seconds: int) -> None:
    """A commit object with a time that git itself would not write."""
    commit(repository, pages, day=9)
    raw = git(repository, "cat-file", "commit", "HEAD").replace(b" 1704801600 ", b" %d " % seconds)
    oid = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw).decode().strip()
    git(repository, "update-ref", "HEAD", oid)


# ---------------------------------------------------------------- deploys and selection


def test_deploys_by_tag_day_and_week(repository: Path) -> None:
    for day in (1, 2, 2, 8, 10):
        commit(repository, {"a.md": f"{day} {os.urandom(4).hex()}"}, day=day)
        git(repository, "tag", "-f", "-a", "-m", "annotated", f"v{day}", day=day)
    commit(repository, {"code.py": "no page"}, day=20)
    git(repository, "tag", "initial")
    git(repository, "tag", "--no-sign", "a-second")
    deploys = {
        by: [name[1:] for name in short(walked(repository, HistorySelection(deploys=by))[0]) if name[0] == "="]
        for by in get_args(By)
    }
    assert deploys == {
        "tags": ["initial", "v2", "v8", "v10", "a-second", "refs/tags/initial"],
        "daily": ["initial", "2024-01-02", "2024-01-08", "2024-01-10"],
        "weekly": ["initial", "2024-W01", "2024-W02"],
    }


def test_a_week_belongs_to_its_iso_year() -> None:
    newyear = GitCommit("x", int(datetime(2021, 1, 1, tzinfo=UTC).timestamp()))
    assert DeployMarks("weekly", {}).after(newyear, None, changed=True) == ["2020-W53"]
    assert DeployMarks("weekly", {}).after(newyear, None, changed=False) == []


@pytest.mark.parametrize(
    ("selection", "initial", "replayed"),
    [
        (HistorySelection(), "1", ["2", "3", "4"]),
        (HistorySelection(since=datetime(2024, 1, 3, tzinfo=UTC)), "2", ["3", "4"]),
        (HistorySelection(since=datetime(2023, 1, 1, tzinfo=UTC)), "1", ["2", "3", "4"]),
        (HistorySelection(since=datetime(2025, 1, 1, tzinfo=UTC)), "4", []),
        (HistorySelection(until=datetime(2024, 1, 3, tzinfo=UTC)), "1", ["2"]),
        (HistorySelection(limit=1), "3", ["4"]),
        (HistorySelection(limit=0), "4", []),
        (HistorySelection(limit=99), "1", ["2", "3", "4"]),
        (HistorySelection(since=datetime(2024, 1, 3, tzinfo=UTC), limit=1), "3", ["4"]),
    ],
)
def test_which_commits(repository: Path, selection: HistorySelection, initial: str, replayed: list[str]) -> None:
    for day in range(1, 5):
        commit(repository, {"a.md": str(day)}, day=day)
    texts = [event.get("text", "=") for event in walked(repository, selection)[0]]
    assert texts == [initial, "=", *replayed]


def test_resume_behind_the_end_is_reported_once(repository: Path) -> None:
    commit(repository, {"a.md": "a"}, day=1)
    events, faults = walked(repository, at=7)
    assert events == []
    assert [fault.kind for fault in faults] == ["recreated"]
    assert faults[0].detail == f"{repository}: the history gives 2 events, the stored position is 7"


def test_bare_repositories_and_packed_objects(repository: Path, tmp_path: Path) -> None:
    for day in range(1, 6):
        commit(repository, {"a.md": f"# A\n\nday {day}\n"}, day=day)
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    git(tmp_path / "bare.git", "repack", "-adq")
    events, _ = walked(tmp_path / "bare.git", HistorySelection(deploys="daily"))
    assert [event.get("text") for event in events][::2] == [f"A\nday {day}" for day in range(1, 6)]
    assert events[0]["segment"]["source"] == "bare"
