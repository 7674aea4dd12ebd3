"""Traffic beside the corpus: read, judged, counted, committed, resumed; nothing that users wrote is kept."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.reanchoring import reanchored
from monitor.app.wiring import open_monitor
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert
from monitor.core.traffic.document import traffic_document
from monitor.core.traffic.model import KeptTraffic
from monitor.core.traffic.view import TrafficView
from monitor.ports import ConfigurationError
from tests.app.loops import to_end
from tests.corpora import DIMENSION, VERSION, Shape, anchors, write_case
from tests.corpora import written as events_written
from tests.e2e.program import eventually
from tests.kafka_mock import API_VERSION, mock_cluster

KEY = "a key of sixteen bytes, and more"
ENVIRONMENT = {"CORPUS_DRIFT_TRAFFIC__KEY": KEY}
SHAPE = Shape(anchors=12)
SECTION = """
[traffic]
path = "traffic.jsonl"
format = "json"
[traffic.fields]
segments = { source = "source" }
"""
START = 1_780_000_000
"""Seconds: 28 May 2026, below any clock that runs these tests."""
Line = Mapping[str, Any]


def asked(count: int, *, known: float = 0.7, days: int = 20) -> list[Line]:
    """Queries of 40 clients: what anchors ask, in other letters, and what nobody expected."""
    own = anchors(7, SHAPE)
    made: list[Line] = []
    for at in range(count):
        anchor = own[at % len(own)]
        mine = at % 10 < known * 10
        made.append(
            {
                "query": anchor.text.upper() if mine else f"unheard matter{at % 3}",
                "client": f"client-{at % 40}",
                "time": (START + at * days * 86_400 // count) * 1_000,
                "source": dict(anchor.segment)["source"],
                **({"vector": anchor.vector.tolist()} if mine and anchor.vector is not None else {}),
            }
        )
    return made


def written(lines: Sequence[Line | bytes]) -> bytes:
    return b"".join((of if isinstance(of, bytes) else json.dumps(of).encode()) + b"\n" for of in lines)


def case(folder: Path, lines: Sequence[Line | bytes], extra: str = SECTION) -> Path:
    (folder / "traffic.jsonl").write_bytes(written(lines))
    return write_case(folder, shape=SHAPE, extra=extra)


@contextmanager
def opened(config: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[Monitor]:
    with open_monitor(load(config, environment)) as monitor:
        yield monitor


def view_of(monitor: Monitor) -> TrafficView:
    assert monitor.parts.traffic is not None
    return monitor.parts.traffic.view_now(monitor.parts.engine.anchors)


def kept(config: Path) -> KeptTraffic | None:
    store = SqliteStore(config.parent / "state.db", read_only=True)
    store.start()
    try:
        return store.traffic()
    finally:
        store.close()


def undated(of: KeptTraffic | None) -> str:
    """What is kept, but for the days on which questions happened to be judged: a restart judges some again."""
    return re.sub(r"leg='(\w*)', results=(.*?), day=\d+", r"\1 \2", repr(of))


def test_what_users_ask_is_read_behind_the_corpus_and_measured(tmp_path: Path) -> None:
    config = case(tmp_path, asked(400))
    with opened(config) as monitor:
        assert to_end(monitor)
        found = view_of(monitor)
    assert found.log.outcomes == {"counted": 400}
    assert (found.asks, found.clients) == (400, 40)
    assert found.share().share == pytest.approx(0.7, abs=0.02)
    assert found.share().lower < 0.7 < found.share().upper
    assert found.judged.share == 1.0
    assert {of.segment for of in found.coverage if of.dimension == "source"} == {"guide", "api", "blog"}


def test_the_state_holds_neither_what_was_asked_nor_who_asked_nor_vectors(tmp_path: Path) -> None:
    lines: list[Line | bytes] = [*asked(200), {"query": "hostile\u0007words of anna"}, b'{"query": "torn words']
    config = case(tmp_path, lines)
    vectors = [of.vector for of in anchors(7, SHAPE)]
    with opened(config) as monitor:
        assert to_end(monitor)
        aside = monitor.parts.store.quarantine(10)
        assert {of.reason for of in aside} == {"traffic_control_character", "traffic_bad_json"}
        assert all(of.value is None and of.key is None for of in aside)
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if "state.db" in str(path) and path.is_file())
    for secret in ("unheard", "matter1", "client-", "torn words", "hostile", "words of anna", KEY):
        assert secret.encode() not in raw
        assert secret.upper().encode() not in raw
    assert all(of is not None and of.tobytes() not in raw for of in vectors)
    rows = kept(config)
    assert rows is not None
    assert all(len(of.mark) == 16 for of in rows.questions)
    assert {len(of.client) for of in rows.asks} == {16}


def test_it_goes_on_where_it_left_off_and_comes_out_the_same(tmp_path: Path) -> None:
    lines = asked(300)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    config = case(whole, lines)
    with opened(config) as monitor:
        assert to_end(monitor)
        expected = traffic_document(view_of(monitor))
    config_cut = case(cut, lines[:100])
    for upto in (100, 217, 300):
        (cut / "traffic.jsonl").write_bytes(written(lines[:upto]))
        with opened(config_cut) as monitor:
            before = traffic_document(view_of(monitor))
            assert to_end(monitor)
            found = traffic_document(view_of(monitor))
        with opened(config_cut) as monitor:
            assert traffic_document(view_of(monitor)) == found
        assert before["window"]["asks"] < found["window"]["asks"] == upto
    assert found == expected
    assert undated(kept(config_cut)) == undated(kept(config))


def test_another_key_forgets_what_was_kept_and_reads_anew(tmp_path: Path) -> None:
    config = case(tmp_path, asked(50))
    with opened(config) as monitor:
        assert to_end(monitor)
    first = kept(config)
    with opened(config, {"CORPUS_DRIFT_TRAFFIC__KEY": "another key of some length"}) as monitor:
        assert to_end(monitor)
        assert view_of(monitor).asks == 50
    second = kept(config)
    assert first is not None
    assert second is not None
    assert len(second.asks) == len(first.asks)
    assert {of.mark for of in first.questions}.isdisjoint(of.mark for of in second.questions)


def fresh(days: Sequence[int], clients: int = 25) -> list[Line]:
    """A question in the words of the corpus that no anchor asks, of so many clients on each of some days."""
    text = "word03 word15 word27 word39 word51 word63"
    return [
        {"query": text, "client": f"new-{at}", "time": (START + day * 86_400) * 1_000}
        for day in days
        for at in range(clients)
    ]


def test_what_many_ask_anew_is_proposed_with_its_words_and_what_few_ask_is_not(tmp_path: Path) -> None:
    config = case(tmp_path, [*asked(200, days=14), *fresh([5, 13]), {**fresh([13], 1)[0], "query": "word03 word15"}])
    with opened(config) as monitor:
        assert to_end(monitor)
        found = view_of(monitor)
    (intent,) = found.intents
    assert intent.text is not None
    assert intent.text.text == "word03 word15 word27 word39 word51 word63"
    assert (intent.this_week, intent.last_week) == (25, 25)
    (proposal,) = [of for of in found.proposals if of.kind == "add"]
    assert proposal.anchor.text == intent.text.text
    assert "25 clients this week, 25 the week before" in proposal.reason
    with opened(config) as monitor:  # after a restart the words are gone, the intent is not
        (again,) = view_of(monitor).intents
    assert (again.mark, again.text) == (intent.mark, None)


def test_anchors_that_are_merged_speak_from_then_on(tmp_path: Path) -> None:
    config = case(tmp_path, [*asked(200, days=14), *fresh([5, 13])])
    with opened(config) as monitor:
        assert to_end(monitor)
        before = view_of(monitor)
        (proposal,) = [of for of in before.proposals if of.kind == "add"]
        own = list(monitor.parts.engine.anchors.anchors)
        lacking = replace(proposal.anchor, vector=own[0].vector, embedding_version=own[0].embedding_version)
        both = AnchorSet(
            [*own[1:], lacking],
            np.stack([of.vector for of in [*own[1:], lacking] if of.vector is not None]),
            np.ones(len(own)),
            [()] * len(own),
        )
        monitor.measuring.reanchor(reanchored(monitor.parts, both))
        after = view_of(monitor)
    assert not [of for of in after.intents if of.mark == before.intents[0].mark], (
        "its lexical list is the anchor's own"
    )
    assert after.share().share > before.share().share
    assert after.judged.share < 1.0, "what asked the anchor that is gone is not known until it is asked again"


@pytest.mark.parametrize("environment", [{}, {"CORPUS_DRIFT_TRAFFIC__KEY": "short"}])
def test_without_a_key_nothing_starts(tmp_path: Path, environment: dict[str, str]) -> None:
    config = case(tmp_path, [])
    with (
        pytest.raises(
            ConfigurationError, match=r"traffic\.key: .*expected 16 bytes or more in CORPUS_DRIFT_TRAFFIC__KEY"
        ),
        opened(config, environment),
    ):
        pass


def test_no_section_reads_nothing(tmp_path: Path) -> None:
    config = case(tmp_path, asked(5), extra="")
    with opened(config, {}) as monitor:
        assert to_end(monitor)
        assert monitor.parts.traffic is None
        assert monitor.published is not None
        assert monitor.published.traffic is None
    assert kept(config) is None


def test_a_kafka_topic_of_spans_is_read_as_a_file_is(tmp_path: Path) -> None:
    def span(line: Line) -> bytes:
        attributes = {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": line["query"]}
        attributes["user.id"] = line["client"]
        return json.dumps(
            {"name": "retrieval", "attributes": attributes, "start_time": "2026-05-28T12:00:00Z"}
        ).encode()

    with mock_cluster() as cluster:
        topic = cluster.create("spans", 1)
        cluster.produce(topic, 0, [(b"", span(of)) for of in asked(60)] + [(b"", b"\xff{"), (b"", None)])
        section = f"""
