"""The lab from end to end on a small stream, with the real product."""

import gzip
import hashlib
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lab import __main__ as lab
from benchmarks.lab import run
from benchmarks.lab.alarms import alarms
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.corpus import Encode, Remove, Vector
from benchmarks.lab.encoders import BLOCK, Encoder
from benchmarks.lab.history import RECORD, history, judged, so_far
from benchmarks.lab.plants_template import with_pages
from benchmarks.lab.product import Product, ProductError
from benchmarks.lab.real_streams import fastapi, git
from benchmarks.lab.run import Bench, Case, keep, outcome
from tests.lab.small import chunks, stream


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(stream(), tmp_path_factory.mktemp("lab"), lambda _: None)


def test_a_case_is_planted_measured_and_judged(bench: Bench) -> None:
    made = outcome(bench, Case(KINDS["lost_source"], 2, "pinned"))
    (deploy,) = made["deploys"]
    assert made["error"] == ""
    assert deploy["verdict"] in {"pass", "fail", "inconclusive"}
    assert deploy["harm"] == "severe"
    assert deploy["worst"]["before"] > deploy["worst"]["after"]
    assert deploy["causes"][0] == "CORPUS"
    assert deploy["blame"]["dense"]["right"]
    assert np.load(bench.embeddings / "reference.npy").shape == (120, 8)
    assert len(np.load(bench.embeddings / "lost_source-3-pinned.npy")) == 100


def test_a_deploy_that_was_not_read_is_no_verdict(bench: Bench, tmp_path: Path) -> None:
    product = bench.base.copied(tmp_path / "product")
    product.append(bench.stream, bench.stream.deploys[:1], number=1)
    with pytest.raises(ProductError, match="state unseen, expected judged"):
        product.judged("ordinary-1")
    product.run()
    assert product.judged("ordinary-1").told["verdict"] == "pass"


def test_what_was_measured_is_not_measured_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = outcome(bench, Case(KINDS["nothing"], 0, "pinned"))
    assert first["deploys"][0]["verdict"] == "pass"
    assert not any(first["deploys"][0]["churn"].values())
    monkeypatch.setattr(run, "_measured", lambda *_: pytest.fail("measured again"))
    assert outcome(bench, Case(KINDS["nothing"], 0, "pinned")) == first


def test_a_slow_kind_has_a_verdict_for_each_deploy(bench: Bench) -> None:
    made = outcome(bench, Case(KINDS["slow_loss"], 1, "previous-deploy"))
    assert made["error"] == ""
    assert [one["deploy"] for one in made["deploys"]] == [f"planted-{at}" for at in range(1, 13)]
    assert all(one["verdict"] != "error" for one in made["deploys"])
    recall = [one["all"][1]["after"] for one in made["deploys"]]
    assert recall[-1] < recall[0]
    assert all(0 < one["moved"]["dense"] < 1 for one in made["deploys"])
    assert np.load(bench.embeddings / "slow_loss-2-previous-deploy-12.npy").shape[1] == 8


def test_alarms_learn_what_a_streams_ordinary_deploys_exchange(bench: Bench) -> None:
    learnt = alarms(bench).learnt
    assert {len(of) for of in learnt.values()} == {365}
    assert 0 < max(learnt["lexical"]) < 0.2


def test_a_history_is_judged_deploy_by_deploy(bench: Bench) -> None:
    made = history(bench, "previous-deploy")
    assert made is not None
    assert [(one["deploy"], one["harm"]) for one in made["deploys"]] == [
        ("ordinary-1", "none"),
        ("ordinary-2", "none"),
    ]
    assert all(one["verdict"] != "error" for one in made["deploys"])
    assert [one["reference"] for one in made["deploys"]] == ["reference.npy", "history-0.npy"]


