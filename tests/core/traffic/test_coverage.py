"""Coverage by hand, against a plain recount, and in every order."""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Segment
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.traffic.coverage import AskTable, CoverageShares, coverage_shares
from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.model import ANONYMOUS, VALUE_UNIT, TrafficAsk
from monitor.core.traffic.model import TrafficStanding as Standing
from tests.core.traffic.test_ledger import mark

DE, EN = (("language", "de"),), (("language", "en"),)


def anchor_set(*anchors: Anchor) -> AnchorSet:
    none = np.zeros((len(anchors), 0), np.float32)
    return AnchorSet(anchors, none, np.array([of.weight for of in anchors]), [() for _ in anchors])


ANCHORS = anchor_set(
    Anchor("key", "rotate a key", segment=EN), Anchor("gone", "fax", segment=EN), Anchor("taste", "x", segment=DE)
)
KEY = anchor_digest(ANCHORS.anchors[0])


def ledger_of(
    asks: Sequence[tuple[int, str, str, int, float]], standings: dict[str, Standing | None]
) -> TrafficLedger:
    ledger = TrafficLedger(35, 100_000)
    for day, question, client, count, value in asks:
        segment: Segment = DE if question.startswith("de") else EN
        who = mark(client) if client else ANONYMOUS
        ledger.add(TrafficAsk(day, mark(question), who, count, round(value * VALUE_UNIT)), segment)
    for question, standing in standings.items():
        ledger.judge(mark(question), standing)
    return ledger


def measured(ledger: TrafficLedger) -> CoverageShares:
    return coverage_shares(AskTable.of(ledger), ledger, ANCHORS, dimensions=("language",), cap=5)


def figure(found: CoverageShares, segment: str = "all", weight: str = "asks") -> float:
    return next(of.estimate.share for of in found.coverage if (of.segment, of.weight) == (segment, weight))


def test_by_hand() -> None:
    asks = [(100, "key", f"c{n}", 1, 1.0) for n in range(60)] + [(100, "de new", f"c{n}", 1, 1.0) for n in range(40)]
    found = measured(ledger_of(asks, {"key": Standing(KEY, 0.8), "de new": Standing("", 0.0, results=(1, 2))}))
    # the cap is 1 of 100: clients 0 to 39 asked twice and weigh as much as the others: 20 + 20 of 60
    assert figure(found) == pytest.approx(2 / 3)
    assert (figure(found, "en"), figure(found, "de")) == (1.0, 0.0)
    whole = found.coverage[0].estimate
    assert whole.n == pytest.approx(60)
    assert not [of for of in found.coverage if of.weight == "value"]
    assert found.judged.share == 1.0
    assert found.divergence["language"] == pytest.approx(0.0)  # both 2:1
    assert [of.estimate.share for of in found.anchors] == pytest.approx([2 / 3, 0.0, 0.0])


def test_one_client_never_speaks_for_the_users() -> None:
    crawler = [(100, "de new", "crawler", 100_000, 1.0)]
    people = [(100, "key", f"c{n}", 10, 10.0) for n in range(100)]
    found = measured(ledger_of(crawler + people, {"key": Standing(KEY, 1.0), "de new": Standing("", 0.1)}))
    assert figure(found) == pytest.approx(1_000 / (1_000 + 1_010))
    assert found.coverage[0].estimate.n < 4, "and two such weights know next to nothing"


def test_value_is_a_second_weight() -> None:
    asks = [(100, "key", "a", 1, 9.0), (100, "de new", "b", 1, 1.0)]
    found = measured(ledger_of(asks, {"key": Standing(KEY, 0.5), "de new": Standing("", 0.0)}))
    assert (figure(found), figure(found, weight="value")) == pytest.approx((0.5, 0.9))


def test_what_is_not_judged_is_left_out_and_said() -> None:
    asks = [(100, "key", "a", 1, 1.0), (100, "de new", "b", 3, 3.0)]
    found = measured(ledger_of(asks, {"key": Standing(KEY, 0.9)}))
    assert figure(found) == 1.0
    assert found.judged.share < 1.0
    assert math.isnan(figure(found, "de"))


def test_nothing_is_unknown() -> None:
    found = measured(TrafficLedger(35, 10))
    assert found.coverage == ()
    assert math.isnan(found.judged.share)
    assert math.isnan(found.unseen.share)
    assert all(math.isnan(of.estimate.share) and not of.historical for of in found.anchors)
    assert math.isnan(found.divergence["language"])


def test_an_anchor_is_historical_once_the_traffic_shows_it() -> None:
    standing: dict[str, Standing | None] = {"key": Standing(KEY, 0.9)}
    few = measured(ledger_of([(100, "key", f"c{n}", 1, 1.0) for n in range(300)], standing))
    many = measured(ledger_of([(100, "key", f"c{n}", 1, 1.0) for n in range(4_000)], standing))
    assert [of.historical for of in few.anchors] == [False, False, False]
    assert [of.historical for of in many.anchors] == [False, True, True]


def test_only_the_window_counts() -> None:
    asks = [(100, "de new", "a", 5, 5.0), (127, "key", "b", 1, 1.0), (128, "key", "c", 1, 1.0)]
    found = measured(ledger_of(asks, {"key": Standing(KEY, 0.9), "de new": Standing("", 0.0)}))
    assert figure(found) == 1.0


NAMES = ("key", "other", "de one", "de two")
ASKS = st.lists(
    st.tuples(
        st.integers(95, 128), st.sampled_from(NAMES), st.sampled_from(["", "a", "b", "c", "d"]), st.integers(1, 9),
        st.integers(0, 20).map(float),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=60)
@given(ASKS, st.randoms())
def test_the_order_of_arrival_changes_no_bit(asks: list[tuple[int, str, str, int, float]], random: object) -> None:
    standings: dict[str, Standing | None] = {
        name: Standing(KEY if at % 2 else "", 0.5 * (at % 2)) for at, name in enumerate(NAMES)
    }
    other = list(asks)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert repr(measured(ledger_of(asks, standings))) == repr(measured(ledger_of(other, standings)))


@settings(max_examples=60)
@given(ASKS)
def test_against_a_plain_recount(asks: list[tuple[int, str, str, int, float]]) -> None:
    standings: dict[str, Standing | None] = {
        name: Standing(KEY if at % 2 else "", 0.5 * (at % 2)) for at, name in enumerate(NAMES)
    }
    found = measured(ledger_of(asks, standings))
    newest = max((of[0] for of in asks), default=0)
    rows = [of for of in asks if of[0] > newest - 28]
    asked: dict[str, int] = defaultdict(int)
    for _, _, client, count, _ in rows:
        asked[client] += count
    total = sum(asked.values())
    factor = {who: 1.0 if not who else min(count, 0.01 * total) / count for who, count in asked.items()}
    if not rows:
        return
    weights = {of: sum(count * factor[who] for _, name, who, count, _ in rows if name == of) for of in NAMES}
    share = (weights["other"] + weights["de two"]) / sum(weights.values())
    assert figure(found) == pytest.approx(share)