[traffic]
bootstrap_servers = ["{cluster.bootstrap}"]
topic = "{topic}"
api_version = {list(API_VERSION)}
format = "otel"
"""
        config = case(tmp_path, [], extra=section)
        with opened(config) as monitor:
            eventually(lambda: to_end(monitor) and view_of(monitor).asks == 60, 60.0, "all queries")
            found = view_of(monitor)
            assert {of.reason for of in monitor.parts.store.quarantine(5)} == {"traffic_bad_json"}
    assert found.log.outcomes == {"counted": 60, "bad_json": 2}
    assert set(found.legs) <= {"lexical", ""}, "spans carry no vectors, and no encoder is configured"
    assert found.share().share == pytest.approx(0.7, abs=0.05)


def test_judgements_follow_what_was_judged_and_a_held_out_group_is_told_apart(tmp_path: Path) -> None:
    config = case(tmp_path, asked(20), SECTION.replace("[traffic]\n", '[traffic]\nheld_out = "source=guide"\n'))
    own = anchors(7, SHAPE)
    judged = {"cut#old": 2.0, "cut#lost": 1.0, "doc0#0": 1.0}
    write_anchors(config.parent / "anchors.jsonl", [replace(own[0], relevant=judged), *own[1:]])
    said = [" ".join(f"said{at:02d}x{n}" for at in range(12)) for n in range(2)]
    at, ones = 1_900_000_000_000_000, np.ones(DIMENSION, np.float32)

    def chunk(name: str, text: str) -> Chunk:
        return Chunk.of(name, text, ones, segment={"source": "guide"}, embedding_version=VERSION, event_time=at)

    made = [Upsert(chunk("cut#old", said[0]), 1), Upsert(chunk("cut#lost", said[1]), 1)]
    later: list[CorpusEvent] = [
        Delete("cut#old", at, 2),
        Delete("cut#lost", at, 2),
        Upsert(chunk("cut#new", said[0]), 1),
    ]
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(events_written([*made, *later]))
    with opened(config) as monitor:
        assert to_end(monitor)
        found = view_of(monitor)
    assert found.judgements == {"valid": 1, "moved": 1, "split": 0, "merged": 0, "gone": 1}
    (proposal,) = [of for of in found.proposals if of.kind == "relabel"]
    assert proposal.anchor.relevant == {"cut#new": 2.0, "cut#lost": 1.0, "doc0#0": 1.0}
    assert {(of.metric, of.leg) for of in found.gap} >= {("legs_rbo", "both")}


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"\x1f\x8b\x08\x00", "a compressed file cannot be followed"),
        ("\ufeffx\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_log_that_cannot_be_read_is_said_and_the_corpus_is_watched(
    tmp_path: Path, log: bytes | None, said: str
) -> None:
    config = case(tmp_path, [])
    path = tmp_path / "traffic.jsonl"
    if log is None:
        path.unlink()
    else:
        path.write_bytes(log)
    with opened(config) as monitor:
        assert to_end(monitor)
        assert said in view_of(monitor).log.last_error
        assert len(monitor.ledger) == SHAPE.deploys
        assert view_of(monitor).verdict == "unknown"
