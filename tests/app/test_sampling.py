"""The real index as a whole: what is missing in it is found at full replays, what is on its way is left in peace."""

from pathlib import Path

import numpy as np
import pytest

from monitor.app.sampling import Sampling
from monitor.core.index.corpus import Delta
from monitor.core.model.scoring import Distance
from tests.app.loops import opened, to_end
from tests.contracts.retrievers import BruteForce, Library
from tests.corpora import Shape, write_case

D = 4


def library(chunks: int) -> Library:
    made = Library(D, Distance.COSINE)
    made.upsert([(f"c{at}", np.eye(D)[at % D].tolist(), ()) for at in range(chunks)])
    return made


def said(sampling: Sampling) -> dict[str, tuple[float, int, str]]:
    assert sampling.last is not None
    return {of.metric: (of.value, of.n, of.reason) for of in sampling.last.measurements()}


def test_what_the_index_lacks_is_found(tmp_path: Path) -> None:
    with opened(write_case(tmp_path, shape=Shape(chunks=40, deploys=2))) as monitor:
        assert to_end(monitor)
        parts, measuring = monitor.parts, monitor.measuring
        assert parts.index is not None
        rows = [row for row in parts.corpus.rows() if row.live]
        nobody = np.zeros(0, np.int64)
        lost = np.array([row.key for row in rows[:4]], np.int64)
        parts.index.apply(Delta(nobody, nobody, [], [], np.zeros((0, parts.corpus.dimension), np.float32), lost))
        measuring.replay(full=True)
        report, _ = measuring.measure()()
        held = {of.metric: of for of in report.measurements if of.metric.startswith("index_")}
        assert (held["index_points_difference"].value, held["index_points_difference"].n) == (4.0, len(rows))
        assert held["index_missing_ratio"].value == pytest.approx(4 / len(rows))
        ghosts = [of for of in report.measurements if of.metric == "ghost_ratio" and of.dimension == "all"]
        assert [of.value for of in ghosts] == [0.0], "what is not served is no ghost"


def test_a_sound_index_lacks_nothing(tmp_path: Path) -> None:
    with opened(write_case(tmp_path, shape=Shape(chunks=40, deploys=2))) as monitor:
        assert to_end(monitor)
        assert {name: value for name, (value, _, _) in said(monitor.measuring._sampling).items()} == {
            "index_points_difference": 0.0,
            "index_hidden_points": 0.0,
            "index_missing_ratio": 0.0,
        }


def test_chunks_on_their_way_are_not_looked_for() -> None:
    """The index lacks what was written a second ago; thirty seconds later that is a loss."""
    ours, theirs = library(10), library(8)
    keys = [row.key for row in ours.live if row.chunk_id in ("c8", "c9")]
    sampling = Sampling(30.0)
    sampling.changed(keys, 100.0)
    sampling.look(ours.corpus, BruteForce(theirs), 101.0)
    assert said(sampling) == {
        "index_points_difference": (2.0, 10, "settling: 2 chunks"),
        "index_hidden_points": (0.0, 10, ""),
        "index_missing_ratio": (0.0, 8, ""),
    }
    sampling.look(ours.corpus, BruteForce(theirs), 131.0)
    assert said(sampling) == {
        "index_points_difference": (2.0, 10, ""),
        "index_hidden_points": (0.0, 10, ""),
        "index_missing_ratio": (pytest.approx(0.2), 10, ""),
    }


def test_where_the_monitor_fills_the_index_itself_nothing_is_on_its_way() -> None:
    ours = library(4)
    sampling = Sampling(0.0)
    sampling.changed([row.key for row in ours.live], 1.0)
    sampling.look(ours.corpus, BruteForce(library(3)), 1.0)
    assert said(sampling)["index_missing_ratio"] == (0.25, 4, "")


def test_an_empty_corpus_has_nothing_to_look_for() -> None:
    nothing = Library(D, Distance.COSINE)
    sampling = Sampling(0.0)
    sampling.look(nothing.corpus, BruteForce(nothing), 0.0)
    assert said(sampling)["index_points_difference"] == (0.0, 0, "")
    assert said(sampling)["index_missing_ratio"][2] == "no_chunks"
