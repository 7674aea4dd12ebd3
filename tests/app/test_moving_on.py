"""A moving baseline never freezes: what nobody decided is moved on to, and everything that shows it says so."""

from pathlib import Path

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app import asking
from monitor.app.formats import render_gate
from monitor.app.snapshot import Snapshots
from monitor.app.tables import baseline_table
from monitor.core.index.baseline import Adopted
from tests.app.loops import left, opened, run_whole, to_end
from tests.corpora import Shape, write_case

SAID = "inconclusive for 2 deploys, nobody decided"


def moving(folder: Path, patience: int = 1) -> Path:
    """Ordinary deploys that cost nobody much, over so few anchors that bounds can decide none of them."""
    config = write_case(folder, shape=Shape(chunks=90, deploys=5, anchors=24, churn=0.02, defaults=True))
    baseline = f'mode = "previous-deploy"\ninconclusive_deploys = {patience}\nbootstrap'
    text = config.read_text().replace("bounds = false", "bounds = true").replace("bootstrap", baseline)
    config.write_text(text)
    return config


def test_the_baseline_moves_on_and_says_so(tmp_path: Path) -> None:
    config = moving(tmp_path)
    with opened(config) as monitor:
        assert to_end(monitor)
        assert [one.verdict for one in monitor.ledger] == ["unknown", *4 * ["inconclusive"]]
        assert [one.adopted for one in monitor.ledger] == [None, None, Adopted("d2", 2), None, Adopted("d4", 2)]
        view = monitor.published
        assert view is not None
        ledger = monitor.ledger
    with opened(config) as monitor:
        view = monitor.published
        assert view is not None
        assert view.report.baseline is not None
        found = view.report.baseline
        assert (found.name, found.approved_by, found.kept_as) == ("deploy:d4", "nobody", "deploy")
        assert SAID in found.reason
        assert monitor.ledger == ledger, "a restart chooses nothing anew"
    store = SqliteStore(tmp_path / "state.db", read_only=True)
    store.start()
    third = asking.stored_gate(store, "d3")
    assert third["baseline"]["name"] == "deploy:d2"
    assert f"nobody: moved on: {SAID}" in render_gate(third, "text")
    listed = asking.stored_baselines(Snapshots(store, "main", "previous-deploy", 5, bootstrap=False))
    assert [(one["name"], one["in_force"]) for one in listed] == [("main", False), ("deploy:d4", True)]
    assert "nobody" in baseline_table(listed)
    store.close()


def test_without_moving_on_the_baseline_stays(tmp_path: Path) -> None:
    run_whole(moving(tmp_path, patience=9))
    store = SqliteStore(tmp_path / "state.db", read_only=True)
    resumed = store.start()
    assert not any(one.adopted for one in resumed.ledger)
    store.close()


def test_dying_between_two_deploys_changes_no_choice(tmp_path: Path) -> None:
    """One restart after each turn, and none at all: the same ledger."""
    for name in ("whole", "died"):
        (tmp_path / name).mkdir()
    whole = run_whole(moving(tmp_path / "whole"))
    died, config = False, moving(tmp_path / "died")
    config.write_text(config.read_text().replace("[source.file]", "[source]\nbatch = 16\n[source.file]"))
    while not died:
        with opened(config) as monitor:
            monitor.turn(0.0)
            died = to_end(monitor, 1)
    assert left(config.parent / "state.db").deploys == whole.deploys
