"""What is said where something is missing, pooled, or of another embedding version."""

import math

import numpy as np
import pytest

from monitor.core.model.events import Delete, Heartbeat
from tests.core.index.statistics.streams import START, D, Watched, put


def test_without_a_baseline_nothing_is_compared() -> None:
    watched = Watched()
    watched.stream.feed([put("a"), put("b", doc_id="other")])
    found = watched.found()
    for stat in ("new", "modified", "deleted"):
        assert found["chunks", "all", "all", stat].reason == "no_baseline"
        assert math.isnan(found["chunks", "all", "all", stat].value)
    assert found["embedding_shift", "all", "all", "squared"].reason == "no_baseline"
    assert found["segment_mix_divergence", "language", "all", "mean"].reason == "no_baseline"
    assert found["documents", "all", "all", "mean"].value == 2.0


def test_a_baseline_without_chunks_says_so() -> None:
    watched = Watched()
    watched.stream.feed([put("a"), put("b")])
    watched.statistics.rebase(watched.at().profile(None))
    watched.stream.feed([put("b", "three")])
    found = watched.found()
    assert found["chunks", "all", "all", "modified"].reason == "baseline_without_chunks"
    assert found["documents", "all", "all", "mean"].baseline == 1.0
    assert found["embedding_shift", "all", "all", "squared"].value == 0.0


def test_an_empty_corpus_is_no_number() -> None:
    watched = Watched()
    watched.stream.feed([put("a")])
    watched.capture()
    watched.stream.feed([Delete("a", START)])
    found = watched.found()
    assert found["chunks", "all", "all", "deleted"].value == 1.0
    assert found["changed_chunks_ratio", "all", "all", "deleted"].value == 1.0
    assert found["documents", "all", "all", "mean"].value == 0.0
    for metric, stat in (("chunk_tokens", "mean"), ("chunks_per_document", "mean"), ("age_seconds", "p50")):
        assert found[metric, "all", "all", stat].reason == "no_chunks"
    assert found["embedding_shift", "all", "all", "squared"].reason == "no_vectors"
    assert all(math.isnan(one.value) == bool(one.reason) for one in found.values())


def test_another_embedding_version_is_not_compared() -> None:
    watched = Watched()
    watched.stream.feed([put("a"), put("b", seed=2)])
    watched.capture()
    watched.stream.feed([put("b", seed=3, embedding_version="w")])
    found = watched.found()
    assert found["embedding_shift", "all", "all", "squared"].reason == "other_embedding_version"
    assert found["embedding_density", "all", "all", "resultant"].reason == "other_embedding_version"
    versions = {key[2]: one.value for key, one in found.items() if key[0] == "embedding_version_chunks"}
    assert versions == {"v": 1.0, "w": 1.0}
    for version, seed in (("v", 1), ("w", 3)):
        length = float(np.linalg.norm(np.random.default_rng(seed).standard_normal(D)))
        assert found["vector_norm", "embedding_version", version, "p50"].value == pytest.approx(length, rel=0.016)


def test_segments_over_the_cap_are_one() -> None:
    watched = Watched(cap=1)
    chunks = [put(f"{name}{at}", segment=(("language", name),)) for name in ("de", "en", "fr") for at in range(3)]
    watched.stream.feed([*chunks, put("more", segment=(("language", "fr"),))])
    watched.capture()
    watched.stream.feed([put("de0", "three", segment=(("language", "de"),)), Delete("en1", START)])
    found = watched.found()
    assert found["documents", "language", "fr", "mean"].value == 1.0
    assert {key[2] for key in found if key[1] == "language"} == {"fr", "other", "all"}
    assert found["chunks", "language", "other", "modified"].value == 1.0
    assert found["chunks", "language", "other", "deleted"].value == 1.0
    assert found["chunk_tokens", "language", "other", "psi"].reason == "pooled_segments_differ"


def test_time_that_passes_makes_chunks_older() -> None:
    watched = Watched()
    watched.stream.feed([put("a"), put("b", event_time=START - 3_600_000_000)])
    young = watched.found()["age_seconds", "all", "all", "p95"].value
    watched.stream.feed([Heartbeat(START + 86_400_000_000)])
    old = watched.found()["age_seconds", "all", "all", "p95"].value
    assert young == pytest.approx(3_600, rel=0.04)
    assert old == pytest.approx(90_000, rel=0.04)


def test_said_again_is_younger_and_unchanged() -> None:
    watched = Watched()
    watched.stream.feed([put("a", event_time=START - 10_000_000_000)])
    watched.capture()
    watched.stream.feed([put("a", event_time=START)])
    found = watched.found()
    assert found["age_seconds", "all", "all", "p50"].value < 64
    assert found["chunks", "all", "all", "modified"].value == 0.0
