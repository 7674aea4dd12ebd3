"""What is kept of the corpus's measurements from look to look is what a look that kept nothing says, to the bit."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.statistics.integrity import FAULTS
from monitor.core.index.statistics.measured import Cache
from monitor.core.model.events import CorpusEvent, Delete
from tests.core.index.statistics.streams import START, Watched, events, put

BATCHES = st.lists(st.tuples(st.lists(events(), max_size=4), st.integers(0, 7)), min_size=1, max_size=8)


def checked(watched: Watched) -> None:
    now = watched.at()
    kept, afresh = now.measurements(), replace(now, cache=Cache()).measurements()
    for one, other in zip(kept, afresh, strict=True):
        assert repr(one) == repr(other)
    assert now.measurements() == kept or repr(now.measurements()) == repr(kept)
    assert repr(now.concerns()) == repr(replace(now, cache=Cache()).concerns())


@given(BATCHES, st.sampled_from([1, 2, 50]))
def test_any_events_and_baselines(batches: Sequence[tuple[Sequence[CorpusEvent], int]], cap: int) -> None:
    watched = Watched(cap)
    for batch, what in batches:
        watched.stream.feed(batch)
        checked(watched)
        if what == 0:
            watched.capture()
        elif what == 1:  # a baseline of before chunks were kept
            watched.statistics.rebase(watched.at().profile(None))
        elif what == 2:
            watched.statistics.rebase(None)
        checked(watched)


def test_everything_goes_and_comes_back() -> None:
    watched = Watched()
    chunks = [put(f"c{at}", f"one two {at}", seed=at % 3, segment=(("language", "de"),)) for at in range(12)]
    watched.stream.feed(chunks)
    watched.capture()
    for batch in ([Delete(f"c{at}", START) for at in range(12)], chunks[:3], chunks, [put("c1", "x", seed=0)]):
        watched.stream.feed(batch)
        checked(watched)


@pytest.mark.parametrize("segment", ["de", "en"])
def test_a_segment_that_nobody_touched_keeps_what_it_said(segment: str) -> None:
    watched = Watched()
    languages = ("de", "en")
    watched.stream.feed(
        [put(f"c{at}", f"text {at}", segment=(("language", languages[at % 2]),), seed=at) for at in range(10)]
    )
    watched.capture()
    before = watched.at().measurements()
    watched.stream.feed([put("c0", "other words here", segment=(("language", "de"),), seed=40)])
    after = watched.at().measurements()
    assert [one[:6] for one in after] == [one[:6] for one in before]
    pairs = [pair for pair in zip(after, before, strict=True) if pair[0].segment == segment]
    others = [one for one, was in pairs if one is not was and one.metric not in FAULTS]
    assert bool(others) == (segment == "de")
    assert len(others) < len(pairs) - len(FAULTS)
