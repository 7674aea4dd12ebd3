"""Rewrites from the anchors file to the report."""

import json
import math
from pathlib import Path

import pytest

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.app.configuration import load
from monitor.app.wiring.retrieval import build_anchors, build_space
from tests.app.loops import opened, to_end
from tests.corpora import Shape, write_case


def with_rewrites(config: Path) -> int:
    """Give every second anchor a rewrite that says the same words in another order; returns how many got one."""
    path = config.parent / "anchors.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines[::2]:
        line["rewrites"] = [" ".join(reversed(line["text"].split()))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return len(lines[::2])


def test_a_rewrite_with_the_same_words_finds_the_same(tmp_path: Path) -> None:
    """BM25 does not look at the order of words; nothing here makes vectors of rewrites, and that is said."""
    config = write_case(tmp_path, shape=Shape(chunks=40, deploys=2))
    asked = with_rewrites(config)
    with opened(config) as monitor:
        assert to_end(monitor)
        assert monitor.published is not None
        measured = monitor.published.report.measurements
    held = {of.leg: of for of in measured if of.metric == "rewrite_stability_ratio" and of.dimension == "all"}
    assert (held["lexical"].value, held["lexical"].n, held["lexical"].expected) == (1.0, asked, asked)
    assert math.isnan(held["dense"].value)
    assert (held["dense"].n, held["dense"].reason) == (0, "no_encoder")


@pytest.mark.parametrize("turns", [1, 3])
def test_a_restart_keeps_them(tmp_path: Path, turns: int) -> None:
    config = write_case(tmp_path, shape=Shape(chunks=40, deploys=2))
    with_rewrites(config)
    with opened(config) as monitor:
        to_end(monitor, turns)
        kept = monitor.parts.engine.rewrites()["lexical"]
    with opened(config) as monitor:
        again = monitor.parts.engine.rewrites()["lexical"]
    assert kept.keys.tolist() == again.keys.tolist()
    assert kept.scores.tobytes() == again.scores.tobytes()


def test_an_encoder_makes_them_vectors_of_the_same_space(tmp_path: Path) -> None:
    encoder = LatentSemanticEncoder.fit(
        [f"chapter {at % 7} speaks of topic {at % 5}" for at in range(60)], dimension=8
    )
    encoder.save(tmp_path / "model.npz")
    lines = [{"id": "a", "text": "chapter 1", "rewrites": ["topic 2", "chapter 1"]}, {"id": "b", "text": "topic 2"}]
    (tmp_path / "anchors.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    config = tmp_path / "c.toml"
    config.write_text(
        '[source.file]\npath = "events.jsonl"\n[encoder]\nkind = "latent-semantic"\npath = "model.npz"\n'
        '[anchors]\npath = "anchors.jsonl"\n',
        encoding="utf-8",
    )
    configuration = load(config, {})
    anchors = build_anchors(configuration, build_space(configuration))
    assert anchors.rewrites is not None
    assert anchors.rewrites.tolist() == anchors.vectors[[1, 0]].tolist()
