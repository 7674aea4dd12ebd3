"""`corpus-drift erased`: whether what was deleted can still be retrieved, by whatever can be looked at."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, serving
from monitor.cli import main
from monitor.core.model.events import text_hash
from monitor.core.model.scoring import Distance
from tests import corpora, erasures, retriever
from tests.adapters.openai_serving import Handler
from tests.adapters.openai_serving import serving as embedding
from tests.adapters.sources.qdrant.cases import point
from tests.commands import Commands, Said, refused
from tests.qdrant_stub import QdrantStub

GONE = {"doc0#0", "doc1#0", "doc1#1", "doc1#2", "doc1#3", "doc2#0"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = erasures.write_erasures(tmp_path_factory.mktemp("ran"))
    assert main(["run", "-c", str(config), "--until-end"]) == 0
    main(["erased", "-c", str(config), *sorted(GONE), "--forget"])  # it keeps no text of what is gone any more
    return config


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def erased(run: Commands, config: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    said: Said = run("erased", "-c", config, *arguments, "--format", "json")
    return said.code, said.json()


def looks(document: dict[str, Any], at: int = 0) -> dict[str, str]:
    return {look["look"]: look["outcome"] for look in document["items"][at]["looks"]}


def found(document: dict[str, Any], look: str, at: int = 0) -> list[tuple[str, str]]:
    (chosen,) = (one for one in document["items"][at]["looks"] if one["look"] == look)
    return [(one["chunk_id"], one["as"]) for one in chosen["found"]]


# ---------------------------------------------------------------- the committed state and the embedded index


def test_a_document_that_is_gone_is_erased(run: Commands, ran: Path) -> None:
    before = (ran.parent / "state.db").read_bytes()
    code, document = erased(run, ran, "doc1", "doc2#0")
    assert (code, document["verdict"]) == (0, "erased")
    assert [(one["id"], one["kind"], len(one["chunks"])) for one in document["items"]] == [
        ("doc1", "document", 4), ("doc2#0", "chunk", 1),
    ]  # fmt: skip
    assert looks(document) == {
        "events": "absent", "quarantine": "absent", "copies": "absent", "index": "absent",
        "index_content": "absent", "questions": "absent", "production": "nothing", "lists": "nothing",
        "past": "absent",
    }  # fmt: skip
    assert (ran.parent / "state.db").read_bytes() == before


def test_copies_under_other_ids_are_named_and_may_be_accepted(run: Commands, ran: Path) -> None:
    code, document = erased(run, ran, "doc0#0")
    assert (code, document["verdict"]) == (1, "retrievable")
    assert found(document, "copies") == [("copy#0", "copy"), ("near#0", "near copy")]
    assert looks(document)["index"] == "absent"
    code, document = erased(run, ran, "doc0#0", "--accept-copies")
    assert (code, document["verdict"]) == (0, "erased")
    assert [one["decides"] for look in document["items"][0]["looks"] for one in look["found"]] == [False] * 4


def test_texts_that_the_monitor_keeps_are_found_and_forgotten(run: Commands, tmp_path: Path) -> None:
    config = erasures.write_erasures(tmp_path)
    assert run("run", "-c", config, "--until-end").code == 0
    code, document = erased(run, config, "doc2#0")
    assert (code, found(document, "past")) == (1, [("doc2#0", "kept text")])
    assert [look for look, outcome in looks(document).items() if outcome == "found"] == ["past"]
    assert erased(run, config, "doc2#0", "--accept-copies")[0] == 1
    assert erased(run, config, "doc2#0", "--forget")[0] == 0
    assert erased(run, config, "doc2#0")[0] == 0
    assert erased(run, config, "doc1")[0] == 1  # of others nothing was forgotten
    assert run("report", "-c", config).code == 0


def test_what_is_live_is_retrievable(run: Commands, ran: Path) -> None:
    code, document = erased(run, ran, "doc3")
    assert (code, looks(document)["events"]) == (1, "found")
    assert len(found(document, "events")) == 4


def test_what_nobody_heard_of_is_unknown(run: Commands, ran: Path) -> None:
    code, document = erased(run, ran, "typo")
    assert (code, document["verdict"]) == (3, "unknown")
    assert looks(document)["copies"] == "unknown"


def test_a_text_that_was_given_is_compared(run: Commands, ran: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    said.write_text(erasures.texts()["doc0#0"])
    code, document = erased(run, ran, "forgotten-id", "--text", said)
    assert (code, found(document, "copies")) == (1, [("copy#0", "copy"), ("near#0", "near copy")])
    said.write_text("nothing that this corpus says at all, not even nearly")
    assert erased(run, ran, "forgotten-id", "--text", said)[0] == 0


def test_one_retrievable_id_decides_for_all(run: Commands, ran: Path) -> None:
    code, document = erased(run, ran, "doc1", "typo", "doc0#0", "doc1")
    assert (code, document["verdict"]) == (1, "retrievable")
    assert [one["verdict"] for one in document["items"]] == ["erased", "unknown", "retrievable"]


def test_text_says_what_was_and_was_not_checked(run: Commands, ran: Path) -> None:
    said = run("erased", "-c", ran, "doc0#0")
    assert said.code == 1
    assert said.out.splitlines()[0] == "RETRIEVABLE  1 id asked about"
    assert "copy#0 of copy  copy" in said.out
    assert "not checked: logs, backups, caches" in said.out


def test_a_record_set_aside_makes_it_unknown(run: Commands, ran: Path, tmp_path: Path) -> None:
    config = copied_folder(ran, tmp_path)
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"op": "upsert", "chunk_id": "doc2#0", "text": 7}\n')
    assert run("run", "-c", config, "--until-end").code == 1
    code, document = erased(run, config, "doc2#0")
    assert (code, looks(document)["quarantine"]) == (3, "unknown")
    assert erased(run, config, "doc1")[0] == 0


def test_an_older_state_has_no_sketches_and_says_so(run: Commands, ran: Path, tmp_path: Path) -> None:
    import sqlite3

    config = copied_folder(ran, tmp_path)
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("DROP TABLE sketch")
    code, document = erased(run, config, "doc2#0")
    # the baseline remembers what its lists held: near copies of that can be told all the same
    assert (code, looks(document)["copies"]) == (0, "absent")
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("DELETE FROM baseline")
        db.execute("DELETE FROM deploy")
    code, document = erased(run, config, "doc2#0")
    assert (code, looks(document)["copies"]) == (3, "unknown")


def copied_folder(config: Path, folder: Path) -> Path:
    import shutil

    shutil.copytree(config.parent, folder, dirs_exist_ok=True)
    return folder / config.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "id '': expected ids of chunks or documents"),
        (["a", "b", "--text", "queries.txt"], "a text with 2 ids: expected one id"),
        (["a", "--text", "none.txt"], "none.txt: not there or not readable"),
        (["a", "--text", "latin.txt"], "--text latin.txt: invalid"),
        (["a", "--text", "empty.txt"], "--text empty.txt: is empty"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str], said: str, run: Commands, ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queries.txt").write_text("said")
    Path("latin.txt").write_bytes("müll".encode("latin-1"))
    Path("empty.txt").write_text(" \n")
    refused(run("erased", "-c", ran, *arguments), 2, said)


def test_without_a_state_there_is_nothing_to_say(run: Commands, tmp_path: Path) -> None:
    refused(run("erased", "-c", erasures.write_erasures(tmp_path), "doc1"), 4, "there is no state")


# ---------------------------------------------------------------- a running monitor


def test_a_running_monitor_answers_with_its_lists(run: Commands, ran: Path, tmp_path: Path) -> None:
    config = copied_folder(ran, tmp_path)
    configuration = load(config, {})
    with open_monitor(configuration) as monitor, serving(configuration, monitor) as url:
        thread = threading.Thread(target=monitor.run)
        thread.start()
        try:
            code, document = erased(run, config, "doc1")
            assert (code, looks(document)["lists"], looks(document)["index"]) == (0, "absent", "absent")
            far = run("erased", "--monitor", url, "doc0#0", "--format", "json")
            assert (far.code, found(far.json(), "copies")[0]) == (1, ("copy#0", "copy"))
            refused(run("erased", "--monitor", url, " "), 2, "id ' ': expected ids")
        finally:
            monitor.stopping.set()
            thread.join(60)


# ---------------------------------------------------------------- a server that others fill


SERVER = """engine = "server"
url = "{url}"
collection = "chunks"
chunk_id_field = "chunk_id"
settle_seconds = 0
ready_timeout = 0"""  # the collection is never that of the first deploy, and is not waited for
HASHED = '\ncontent_hash_field = "hash"'


@contextmanager
def served(
    folder: Path, run: Commands, *, left: dict[str, str], hashed: bool = True, extra: str = ""
) -> Iterator[Path]:
    """A monitor ran both deploys; the collection has what is live, and what is `left` behind: text by chunk id."""
    made = erasures.world()
    stub = QdrantStub(Distance.COSINE, corpora.DIMENSION)
    for name, text in {**{name: chunk.text for name, chunk in made.live.items()}, **left}.items():
        vector = made.vector(text)
        assert vector is not None
        stub.put(point(name), vector, {"chunk_id": name, "hash": text_hash(text)})
    url = stub.start()
    try:
        engine = SERVER.format(url=url) + (HASHED if hashed else "")
        config = erasures.write_erasures(folder, engine=engine, extra=extra)
        assert run("run", "-c", config, "--until-end").code == 0
        run("erased", "-c", config, *sorted(GONE), "--forget")
        yield config
    finally:
        stub.stop()


def test_a_point_that_was_left_behind_is_found(run: Commands, tmp_path: Path) -> None:
    with served(tmp_path, run, left={"doc1#2": erasures.texts()["doc1#2"]}) as config:
        code, document = erased(run, config, "doc1", "doc2#0")
        assert code == 1
        assert [one["verdict"] for one in document["items"]] == ["retrievable", "erased"]
        assert found(document, "index") == [("doc1#2", "chunk")]
        assert ("doc1#2", "chunk") in found(document, "index_content")


def test_a_copy_that_no_event_tells_of_is_found_by_its_hash(run: Commands, tmp_path: Path) -> None:
    with served(tmp_path, run, left={"stray": erasures.texts()["doc2#0"]}) as config:
        code, document = erased(run, config, "doc2#0")
        assert (code, looks(document)["index"]) == (1, "absent")
        assert found(document, "index_content") == [("stray", "copy")]


def test_a_stray_point_without_a_hash_may_say_anything(run: Commands, tmp_path: Path) -> None:
    with served(tmp_path, run, left={"stray": "word01 word02"}, hashed=False) as config:
        code, document = erased(run, config, "doc2#0")
        assert (code, looks(document)["index_content"]) == (3, "unknown")


def test_a_stray_point_is_found_by_the_text_that_was_deleted(run: Commands, tmp_path: Path) -> None:
    """No hash, no id, no event tells of it: its vector does."""
    made, said = erasures.world(), tmp_path / "said.txt"
    said.write_text(erasures.texts()["doc2#0"])

    def encoded(handler: Handler, body: dict[str, Any]) -> None:
        vectors = [made.vector(text) for text in body["input"]]
        data = [{"index": at, "embedding": [*map(float, of)]} for at, of in enumerate(vectors) if of is not None]
        handler.reply(200, json.dumps({"data": data}).encode())

    with embedding(encoded) as script:
        extra = f'[encoder]\nkind = "openai"\nurl = "{script.url}"\nmodel = "words"\n'
        with served(tmp_path, run, left={"stray": said.read_text()}, hashed=False, extra=extra) as config:
            code, document = erased(run, config, "doc2#0", "--text", said)
            assert (code, found(document, "index_content")) == (1, [("stray", "alike")])
        said.write_text("word03 word17 word29 word41 word53 word65 word71 word08")
        with served(tmp_path, run, left={}, hashed=False, extra=extra) as config:
            assert erased(run, config, "gone", "--text", said)[0] == 0


def test_a_server_that_is_away_is_unknown(run: Commands, tmp_path: Path) -> None:
    with served(tmp_path, run, left={}) as config:
        assert erased(run, config, "doc2#0")[0] == 0
    code, document = erased(run, config, "doc2#0")
    assert code == 3
    assert {look for look, of in looks(document).items() if of == "unknown"} == {"index", "index_content"}


# ---------------------------------------------------------------- production


PRODUCTION = """[production]
preset = "dify"
url = "{url}/retrieval"
id = "metadata.id"
parameters = {{ knowledge_id = "k" }}
rate = 1000
"""


def test_production_is_asked_the_questions_that_found_it(run: Commands, tmp_path: Path) -> None:
    live = {name: chunk.text for name, chunk in erasures.world().live.items()}
    stale = retriever.Retriever({**live, "doc1#1": erasures.texts()["doc1#1"], "old/2": erasures.texts()["doc2#0"]})
    with retriever.serving(stale) as url:
        config = erasures.write_erasures(tmp_path, extra=PRODUCTION.format(url=url))
        assert run("run", "-c", config, "--until-end").code == 0
        run("erased", "-c", config, *sorted(GONE), "--forget")
        code, document = erased(run, config, "doc1", "doc2#0")
        assert (code, found(document, "production")) == (1, [("doc1#1", "chunk")])
        assert found(document, "production", 1) == [("old/2", "copy")]
        stale.texts = live
        assert erased(run, config, "doc1", "doc2#0")[0] == 0
        stale.failing = 500
        code, document = erased(run, config, "doc1")
        assert (code, looks(document)["production"]) == (3, "unknown")
