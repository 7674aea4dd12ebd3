"""Run files, judgements and segments: the forms that are taken, and one line for those that are not."""

import gzip
import json
import os
import threading
from pathlib import Path

import ir_measures
import pytest

from monitor.adapters.runs import read_qrels, read_run, read_segments
from monitor.errors import CorpusDriftError

TREC = "q1 Q0 a 1 2.5 bm25\nq2 Q0 a 1 0.5 bm25\n\nq1\tQ0\tb  2 2.5 bm25\r\nq1 Q0 c 3 7 bm25\n"
MANY = "".join(f"q{at} Q0 d{at % 97} 1 {at * 7 % 1013} t\n" for at in range(20_000)).encode()
FORMS = [
    '{"query": "q1", "results": [["a", 2.5], ["b", 1.0]]}\n{"query": "q2", "results": []}\n',
    '{"query_id": "q1", "results": [{"id": "a", "score": 2.5}, {"doc_id": "b", "score": 1}]}\n'
    '{"qid": "q2", "results": {}}',
    '\n\ufeff{"results": {"b": 1, "a": 2.5}, "query": "q1", "took_ms": 3}\n{"query": "q2", "results": []}'.lstrip(),
]


def written(folder: Path, text: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress])
def test_trec_is_ordered_by_score_then_by_falling_id(tmp_path: Path, pack: object) -> None:
    path = written(tmp_path, pack(TREC.encode()))  # type: ignore[operator]  # either of two functions
    run = read_run(path)
    assert run.results == {"q1": (("c", 7.0), ("b", 2.5), ("a", 2.5)), "q2": (("a", 0.5),)}
    assert (run.scored, run.name) == (True, str(path))


def test_the_order_is_that_of_the_tools_of_the_field(tmp_path: Path) -> None:
    """A tie decides this reciprocal rank: trec_eval, under ir_measures, puts the later id first."""
    path = written(tmp_path, TREC)
    flat = list(ir_measures.read_trec_run(str(path)))  # type: ignore[no-untyped-call]  # it has no types
    for wanted in "abc":
        qrels = [ir_measures.Qrel("q1", wanted, 1)]
        rank = [one for one, _ in read_run(path).results["q1"]].index(wanted) + 1
        assert ir_measures.calc_aggregate([ir_measures.RR], qrels, flat)[ir_measures.RR] == pytest.approx(1 / rank)


@pytest.mark.parametrize("text", FORMS)
def test_json_lines_of_any_form_are_the_same_run(tmp_path: Path, text: str) -> None:
    run = read_run(written(tmp_path, text))
    assert run.results == {"q1": (("a", 2.5), ("b", 1.0)), "q2": ()}
    assert run.scored


