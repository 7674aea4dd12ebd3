"""The embedded index searched through a graph and with quantization: it misses results, never their scores."""

from typing import Any

import numpy as np
import pytest

from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.core.model.scoring import Distance
from tests.adapters.retrieval.qdrant.test_embedded import opened
from tests.contracts.retrievers import BruteForce, Library, anchor_set, same_lists


def clustered(count: int, dimension: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dimension), np.float32)


def test_a_graph_misses_results_and_the_list_shows_it() -> None:
    dimension, count = 48, 4_000
    library = Library(dimension, Distance.COSINE)
    library.upsert([(f"c{at}", row, ()) for at, row in enumerate(clustered(count, dimension, 1).tolist())])
    chosen = EmbeddedSettings(
        dimension,
        Distance.COSINE,
        exact=False,
        hnsw_m=4,
        ef_construct=8,
        hnsw_ef=10,
        full_scan_threshold=1,
        indexing_threshold=1,
    )
    anchors = anchor_set(clustered(60, dimension, 2), Distance.COSINE)
    rows = np.arange(60)
    exact = BruteForce(library).replay(anchors, rows, k=10, deadline=30.0)
    with opened(chosen) as index:
        index.reconcile(library.live, library.corpus.vectors)
        assert index.indexed_count() == 0
        same_lists(index.replay(anchors, rows, k=10, deadline=30.0), exact)
        index.optimize()
        assert index.indexed_count() > 0
        first = index.replay(anchors, rows, k=10, deadline=30.0)
        same_lists(index.replay(anchors, rows, k=10, deadline=30.0), first)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(exact.lists.keys, first.lists.keys, strict=True)])
    assert 0.1 < recall < 1.0
    scores_of = {
        (row, key): score
        for row in rows.tolist()
        for key, score in zip(exact.lists.keys[row].tolist(), exact.lists.scores[row].tolist(), strict=True)
    }
    found = [
        (scores_of[row, key], score)
        for row in rows.tolist()
        for key, score in zip(first.lists.keys[row].tolist(), first.lists.scores[row].tolist(), strict=True)
        if (row, key) in scores_of
    ]
    assert all(left == right for left, right in found), "what is found has the exact score to the bit"


@pytest.mark.parametrize("quantization", ["scalar", "binary"])
def test_quantized_graph_lists_carry_exact_scores(quantization: Any) -> None:
    dimension, count = 48, 2_000
    library = Library(dimension, Distance.COSINE)
    library.upsert([(f"c{at}", row, ()) for at, row in enumerate(clustered(count, dimension, 3).tolist())])
    chosen = EmbeddedSettings(
        dimension,
        Distance.COSINE,
        exact=False,
        full_scan_threshold=1,
        indexing_threshold=1,
        quantization=quantization,
    )
    anchors = anchor_set(clustered(20, dimension, 4), Distance.COSINE)
    with opened(chosen) as index:
        index.reconcile(library.live, library.corpus.vectors)
        index.optimize()
        assert index.indexed_count() > 0
        made = index.replay(anchors, np.arange(20), k=10, deadline=30.0)
        assert not made.failures
    oracle = BruteForce(library)
    for row in range(20):
        every = dict(oracle.top(anchors.vectors[row], (), count))
        served = [made.names[key] for key in made.lists.keys[row].tolist()]
        assert made.lists.scores[row].tolist() == [every[name] for name in served]
        assert served == sorted(served, key=lambda name: (-every[name], name))
