"""Freezing lists, and which snapshot reports compare with."""

from dataclasses import replace

import pytest

from monitor.app.snapshot import Snapshots
from monitor.core.index.baseline import Adopted, Approval, Judged, Mode, Snapshot
from monitor.core.judging.policy import Verdict
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import Commit, DeployRecord
from monitor.ports import ConfigurationError
from tests.contracts.stores import MemoryStore
from tests.core.snapshots import anchor_set, plain, snapshot

ANCHORS = anchor_set([(("language", "de"),), ()])
LISTS = plain("ab", "c")
ANA = Approval("ana", "looked at it", "2026-11-20T00:00:00Z")


def snapshots(
    store: MemoryStore | None = None, *, mode: Mode = "pinned", window: int = 2, bootstrap: bool = False
) -> Snapshots:
    kept = store or MemoryStore(keep_deploys=10, quarantine_rows=10)
    return Snapshots(kept, "main", mode, window, bootstrap)


def judged(store: MemoryStore, name: str, verdict: str, moved: Adopted | None = None) -> Judged:
    made = snapshot(ANCHORS, {"dense": LISTS}, name=name)
    report = DriftReport(name, 0, {}, "f", None, ())
    record = DeployRecord(name, 0, Verdict(verdict, (), ()), report, made, adopted=moved)  # type: ignore[arg-type]  # one of its words
    store.commit(Commit({}, deploy=record))
    return store.ledger()[-1]


def approved(store: MemoryStore, name: str = "main", approval: Approval | None = ANA) -> Snapshot:
    made = replace(snapshot(ANCHORS, {"dense": LISTS}, name=name), approval=approval)
    store.commit(Commit({}, baselines=[made]))
    return made


def in_force(store: MemoryStore, *, name: str, mode: Mode, window: int) -> str:
    current = Snapshots(store, name, mode, window, bootstrap=False).current(store.ledger())
    return "" if current is None else current.name


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(keep_deploys=10, quarantine_rows=10)


def test_nothing_is_pinned_before_its_approval(store: MemoryStore) -> None:
    assert snapshots(store).pinned() is None
    approved(store, approval=None)
    assert snapshots(store).pinned() is None
    approved(store, "another")
    assert snapshots(store).pinned() is None
    made = approved(store)
    assert snapshots(store).pinned() is made
    assert snapshots(store).current([judged(store, "d1", "pass")]) is made


@pytest.mark.parametrize(
    ("mode", "verdicts", "chosen"),
    [
        ("previous-deploy", ["pass", "pass", "fail"], "deploy:d1"),
        ("previous-deploy", ["fail", "unknown", "inconclusive"], "main"),
        ("rolling", ["pass", "pass", "fail", "pass"], "deploy:d1"),
        ("rolling", ["pass"], "deploy:d0"),
        ("rolling", [], "main"),
        ("pinned", ["pass"], "main"),
    ],
)
def test_moving_modes(store: MemoryStore, mode: Mode, verdicts: list[str], chosen: str) -> None:
    approved(store)
    ledger = [judged(store, f"d{at}", verdict) for at, verdict in enumerate(verdicts)]
    current = snapshots(store, mode=mode).current(ledger)
    assert current is not None
    assert current.name == chosen
    assert current.approval == (ANA if chosen == "main" else Approval("gate", "passed", ""))


def test_a_moving_baseline_is_one_object_as_long_as_it_is_chosen() -> None:
    short = MemoryStore(keep_deploys=3, quarantine_rows=1)
    pinned, of = approved(short), snapshots(short, mode="previous-deploy")
    ledger = [judged(short, "d0", "pass")]
    first = of.current(ledger)
    assert first is not None
    ledger += [judged(short, "d1", "fail")]
    assert of.current(ledger, first) is first
    assert of.current(ledger, pinned) is not first
    ledger += [judged(short, "d2", "pass")]
    second = of.current(ledger, first)
    assert second is not None
    assert second.name == "deploy:d2"
    ledger += [judged(short, f"d{at}", "fail") for at in range(3, 6)]
    assert of.current(ledger, second) is pinned, "what a restart would choose"


def test_a_moving_baseline_that_is_no_longer_kept_falls_back_to_the_pinned_one() -> None:
    short = MemoryStore(keep_deploys=1, quarantine_rows=1)
    made = approved(short)
    ledger = [judged(short, "d0", "pass"), judged(short, "d1", "fail")]
    assert snapshots(short, mode="previous-deploy").current(ledger) is made


