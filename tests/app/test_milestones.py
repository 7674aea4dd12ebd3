"""Moved statistics by deploy through the loop: told from the records, the same after a restart, read once."""

from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.milestones import Milestones
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.model.report import ShareKind
from tests import corpora
from tests.app.loops import left, opened, run_whole, to_end

SHAPE = corpora.Shape(chunks=160, deploys=4, anchors=48, churn=0.2, dense=False)


def stored(folder: Path) -> Path:
    """A run to the end; its state file."""
    folder.mkdir()
    config = corpora.write_case(folder, shape=SHAPE)
    run_whole(config)
    return folder / "state.db"


def test_statistics_are_told_by_the_deploys_since_the_baseline(tmp_path: Path) -> None:
    store = SqliteStore(stored(tmp_path / "a"), read_only=True)
    store.start()
    try:
        deploys = [judged.deploy_id for judged in store.ledger()]
        told = 0
        for at, deploy in enumerate(deploys[1:], 1):
            record = store.deploy(deploy)
            assert record is not None
            blame = {one.name: one.share for one in record.report.blame if one.level == "deploy"}
            assert sum(blame.values()) == pytest.approx(1.0)
            assert ShareKind.STATISTICS not in {one.kind for one in record.report.blame if one.level == "deploy"}
            assert blame.keys() <= set(deploys[1 : at + 1])
            told += len(blame) > 1 and any(one.moved is not None for one in record.attributions or ())
        assert told
    finally:
        store.close()


def test_a_restart_between_deploys_changes_nothing(tmp_path: Path) -> None:
    whole = left(stored(tmp_path / "whole"))
    (tmp_path / "cut").mkdir()
    config = corpora.write_case(tmp_path / "cut", shape=SHAPE)
    lines = (tmp_path / "cut" / "events.jsonl").read_bytes().splitlines(keepends=True)
    for part in (0.5, 0.75, 1.0):
        (tmp_path / "cut" / "events.jsonl").write_bytes(b"".join(lines[: int(len(lines) * part)]))
        with opened(config) as monitor:
            assert to_end(monitor)
    assert left(tmp_path / "cut" / "state.db").deploys == whole.deploys


def test_each_record_is_read_once_and_let_go_with_its_baseline(tmp_path: Path) -> None:
    class Counting(SqliteStore):
        read: list[str]

        def statistics(self, deploy_id: str) -> SourceStatistics | None:
            self.read.append(deploy_id)
            return super().statistics(deploy_id)

    store = Counting(stored(tmp_path / "a"), read_only=True)
    store.start()
    store.read = []
    try:
        ledger, found = store.ledger(), Milestones(store)
        baseline = store.baseline("main")
        assert baseline is not None
        names = [judged.deploy_id for judged in ledger]
        assert [one.deploy for one in found.since(baseline, ledger)] == names[1:], "the baseline is the first deploy"
        assert [one.deploy for one in found.since(baseline, ledger)] == store.read == names[1:]
        steps = found.since(baseline, ledger)
        assert len({id(one.totals.terms) for one in steps if one.totals is not None}) == 1
        later = store.deploy(names[-2])
        assert later is not None
        assert [one.deploy for one in found.since(later.snapshot, ledger)] == names[-1:]
        assert list(found._kept) == names[-1:]
    finally:
        store.close()
