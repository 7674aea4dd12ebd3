"""Losses of known items beside those of first results, on a small stream, and the table of both."""

import numpy as np
import pytest

from benchmarks.lab import truth
from benchmarks.lab.corpus import Corpus
from benchmarks.lab.first_results import corpora, losses, table
from tests.lab.small import stream


def test_what_is_lost_of_first_results_is_counted_beside_what_is_lost_of_known_items() -> None:
    made = stream()
    before = truth.brute_force(made.corpus, made.anchors)
    gone = {row[0] for row in before.lexical[:6]}
    fewer: Corpus = {name: chunk for name, chunk in made.corpus.items() if name not in gone}
    found = losses(made, iter([made.corpus, fewer]))
    assert found.shape == (4, 3)
    np.testing.assert_array_equal(found[:2], 0.0)
    known, first, three = found[3]
    assert first == sum(row[0] in gone for row in before.lexical) / len(made.anchors)
    assert known == pytest.approx(sum(anchor.known in gone for anchor in made.anchors) / len(made.anchors))
    assert three == pytest.approx(np.mean([name in gone for row in before.lexical for name in row[:3]]))


def test_every_loss_and_incident_of_one_deploy_is_among_the_corpora() -> None:
    made = stream()
    assert sum(1 for _ in corpora(made)) > len(made.deploys) + 20


def test_the_table_counts_what_is_on_the_other_side_of_a_loss() -> None:
    found = np.array([[0.02, 0.02, 0.01], [0.03, 0.01, 0.03], [0.0, 0.0, 0.02], [0.0, 0.0, 0.0]])
    first, three = table(found)
    assert first.startswith("the first: misses 1 of 2 losses of 2 points, sees 0 in the other 2; 1.0 points off")
    assert three.startswith("the first three: misses 1 of 2 losses of 2 points, sees 1 in the other 2; 1.1 points")