def test_the_first_complete_deploy_may_be_the_baseline(store: MemoryStore) -> None:
    made = snapshot(ANCHORS, {"dense": LISTS}, name="d0")
    assert snapshots(store).bootstrapped(made) is None
    first = snapshots(store, bootstrap=True).bootstrapped(made)
    assert first is not None
    assert first.name == "main"
    assert first.approval is not None
    assert first.approval.author == "bootstrap"
    approved(store, approval=None)
    assert snapshots(store, bootstrap=True).bootstrapped(made) is None, "a capture that waits for its approval stays"


@pytest.mark.parametrize("mode", ["pinned", "previous-deploy", "rolling"])
def test_what_a_person_decides_is_in_force_whatever_is_configured_and_whatever_passed(
    store: MemoryStore, mode: Mode
) -> None:
    approved(store)
    ledger = [judged(store, "d0", "pass"), judged(store, "d1", "fail")]
    of = snapshots(store, mode=mode, bootstrap=True)
    made = approved(store, "mine")
    store.commit(Commit({}, decision=of.decide("mine", ledger)))
    assert (of.current(ledger), of.pinned()) == (made, made)
    assert in_force(store, name="main", mode=mode, window=2) == "mine"
    ledger += [judged(store, "d2", "fail")]
    assert of.current(ledger) is made
    ledger += [judged(store, "d3", "pass"), judged(store, "d4", "pass")]
    later = {"pinned": "mine", "previous-deploy": "deploy:d4", "rolling": "deploy:d3"}[mode]
    current = of.current(ledger)
    assert current is not None
    assert (current.name, in_force(store, name="main", mode=mode, window=2)) == (later, later)


def test_what_the_baseline_moved_on_to_is_listed_and_says_that_nobody_decided(store: MemoryStore) -> None:
    approved(store)
    at_once = snapshots(store, mode="previous-deploy")
    of = replace(at_once, patience=1)
    first = judged(store, "d1", "inconclusive")
    assert at_once.moved_on([first]) == Adopted("d1", 1)
    assert Adopted("d1", 1).approval.reason == "moved on: inconclusive, nobody decided"
    assert of.moved_on([first]) is None, "the next deploy may decide"
    moved = of.moved_on([first, Judged("d2", 0, "fail")])
    assert moved == Adopted("d1", 2)
    judged(store, "d2", "fail", moved)
    current = of.current(store.ledger())
    assert current is not None
    said = "moved on: inconclusive for 2 deploys, nobody decided"
    assert (current.name, current.identity.approved_by, current.identity.reason) == ("deploy:d1", "nobody", said)
    assert [one.name for one in of.every()] == ["main", "deploy:d1"]
    assert [one.name for one in snapshots(store).every()] == ["main"], "a pinned baseline does not move"


def test_a_configuration_that_names_another_baseline_since_is_the_newer_decision(store: MemoryStore) -> None:
    named = approved(store, "next")
    approved(store, "mine")
    store.commit(Commit({}, decision=snapshots(store).decide("mine", [])))
    kept = Snapshots(store, "next", "pinned", 2, True)
    assert kept.pinned() is named
    assert in_force(store, name="next", mode="pinned", window=2) == "next"
    assert in_force(store, name="main", mode="pinned", window=2) == "mine"


def test_nothing_is_in_force_before_an_approval(store: MemoryStore) -> None:
    approved(store, approval=None)
    assert in_force(store, name="main", mode="rolling", window=2) == ""


def test_no_deploy_becomes_the_baseline_by_itself_where_a_person_decided(store: MemoryStore) -> None:
    approved(store, "mine")
    of = snapshots(store, bootstrap=True)
    store.commit(Commit({}, decision=of.decide("mine", [])))
    assert of.bootstrapped(snapshot(ANCHORS, {"dense": LISTS}, name="d0")) is None


def test_a_capture_without_a_single_result_is_never_approved(store: MemoryStore) -> None:
    bare = snapshot(ANCHORS, {"dense": plain("", "")}, name="main")
    store.commit(Commit({}, baselines=[bare]))
    with pytest.raises(
        ConfigurationError, match=r"baseline 'main': no anchor has a result in it.*; capture it again"
    ):
        snapshots(store).approved("main", ANA)


def test_approving(store: MemoryStore) -> None:
    made = approved(store, approval=None)
    found = snapshots(store).approved("main", ANA)
    assert (found.name, found.approval, found.lists) == ("main", ANA, made.lists)
    with pytest.raises(ConfigurationError, match=r"baseline 'other': not captured; expected one of: main"):
        snapshots(store).approved("other", ANA)
    for author, reason in (("", "why"), ("ana", " "), ("\t", "\n")):
        with pytest.raises(ConfigurationError, match="author and a reason"):
            snapshots(store).approved("main", Approval(author, reason, ""))
    with pytest.raises(ConfigurationError, match="expected one of: none"):
        snapshots().approved("main", ANA)
