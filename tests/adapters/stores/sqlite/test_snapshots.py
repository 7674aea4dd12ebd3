"""Packing: bit for bit there and back, and the same thing always gives the same bytes."""

import zlib
from dataclasses import fields, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.stores.sqlite.report_form import plain_report, report_of
from monitor.adapters.stores.sqlite.snapshots import (
    pack_deploy,
    pack_report,
    pack_snapshot,
    unpack_deploy,
    unpack_report,
    unpack_snapshot,
    unpack_statistics,
)
from monitor.core.attribution import Attribution, Event, Statistics
from monitor.core.index.baseline import Approval
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.judging.policy import Verdict
from monitor.core.model.events import Position, chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import BaselineIdentity, DriftReport, Measurement, Share, ShareKind
from monitor.core.records.committed import DeployRecord
from tests.contracts.stores import deploy_contents, finding, snapshot, snapshot_contents

FLOATS = st.floats(width=64)  # NaN, infinities, signed zeros and subnormals included


@given(st.integers(0, 2**32))
def test_a_snapshot_comes_back_to_the_bit(seed: int) -> None:
    taken = snapshot(np.random.default_rng(seed))
    for one in (
        taken,
        replace(taken, approval=Approval("ann", "wh\ny", "")),
        replace(taken, positions={"t/0": 2**60}),
    ):
        packed = pack_snapshot(one)
        assert snapshot_contents(unpack_snapshot(packed)) == snapshot_contents(one)
        assert pack_snapshot(unpack_snapshot(packed)) == packed


@given(st.lists(st.tuples(FLOATS, FLOATS, st.text(max_size=5).filter(lambda text: text.isprintable())), max_size=5))
def test_a_deploy_record_comes_back_to_the_bit(rows: list[tuple[float, float, str]]) -> None:
    measured = tuple(
        Measurement("m", "lexical", 10, "d", text, "p95", value, 1, 2, baseline, "why")
        for value, baseline, text in rows
    )
    findings = tuple(replace(finding(), value=value, limit=baseline, segment=text) for value, baseline, text in rows)
    report = DriftReport("d1", 1, {"t/0": 5}, "f", None, measured, corpus={"chunks": 1.0})
    taken = replace(snapshot(np.random.default_rng(0)), shingles={})  # stored once for all deploys, not in the record
    record = DeployRecord("d1", 1, Verdict("unknown", ("r",), findings), report, taken)
    packed = pack_deploy(record)
    assert deploy_contents(unpack_deploy(packed)) == deploy_contents(record)
    assert pack_deploy(unpack_deploy(packed)) == packed
    assert pack_report(report, record.verdict) == pack_report(*unpack_report(pack_report(report, record.verdict)))


def test_a_report_is_stored_as_maps_whatever_its_parts_are() -> None:
    one = Measurement("m", "lexical", 10, "d", "s", "p95", 0.5, 1, 2)
    report = DriftReport("d1", 1, {"t/0": 5}, "f", None, (one,))
    plain = plain_report(report)
    assert list(plain) == [of.name for of in fields(DriftReport)]
    assert plain["measurements"] == [
        {"metric": "m", "leg": "lexical", "k": 10, "dimension": "d", "segment": "s", "stat": "p95", "value": 0.5,
         "n": 1, "expected": 2, "baseline": pytest.approx(float("nan"), nan_ok=True), "reason": "", "covered": 1.0}
    ]  # fmt: skip
    older = [{name: of for name, of in plain["measurements"][0].items() if name != "covered"} | {"gone": 1}]
    read = report_of(msgspec.msgpack.decode(msgspec.msgpack.encode({**plain, "measurements": older})))
    assert repr(read.measurements) == repr((one,)), "fields that came later have their defaults"


def test_bytes_do_not_depend_on_the_order_in_which_members_were_found() -> None:
    taken = snapshot(np.random.default_rng(1))
    members, lists = list(taken.members.items())[::-1], list(taken.lists.items())[::-1]
    turned = replace(taken, members=dict(members), lists=dict(lists))
    assert pack_snapshot(turned) == pack_snapshot(taken)
    assert list(taken.members) == [chunk_key(f"c{at}") for at in range(3)]


@pytest.mark.parametrize("anchors", [0, 1])
def test_lists_without_anchors_and_without_results(anchors: int) -> None:
    empty = replace(snapshot(np.random.default_rng(2)), lists={"dense": RankedLists.unknown(anchors, 7)}, anchors={})
    back = unpack_snapshot(pack_snapshot(empty)).lists["dense"]
    assert (back.depth, len(back), back.known.tolist()) == (7, anchors, [False] * anchors)


