"""`corpus-drift init`: from nothing to a gate's verdict by the commands that it prints, and every wrong input."""

import io
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.anchors_file import load as load_anchors
from monitor.adapters.native_form import native
from monitor.app.configuration import load
from tests import corpora
from tests.adapters.openai_serving import numbers
from tests.adapters.openai_serving import serving as embedding
from tests.adapters.sources.qdrant.cases import KEY, Collection, filled, serving
from tests.adapters.sources.qdrant.test_source import FORMS, filled_in
from tests.commands import Commands, Said, refused
from tests.contracts.sources import build_repository
from tests.kafka_mock import mock_cluster

VERDICTS = {0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands in an empty folder with a query log."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries.txt").write_text(
        "".join(f"word{at:02} word{at + 1:02} word{at * 7 % 70:02}\n" for at in range(40))
    )
    return Commands(capsys)


@pytest.fixture
def collection() -> Iterator[tuple[Collection, str]]:
    made = filled()
    with serving(made) as url:
        yield made, url


def printed(said: Said) -> list[list[str]]:
    """The commands that init prints, as a shell takes them."""
    assert said.code == 0, said.err
    return [shlex.split(line)[1:] for line in said.out.splitlines() if line.startswith("  corpus-drift ")]


def init(run: Commands, *arguments: object) -> Said:
    return run("init", *arguments, "--queries", "queries.txt", "--folder", "watch")


def follow(run: Commands, commands: list[list[str]], update: Callable[[], None]) -> Said:
    """Run what was printed; what a user updates comes before the second command."""
    config = Path("watch/corpus-drift.toml")
    config.write_text(config.read_text() + "\n[http]\nenabled = false\n")
    said = run(*commands[0])
    assert said.code == 0, said.err
    update()
    for command in commands[1:-1]:
        assert run(*command).code == 0
    return run(*commands[-1])


def decided(said: Said, deploy: str) -> None:
    """A verdict on numbers: neither UNKNOWN nor no report."""
    assert said.out.startswith(VERDICTS[said.code]), said.out
    assert f"deploy {deploy}" in said.out
    assert "compared with baseline main" in said.out


# ---------------------------------------------------------------- from nothing to a verdict


def test_from_a_collection_to_a_verdict(run: Commands, collection: tuple[Collection, str]) -> None:
    made, url = collection
    said = init(run, "--qdrant", url, "--collection", "chunks")
    for line in (
        f"Qdrant {url}, collection 'chunks': 60 points, status green",
        "vectors: unnamed of 8 numbers, cosine",
        "payload fields: chunk_id, doc_id, text, position, language, source",
        "form: plain fields, text in 'text': 60 of 60 points of the sample read",
        "chunk ids: payload field 'chunk_id'",
        "segments: language (2 values), source (3 values)",
        "anchors: 40 of 40 queries in queries.txt",
    ):
        assert line in said.out.splitlines()
    assert "SECOND BEST" in said.out

    def update() -> None:
        made.put("doc0#0", "word01 word02")
        made.drop("doc1#1")

    decided(follow(run, printed(said), update), "after")


def test_from_a_file_without_markers_to_a_verdict(run: Commands, tmp_path: Path) -> None:
    events = corpora.events(7, corpora.Shape(deploys=2))
    lines = [native(event)[1] for event in events if type(event).__name__ != "Deploy"]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines[:50]) + b"\n")
    said = init(run, "--file", path)
    assert "no deploy marker: a deploy ends where a run does" in said.out

    def update() -> None:
        with path.open("ab") as file:
            file.write(b"\n".join(lines[50:]) + b"\n")

    decided(follow(run, printed(said), update), "after")


