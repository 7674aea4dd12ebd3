"""Which deploy is the baseline, and lists of what is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.baseline import (
    Approval,
    Decision,
    Judged,
    Mode,
    adoption,
    chosen_deploy,
    content_keys,
    without_repeats,
)
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import BaselineIdentity
from tests.core.snapshots import anchor_set, plain, snapshot


def ledger(verdicts: str) -> list[Judged]:
    names = {"p": "pass", "f": "fail", "i": "inconclusive", "u": "unknown"}
    return [Judged(f"d{at}", at, names[letter]) for at, letter in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("mode", "verdicts", "window", "chosen"),
    [
        ("pinned", "ppp", 2, None),
        ("previous-deploy", "", 2, None),
        ("previous-deploy", "ufi", 2, None),
        ("previous-deploy", "pp", 2, "d1"),
        ("previous-deploy", "ppfui", 2, "d1"),
        ("rolling", "", 2, None),
        ("rolling", "fu", 2, None),
        ("rolling", "p", 3, "d0"),
        ("rolling", "pppp", 3, "d1"),
        ("rolling", "pfpup", 2, "d2"),
        ("rolling", "ppp", 1, "d2"),
    ],
)
def test_only_what_passed_advances_a_baseline(mode: Mode, verdicts: str, window: int, chosen: str | None) -> None:
    assert chosen_deploy(mode, ledger(verdicts), window=window) == chosen


@pytest.mark.parametrize(
    ("mode", "verdicts", "after", "chosen"),
    [
        ("pinned", "ppp", "d0", None),
        ("previous-deploy", "pp", "d1", None),
        ("previous-deploy", "pf", "d1", None),
        ("previous-deploy", "ppfp", "d2", "d3"),
        ("previous-deploy", "pp", "", "d1"),
        ("previous-deploy", "pp", "long gone", "d1"),
        ("rolling", "ppp", "d2", None),
        ("rolling", "pppp", "d2", None),
        ("rolling", "ppppp", "d2", "d3"),
        ("rolling", "pppppp", "d2", "d4"),
    ],
)
def test_what_a_person_decided_stands_until_a_later_deploy_passes(
    mode: Mode, verdicts: str, after: str, chosen: str | None
) -> None:
    """In a window of two the decision is the oldest candidate: d3 alone behind it leaves it in force."""
    decision = Decision("mine", "main", after)
    assert chosen_deploy(mode, ledger(verdicts), window=2, decision=decision) == chosen


def run(
    verdicts: str, patience: int, mode: Mode = "previous-deploy", decision: Decision | None = None
) -> list[Judged]:
    """The ledger as it grows, deploy by deploy."""
    made: list[Judged] = []
    for entry in ledger(verdicts):
        moved = adoption(mode, [*made, entry], patience=patience, decision=decision)
        made.append(replace(entry, adopted=moved))
    return made


@pytest.mark.parametrize(
    ("verdicts", "patience", "moved"),
    [
        ("i", 1, []),  # the next deploy may decide
        ("ip", 1, []),  # it passed: that is the baseline
        ("ii", 1, [(1, "d1", 2)]),  # it decided nothing: the newest undecided one
        ("if", 1, [(1, "d0", 2)]),  # it failed, which is no decision on the one before, and is not moved on to
        ("iff", 1, [(1, "d0", 2)]),  # moved on once; what fails from there on fails against d0
        ("iu", 1, []),  # not measured: no second look yet
        ("iuui", 1, [(3, "d3", 2)]),
        ("iuf", 1, [(2, "d0", 2)]),
        ("f", 1, []),
        ("fffff", 1, []),  # FAIL alone never advances
        ("uuuu", 1, []),  # nor does UNKNOWN
        ("fi", 1, []),
        ("fif", 1, [(2, "d1", 2)]),  # failures before the first undecided one are no wait
        ("iii", 1, [(1, "d1", 2)]),  # having moved on begins anew
        ("iiii", 1, [(1, "d1", 2), (3, "d3", 2)]),
        ("ipi", 1, []),  # a pass begins anew
        ("ipii", 1, [(3, "d3", 2)]),
        ("i", 0, [(0, "d0", 1)]),  # no patience
        ("fi", 0, [(1, "d1", 1)]),
        ("iff", 2, [(2, "d0", 3)]),
        ("iif", 2, [(2, "d1", 3)]),
        ("iii", 5, []),
    ],
)
def test_an_undecided_deploy_freezes_no_baseline(
    verdicts: str, patience: int, moved: list[tuple[int, str, int]]
) -> None:
    made = run(verdicts, patience)
    found = [
        (at, one.adopted.deploy_id, one.adopted.waited) for at, one in enumerate(made) if one.adopted is not None
    ]
    assert found == moved
    assert not any(one.adopted for one in run(verdicts, patience, "pinned"))


@pytest.mark.parametrize(
    ("mode", "verdicts", "after", "chosen"),
    [
        ("previous-deploy", "pi", None, "d0"),
        ("previous-deploy", "pif", None, "d1"),
        ("previous-deploy", "pifp", None, "d3"),
        ("previous-deploy", "pii", None, "d2"),
        ("previous-deploy", "if", "d0", None),  # undecided before a person decided: settled
        ("previous-deploy", "iif", "d0", "d1"),
        ("rolling", "piip", None, "d2"),  # in a window of two, what was moved on to is one of them
        ("rolling", "pii", None, "d0"),
        ("pinned", "pii", None, None),
    ],
)
def test_what_the_baseline_moved_on_to_is_chosen(
    mode: Mode, verdicts: str, after: str | None, chosen: str | None
) -> None:
    decision = None if after is None else Decision("mine", "main", after)
    made = run(verdicts, 1, mode, decision)
    assert chosen_deploy(mode, made, window=2, decision=decision) == chosen


@given(st.text("pfiu", max_size=40), st.integers(0, 4))
def test_no_baseline_waits_longer_than_it_may(verdicts: str, patience: int) -> None:
    """Behind the newest advance, an undecided deploy has fewer measured ones behind it than patience allows."""
    made = run(verdicts, patience)
    at = max((at for at, one in enumerate(made) if one.verdict == "pass" or one.adopted), default=-1)
    waiting = [one.verdict for one in made[at + 1 :] if one.verdict != "unknown"]
    behind = waiting[waiting.index("inconclusive") :] if "inconclusive" in waiting else []
    assert len(behind) <= patience
    names = {one.deploy_id: one.verdict for one in made}
    assert all(names[one.adopted.deploy_id] == "inconclusive" for one in made if one.adopted)


def test_a_snapshot_says_who_approved_it() -> None:
    made = snapshot(anchor_set([()]), {"dense": plain("abc")})
    assert made.identity == BaselineIdentity("main", 7, "d0", "")
    approved = replace(made, approval=Approval("ana", "looked at it", "2026-11-20T00:00:00Z"))
    assert approved.identity.approved_by == "ana"


def content_lists(lists: RankedLists, said: dict[int, str]) -> RankedLists:
    return without_repeats(lists, content_keys(lists.keys, said))


def hashes(**said: str) -> dict[int, str]:
    return {chunk_key(name): content for name, content in said.items()}


def test_repeats_and_ids_vanish_the_order_stays() -> None:
    lists = RankedLists.of([list(zip("abcd", (0.9, 0.8, 0.7, 0.6), strict=True)), None, []], 4)
    made = content_lists(lists, hashes(a="one", b="two", c="one", d="three"))
    assert made.lengths.tolist() == [3, 0, 0]
    np.testing.assert_array_equal(made.scores[0], [0.9, 0.8, 0.6, np.nan])
    assert made.keys[0, 3] == NO_CHUNK
    assert made.known.tolist() == [True, False, True]
    other = RankedLists.of([list(zip("wxyz", (0.9, 0.8, 0.7, 0.6), strict=True))], 4)
    renamed = content_lists(other, hashes(w="one", x="two", y="two", z="three"))
    assert renamed.keys[0].tolist() == made.keys[0].tolist()


def test_a_chunk_of_unknown_content_stands_for_itself() -> None:
    made = content_lists(plain("abc"), hashes(a="one", b=""))
    assert made.keys[0, 1:].tolist() == [chunk_key("b"), chunk_key("c")]
    assert made.lengths.tolist() == [3]


def test_the_originals_are_not_touched() -> None:
    lists = plain("aba")
    before = lists.keys.copy()
    content_lists(lists, hashes(a="one", b="one"))
    np.testing.assert_array_equal(lists.keys, before)
    assert len(content_lists(RankedLists.unknown(0, 3), {})) == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=5), max_size=4),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(("", "one", "two", "three"))),
)
def test_a_slow_oracle_agrees(rows: list[list[str]], said: dict[str, str]) -> None:
    lists = RankedLists.of([[(name, -float(at)) for at, name in enumerate(row)] for row in rows], 5)
    made = content_lists(lists, {chunk_key(name): content for name, content in said.items()})
    names: dict[int, str] = {}
    for row, names_before in enumerate(rows):
        expected: list[tuple[str, float]] = []
        for at, name in enumerate(names_before):
            content = said.get(name) or f"id {name}"
            if content not in [earlier for earlier, _ in expected]:
                expected.append((content, -float(at)))
        assert made.lengths[row] == len(expected)
        assert made.scores[row, : len(expected)].tolist() == [score for _, score in expected]
        for key, (content, _) in zip(made.keys[row].tolist(), expected, strict=False):
            assert names.setdefault(key, content) == content
    assert len(set(names.values())) == len(names)
