"""Asking from another process: the committed state answers as the monitor would, and never better than it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app import asking
from monitor.app.configuration import Configuration, load
from monitor.app.snapshot import Snapshots
from monitor.app.wiring import build_drift, read_state
from monitor.core.index.baseline import Approval
from monitor.core.model.anchors import Anchor
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.records.committed import Commit, DeployRecord
from monitor.ports import ConfigurationError, StateStore
from tests.app.loops import opened, to_end
from tests.corpora import Shape, anchors, write_case

SHAPE = Shape(deploys=4, incident=True, dense=False)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run to the end: d1 and d2 pass, d3 fails; baseline `late` is the corpus after d3, `draft` nobody approved."""
    path = write_case(tmp_path_factory.mktemp("case"), shape=SHAPE)
    with opened(path) as monitor:
        assert to_end(monitor)
        monitor.operations.capture("late")
        monitor.operations.approve("late", Approval("ann", "the new normal", ""))
        monitor.operations.capture("draft")
    return path


@pytest.fixture
def configuration(config: Path) -> Configuration:
    return load(config, {})


def against(configuration: Configuration, store: StateStore, deploy: str, baseline: str) -> dict[str, Any]:
    return asking.judged_against(build_drift(configuration), configuration.rules(), store, deploy, baseline)


def test_the_state_says_what_the_monitor_said(configuration: Configuration) -> None:
    with read_state(configuration) as store:
        said = {f"d{n}": asking.stored_gate(store, f"d{n}") for n in range(4)}
        unseen = asking.stored_gate(store, "d9")
        late = Snapshots(store, "main", "pinned", 5, bootstrap=False)
        assert [one["name"] for one in asking.stored_baselines(late)] == ["main", "late", "draft"]
        assert [one["in_force"] for one in asking.stored_baselines(late)] == [False, True, False]
        newest = asking.stored_report(store, "")
        assert (newest["deploy_id"], newest["baseline"]["name"], newest["verdict"]["verdict"]) == ("", "late", "pass")
        assert asking.stored_report(store, "d1")["verdict"]["verdict"] == "pass"
        with pytest.raises(
            ConfigurationError, match=r"deploy 'd9': no report kept; the newest deploys are: d0, d1, d2, d3"
        ):
            asking.stored_report(store, "d9")
    assert {name: one["verdict"] for name, one in said.items()} == {
        "d0": "unknown",
        "d1": "pass",
        "d2": "pass",
        "d3": "fail",
    }
    assert (unseen["state"], unseen["verdict"]) == ("unseen", "unknown")
    assert unseen["reasons"] == ["deploy 'd9': never seen, and no monitor is running"]


def test_a_deploy_whose_report_is_gone_is_forgotten_not_unseen(tmp_path: Path) -> None:
    with opened(write_case(tmp_path, shape=SHAPE, extra="keep_deploys = 1\n")) as monitor:
        assert to_end(monitor)
        said = asking.stored_gate(monitor.parts.store, "d1")
    assert (said["state"], said["verdict"]) == ("forgotten", "unknown")
    assert said["reasons"] == ["deploy 'd1': judged pass, but its report is no longer kept"]


def test_a_deploy_judged_against_another_baseline(configuration: Configuration) -> None:
    with read_state(configuration) as store:
        found = {name: against(configuration, store, "d3", name) for name in ("main", "late")}
        early = against(configuration, store, "d1", "late")
        assert found["main"]["findings"] == asking.stored_gate(store, "d3")["findings"]
    assert {name: one["verdict"] for name, one in found.items()} == {"main": "fail", "late": "pass"}
    assert found["late"]["baseline"]["name"] == "late"
    assert early["verdict"] == "fail"


def test_the_first_deploy_had_no_baseline_then_and_has_one_now(configuration: Configuration) -> None:
    with read_state(configuration) as store:
        assert asking.stored_gate(store, "d0")["verdict"] == "unknown"
        assert against(configuration, store, "d0", "main")["verdict"] == "pass"


@pytest.mark.parametrize("name", ["draft", "none"])
def test_only_an_approved_baseline_judges(configuration: Configuration, name: str) -> None:
    with (
        read_state(configuration) as store,
        pytest.raises(
            ConfigurationError, match=rf"baseline '{name}': not captured and approved; approved ones are: main, late"
        ),
    ):
        against(configuration, store, "d1", name)


@contextmanager
def altered(config: Path, folder: Path, change: Callable[[DeployRecord], DeployRecord]) -> Iterator[StateStore]:
    """A copy of the state in which deploy d1 comes again as d1x, changed."""
    (folder / "state.db").write_bytes((config.parent / "state.db").read_bytes())
    store = SqliteStore(folder / "state.db")
    resumed = store.start()
    record = store.deploy("d1")
    assert record is not None
    made = replace(change(record), deploy_id="d1x")
    store.commit(Commit(resumed.positions, deploy=made, newest_event_time=resumed.newest_event_time))
    yield store
    store.close()