def test_from_a_file_with_markers_to_a_verdict(run: Commands, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(corpora.written(corpora.events(7, corpora.Shape(deploys=3))))
    said = init(run, "--file", "events.jsonl")
    decided(follow(run, printed(said), lambda: None), "d2")


def test_from_a_topic_to_a_verdict(run: Commands) -> None:
    events = corpora.events(7, corpora.Shape(deploys=3))
    with mock_cluster(partitions=1) as cluster:
        topic = cluster.fresh(1)
        cluster.produce(topic, 0, [native(event) for event in events])
        said = init(run, "--kafka", cluster.bootstrap, "--topic", topic, "--api-version", "2.3")
        assert f"topic {topic}: {len(events)} records" in said.out
        decided(follow(run, printed(said), lambda: None), "d2")


def test_from_a_repository_to_a_verdict(run: Commands, tmp_path: Path) -> None:
    build_repository(tmp_path / "handbook")
    (tmp_path / "queries.txt").write_text("intro\nuse\nnew intro\nguide text more\n")
    said = init(run, "--git", "handbook")
    assert "a deploy is a week" in said.out
    commands = printed(said)
    ended = follow(run, commands, lambda: None)
    assert ended.code == 3, "four anchors are too few for a verdict, and it says so"
    assert "deploy 2024-W01" in ended.out


# ---------------------------------------------------------------- what is found


@pytest.mark.parametrize("preset", FORMS)
def test_payload_forms_are_recognised(preset: str, run: Commands, collection: tuple[Collection, str]) -> None:
    made, url = collection
    for name, (vector, payload) in list(made.stub.points.items()):
        values = {"id": f"h-{name}", "doc": payload["doc_id"], "text": payload["text"]}
        made.stub.put(name, vector, filled_in(FORMS[preset], values))
    said = init(run, "--qdrant", url, "--collection", "chunks")
    assert f"form: {preset}, text in " in said.out
    assert "60 of 60 points of the sample read" in said.out
    assert tomllib.loads(Path("watch/corpus-drift.toml").read_text())["source"]["fields"]["preset"] == preset
    ids = "payload field 'id'" if preset == "haystack" else "the ids of the points"
    assert f"chunk ids: {ids}" in said.out
    assert run(*printed(said)[0]).code == 0


def test_mixed_forms_and_duplicates_are_said(run: Commands, collection: tuple[Collection, str]) -> None:
    made, url = collection
    for name in list(made.stub.points)[:9]:
        vector, payload = made.stub.points[name]
        made.stub.put(name, vector, {"page_content": payload["text"], "chunk_id": payload["chunk_id"]})
    made.put("copy#0", made.world.live["doc9#0"].text)
    said = init(run, "--qdrant", url, "--collection", "chunks")
    assert "52 of 61 points of the sample read" in said.out
    assert "NOT read: 9 x missing_field: " in said.out
    assert "more than a tenth of them makes a deploy UNKNOWN" in said.out
    assert "duplicates: " in said.out


def test_an_encoder_makes_the_vectors_where_there_is_one(run: Commands, collection: tuple[Collection, str]) -> None:
    with embedding(numbers(8)) as script:
        said = init(
            run, "--qdrant", collection[1], "--collection", "chunks", "--encoder-url", script.url,
            "--encoder-model", "small", "--embedding-version", "small:8:cosine",
        )  # fmt: skip
    assert said.code == 0, said.err
    assert "their vectors: encoded by 'small:8:cosine'" in said.out
    assert "SECOND BEST" not in said.out
    anchors, problems = load_anchors(Path("watch/anchors.jsonl"), dimension=8, default_embedding_version="")
    assert not problems
    assert len(anchors) == 40
    assert all(anchor.vector is not None for anchor in anchors)
    assert load(Path("watch/corpus-drift.toml"), {}).encoder.kind == "openai"


def test_an_encoder_makes_the_vectors_of_texts_that_have_none(run: Commands, tmp_path: Path) -> None:
    build_repository(tmp_path / "handbook")
    (tmp_path / "queries.txt").write_text("intro\nuse\nnew intro\nguide text more\n")
    with embedding(numbers(8)) as script:
        named = ("--git", "handbook", "--encoder-url", script.url, "--encoder-model", "small")
        for version in ("", "small", "small:0:cosine"):
            ended = init(run, *named, "--embedding-version", version)
            assert ended.code == 2
            assert f"--embedding-version {version!r}: expected NAME:DIMENSION:METRIC" in ended.err
        said = init(run, *named, "--embedding-version", "small:8:cosine")
        assert said.code == 0, said.err
        assert "their vectors: encoded by 'small:8:cosine'" in said.out
        assert follow(run, printed(said), lambda: None).code == 3
    assert load(Path("watch/corpus-drift.toml"), {}).corpus.dimension == 8


def test_second_best_vectors_are_those_of_known_items(run: Commands, collection: tuple[Collection, str]) -> None:
    made, url = collection
    Path("queries.txt").write_text(f"{made.world.live['doc5#1'].text}\nunheard\n")
    said = init(run, "--qdrant", url, "--collection", "chunks")
    assert "1 queries that share no word with the sample are left out" in said.out
    (anchor,), _ = load_anchors(Path("watch/anchors.jsonl"), dimension=8, default_embedding_version="")
    stored = next(vector for vector, payload in made.stub.points.values() if payload["chunk_id"] == "doc5#1")
    assert anchor.vector is not None
    assert anchor.vector.tolist() == pytest.approx(stored.tolist())
    text = Path("watch/corpus-drift.toml").read_text()
    assert "# second best: its vectors are those of the items that BM25 finds for the query" in text


def test_the_file_explains_its_keys_in_the_words_of_the_reference(
    run: Commands, collection: tuple[Collection, str]
) -> None:
    init(run, "--qdrant", collection[1], "--collection", "chunks")
    text = Path("watch/corpus-drift.toml").read_text()
    assert "# Seconds from the end of a look to the next.\nevery = 300.0\n" in text
    assert run("check-config", "-c", "watch/corpus-drift.toml", "--connect").code == 0


def test_what_was_found_is_a_document_for_scripts(run: Commands, collection: tuple[Collection, str]) -> None:
    document = init(run, "--qdrant", collection[1], "--collection", "chunks", "--json").json()
    assert document["found"][1] == "vectors: unnamed of 8 numbers, cosine"
    assert document["done"][-1].endswith("--deploy after")


def test_on_a_terminal_it_asks(
    run: Commands, collection: tuple[Collection, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO(f"qdrant\n{collection[1]}\nchunks\nqueries.txt\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    said = run("init", "--folder", "watch")
    assert said.code == 0, said.err
    assert Path("watch/corpus-drift.toml").is_file()


# ---------------------------------------------------------------- wrong inputs


def at(url: str, **changed: str) -> list[str]:
    options = {"qdrant": url, "collection": "chunks"} | changed
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize(
    ("stub", "options", "said"),
    [
        ({"api_key": KEY}, {}, "refused: HTTP 401: Must provide an API key"),
        ({}, {"collection": "other"}, "collection_missing: HTTP 404: Not found"),
        (
            {},
            {"vector_name": "text"},
            "its dense vector 'text' is not there; expected --vector-name of the unnamed one",
        ),
        ({"vector_name": "text"}, {"vector_name": "image"}, "expected --vector-name of 'text'"),
        ({"params": {"multivector_config": {"comparator": "max_sim"}}}, {}, "several per point"),
        ({"points": {}}, {}, "holds no points; expected a collection that was filled"),
        ({}, {"text_field": "body"}, "no text found in the payloads of 60 points (fields: chunk_id, doc_id, text"),
        ({}, {"encoder_url": "http://x"}, "--encoder-url, --encoder-model: expected both or neither"),
        ({}, {"file": "events.jsonl"}, "--qdrant and --file: expected one of them"),
    ],
)
def test_one_line_says_what_is_wrong(stub: dict[str, Any], options: dict[str, str], said: str, run: Commands) -> None:
    made = filled(**{key: of for key, of in stub.items() if key != "points"})
    if "points" in stub:
        made.stub.points.clear()
    with serving(made) as url:
        refused(run("init", *at(url, **options), "--queries", "queries.txt", "--folder", "watch"), 2, said)
    assert not Path("watch").exists()


def test_a_wrong_dimension_of_the_encoder_leaves_nothing_behind(
    run: Commands, collection: tuple[Collection, str]
) -> None:
    with embedding(numbers(5)) as script:
        said = init(
            run, "--qdrant", collection[1], "--collection", "chunks", "--encoder-url", script.url,
            "--encoder-model", "small",
        )  # fmt: skip
    assert said.code != 0
    assert "8" in said.err
    assert list(Path("watch").iterdir()) == []


def test_nothing_is_overwritten(run: Commands, collection: tuple[Collection, str]) -> None:
    assert init(run, "--qdrant", collection[1], "--collection", "chunks").code == 0
    before = {path.name: path.read_bytes() for path in Path("watch").iterdir()}
    said = init(run, "--qdrant", collection[1], "--collection", "chunks")
    refused(said, 2, "watch/corpus-drift.toml: is there already", "nothing is overwritten")
    assert {path.name: path.read_bytes() for path in Path("watch").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of --qdrant URL, --kafka BROKERS, --file PATH, --git PATH: missing"),
        (["--file", "nowhere.jsonl"], "nowhere.jsonl: not there"),
        (["--file", "queries.txt"], "none of 40 records read as a chunk: "),
        (["--git", "nowhere"], "nowhere"),
        (["--file", "queries.txt", "--collection", "docs"], "--collection 'docs': an option of --qdrant, but"),
        (["--git", "nowhere", "--topic", "docs"], "--topic 'docs': an option of --kafka, but the corpus is --git"),
    ],
)
def test_what_is_missing_or_no_corpus_is_said(arguments: list[str], said: str, run: Commands) -> None:
    refused(run("init", *arguments, "--queries", "queries.txt", "--folder", "watch"), 2, said)
    assert not Path("watch/corpus-drift.toml").exists()


def test_a_missing_query_log_is_said(run: Commands, collection: tuple[Collection, str]) -> None:
    said = run("init", *at(collection[1]), "--queries", "none.txt", "--folder", "watch")
    assert said.code == 2
    assert said.err == "corpus-drift: none.txt: not there or not readable; expected a readable file\n"


def test_a_key_is_sent_and_never_shown(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    made = filled(api_key=KEY)
    monkeypatch.setenv("CORPUS_DRIFT_DENSE__API_KEY", KEY)
    with serving(made) as url:
        said = init(run, "--qdrant", url, "--collection", "chunks")
        assert run(*printed(said)[0]).code == 0
    assert KEY not in said.out + said.err + Path("watch/corpus-drift.toml").read_text()


def test_a_deploy_is_named_with_until_end_only(run: Commands, collection: tuple[Collection, str]) -> None:
    init(run, "--qdrant", collection[1], "--collection", "chunks")
    said = run("run", "-c", "watch/corpus-drift.toml", "--deploy", "now")
    refused(said, 2, "--deploy 'now': expected --until-end with it")


def test_every_printed_command_is_one_that_the_tests_above_follow(
    run: Commands, collection: tuple[Collection, str]
) -> None:
    said = init(run, "--qdrant", collection[1], "--collection", "chunks")
    assert len(re.findall(r"corpus-drift (?:run|gate)", said.out)) == len(printed(said)) == 3
    assert json.loads(Path("watch/anchors.jsonl").read_text().splitlines()[0])["id"]


def test_a_file_is_no_folder(run: Commands, tmp_path: Path) -> None:
    corpora.write_case(tmp_path)
    ended = run("init", "--file", "events.jsonl", "--queries", "queries.txt", "--folder", "anchors.jsonl")
    assert ended.code == 2
    assert ended.err == "corpus-drift: anchors.jsonl: File exists; expected a folder that can be written\n"
