"""The ledger against a plain dictionary: any order, any cut, with days forgotten and clients sampled."""

from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.traffic.ledger import TrafficLedger
from monitor.core.traffic.model import ANONYMOUS, TrafficAsk, TrafficQuestion, TrafficStanding


def mark(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()


ASKS = st.builds(
    TrafficAsk,
    st.integers(100, 112),
    st.sampled_from([mark(f"q{n}") for n in range(6)]),
    st.sampled_from([ANONYMOUS, *(mark(f"c{n}") for n in range(12))]),
    st.integers(1, 5),
    st.integers(0, 3_000_000),
)


def filled(asks: list[TrafficAsk], days: int = 7, most: int = 1_000) -> TrafficLedger:
    ledger = TrafficLedger(days, most)
    for ask in asks:
        ledger.add(ask, ())
    return ledger


def plain(
    asks: list[TrafficAsk], days: int, most: int
) -> tuple[int, dict[tuple[int, bytes, bytes], tuple[int, int]]]:
    newest = max((of.day for of in asks), default=0)
    level = 0
    while True:
        sums: dict[tuple[int, bytes, bytes], tuple[int, int]] = {}
        for of in asks:
            who = int.from_bytes((of.client or of.question)[:8], "big")
            if of.day > newest - days and who < 1 << (64 - level):
                count, value = sums.get((of.day, of.question, of.client), (0, 0))
                sums[of.day, of.question, of.client] = count + of.count, value + of.value
        if len(sums) <= most:
            return level, sums
        level += 1


@given(st.lists(ASKS, max_size=60))
def test_it_is_what_a_dictionary_of_the_kept_days_is(asks: list[TrafficAsk]) -> None:
    ledger = filled(asks)
    assert (ledger.level, ledger.asks) == plain(asks, 7, 1_000)
    assert set(ledger.questions) == {of[1] for of in ledger.asks}


@given(st.lists(ASKS, max_size=40), st.integers(2, 30))
def test_days_and_sample_together(asks: list[TrafficAsk], most: int) -> None:
    ledger = filled(asks, most=most)
    level, sums = plain(asks, 7, most)
    assert ledger.level >= level, "days that went may have had more rows"
    assert ledger.asks == {of: sums[of] for of in sums if ledger.samples(of[1], of[2])}


@given(st.lists(ASKS.map(lambda of: TrafficAsk(105, of.question, of.client, of.count, of.value)), max_size=60))
def test_the_sample_is_of_clients_and_does_not_depend_on_the_order(asks: list[TrafficAsk]) -> None:
    ledger, other = filled(asks, most=8), filled(asks[::-1], most=8)
    assert (ledger.level, ledger.asks) == (other.level, other.asks) == plain(asks, 7, 8)


@settings(max_examples=60)
@given(st.lists(ASKS, max_size=60), st.integers(1, 7), st.integers(4, 40))
def test_changes_put_upon_changes_are_the_ledger(asks: list[TrafficAsk], cut: int, most: int) -> None:
    ledger = TrafficLedger(7, most)
    kept: dict[tuple[int, bytes, bytes], tuple[int, int]] = {}
    known: dict[bytes, TrafficQuestion] = {}
    for at, ask in enumerate(asks):
        ledger.add(ask, (("language", "de"),))
        ledger.judge(ask.question, TrafficStanding("a", 0.1, day=at))
        if at % cut == 0 or at + 1 == len(asks):
            questions, changed, gone, forgotten = ledger.changes()
            kept = {key: of for key, of in kept.items() if key not in gone}
            known = {key: of for key, of in known.items() if key not in forgotten}
            kept |= {(of.day, of.question, of.client): (of.count, of.value) for of in changed}
            known |= {of.mark: of for of in questions}
    assert kept == ledger.asks
    assert known == ledger.questions
    again = TrafficLedger(7, most)
    again.restore(ledger.level, ledger.newest, known.values(), [TrafficAsk(*key, *of) for key, of in kept.items()])
    assert (again.asks, again.questions, again.newest) == (ledger.asks, ledger.questions, ledger.newest)
    assert again.changes() == ((), (), (), ())


def test_a_question_goes_with_its_last_ask() -> None:
    ledger = filled([TrafficAsk(100, mark("q"), mark("c"))])
    ledger.changes()
    ledger.add(TrafficAsk(107, mark("other"), mark("c")), ())
    assert set(ledger.questions) == {mark("other")}
    assert ledger.changes()[2:] == (((100, mark("q"), mark("c")),), (mark("q"),))
    ledger.add(TrafficAsk(100, mark("q"), mark("c")), ())
    assert not ledger.changes()[1], "too old"


@pytest.mark.parametrize("most", [1, 3])
def test_it_never_holds_more_than_it_may(most: int) -> None:
    asks = [TrafficAsk(100, mark(f"q{n}"), mark(f"c{n}")) for n in range(64)]
    assert len(filled(asks, most=most)) <= most
