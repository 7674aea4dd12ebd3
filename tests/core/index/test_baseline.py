"""Which deploy is the baseline, and lists of what is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.baseline import Approval, Decision, Judged, Mode, chosen_deploy, content_keys, without_repeats
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
