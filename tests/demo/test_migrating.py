"""The demo of a migration as people start it: every act ends as it should, and what it leaves answers."""

import json
from pathlib import Path

import pytest

from monitor.demo.migrating import EXPECTED
from tests.commands import Commands


@pytest.mark.timeout(600)
def test_the_whole_story_in_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Commands(capsys)
    said = run("demo", "--migration", "--folder", tmp_path)
    assert said.code == 0, said.err
    assert "the whole migration in" in said.err
    at = [said.out.index(f"\n{verdict}  ") for verdict in EXPECTED]
    assert at == sorted(at), "one after the other"
    fixes = [json.loads(line) for line in said.out.splitlines() if line.startswith("{")]
    assert {fix["reason"] for fix in fixes} == {"missing", "stale", "resurrected"}
    config = tmp_path / "corpus-drift.toml"
    assert run("migrate", "gate", "-c", config).code == 0
    assert run("migrate", "status", "-c", config, "--fix", "jsonl").out == ""
    slots = [json.loads(line) for line in run("migrate", "status", "-c", config, "--judge", "jsonl").out.splitlines()]
    assert len(slots) > 100
    assert all(slot["chunk_id"] and slot["query"] for slot in slots)
    document = run("migrate", "explain", "-c", config, "--json").json()
    assert document["quality"][0]["verdict"] == "pass"
    estimate = run("migrate", "estimate", "-c", config, "--json")
    assert estimate.code in (0, 3), "the default sample of so small a corpus is nearly nothing"
    assert estimate.json()["known_items"] >= 700
    refused = run("migrate", "estimate", "-c", config, "--fraction", "0")
    assert (refused.code, "--fraction 0.0: expected above 0" in refused.err) == (2, True)