def test_ids_alone_have_no_scores(tmp_path: Path) -> None:
    run = read_run(written(tmp_path, '{"query": 1, "results": ["b", 7]}'), "mine")
    assert [one for one, _ in run.results["1"]] == ["b", "7"]
    assert (run.scored, run.name) == (False, "mine")


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(TREC.encode()),))
    writer.start()
    assert len(read_run(path).results) == 2
    writer.join(30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'file: empty; expected six columns "query Q0 id rank score tag" (TREC), or JSON Lines {"query"'),
        (" \n\n", "file: empty; expected six columns"),
        ("q1 0 a 1\n", "file: line 1: 4 columns in 'q1 0 a 1'; expected six columns"),
        (TREC + "q1 Q0 d 4 nan t\n", "file: line 6: score 'nan'; expected a finite number"),
        (TREC + "q1 Q0 d 4 high t\n", "file: line 6: score 'high'; expected a finite number"),
        (TREC + "q1 Q0 a 4 0.5 t\n", "file: line 6: 'a' twice for query 'q1'; expected each result once"),
        (TREC + '{"query": "q3", "results": []}\n', "file: line 6: 4 columns in '{\"query\""),
        (FORMS[0] + TREC, "file: line 3: no JSON (Expecting value): 'q1 Q0 a 1 2.5 bm25'; expected six"),
        ("q1 Q0 a 1 0.1 t\nq1 Q0 b 2 0.3 t\nq1 Q0 c 3 0.4 t\n", "file: line 1: the scores of query 'q1' rise from"),
        ("{]", "file: line 1: no JSON (Expecting property name"),
        ("[" * 5000, "file: line 1: 1 columns in '[[["),
        ('{"query": ' + "[" * 90_000, "file: line 1: no JSON ("),
        ('{"query": "q"}', "file: line 1: keys 'query'; expected six columns"),
        ('{"results": []}', "file: line 1: keys 'results'; expected six columns"),
        ('{"query": null, "results": []}', "file: line 1: query: id None; expected text that is not empty"),
        ('{"query": "q", "results": "a"}', "file: line 1: query 'q': 'a' is a str; expected [id, …]"),
        ('{"query": "q", "results": ["a", "a"]}', "file: line 1: query 'q': 'a' at ranks 1 and 2; expected each"),
        ('{"query": "q", "results": {"a": 1, "a": 2}}', "file: line 1: no JSON (key 'a' twice)"),
        ('{"query": "q", "results": {"a": NaN}}', "file: line 1: query 'q': score of 'a': nan; expected a finite"),
        ('{"query": "q", "results": [["a", 1], ["b", 2]]}', "file: line 1: query 'q': 'b' at rank 2 has score 2,"),
        (FORMS[0] + '{"query": "q1", "results": []}', "file: line 3: query 'q1' again, first at "),
        (FORMS[0] + '{"query": "q3", "results": ["a"]}', "file: line 3: ids without scores, "),
        (b"q1 Q0 \xff 1 2 t", "file: line 1: byte 0xff at 6; expected UTF-8"),
        (TREC.encode("utf-16"), "file: is UTF-16 by its byte-order mark, expected UTF-8; convert it: iconv"),
        (gzip.compress(MANY, mtime=0)[:-20], "file: cannot be read behind line 1"),
        (gzip.compress(TREC.encode(), mtime=0)[:30] + b"\0" * 30, "file: cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_run_is_said_in_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(CorpusDriftError) as caught:
        read_run(written(tmp_path, text))
    found = str(caught.value)
    assert found.removeprefix(f"{tmp_path}/").startswith(said)
    assert "\n" not in found
    assert len(found) < 400


def test_equal_or_wordy_ranks_say_nothing(tmp_path: Path) -> None:
    for rank in ("1", "first"):
        text = "".join(f"q Q0 d{at} {rank} {at} t\n" for at in range(3))
        assert [one for one, _ in read_run(written(tmp_path, text)).results["q"]] == ["d2", "d1", "d0"]


def test_a_file_that_is_not_there_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusDriftError, match="absent: cannot be read: No such file or directory; expected a"):
        read_run(tmp_path / "absent")
    with pytest.raises(CorpusDriftError, match="cannot be read: Is a directory"):
        read_run(tmp_path)


def test_judgements_are_read_from_trec_and_from_an_anchors_file(tmp_path: Path) -> None:
    expected = {"q1": {"a": 2.0, "b": 0.0}, "q2": {"a": -1.0}}
    assert read_qrels(written(tmp_path, "q1 0 a 2\nq1 0 b 0\nq2 0 a -1\n")) == expected
    lines = [
        {"id": "q1", "text": "how", "relevant": {"a": 2, "b": 0}},
        {"id": "q2", "relevant": {"a": -1}},
        {"id": "q3"},
    ]
    assert read_qrels(written(tmp_path, "\n".join(map(json.dumps, lines)))) == expected


def test_segments_are_read_from_an_anchors_file(tmp_path: Path) -> None:
    text = '{"id": "q1", "text": "how", "segment": {"language": "de"}}\n{"id": "q2"}\n'
    text += '{"query": "q3", "segment": {"b": "c"}}'
    assert read_segments(written(tmp_path, text)) == {"q1": {"language": "de"}, "q3": {"b": "c"}}


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_qrels, "q1 0 a\n", "file: line 1: 3 columns in 'q1 0 a'; expected four columns"),
        (read_qrels, "q1 0 a x\n", "file: line 1: grade 'x'; expected a finite number"),
        (read_qrels, "q1 0 a 1\nq1 0 a 2\n", "file: line 2: 'a' twice for query 'q1'; expected each judgement once"),
        (read_qrels, '{"query": "q", "relevant": ["a"]}', "file: line 1: query 'q': ['a'] is a list; expected {id:"),
        (read_segments, "q1 de\n", "file: line 1: 'q1 de'; expected JSON Lines"),
        (read_segments, '{"query": "q", "segment": {"a": 1}}', "file: line 1: query 'q': 'a' = 1; expected text for"),
        (
            read_segments,
            '{"query": "q", "segment": "de"}',
            "file: line 1: query 'q': segment 'de'; expected an object",
        ),
        (read_segments, "", "file: empty; expected JSON Lines"),
    ],
)
def test_what_is_no_judgement_or_segment_is_said(tmp_path: Path, read: object, text: str, said: str) -> None:
    with pytest.raises(CorpusDriftError) as caught:
        read(written(tmp_path, text))  # type: ignore[operator]  # either of two functions
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)
