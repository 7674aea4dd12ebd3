"""Profiles survive MessagePack to the bit."""

import msgspec
import numpy as np

from monitor.adapters.stores.sqlite.profiles import plain_profile, profile_of
from monitor.core.index.statistics.corpus_statistics import CorpusStatistics
from monitor.core.index.statistics.profile import Profile, Terms
from tests.core.index.statistics.streams import DIMENSIONS, SEGMENTS, Stream, put
from tests.core.index.statistics.test_kept import said


def profile() -> Profile:
    stream = Stream()
    statistics = CorpusStatistics(stream.corpus, stream.duplicates, DIMENSIONS)
    statistics.kept = stream.kept
    stream.feed([put(f"c{at}", "one two three", segment=SEGMENTS[at % 4], seed=at) for at in range(9)])
    made = statistics.at(None, (9, 2), cap=2).profile(statistics.population())
    return Profile(
        made.now, made.segments, made.mixes, Terms(2.5, {"one": 0.1}, 1), made.upserts, made.repeated, made.population
    )


def test_a_profile_comes_back_as_it_was() -> None:
    before = profile()
    packed = msgspec.msgpack.encode(plain_profile(before))
    after = profile_of(msgspec.msgpack.decode(packed))
    assert after is not None
    assert msgspec.msgpack.encode(plain_profile(after)) == packed
    assert (after.now, after.mixes, after.upserts, after.repeated) == (before.now, before.mixes, 9, 2)
    assert after.population is not None
    assert before.population is not None
    assert after.population.same(before.population)
    assert said(after.population) == said(before.population)
    assert len(after.segments) == len(before.segments) > 5
    for one, other in zip(after.segments, before.segments, strict=True):
        assert (one.dimension, one.segment, one.versions, one.chunks) == (
            other.dimension,
            other.segment,
            other.versions,
            other.chunks,
        )
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.lengths, other.lengths)


def test_a_population_of_a_time_before_contents_has_none() -> None:
    plain = plain_profile(profile())
    assert plain is not None
    del plain["population"][6:]
    after = profile_of(plain)
    assert after is not None
    assert after.population is not None
    assert after.population.contents is None


def test_contents_of_a_time_before_lengths_were_kept_are_read_without() -> None:
    made = profile()
    plain = plain_profile(made)
    assert plain is not None
    assert made.population is not None
    before = made.population.contents
    assert before is not None
    assert len(before.lengths) == len(before.texts) > 0
    del plain["population"][6][10:]
    after = profile_of(plain)
    assert after is not None
    assert after.population is not None
    assert after.population.contents is not None
    assert len(after.population.contents.lengths) == 0
    np.testing.assert_array_equal(after.population.contents.texts, before.texts)


def test_a_snapshot_of_before_has_none() -> None:
    assert profile_of(None) is None
    assert plain_profile(None) is None