@pytest.mark.parametrize(
    "problem",
    [
        Problem(ProblemKind.STREAM_LOSS, "the stream lost events 1 time(s); reload the corpus, then approve"),
        Problem(ProblemKind.BARRIER, "deploy 'd1': barrier timeout, markers missing from: events/1"),
        Problem(ProblemKind.UNCLASSIFIED, "said by an older version"),
    ],
    ids=lambda problem: str(problem.kind),
)
def test_what_was_unknown_for_its_own_reasons_stays_unknown(
    config: Path, configuration: Configuration, tmp_path: Path, problem: Problem
) -> None:
    def unknown(record: DeployRecord) -> DeployRecord:
        return replace(record, report=replace(record.report, problems=(problem,)))

    with altered(config, tmp_path, unknown) as store:
        said = against(configuration, store, "d1x", "main")
    assert (said["verdict"], said["reasons"]) == ("unknown", [problem.text])


def test_every_problem_about_a_baseline_is_known_as_one(config: Path, configuration: Configuration) -> None:
    """What the evaluation says of the baseline compared with then, as it was stored with the reports."""
    with read_state(configuration) as store:
        first, record, main = store.deploy("d0"), store.deploy("d1"), store.baseline("main")
    assert first is not None
    assert record is not None
    assert main is not None
    other = replace(main, fingerprint=replace(main.fingerprint, tokenizer="another"))
    nobody = replace(main, anchors={f"x{name}": mark for name, mark in main.anchors.items()})
    drift, rules = build_drift(configuration), configuration.rules()
    said = [asking.judged_pair(drift, rules, baseline, record)[0].problems for baseline in (other, nobody)]
    kinds = [{problem.kind for problem in problems} for problems in (first.report.problems, *said)]
    assert kinds == [{ProblemKind.NO_BASELINE}, {ProblemKind.FINGERPRINT}, {ProblemKind.NO_COMMON_ANCHORS}]
    assert all(kind.of_baseline for found in kinds for kind in found)


def test_a_deploy_of_another_fingerprint_is_unknown(
    config: Path, configuration: Configuration, tmp_path: Path
) -> None:
    def other(record: DeployRecord) -> DeployRecord:
        fingerprint = replace(record.snapshot.fingerprint, bm25="lucene")
        return replace(record, snapshot=replace(record.snapshot, fingerprint=fingerprint))

    with altered(config, tmp_path, other) as store:
        said = against(configuration, store, "d1x", "main")
    assert said["verdict"] == "unknown"
    assert said["reasons"][0].startswith("fingerprint of deploy 'd1x' differs from the baseline's: bm25: ")


@contextmanager
def with_anchors(config: Path, folder: Path, made: list[Anchor]) -> Iterator[tuple[Configuration, StateStore]]:
    """The same state, asked with another anchors file."""
    write_anchors(folder / "anchors.jsonl", made)
    copied = folder / "c.toml"
    copied.write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    with read_state(load(config, {})) as store:
        yield load(copied, {}), store


def test_the_order_of_the_anchors_file_does_not_matter(config: Path, tmp_path: Path) -> None:
    with with_anchors(config, tmp_path, anchors(7, SHAPE)[::-1]) as (configuration, store):
        said = against(configuration, store, "d1", "main")
        assert said["findings"] == against(load(config, {}), store, "d1", "main")["findings"]
        assert said["verdict"] == "pass"


def test_anchors_that_ask_something_else_today_are_not_compared(config: Path, tmp_path: Path) -> None:
    made = anchors(7, SHAPE)
    changed = [replace(one, text=f"{one.text} changed") if at < 4 else one for at, one in enumerate(made)]
    with with_anchors(config, tmp_path, [*changed[2:], *changed[:2]]) as (configuration, store):
        said = against(configuration, store, "d1", "main")
    assert {found["n"] for found in said["findings"] if found["dimension"] == "all" and found["leg"] != "corpus"} == {
        20
    }


def test_anchors_that_the_deploy_was_not_asked_are_not_measured(
    config: Path, configuration: Configuration, tmp_path: Path
) -> None:
    def asked_less(record: DeployRecord) -> DeployRecord:
        marks = dict(record.snapshot.anchors)
        for at in range(12):
            marks[f"q{at}"] = replace(marks[f"q{at}"], digest="other")
        return replace(record, snapshot=replace(record.snapshot, anchors=marks))

    with altered(config, tmp_path, asked_less) as store:
        said = against(configuration, store, "d1x", "main")
    assert said["verdict"] != "pass"
    assert {found["n"] for found in said["findings"] if found["dimension"] == "all" and found["leg"] != "corpus"} == {
        12
    }


def answers(*states: str) -> Callable[[], dict[str, Any]]:
    left = list(states)
    return lambda: {"state": left.pop(0) if len(left) > 1 else left[0], "reasons": ["why"]}


@pytest.mark.parametrize(
    "states", [["judged"], ["unseen", "judged"], ["unseen", "waiting", "judged"], ["waiting", "forgotten"]]
)
def test_the_gate_waits_until_it_is_judged(states: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BETWEEN_ASKS", 0.001)
    assert asking.wait_for_gate(answers(*states), 10.0) == {"state": states[-1], "reasons": ["why"]}


@pytest.mark.parametrize("timeout", [0.0, 0.01])
def test_the_gate_waits_no_longer_than_told(timeout: float) -> None:
    said = asking.wait_for_gate(answers("waiting"), timeout)
    assert said == {"state": "waiting", "reasons": ["why", f"not judged within {timeout:g} s"]}
