"""Packing: bit for bit there and back, and the same thing always gives the same bytes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.snapshots import pack_deploy, pack_snapshot, unpack_deploy, unpack_snapshot
from monitor.core.baseline import Approval
from monitor.core.events import chunk_key
from monitor.core.lists import RankedLists
from monitor.core.policy import Verdict
from monitor.core.report import DriftReport, Measurement
from monitor.ports import DeployRecord
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
    taken = snapshot(np.random.default_rng(0))
    record = DeployRecord("d1", 1, Verdict("unknown", ("r",), findings), report, taken)
    packed = pack_deploy(record)
    assert deploy_contents(unpack_deploy(packed)) == deploy_contents(record)
    assert pack_deploy(unpack_deploy(packed)) == packed


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
