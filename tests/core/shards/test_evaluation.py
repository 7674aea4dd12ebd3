"""An evaluation over shards is worked out by whoever looks first, in any thread: it asks no shard once it is made."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitor.core.index.engine import Bm25Config
from monitor.core.model.events import Located
from monitor.core.model.lists import NO_CHUNK
from monitor.core.shards.local import LocalShards
from tests.core.shards.streams import WORDS, Feed, anchor, anchor_set, config, sharded, single, upsert
from tests.core.shards.test_exact import DAY, whole

BM25 = Bm25Config("okapi")
ANCHORS = anchor_set([anchor(0, "w1 w2", 0), anchor(1, "w3 the", 1), anchor(2, "w4", 4)], [(), (), ()])
CALLS = [name for name, of in vars(LocalShards).items() if callable(of) and not name.startswith("_")]


def test_it_is_of_the_moment_when_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, feed, asked = np.random.default_rng(1), Feed(), list[str]()
    one, many = single(config(1, 3, BM25), ANCHORS), sharded(config(1, 3, BM25), ANCHORS, 3)

    def heard(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def hearing(*given: Any) -> Any:
            asked.append(name)
            return call(*given)

        return hearing

    for name in CALLS:
        monkeypatch.setattr(LocalShards, name, heard(name, getattr(LocalShards, name)))

    def batch() -> list[Located]:
        return [
            feed.place(number, upsert(number, " ".join(generator.choice(WORDS, 5)), number % 6, number % 4, (), DAY))
            for number in generator.integers(0, 15, 8).tolist()
        ]

    def step() -> None:
        events = batch()
        for session in (one, many):
            session.apply(events)

    step()
    for session in (one, many):
        session.compare_with(session.snapshot("main"))
    for turn in range(12):
        step()
        made = [
            session.evaluate(
                "d" if turn % 3 == 0 else "", rules=session.default_policy(), blame=True, brief=bool(turn % 2)
            )
            for session in (one, many)
        ]
        step()
        assert {"stage", "rank", "settle"} <= set(asked)
        asked.clear()
        expected, found = ((whole(of.report()), whole(of.judged())) for of in made)
        assert found == expected
        assert not asked, "the shards have gone on since"


def test_columns_of_all_shards_are_those_of_one_corpus() -> None:
    """Chunks that came and changed, unknown ones, and some that are asked for twice."""
    generator, feed = np.random.default_rng(2), Feed()
    one, many = single(config(1, 3, BM25), ANCHORS), sharded(config(1, 3, BM25), ANCHORS, 3)
    for number in range(40):
        texts = [" ".join(generator.choice(WORDS, 5)) for _ in range(4)]
        events = [
            feed.place(at, upsert(at, text, at % 6, at % 4, (), DAY * number))
            for at, text in zip(generator.integers(0, 15, 4).tolist(), texts, strict=True)
        ]
        for session in (one, many):
            session.apply(events)
    known = [row.key for row in one.corpus.rows()]
    keys = np.array([*known, 5, *known[:3], NO_CHUNK], np.int64)
    expected, found = (session.corpus.columns(keys) for session in (one, many))
    for of in ("known", "live"):
        assert np.array_equal(getattr(found, of), getattr(expected, of))
    for said in ("content_hashes", "documents", "how"):
        assert getattr(found, said)() == getattr(expected, said)()
    for said in ("segments", "encoders"):
        values, places = zip(*(getattr(columns, said)() for columns in (expected, found)), strict=True)
        named = [[of[at] if at >= 0 else None for at in where] for of, where in zip(values, places, strict=True)]
        assert named[0] == named[1]
    since = {of.origin.source.name: 7 for of in one.corpus.rows()}
    assert found.since(since).tolist() == expected.since(since).tolist()
    rows = {row.key: row for row in many.corpus.known(keys.tolist())}
    assert {key: row.content_hash for key, row in rows.items()} == {
        row.key: row.content_hash for row in one.corpus.known(keys.tolist())
    }