def test_blame_and_statistics_come_back_to_the_bit() -> None:
    event = Event(Position("t", 3, 2**40), "update", "c", "doc", "src", (("language", "dé"),), "v")
    parts = np.array([0.5, 0.1 + 0.2, 1.0])
    columns = (np.array([0, 0, 4]), np.array([2**62, 7, 8]), np.array([True, False, True]), np.array([0, 1, -1]))
    row, key, entered, cause = columns
    moved = Attribution("lexical", (Statistics("d1"),), row[1:2], key[1:2], entered[1:2], cause[:1], parts[1:2])
    copied = replace(event, kind="copy", says="e3b0")
    one = Attribution("lexical", (event, Statistics("src"), copied), *columns, parts, moved)
    frequency = np.array([[0, 3, 0], [1, 0, 2**31 - 1]])
    counted = SourceStatistics(("", "b"), np.array([1, 2]), np.array([5, 2**40]), ("x", "y", "z"), frequency, -0.25)
    taken = replace(snapshot(np.random.default_rng(0)), statistics=counted)
    report = DriftReport("d1", 1, {}, "f", None, ())
    packed = pack_deploy(DeployRecord("d1", 1, Verdict("pass", (), ()), report, taken, (one,)))
    back = unpack_deploy(packed)
    assert back.attributions is not None
    assert repr(back.attributions[0]) == repr(one)
    assert repr(back.snapshot.statistics) == repr(unpack_statistics(packed)) == repr(counted)
    assert pack_deploy(back) == packed


def test_a_record_from_before_blame_named_events_is_read() -> None:
    taken = snapshot(np.random.default_rng(0))
    record = DeployRecord("d1", 1, Verdict("pass", (), ()), DriftReport("d1", 1, {}, "f", None, ()), taken)
    old = msgspec.msgpack.encode(msgspec.msgpack.decode(zlib.decompress(pack_deploy(record)))[:5])
    assert unpack_deploy(old).attributions is None  # nor was it compressed then
    assert unpack_statistics(old) is None


def test_a_report_from_before_facts_had_types_is_read() -> None:
    """As version 0.1.0 wrote it: problems are texts, and a moving baseline is known by its name alone."""
    kinds = [
        ("no approved baseline: capture one (baseline capture), look at it", ProblemKind.NO_BASELINE),
        ("fingerprint differs from baseline 'main': k: baseline '5', now '3'", ProblemKind.FINGERPRINT),
        ("no anchor of baseline 'main' asks the same now: capture and approve", ProblemKind.NO_COMMON_ANCHORS),
        ("the stream lost events 2 time(s); reload the corpus", ProblemKind.STREAM_LOSS),
        ("deploy 'd1': barrier timeout, markers missing from: t/1", ProblemKind.BARRIER),
        ("audit: 3 result(s) in the dense lists of 1 anchor(s) disagree", ProblemKind.AUDIT),
        ("collection 'c' is red", ProblemKind.UNCLASSIFIED),
    ]
    problems = tuple(Problem(kind, text) for text, kind in kinds)
    for name, kept_as in (("main", "baseline"), ("deploy:d0", "deploy")):
        identity = BaselineIdentity(name, 5, "d0", "ann", kept_as)  # type: ignore[arg-type]  # one of its words
        report = DriftReport("d1", 1, {}, "f", identity, (), problems=problems)
        record = DeployRecord("d1", 1, Verdict("unknown", (), ()), report, snapshot(np.random.default_rng(0)))
        plain = msgspec.msgpack.decode(zlib.decompress(pack_deploy(record)))
        plain[3]["problems"] = [text for text, _ in kinds]
        del plain[3]["baseline"]["kept_as"]
        assert unpack_deploy(msgspec.msgpack.encode(plain)).report == report


@pytest.mark.parametrize(("name", "replaces"), [("main", ""), ("main~pending", "main")])
def test_a_capture_from_before_it_said_what_it_replaces_is_read(name: str, replaces: str) -> None:
    made = replace(snapshot(np.random.default_rng(0)), name=name, replaces=replaces)
    assert unpack_snapshot(pack_snapshot(made)).replaces == replaces
    plain = msgspec.msgpack.decode(zlib.decompress(pack_snapshot(made)))
    assert plain.pop("replaces", "") == replaces
    assert unpack_snapshot(msgspec.msgpack.encode(plain)).replaces == replaces


def test_shares_from_before_they_had_a_kind_are_read() -> None:
    named = [
        ("docs", ShareKind.NAMED),
        ("(lexical statistics)", ShareKind.STATISTICS),
        ("(others)", ShareKind.OTHERS),
    ]
    named += [("(unexplained)", ShareKind.UNEXPLAINED), ("(no source)", ShareKind.NO_SOURCE)]
    blame = tuple(Share("lexical", "source", name, 0.2, 1.0, 1, kind) for name, kind in named)
    report = DriftReport("d1", 1, {}, "f", None, (), blame=blame)
    record = DeployRecord("d1", 1, Verdict("pass", (), ()), report, snapshot(np.random.default_rng(0)))
    plain = msgspec.msgpack.decode(zlib.decompress(pack_deploy(record)))
    for share in plain[3]["blame"]:
        del share["kind"]
    assert unpack_deploy(msgspec.msgpack.encode(plain)).report == report
    assert unpack_deploy(pack_deploy(record)).report == report


def test_a_record_that_is_cut_or_altered_is_no_record() -> None:
    taken = pack_snapshot(snapshot(np.random.default_rng(0)))
    for wrong in (taken[:-20], taken[:40] + b"\0\0" + taken[42:], b"\x78", b""):
        with pytest.raises((ValueError, msgspec.MsgspecError)):
            unpack_snapshot(wrong)
