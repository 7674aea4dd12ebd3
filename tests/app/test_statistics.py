"""Statistics of the corpus through the loop: a moving baseline, restarts, and what snapshots keep."""

import shutil
from pathlib import Path

import pytest

from monitor.app.loop import Monitor
from monitor.core.index.engine import of_one_process
from monitor.core.model.report import Measurement
from monitor.core.session import REPEATED, UPSERTS
from tests.app.loops import left, opened, run_whole, to_end
from tests.corpora import Shape, write_case

SHAPE = Shape(chunks=40, deploys=4, churn=0.2, defaults=True)


def case(folder: Path, mode: str, batch: int = 16) -> Path:
    config = write_case(folder, shape=SHAPE, extra=f"[source]\nbatch = {batch}\n")
    text = config.read_text(encoding="utf-8").replace("[baseline]\n", f'[baseline]\nmode = "{mode}"\n')
    rule = '[[policy.rule]]\nname = "any"\nmetric = "swaps"\nmax = 100.0\n'
    text = text.replace("[policy]\n", "[policy]\ndefaults = false\n") + rule
    config.write_text(text, encoding="utf-8")
    return config


def measured(monitor: Monitor) -> dict[tuple[str, str, str, str], Measurement]:
    view = monitor.published
    assert view is not None
    return {
        (one.metric, one.dimension, one.segment, one.stat): one
        for one in view.report.measurements
        if one.leg == "corpus"
    }


@pytest.mark.parametrize("mode", ["pinned", "previous-deploy"])
def test_a_restart_in_the_middle_says_what_an_uninterrupted_run_says(tmp_path: Path, mode: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    config = case(whole, mode)
    often = tmp_path / "often"
    shutil.copytree(whole, often)
    expected = run_whole(config)
    for _ in range(4):
        with opened(often / config.name) as monitor:
            to_end(monitor, 3)
    assert run_whole(often / config.name) == expected
    with opened(config) as one, opened(often / config.name) as other:
        assert repr(measured(one)) == repr(measured(other))
        assert len(measured(one)) > 60


def test_chunks_are_kept_where_a_snapshot_may_become_a_baseline(tmp_path: Path) -> None:
    kept = {}
    for mode in ("pinned", "previous-deploy"):
        folder = tmp_path / mode
        folder.mkdir()
        config = case(folder, mode)
        with opened(config) as monitor:
            assert to_end(monitor)
            records = [monitor.parts.store.deploy(judged.deploy_id) for judged in monitor.ledger]
            kept[mode] = [
                record is not None and record.snapshot.profile is not None and record.snapshot.profile.population
                for record in records
            ]
            assert of_one_process(monitor.parts.engine).statistics.kept.baseline is not None
        assert left(folder / "state.db").baselines
    assert [of is not None for of in kept["pinned"]] == [True, False, False, False]
    assert [of is not None for of in kept["previous-deploy"]] == [True] * 4


def test_upserts_that_repeat_the_content_are_counted_since_the_baseline(tmp_path: Path) -> None:
    with opened(case(tmp_path, "pinned")) as monitor:
        assert to_end(monitor)
        profile = monitor.session.baseline.profile if monitor.session.baseline else None
        assert profile is not None
        upserts = monitor.session.counters[UPSERTS] - profile.upserts
        repeated = monitor.session.counters[REPEATED] - profile.repeated
        assert 0 < repeated < upserts
        assert measured(monitor)["noop_upsert_ratio", "all", "all", "mean"].value == repeated / upserts