def test_a_history_that_was_killed_goes_on_and_comes_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    bench = Bench(stream(deploys=5), tmp_path / "cache", said.append, for_peers=False)
    whole = judged(bench, "previous-deploy", tmp_path / "whole", part=5)

    class Killed(BaseException):
        pass

    run_once, runs = Product.run, iter([False, True])

    def killed_after_reading(product: Product) -> float:
        made = run_once(product)
        if next(runs):
            raise Killed
        return made

    with monkeypatch.context() as patched:
        patched.setattr(Product, "run", killed_after_reading)
        with pytest.raises(Killed):
            judged(bench, "previous-deploy", tmp_path / "parts", part=2)
    said.clear()
    parts = judged(bench, "previous-deploy", tmp_path / "parts", part=2)
    assert [line.split(" deploys")[0] for line in said] == ["previous-deploy: 4 of 5", "previous-deploy: 5 of 5"]
    assert parts.told == whole.told
    assert [one["baseline"] for one in parts.told] == ["initial", *(f"ordinary-{at}" for at in range(1, 5))]
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["5"]
    states = bench.folder / "histories" / f"{bench.key}-previous-deploy-{run.version('benchmarks.lab.history')}"
    assert so_far(bench, "previous-deploy") is None
    states.mkdir(parents=True)
    (tmp_path / "parts" / "5").rename(states / "3")
    keep(states / "3" / RECORD, {"seconds": 1.0, "told": list(parts.told[:3])})
    until = so_far(bench, "previous-deploy")
    assert until is not None
    assert [(one["deploy"], one["verdict"]) for one in until["deploys"]] == [
        (f"ordinary-{at}", told["verdict"]) for at, told in enumerate(parts.told[:3], 1)
    ]


def test_where_the_baseline_moves_a_deploy_that_fails_is_accepted(tmp_path: Path) -> None:
    """The second of three deploys loses a source; it stayed, so the third is held against it, and loses nothing."""
    made = stream(deploys=3)
    lost = tuple(Remove(one.chunk_id) for one in made.initial if one.attribute("source") == "s1")
    (first, edits), (second, _), (third, more) = made.deploys
    made = replace(made, deploys=((first, edits), (second, lost), (third, more)))
    bench = Bench(made, tmp_path / "cache", lambda _: None, for_peers=False)
    found = judged(bench, "previous-deploy", tmp_path / "moving", part=3).told
    told = [(one["verdict"], one["baseline"]) for one in found]
    assert told == [("pass", "initial"), ("fail", first), ("pass", second)]
    pinned = judged(bench, "pinned", tmp_path / "pinned", part=3).told
    assert [(one["verdict"], one["baseline"]) for one in pinned] == [
        ("pass", "initial"), ("fail", "initial"), ("pass", second),
    ]  # fmt: skip
    document = history(bench, "previous-deploy")
    assert document is not None
    assert [(one["harm"], one["against"]) for one in document["deploys"]] == [("none", 0), ("severe", 1), ("none", 2)]
    assert [(one["erosion"], one["accepted"]) for one in document["deploys"]] == [
        ("none", 0), ("severe", 0), ("none", 2),
    ]  # fmt: skip


def test_cases_in_short_are_the_harsher_ones_and_need_their_encoder() -> None:
    names = [case.name for case in lab.cases("lost_source,same_again", short=True, encodes=True)]
    assert names == ["lost_source-2-pinned", "lost_source-3-pinned", "same_again-2-pinned"]
    assert len(list(lab.cases("lost_source", short=False, encodes=True))) == 3
    assert not any(case.kind.encodes for case in lab.cases("", short=True, encodes=False))
    slow = [case.mode for case in lab.cases("slow_truncation", short=True, encodes=True)]
    assert slow == ["previous-deploy", "pinned"]


def test_processes_share_the_work_and_no_case_is_left() -> None:
    every = [case.name for case in lab.cases("lost_", short=True, encodes=True)]
    parts = [list(lab.own_part(every, f"{at}/3")) for at in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(every)
    assert {len(part) - len(every) // 3 for part in parts} <= {0, 1}


def test_processes_measure_parts_and_write_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[str]] = []

    class Part:
        def __init__(self, command: list[str], **_: object) -> None:
            begun.append(command[3:])

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Part)
    lab._share(["--short", "--jobs", "2", "--output", "x", "--cache", "y"], "git", 2)
    common = ["--short", "--cache", "y", "--stream", "git", "--part"]
    assert begun == [[*common, "1/2"], [*common, "2/2"]]


