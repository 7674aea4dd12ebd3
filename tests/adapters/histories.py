"""Walking a repository's history in a test."""

import json
from pathlib import Path
from typing import Any

from monitor.adapters.sources.git.history import HistorySelection
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.core.model.events import Partition
from monitor.ports import Fault
from tests.contracts.sources import git

PART = Partition("git", 0)
Event = dict[str, Any]


def empty_repository(path: Path) -> Path:
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    return path


def walked(
    repository: Path, selection: HistorySelection | None = None, *, at: int = 0
) -> tuple[list[Event], list[Fault]]:
    source = GitHistorySource(repository, selection)
    source.start({PART: at})
    events: list[Event] = []
    faults: list[Fault] = []
    exhausted = False
    try:
        while not exhausted:
            polled = source.poll(1000, 5.0)
            for record in polled.records:
                assert record.value is not None
                assert record.key is not None
                event = json.loads(record.value)
                assert record.key.decode() == event.get("chunk_id", f"__deploy__/{event.get('deploy_id')}")
                events.append(event)
            faults += polled.faults
            exhausted = polled.exhausted
    finally:
        source.close()
    return events, faults


def short(events: list[Event]) -> list[str]:
    """Events in one word each: `+id`, `-id`, `=deploy`."""
    signs = {"upsert": "+", "delete": "-", "deploy": "="}
    return [signs[event["op"]] + str(event.get("chunk_id") or event["deploy_id"]) for event in events]


def corpus_after(events: list[Event]) -> dict[str, str]:
    live: dict[str, str] = {}
    for event in events:
        if event["op"] == "upsert":
            live[event["chunk_id"]] = event["text"]
        elif event["op"] == "delete":
            del live[event["chunk_id"]]
    return live
