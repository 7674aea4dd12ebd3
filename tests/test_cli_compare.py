"""`corpus-drift compare`: two result files in, a verdict, its figures and the gate's exit codes out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import monitor
from monitor.core.records.documents import gate_schema
from tests.commands import Commands, refused


def run_file(path: Path, lists: Mapping[str, Sequence[str]]) -> Path:
    rows = ((query, one, rank) for query, of in lists.items() for rank, one in enumerate(of, 1))
    path.write_text("".join(f"{query} Q0 {one} {rank} {100 - rank} test\n" for query, one, rank in rows))
    return path


def lists(*, lost: int = 0, of: int = 60) -> dict[str, list[str]]:
    """Sixty lists of ten; the last results of some are others."""
    made = {f"q{at}": [f"{at}.{rank}" for rank in range(10)] for at in range(60)}
    for query in list(made)[: of if lost else 0]:
        made[query][-lost:] = [f"new-{query}.{at}" for at in range(lost)]
    return made


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return run_file(tmp_path / "before.run", lists())


@pytest.mark.parametrize(
    ("lost", "of", "verdict", "code"), [(0, 60, "pass", 0), (6, 60, "fail", 1), (5, 10, "inconclusive", 3)]
)
def test_exit_codes_are_the_gates(
    command: Commands, before: Path, tmp_path: Path, lost: int, of: int, verdict: str, code: int
) -> None:
    after = run_file(tmp_path / "after.run", lists(lost=lost, of=of))
    ended = command("compare", before, after, "--format", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["verdict"], document["state"]) == (code, verdict, "judged")
    jsonschema.validate(document, gate_schema())
    means = {row["metric"]: row["value"] for row in document["compared"]["measurements"] if row["stat"] == "mean"}
    drift = monitor.compare(before, after)
    assert means["swaps"] == pytest.approx(lost * of / 60)
    assert means["rbo_ratio"] == pytest.approx(float(drift.rbo.mean()))
    assert document["reasons"] == list(drift.judge().reasons)
    if code == 3:
        taken = command("compare", before, after, "--on-inconclusive", "pass")
        assert taken.code == 0
        assert "warning: verdict inconclusive taken as pass by --on-inconclusive" in taken.out
        assert command("compare", before, after, "--on-inconclusive", "fail").code == 1


def test_every_format_says_what_was_compared(command: Commands, before: Path, tmp_path: Path) -> None:
    after = run_file(tmp_path / "after.run", {**lists(lost=6), "q99": ["x"]})
    text = command("compare", before, after).out
    assert text.startswith(f"FAIL  {after} against {before}\nwarning: 1 queries are only in {after}: left out\n")
    assert "\nmeasure " in text
    assert "deploy" not in text
    suite = ET.fromstring(command("compare", before, after, "--format", "junit").out)  # noqa: S314 - our own
    assert suite.get("failures") == "2"
    markdown = command("compare", before, after, "--format", "markdown").out
    assert markdown.startswith(f"## Corpus drift gate: FAIL\n\n`{after} against {before}`\n")
    assert "```text\nmeasure" in markdown


def test_labels_segments_and_depths_are_measured(command: Commands, before: Path, tmp_path: Path) -> None:
    qrels, segments = tmp_path / "qrels", tmp_path / "anchors.jsonl"
    qrels.write_text("".join(f"q{at} 0 {at}.0 1\n" for at in range(40)))
    rows = [{"id": f"q{at}", "text": "how", "segment": {"language": ("de", "en")[at % 2]}} for at in range(60)]
    segments.write_text("\n".join(map(json.dumps, rows)))
    options = ("--qrels", qrels, "--segments", segments, "--k", "5", "--k", "10", "--format", "json")
    ended = command("compare", before, before, *options)
    measured = json.loads(ended.out)["compared"]["measurements"]
    found = {(row["metric"], row["k"], row["segment"]): row for row in measured if row["stat"] == "mean"}
    assert found["ndcg_ratio", 5, "all"]["value"] == 1.0
    assert (found["ndcg_ratio", 5, "all"]["n"], found["swaps", 10, "de"]["n"]) == (40, 30)
    assert ended.code == 0


def test_the_answer_is_in_the_file_at_every_exit_code(command: Commands, before: Path, tmp_path: Path) -> None:
    output = tmp_path / "answer.json"
    arguments = ("--format", "json", "--output", output)
    assert command("compare", before, before, *arguments).code == 0
    assert json.loads(output.read_text())["verdict"] == "pass"
    broken = tmp_path / "broken.run"
    broken.write_text("q1 Q0 a\n")
    ended = command("compare", before, broken, *arguments)
    document = json.loads(output.read_text())
    said = f"{broken}: line 1: 3 columns in 'q1 Q0 a'; expected six columns \"query Q0 id rank score tag\""
    assert (ended.code, document["verdict"], document["state"]) == (2, "unknown", "refused")
    assert document["reasons"][0].startswith(said)
    assert ended.err.startswith(f"corpus-drift: {said}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{before}", "{folder}/absent"), "absent: not there or not readable; expected a readable file"),
        (("{before}", "{folder}"), "a folder; expected a readable file"),
        (("{before}", "{empty}"), "empty: empty; expected six columns"),
        (("{before}", "{before}", "--k", "0"), "k = (0,): expected one or more distinct whole numbers"),
        (("{before}", "{before}", "--k", "5", "--k", "5"), "k = (5, 5): expected one or more distinct"),
        (("{before}", "{before}", "--output", "{before}"), "is one of the files to be read; expected another"),
        (("{before}", "{before}", "--qrels", "{before}"), "before.run: line 1: 6 columns in"),
        (("{before}", "{before}", "--segments", "{before}"), "expected JSON Lines"),
        (("{before}",), "Missing argument 'after'"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_2(
    command: Commands, before: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").touch()
    whole = before.read_bytes()
    filled = [of.format(before=before, folder=tmp_path, empty=tmp_path / "empty") for of in arguments]
    refused(command("compare", *filled), 2, said)
    assert before.read_bytes() == whole, "no input is written over"
