"""The dense leg on a Qdrant server that fails while the monitor runs: UNKNOWN with the reason, then well again."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests import corpora
from tests.adapters.qdrant_serving import FETCH, INFO, QUERY, answers, hang, status
from tests.e2e.production import Production
from tests.e2e.program import Running, monitor
from tests.e2e.streams import configured
from tests.qdrant_stub import Json, Misbehaviour

SEED = 3
SHAPE = corpora.Shape(chunks=400, anchors=90)
DENSE = """engine = "server"
collection = "chunks"
chunk_id_field = "chunk_id"
content_hash_field = "content_hash"
timeout = 5.0
replay_deadline = 10.0
ready_timeout = 5.0
"""


@dataclass(frozen=True)
class Life:
    """The monitor and what it watches."""

    running: Running
    production: Production


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A monitor that follows production, two deploys judged: one that became the baseline, one that passed."""
    folder = tmp_path_factory.mktemp("dense") / "run"
    production = Production(SHAPE, SEED, folder / "events.jsonl")
    with ExitStack() as stack:
        url = production.server.start()
        stack.callback(lambda: production.server.stop())
        source = '[source.file]\npath = "events.jsonl"\nfollow = true\n'
        config = configured(folder, source, seed=SEED, shape=SHAPE, dense=f'url = "{url}"\n{DENSE}')
        first = production.load()
        running = stack.enter_context(monitor(config))
        running.judged(first)
        made = Life(running, production)
        well(made)
        yield made


def well(life: Life) -> None:
    """An update is deployed, and every dense number is there."""
    report = life.running.judged(life.production.update())
    assert report["verdict"]["verdict"] == "pass", report["verdict"]["reasons"]
    assert served(report)
    assert all(one["value"] is not None and one["n"] == one["expected"] for one in served(report))


def served(report: Any) -> list[Any]:
    """The measurements that rest on served lists."""
    return [one for one in report["measurements"] if one["leg"] == "dense" and one["metric"] in JUDGED]


def nan(result: Json) -> None:
    for answer in result:
        for hit in answer["points"]:
            hit["score"] = float("nan")


def nan_at_times(result: Json) -> None:
    """Every other anchor of a batch."""
    nan(result[::2])


def short_vectors(result: Json) -> None:
    for one in result:
        one["vector"] = one["vector"][1:]


def other_collection(result: Json) -> None:
    result["config"]["params"]["vectors"]["size"] = corpora.DIMENSION - 1


JUDGED = {"collapsed_swaps", "collapsed_top1_changed_ratio", "swaps", "jaccard_ratio"}
FAILING: dict[str, tuple[str, Misbehaviour, str]] = {
    "slow": (QUERY, hang, "deadline"),
    "429": (QUERY, status(429), "rate_limited"),
    "503": (QUERY, status(503), "server_error"),
    "reset": (QUERY, lambda handler, _: handler.reset(), "unreachable"),
    "NaN scores": (QUERY, answers(nan), "not_finite"),
    "vectors of another dimension": (FETCH, answers(short_vectors), "dimension"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_server_that_fails_gives_unknown_with_the_reason_and_no_number(life: Life, name: str) -> None:
    path, misbehaviour, reason = FAILING[name]
    life.production.server.misbehave[path] = misbehaviour
    try:
        report = life.running.judged(life.production.update())
        unknown(report, reason)
        series = f'corpus_drift_replay_failures{{reason="{reason}"}}'
        life.running.wait(lambda: life.running.metrics().get(series) == SHAPE.anchors, 60, series)
    finally:
        life.production.server.misbehave.clear()
    well(life)


def failures(running: Running) -> dict[str, float]:
    """The series of anchors that the index does not answer for."""
    return {name: n for name, n in running.metrics().items() if name.startswith("corpus_drift_replay_failures")}


def unknown(report: Any, reason: str) -> None:
    """UNKNOWN for this reason; of the dense leg not one number, of the lexical leg all."""
    assert report["verdict"]["verdict"] == "unknown"
    assert f"not measurable: not_replayed: {SHAPE.anchors} x {reason}" in report["verdict"]["reasons"][0]
    dense = [one for one in report["measurements"] if one["leg"] == "dense"]
    assert len(dense) > 100
    assert [one for one in dense if one["value"] is not None or one["n"] or not one["reason"]] == []
    lexical = [one for one in report["measurements"] if (one["leg"], one["metric"]) == ("lexical", "swaps")]
    assert lexical
    assert all(one["value"] is not None for one in lexical)


def test_a_collection_of_another_dimension_is_named(life: Life) -> None:
    life.production.server.misbehave[INFO] = answers(other_collection)
    try:
        report = life.running.judged(life.production.update())
    finally:
        life.production.server.misbehave.clear()
    assert report["verdict"]["verdict"] == "unknown"
    assert f"{corpora.DIMENSION - 1}" in report["verdict"]["reasons"][0]
    assert f"{corpora.DIMENSION}" in report["verdict"]["reasons"][0]
    well(life)


def test_half_of_the_answers_is_not_all_of_them(life: Life) -> None:
    """The failed anchors are left out by count, so the number rests on the others, and decides nothing by itself."""
    life.production.server.misbehave[QUERY] = answers(nan_at_times)
    try:
        report = life.running.judged(life.production.update())
    finally:
        life.production.server.misbehave.clear()
    assert report["verdict"]["verdict"] in {"inconclusive", "unknown"}
    everyone = next(one for one in served(report) if one["dimension"] == "all" and one["stat"] == "mean")
    assert 0 < everyone["n"] < everyone["expected"] == SHAPE.anchors
    assert "not_finite" in everyone["reason"]
    well(life)


def test_a_server_that_is_down_is_found_again_without_a_deploy(life: Life) -> None:
    life.production.server.stop()
    try:
        report = life.running.judged(life.production.update(), settled=False)
        assert report["verdict"]["verdict"] == "unknown"
        assert "does not say whether it holds the deploy (unreachable)" in report["verdict"]["reasons"][0]
        assert life.running.verdict()["verdict"] == "unknown"
    finally:
        life.production.server.start()
    life.running.wait(lambda: life.running.verdict()["verdict"] == "pass", 120, "the served lists are back")
    assert not failures(life.running)
    well(life)


def test_nothing_but_reading_was_ever_sent(life: Life) -> None:
    well(life)
    assert len(life.production.server.sent) > 20
    assert life.production.server.foreign() == set()
    assert life.running.stop() == 0
    assert "Traceback" not in life.running.said()
