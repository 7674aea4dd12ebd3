"""Every measurement against what a slow look at all chunks, then and now, says."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from monitor.core.index.duplicates.shingles import shingle
from monitor.core.index.statistics.features import FREQUENCIES, ONE, Features, norms
from monitor.core.index.statistics.histogram import quantiles, stability_index
from monitor.core.model.events import Chunk, CorpusEvent
from monitor.core.model.segments import value_of
from monitor.core.text.tokens import tokenize
from tests.core.index.statistics.streams import DIMENSIONS, D, Stream, Watched, events


def segments(chunks: Sequence[Chunk]) -> Mapping[tuple[str, str], list[Chunk]]:
    made: dict[tuple[str, str], list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        made["all", "all"].append(chunk)
        for dimension in DIMENSIONS:
            made[dimension, value_of(dimension, chunk.segment)].append(chunk)
    return made


def said(chunk: Chunk) -> tuple[str, bytes]:
    assert chunk.vector is not None
    return chunk.content_hash, chunk.vector.tobytes()


def chunk_of(chunk: Chunk) -> str:
    return chunk.chunk_id


def document_of(chunk: Chunk) -> str:
    return chunk.doc_id


def changes(
    then: Sequence[Chunk], now: Sequence[Chunk], of: Callable[[Chunk], str]
) -> tuple[set[str], set[str], set[str]]:
    """New, modified and deleted names."""
    earlier, later = ({chunk.chunk_id: chunk for chunk in side} for side in (then, now))
    touched = {key for key in earlier.keys() | later.keys() if key not in earlier or key not in later}
    touched |= {key for key in earlier.keys() & later.keys() if said(earlier[key]) != said(later[key])}
    before, after = ({of(chunk) for chunk in side} for side in (then, now))
    touched |= {key for key in earlier.keys() & later.keys() if of(earlier[key]) != of(later[key])}
    moved = {of(side[key]) for side in (earlier, later) for key in touched if key in side}
    return after - before, (after & before) & moved, before - after


def lengths(chunks: Sequence[Chunk]) -> Counter[int]:
    return Counter(len(tokenize(chunk.text)) for chunk in chunks)


def distribution(counted: Counter[int]) -> tuple[np.ndarray, np.ndarray]:
    ranked = sorted(counted)
    return np.array(ranked, np.float64), np.array([counted[value] for value in ranked], np.int64)


def overlap(whole: Sequence[Chunk], segment: Sequence[Chunk], stream: Stream) -> float:
    """Mean share of shingles in the next chunk of the document."""
    keys = {row.chunk_id: row.key for row in stream.rows()}
    shares = []
    for chunk in segment:
        later = [
            (other.ordinal, keys[other.chunk_id], other.chunk_id)
            for other in whole
            if other.doc_id == chunk.doc_id
            and (other.ordinal, keys[other.chunk_id]) > (chunk.ordinal, keys[chunk.chunk_id])
        ]
        texts = {other.chunk_id: other.text for other in whole}
        mine = shingles(chunk.text, stream)
        if later and mine:
            shares.append(len(mine & shingles(texts[min(later)[2]], stream)) / len(mine))
    return sum(shares) / len(shares) if shares else math.nan


def shingles(text: str, stream: Stream) -> set[int]:
    tokens = stream.vocabulary.encode([text])
    return set(shingle(tokens, stream.vocabulary.hashes, [""] * len(tokens)).shingles.tolist())


def features(chunks: Sequence[Chunk]) -> np.ndarray:
    """(n, 256) features of the chunks that have a direction."""
    mapper = Features(D)
    vectors = np.array([chunk.vector for chunk in chunks], np.float32).reshape(-1, D)
    sizes = norms(vectors)
    return mapper.of(mapper.directions(vectors[sizes > 0], sizes[sizes > 0])) / ONE


def same(found: float, expected: float, error: float = 1e-9) -> bool:
    return (math.isnan(found) and math.isnan(expected)) or abs(found - expected) <= error * max(1.0, abs(expected))


def check(watched: Watched, then: Sequence[Chunk]) -> None:
    found, now = watched.found(), watched.chunks()
    earlier = segments(then)
    for (dimension, segment), chunks in segments(now).items():
        before = earlier.get((dimension, segment), [])

        def value(metric: str, stat: str = "mean", at: tuple[str, str] = (dimension, segment)) -> float:
            return found[metric, *at, stat].value

        for metric, of in (("chunks", chunk_of), ("documents", document_of)):
            live = len({of(chunk) for chunk in chunks})
            base = len({of(chunk) for chunk in before})
            for stat, names in zip(("new", "modified", "deleted"), changes(before, chunks, of), strict=True):
                assert value(metric, stat) == len(names), (metric, stat, dimension, segment)
                share = (
                    len(names) / (live if stat == "new" else base) if (live if stat == "new" else base) else math.nan
                )
                assert same(value(f"changed_{metric}_ratio", stat), share)
        assert value("documents") == len({chunk.doc_id for chunk in chunks})
        counted = distribution(lengths(chunks))
        assert same(value("chunk_tokens"), float(np.average(counted[0], weights=counted[1])))
        assert [value("chunk_tokens", stat) for stat in ("p05", "p50", "p95")] == quantiles(
            *counted, (0.05, 0.5, 0.95)
        )
        assert same(value("chunk_tokens", "psi"), stability_index(distribution(lengths(before)), counted))
        sizes = Counter(Counter(chunk.doc_id for chunk in chunks).values())
        assert same(value("chunks_per_document"), len(chunks) / sum(sizes.values()))
        sizes_then = Counter(Counter(chunk.doc_id for chunk in before).values())
        shift = stability_index(distribution(sizes_then), distribution(sizes))
        assert same(value("chunks_per_document", "psi"), shift)
        assert same(value("chunk_overlap_ratio"), overlap(now, chunks, watched.stream), 1e-8)
        ages = sorted((watched.stream.corpus.newest_event_time - chunk.event_time) / 1e6 for chunk in chunks)
        half = ages[-(-len(ages) // 2) - 1]
        assert abs(value("age_seconds", "p50") - half) <= max(34.0, half / 31 + 1)
        mapped, mapped_then = features(chunks), features(before)
        versions = {chunk.embedding_version for chunk in (*chunks, *before)}
        squared = math.nan
        if len(mapped) and len(mapped_then) and len(versions) == 1:
            squared = float(((mapped.mean(axis=0) - mapped_then.mean(axis=0)) ** 2).sum()) / FREQUENCIES
        assert same(value("embedding_shift", "squared"), squared, 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(events(), max_size=25), st.lists(events(), max_size=25), st.integers(1, 9))
def test_measurements_are_those_of_a_slow_look(
    before: Sequence[CorpusEvent], after: Sequence[CorpusEvent], cut: int
) -> None:
    watched = Watched()
    watched.stream.feed(before)
    then = watched.chunks()
    watched.capture()
    for at in range(0, len(after), cut):
        watched.stream.feed(after[at : at + cut])
        watched.found()  # what is kept between looks must not show
    check(watched, then)


@settings(max_examples=20, deadline=None)
@given(st.lists(events(), max_size=25), st.lists(events(), max_size=25))
def test_a_mix_is_compared_as_scipy_does(before: Sequence[CorpusEvent], after: Sequence[CorpusEvent]) -> None:
    watched = Watched()
    watched.stream.feed(before)
    then = watched.chunks()
    watched.capture()
    watched.stream.feed(after)
    found, now = watched.found(), watched.chunks()
    for dimension in DIMENSIONS:
        counts = [Counter(value_of(dimension, chunk.segment) for chunk in side) for side in (then, now)]
        names = sorted(counts[0] | counts[1])
        expected = math.nan
        if then and now:
            expected = jensenshannon(*([side[name] for name in names] for side in counts), base=2) ** 2
        assert same(found["segment_mix_divergence", dimension, "all", "mean"].value, float(expected), 1e-7)
