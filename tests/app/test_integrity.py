"""Rules of integrity through the real loop: configuration, stream, state; a planted fault and its harmless twins."""

from pathlib import Path

import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app.asking import judged_against
from monitor.app.configuration import load
from monitor.app.wiring import build_drift, read_state
from monitor.core.model.events import Deploy, Segment
from monitor.core.records.committed import DeployRecord
from tests.app.loops import to_end
from tests.app.scripted import ScriptedSource, records, scripted
from tests.core.judging.integrity_cases import DIMENSION, HARMFUL, HARMLESS, corpus, events, questions

CORPUS = corpus()
CONFIGURATION = f"""[corpus]
name = "docs"
dimension = {DIMENSION}
embedding_version = "e1"
[segments]
dimensions = ["source"]
[source.file]
path = "events.jsonl"
[measure]
depths = [5]
[anchors]
path = "anchors.jsonl"
[baseline]
bootstrap = "first-deploy"
[http]
port = 0
[state]
path = "state.db"
"""


def judged(folder: Path, change: str, extra: str = "", expected: Segment = ()) -> DeployRecord:
    """The deploy of one change behind the bootstrapped baseline, as it is stored."""
    config = folder / "corpus-drift.toml"
    config.write_text(CONFIGURATION + extra, encoding="utf-8")
    write_anchors(folder / "anchors.jsonl", questions(CORPUS))
    made = HARMFUL[change][1] if change in HARMFUL else HARMLESS[change]
    deploys = [Deploy(f"d{at}", 1_700_000_000_000_000, {}, expected if at else ()) for at in range(2)]
    stream = [*(piece.upsert() for piece in CORPUS), deploys[0], *events(CORPUS, made(CORPUS)), deploys[1]]
    with scripted(config, ScriptedSource(records(stream))) as monitor:
        assert to_end(monitor)
        record = monitor.parts.store.deploy("d1")
    assert record is not None
    return record


def failed(record: DeployRecord) -> dict[str, tuple[str, ...]]:
    """Documents by rule of integrity over the whole corpus that failed."""
    return {of.rule: of.documents for of in record.verdict.findings
            if of.leg == "corpus" and of.verdict == "fail" and of.dimension == "all"}  # fmt: skip


def test_error_pages_fail_the_deploy_and_are_named(tmp_path: Path) -> None:
    record = judged(tmp_path, "a tenth turned into error pages")
    assert record.verdict.verdict == "fail"
    assert set(failed(record)["boilerplate-all"]) == {f"d{at}" for at in range(0, 90, 10)}
    assert any("10.0% of 360 chunks of the corpus" in reason for reason in record.verdict.reasons)
    concern = next(of for of in record.report.concerns if (of.metric, of.dimension) == ("boilerplate_ratio", "all"))
    assert concern.count == 9
    # the state alone says the same after a restart
    with scripted(tmp_path / "corpus-drift.toml", ScriptedSource([])) as monitor:
        monitor.measuring.refresh()
        view = monitor.measuring.published
    assert view is not None
    assert view.report.concerns == record.report.concerns
    # and what was kept, judged by the same baseline, is judged alike; by another one it says that it is not
    configuration = load(tmp_path / "corpus-drift.toml", {})
    with read_state(configuration) as store:
        again = judged_against(build_drift(configuration), configuration.rules(), store, "d1", "main")
        named = [of["rule"] for of in again["findings"] if of["metric"] == "boilerplate_ratio"]
    assert (again["verdict"], "warning" in again) == ("fail", False)
    assert named == [of.rule for of in record.verdict.findings if of.metric == "boilerplate_ratio"]


@pytest.mark.parametrize("change", ["an ordinary edit in each fifth chunk", "renamed", "chunked finer"])
def test_harmless_twins_fail_no_rule(tmp_path: Path, change: str) -> None:
    record = judged(tmp_path, change)
    assert failed(record) == {}
    assert any(of.rule == "boilerplate-all" and of.verdict == "pass" for of in record.verdict.findings)


def test_limits_are_configured(tmp_path: Path) -> None:
    off = '[policy.integrity]\noff = ["wordless"]\nlost_content = 0.2\n'
    assert failed(judged(tmp_path, "a tenth emptied", off)) == {}