def test_a_command_is_shown_as_others_can_repeat_it() -> None:
    given = ["--short", "--part", "1/2", "--cached", "--cache", "/x/y", "--note", "A half.", "--output", "docs/lab/a"]
    assert lab._public(given) == ["--short", "--part", "1/2", "--cache", "PATH", "--output", "docs/lab/a"]


def test_a_kind_needs_what_it_goes_by() -> None:
    made = chunks()
    german = [replace(one, segment=(("language", "de"),)) for one in made]
    assert KINDS["lost_kind"].fits(made)
    assert not KINDS["lost_kind"].fits(german), "a corpus without types of documents"
    assert not KINDS["labels_wrong"].fits(german), "there is one language only"
    assert KINDS["lost_documents"].fits(german)
    assert not KINDS["scaled_vectors"].fits(german), "with cosine nobody looks at lengths"
    assert KINDS["scaled_vectors"].fits(german, "dot")
    pages = with_pages(stream(), 36)
    assert not KINDS["template_deleted"].fits(made), "there are no pages"
    assert KINDS["template_deleted"].fits(pages.initial)
    assert not KINDS["lost_documents"].fits(pages.initial), "what is not about pages is planted without them"
    named = {name for name, kind in KINDS.items() if kind.dimension == "source"}
    assert named == {name for name in KINDS if name.startswith("segment_")} | {"lost_source"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nonsense"], "no kind has that in its name"),
        (["--stream", "kafka"], "expected some of generated, fastapi, git"),
    ],
)
def test_wrong_usage_says_what_is_expected(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        lab.main(arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_the_list_of_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(KINDS)


def test_an_event_history_is_cut_to_its_window(tmp_path: Path) -> None:
    texts = ["# One\n\nfirst", "# Two\n\nsecond", "# Two\n\nchanged"]
    names = sorted((hashlib.blake2b(one.encode(), digest_size=8).hexdigest(), at) for at, one in enumerate(texts))
    (tmp_path / "hashes.txt").write_text("\n".join(name for name, _ in names), encoding="utf-8")
    np.save(tmp_path / "vectors.npy", np.eye(3, dtype=np.float16)[[at for _, at in names]])
    np.save(tmp_path / "anchor_vectors.npy", np.eye(3, dtype=np.float16)[:2])
    upsert = {"op": "upsert", "doc_id": "d", "segment": {"language": "en"}}
    events = [
        {**upsert, "chunk_id": "a", "position": 0, "text": texts[0]},
        {"op": "deploy", "deploy_id": "initial"},
        {**upsert, "chunk_id": "b", "position": 1, "text": texts[1]},
        {"op": "deploy", "deploy_id": "1"},
        {**upsert, "chunk_id": "b", "position": 1, "text": texts[2]},
        {"op": "delete", "chunk_id": "a"},
        {"op": "deploy", "deploy_id": "2"},
        {"op": "deploy", "deploy_id": "3"},
    ]
    with gzip.open(tmp_path / "events.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in events)
    anchors = [{"id": f"q{name}", "text": "t", "segment": {}, "relevant": {name: 1}} for name in ("b", "gone")]
    (tmp_path / "anchors.jsonl").write_text("".join(json.dumps(one) + "\n" for one in anchors), encoding="utf-8")
    made = fastapi(tmp_path, first=1, deploys=1)
    assert [one.text for one in made.initial] == texts[:2]
    assert made.initial[1].vector.tolist() == [0, 1, 0]
    assert [(one.anchor_id, one.known) for one in made.anchors] == [("qb", "b")]
    assert [(name, len(changes)) for name, changes in made.deploys] == [("2", 2)]


def test_a_repository_becomes_weeks_of_changed_chunks(tmp_path: Path) -> None:
    def commit(day: int) -> None:
        stamp = f"{1_700_000_000 + day * 86_400} +0000"
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        environment = {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp, "PATH": "/usr/bin:/bin:/usr/local/bin"}
        subprocess.run(["git", "-C", str(tmp_path), "add", "-A"], check=True, env=environment)
        subprocess.run(["git", "-C", str(tmp_path), *identity, "commit", "-qm", "x"], check=True, env=environment)

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "docs" / "de").mkdir(parents=True)
    page = "# How to read a file\n\nOpen it first, then read it.\n\n## How to write one back\n\nFlush at the end.\n"
    (tmp_path / "docs" / "page.md").write_text(page, encoding="utf-8")
    (tmp_path / "docs" / "de" / "seite.md").write_text(
        "# Wie man liest\n\nErst oeffnen, dann lesen.\n", encoding="utf-8"
    )
    (tmp_path / "code.py").write_text("# no page at all\n", encoding="utf-8")
    commit(0)
    (tmp_path / "docs" / "page.md").write_text(page.replace("Flush", "Close"), encoding="utf-8")
    commit(10)
    (tmp_path / "docs" / "de" / "seite.md").unlink()
    commit(20)
    made = git(tmp_path, glob="*.md", deploys=5, vectors=None)
    assert [one.chunk_id for one in made.initial] == [
        "docs/de/seite.md#wie-man-liest",
        "docs/page.md#how-to-read-a-file",
        "docs/page.md#how-to-write-one-back",
    ]
    assert [one.attribute("language") for one in made.initial] == ["de", "en", "en"]
    assert [one.attribute("source") for one in made.initial] == ["de", "page.md", "page.md"]
    # the fitted encoder knows no word that is said once in so small a corpus: such a query has no vector
    assert {one.text for one in made.anchors} >= {"How to read a file", "How to write one back"}
    (_, first), (_, second) = made.deploys
    assert [type(one).__name__ for one in (*first, *second)] == ["Write", "Remove"]


def test_slow_vectors_are_kept_for_the_next_run(tmp_path: Path) -> None:
    asked: list[str] = []

    def slow(texts: Sequence[str]) -> Vector:
        asked.extend(texts)
        return np.array([[len(text), 1] for text in texts], np.float32)

    path = tmp_path / "cache" / "vectors.npy"
    first = Encoder("v1", slow, slow, path)
    assert first(["one", "three", "one"]).tolist() == [[3, 1], [5, 1], [3, 1]]
    again = Encoder("v1", slow, slow, path)
    assert again(["three", "twelve"]).tolist() == [[5, 1], [6, 1]]
    assert asked == ["one", "three", "twelve"]
    path.with_suffix(".json").write_text(json.dumps(["one", "three", "twelve", "lost"]), encoding="utf-8")
    assert list(Encoder("v1", slow, slow, path).kept) == ["one", "three", "twelve"]


def test_a_query_and_a_passage_that_say_the_same_have_their_own_vectors(tmp_path: Path) -> None:
    def constant(value: float) -> Encode:
        return lambda texts: np.full((len(texts), 2), value, np.float32)

    path = tmp_path / "vectors.npy"
    made = Encoder("v1", constant(1.0), constant(2.0), path)
    assert (made(["same"]).tolist(), made.queries(["same"]).tolist()) == ([[1, 1]], [[2, 2]])
    again = Encoder("v1", constant(8.0), constant(9.0), path)
    assert (again(["same"]).tolist(), again.queries(["same"]).tolist()) == ([[1, 1]], [[2, 2]])


def test_what_a_killed_run_encoded_is_kept(tmp_path: Path) -> None:
    def breaks(texts: Sequence[str]) -> Vector:
        if "last" in texts:
            raise KeyboardInterrupt
        return np.ones((len(texts), 2), np.float32)

    texts = [f"text {at}" for at in range(BLOCK)]
    with pytest.raises(KeyboardInterrupt):
        Encoder("v1", breaks, breaks, tmp_path / "vectors.npy")([*texts, "last"])
    assert list(Encoder("v1", breaks, breaks, tmp_path / "vectors.npy").kept) == texts
