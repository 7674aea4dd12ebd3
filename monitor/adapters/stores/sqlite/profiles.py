"""Profiles of a corpus as plain values for MessagePack: arrays as raw little-endian bytes."""

from typing import Any

import numpy as np

from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Distribution, Profile, SegmentProfile, Terms
from monitor.core.index.statistics.word_samples import WIDTH

CONTENT_FIELDS = 10
"""Fewer are of a time before all that integrity compares was kept; lengths of vectors came later."""


def plain_profile(profile: Profile | None) -> dict[str, Any] | None:
    """A profile as a document; the same profile gives the same one."""
    if profile is None:
        return None
    terms = profile.terms
    return {
        "now": profile.now,
        "segments": [_plain_segment(one) for one in profile.segments],
        "mixes": {name: dict(sorted(mix.items())) for name, mix in sorted(profile.mixes.items())},
        "terms": None if terms is None else [terms.average_length, dict(sorted(terms.idf.items())), terms.absent],
        "upserts": [profile.upserts, profile.repeated],
        "population": None if profile.population is None else _plain_population(profile.population),
    }


def profile_of(plain: dict[str, Any] | None) -> Profile | None:
    """The inverse of `plain_profile`, bit for bit; None for a snapshot of a time before there were profiles."""
    if plain is None:
        return None
    terms, population, said = plain["terms"], plain["population"], plain["upserts"]
    return Profile(
        plain["now"],
        tuple(_segment(one) for one in plain["segments"]),
        plain["mixes"],
        None if terms is None else Terms(*terms),
        said[0],
        said[1],
        None if population is None else _population(population),
    )


def _plain_segment(one: SegmentProfile) -> list[Any]:
    return [
        one.dimension,
        one.segment,
        [one.chunks, one.documents, one.tokens],
        [_packed(of) for of in (one.lengths, one.sizes, one.ages)],
        [one.overlap, one.overlapping],
        list(one.versions),
        one.directed,
        one.features.astype("<f4").tobytes(),
        one.direction.astype("<f4").tobytes(),
    ]


def _segment(plain: list[Any]) -> SegmentProfile:
    dimension, segment, counts, distributions, overlap, versions, directed, features, direction = plain
    return SegmentProfile(
        dimension,
        segment,
        counts[0],
        counts[1],
        counts[2],
        _distribution(distributions[0]),
        _distribution(distributions[1]),
        _distribution(distributions[2]),
        overlap[0],
        overlap[1],
        tuple(versions),
        directed,
        np.frombuffer(features, "<f4"),
        np.frombuffer(direction, "<f4"),
    )


def _packed(of: Distribution) -> list[bytes]:
    return [of[0].astype("<f8").tobytes(), of[1].astype("<i8").tobytes()]


def _distribution(plain: list[bytes]) -> Distribution:
    return np.frombuffer(plain[0], "<f8"), np.frombuffer(plain[1], "<i8")


def _plain_population(of: Population) -> list[Any]:
    return [
        of.keys.astype("<i8").tobytes(),
        of.digests.astype("<u8").tobytes(),
        of.cells.astype("<i4").tobytes(),
        of.documents.astype("<i4").tobytes(),
        [list(values) for values in of.values],
        of.hashes.astype("<i8").tobytes(),
        None if of.contents is None else _plain_contents(of.contents),
    ]


def _plain_contents(of: Contents) -> list[Any]:
    return [
        of.said.astype("<u8").tobytes(),
        of.texts.astype("<u8").tobytes(),
        of.sketches.astype("<u8").tobytes(),
        of.tokens.astype("<i4").tobytes(),
        of.implausible.astype("u1").tobytes(),
        of.distinct.astype("<i4").tobytes(),
        of.sampled.astype("<i4").tobytes(),
        of.shingles.astype("<u4").tobytes(),
        of.words.astype("<u4").tobytes(),
        list(of.names),
        of.lengths.astype("<f4").tobytes(),
    ]


def _population(plain: list[Any]) -> Population:
    keys, digests, cells, documents, values, hashes, *later = plain
    contents = later[0] if later else None
    return Population(
        np.frombuffer(keys, "<i8"),
        np.frombuffer(digests, "<u8"),
        np.frombuffer(cells, "<i4"),
        np.frombuffer(documents, "<i4"),
        tuple(tuple(of) for of in values),
        np.frombuffer(hashes, "<i8"),
        None if contents is None or len(contents) < CONTENT_FIELDS else _contents(contents),
    )


def _contents(plain: list[Any]) -> Contents:
    said, texts, sketches, tokens, implausible, distinct, sampled, shingles, words, names, *later = plain
    return Contents(
        np.frombuffer(said, "<u8"),
        np.frombuffer(texts, "<u8"),
        np.frombuffer(sketches, "<u8"),
        np.frombuffer(tokens, "<i4"),
        np.frombuffer(implausible, "u1").astype(np.bool_),
        np.frombuffer(distinct, "<i4"),
        np.frombuffer(sampled, "<i4"),
        np.frombuffer(shingles, "<u4"),
        np.frombuffer(words, "<u4").reshape(-1, WIDTH),
        tuple(names),
        np.frombuffer(later[0] if later else b"", "<f4"),
    )
