"""Limits learnt from the deploys of a real run: shown where verdicts are read, and the same after a restart."""

import json
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app import asking
from monitor.core.judging.learning import FEWEST
from tests.app.loops import left, opened, run_whole, to_end
from tests.corpora import Shape, write_case

DEPLOYS = FEWEST + 4
NEW = "new-dense-all"


def ordinary(folder: Path, mode: str = "previous-deploy", more: str = "") -> Path:
    """Deploys that change nothing, judged by point estimates, so that each passes."""
    folder.mkdir(exist_ok=True)
    config = write_case(folder, shape=Shape(chunks=60, deploys=1, anchors=24, defaults=True))
    text = config.read_text().replace("bootstrap", f'mode = "{mode}"\nbootstrap')
    config.write_text(text.replace("bounds = false", f"bounds = false\n{more}"))
    with (folder / "events.jsonl").open("a") as file:
        for at in range(2, DEPLOYS + 1):
            marker = {"op": "deploy", "deploy_id": f"d{at}", "event_time": f"2030-01-01T00:00:{at:02}Z"}
            file.write(json.dumps(marker) + "\n")
    return config


def limits(state: Path) -> list[tuple[float, str]]:
    """Limit and reason of the rule on new results, of each judged deploy."""
    store = SqliteStore(state, read_only=True)
    store.start()
    made = []
    for one in store.ledger()[1:]:
        found = asking.stored_gate(store, one.deploy_id)["findings"]
        made += [(of["limit"], of["reason"]) for of in found if of["rule"] == NEW]
    store.close()
    return made


def test_limits_are_learnt_once_enough_deploys_were_approved_and_a_restart_changes_none(tmp_path: Path) -> None:
    whole = run_whole(ordinary(tmp_path / "whole"))
    found = limits(tmp_path / "whole" / "state.db")
    own = [("by the policy" in reason) for _, reason in found]
    assert own == sorted(own), "once learnt, it stays learnt"
    assert not any(own[:FEWEST])
    assert own[-1], found[-1]
    assert "learnt from" in found[-1][1]
    assert "0.75 by the policy" in found[-1][1]
    config = ordinary(tmp_path / "died")
    for turns in (7, 5, 999):
        with opened(config) as monitor:
            to_end(monitor, turns)
    assert left(config.parent / "state.db").deploys == whole.deploys


@pytest.mark.parametrize(("mode", "more"), [("pinned", ""), ("previous-deploy", "learn = false")])
def test_nothing_is_learnt_against_a_baseline_that_stays_or_where_it_is_switched_off(
    tmp_path: Path, mode: str, more: str
) -> None:
    run_whole(ordinary(tmp_path, mode, more))
    assert not any("learnt" in reason for _, reason in limits(tmp_path / "state.db"))
