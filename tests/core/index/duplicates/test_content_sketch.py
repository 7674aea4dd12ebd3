"""Texts that say what others said, against sets of shingles compared pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.duplicates.content_sketch import (
    FEWEST,
    HELD,
    SAMPLE,
    ContainmentSearch,
    ContentSketch,
    SharedContent,
)
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Delete, Located, Position, Upsert, text_hash
from monitor.core.session import Session

WORDS = [f"word{at:03}" for at in range(400)]
Shingle = NDArray[np.uint32]
sets = st.lists(st.sets(st.integers(0, 40), max_size=12), max_size=6)


def arrays(given: list[set[int]]) -> list[Shingle]:
    return [np.array(sorted(one), np.uint32) for one in given]


def slowly(gone: list[Shingle], texts: list[Shingle]) -> list[SharedContent]:
    found = []
    for at, text in enumerate(texts):
        for number, one in enumerate(gone):
            sample = set(one[:SAMPLE].tolist())
            count = len(sample & set(text.tolist()))
            if not count:
                continue
            held = count / len(sample)
            taken = min(1.0, held * len(one) / len(text))
            if held >= HELD or (taken >= HELD and count >= FEWEST):
                found.append(SharedContent(at, number, held, taken))
    return found


@given(sets, sets)
def test_found_is_what_pairs_say(gone: list[set[int]], texts: list[set[int]]) -> None:
    left, right = arrays(gone), arrays(texts)
    assert list(ContainmentSearch([ContentSketch.of(one) for one in left]).among(right)) == slowly(left, right)


@given(sets, sets)
def test_batches_do_not_matter(gone: list[set[int]], texts: list[set[int]]) -> None:
    search = ContainmentSearch([ContentSketch.of(one) for one in arrays(gone)])
    whole = [(one.text, one.sketch, one.held) for one in search.among(arrays(texts))]
    apart = [(at, of.sketch, of.held) for at, one in enumerate(arrays(texts)) for of in search.among([one])]
    assert whole == apart


def said(*parts: range) -> str:
    return " ".join(WORDS[at] for part in parts for at in part)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (said(range(200)), "whole"),
        (said(range(210, 230), range(200)), "whole"),
        (said(range(60)), "part"),
        (said(range(140, 200)), "part"),
        (said(range(250, 390)), ""),
        (said(range(5), range(300, 360)), ""),
        ("", ""),
    ],
)
def test_a_long_text_is_found_whole_and_cut(text: str, kind: str) -> None:
    gone, other = text_shingles([said(range(200)), text])
    assert len(gone) > SAMPLE
    found = list(ContainmentSearch([ContentSketch.of(gone)]).among([other]))
    assert ["whole" if one.held >= HELD else "part" for one in found] == ([kind] if kind else [])


def test_a_sample_estimates_the_share_without_bias() -> None:
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(300):
        gone = np.unique(rng.integers(0, 2**32, 500, dtype=np.uint32))
        text = np.sort(rng.choice(gone, int(0.85 * len(gone)), replace=False))
        shares += [one.held for one in ContainmentSearch([ContentSketch.of(gone)]).among([text])]
    assert len(shares) > 250
    assert np.mean(shares) == pytest.approx(0.86, abs=0.02)  # those below 0.8 are not found
    assert np.quantile(shares, 0.975) < 0.95


def test_a_text_without_words_is_never_found() -> None:
    nothing = np.zeros(0, np.uint32)
    assert list(ContainmentSearch([ContentSketch.of(nothing)]).among([nothing, np.array([1], np.uint32)])) == []
    assert list(ContainmentSearch([]).among([np.array([1], np.uint32)])) == []


# ---------------------------------------------------------------- what a batch deletes


EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3)), max_size=14)
TEXTS = ["", "rotate the key", "rotate the key every ninety days", "delete a user of the tenant"]


def session() -> Session:
    return Session([Anchor("a", "key")], depths=(1,), min_anchors=1)


def event(at: int, chunk: int, text: int) -> Located:
    said = Delete(f"c{chunk}", at) if text < 0 else Upsert(
        Chunk(f"c{chunk}", "d", 0, TEXTS[text], None, "", (), at, text_hash(TEXTS[text]))
    )  # fmt: skip
    return Located(Position("t", 0, at), said)


@given(EVENTS, st.integers(1, 5))
def test_sketches_do_not_depend_on_how_the_stream_is_cut(said: list[tuple[int, int]], size: int) -> None:
    """Of every chunk that is deleted at the end: what it said last, whatever came in one batch with it."""
    stream, corpus = [event(at, *one) for at, one in enumerate(said)], session()
    kept: dict[int, ContentSketch] = {}
    for at in range(0, len(stream), size):
        kept.update(corpus.apply(stream[at : at + size]).sketches)
    last: dict[str, int] = {}
    for chunk, text in said:
        last[f"c{chunk}"] = text if text >= 0 else last.get(f"c{chunk}", -1)
    for row in corpus.corpus.rows():
        if not row.live and last[row.chunk_id] >= 0:
            expected = ContentSketch.of(text_shingles([TEXTS[last[row.chunk_id]]])[0])
            assert kept[row.key].sample.tolist() == expected.sample.tolist()
            assert kept[row.key].total == expected.total
