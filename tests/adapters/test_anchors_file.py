"""The anchors file: round trip, every kind of wrong line named with its number, and the schema beside the reader."""

import json
import math
from base64 import b64encode
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters import anchors_file
from monitor.adapters.anchors_file import anchor_schema, load, write
from monitor.core.model.anchors import Anchor, SparseVector, query_vector_bytes
from monitor.ports import ConfigurationError

VECTOR = b64encode(np.array([1.0, -2.0], "<f4").tobytes()).decode()
WRONG: list[tuple[Any, str]] = [
    ({"text": "t"}, "Object missing required field `id`"),
    ({"id": "a"}, "Object missing required field `text`"),
    ({"id": 1, "text": "t"}, "Expected `str`, got `int` - at `$.id`"),
    ({"id": "", "text": "t"}, "id '', expected 1 to 1024 bytes of printable characters"),
    ({"id": "a\nb", "text": "t"}, "id 'a\\nb', expected"),
    ({"id": "é" * 600, "text": "t"}, "expected 1 to 1024 bytes"),
    ({"id": "a", "text": " \n"}, "text of 2 characters, expected 1 to 65536 bytes, not only blanks"),
    ({"id": "a", "text": "é" * 33_000}, "text of 33000 characters"),
    ({"id": "a", "text": "t", "vector": [1.0]}, "vector has 1 numbers, expected 2"),
    ({"id": "a", "text": "t", "vector": []}, "vector has 0 numbers, expected 2"),
    ({"id": "a", "text": "t", "vector": [1, 1e39]}, "vector is not finite at 1"),
    ({"id": "a", "text": "t", "vector": [1, None]}, "Expected `float`, got `null`"),
    ({"id": "a", "text": "t", "vector": [1, "2"]}, "Expected `float`, got `str`"),
    ({"id": "a", "text": "t", "vector_b64": VECTOR[:-4]}, "not base64 of little-endian float32"),
    ({"id": "a", "text": "t", "vector_b64": "!" + VECTOR[1:]}, "not base64 of little-endian float32"),
    ({"id": "a", "text": "t", "vector_b64": "AAAA"}, "not base64 of little-endian float32"),
    ({"id": "a", "text": "t", "vector_b64": "AACAfwAAgH8="}, "vector is not finite at 0"),
    ({"id": "a", "text": "t", "vector": [1, 2], "vector_b64": VECTOR}, "both there, expected one of them"),
    ({"id": "a", "text": "t", "weight": 0}, "weight 0.0, expected a number above 0"),
    ({"id": "a", "text": "t", "weight": -1}, "weight -1.0, expected"),
    ({"id": "a", "text": "t", "weight": "1"}, "Expected `float`, got `str` - at `$.weight`"),
    (
        {"id": "a", "text": "t", "wieght": 1},
        "unknown field `wieght`, expected only id, text, vector, vector_b64, segment",
    ),
    ({"id": "a", "text": "t", "segment": {"language": ""}}, "segment 'language': '', expected printable"),
    ({"id": "a", "text": "t", "segment": {"language": "d\x00"}}, "segment 'language': 'd\\x00'"),
    ({"id": "a", "text": "t", "segment": ["de"]}, "Expected `object`, got `array`"),
    ({"id": "a", "text": "t", "rewrites": [""]}, "rewrites holds an empty string"),
    ({"id": "a", "text": "t", "expected_sources": [" "]}, "expected_sources holds an empty string"),
    ({"id": "a", "text": "t", "relevant": {"c": "high"}}, "Expected `float`, got `str`"),
    *(
        ({"id": "a", "text": "t", "query_vectors": given}, said)
        for given, said in [
            ({"": [1.0]}, "query_vectors '': no name"),
            ({"m": []}, "query_vectors 'm': expected numbers, or rows of one length, or indices and values"),
            ({"m": [[1.0], [1.0, 2.0]]}, "query_vectors 'm': expected numbers, or rows of one length"),
            ({"m": [1.0, [2.0]]}, "query_vectors 'm': expected numbers, or rows of one length"),
            ({"m": [[]]}, "query_vectors 'm': expected numbers, or rows of one length"),
            ({"m": [1e39]}, "query_vectors 'm': expected finite float32 values"),
            ({"m": {"indices": [], "values": []}}, "0 indices and 0 values, expected one value an index"),
            ({"m": {"indices": [1], "values": [1, 2]}}, "1 indices and 2 values, expected one value an index"),
            ({"m": {"indices": [1, 1], "values": [1, 2]}}, "an index stands there twice, expected distinct ones"),
            ({"m": {"indices": [-1], "values": [1]}}, "Expected `int` >= 0"),
            ({"m": {"indices": [1]}}, "missing required field `values`"),
        ]
    ),
    (b'{"id": "a", "text": "t", "weight": NaN}', "JSON is malformed: invalid character"),
    (b'{"id": "a", "text": "t", "weight": 1e999}', "Number out of range"),
    (b'{"id": "a", "text": "x \\ud800 y"}', "a lone surrogate"),
    (b'{"id": "a", "text": "t", "relevant": {"\\udc00": 1}}', "a lone surrogate"),
    (b'{"id": "a", "text": "\xff"}', "can't decode byte 0xff"),
    (b'{"id": "a", "text": "t"', "Input data was truncated"),
    (b'{"id": "a", "text": "t"} {}', "trailing characters"),
    (b"[" * 100_000, "Expected `object`, got `array`"),
    (b"id,text", "JSON is malformed"),
]


def lines(path: Path, *rows: object) -> Path:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


def read(path: Path) -> tuple[list[Anchor], list[str]]:
    return load(path, dimension=2, default_embedding_version="v:2")


def same(one: Anchor, other: Anchor) -> bool:
    left, right = (
        (a.id, a.text, a.segment, a.weight, a.rewrites, a.expected_sources, dict(a.relevant), a.embedding_version)
        for a in (one, other)
    )
    assert query_vector_bytes(one) == query_vector_bytes(other)
    if one.vector is None or other.vector is None:
        return left == right and one.vector is other.vector
    return left == right and np.array_equal(one.vector, other.vector)


def test_a_full_line_is_read_as_it_says(tmp_path: Path) -> None:
    row = {
        "id": "q1",
        "text": "How do I deploy?",
        "vector": [1, 2.5],
        "segment": {"language": "en", "domain": "ops"},
        "weight": 2,
        "rewrites": ["deploying"],
        "expected_sources": ["docs"],
        "relevant": {"guide#1": 3, "spam#1": -1},
        "embedding_version": "other:2",
    }
    anchors, problems = read(lines(tmp_path / "a.jsonl", row, {"id": "q2", "text": "rollback", "vector": None}))
    assert problems == []
    first, second = anchors
    expected = Anchor(
        "q1",
        "How do I deploy?",
        np.array([1, 2.5], np.float32),
        (("domain", "ops"), ("language", "en")),
        2.0,
        ("deploying",),
        ("docs",),
        {"guide#1": 3.0, "spam#1": -1.0},
        "other:2",
    )
    assert same(first, expected)
    assert first.vector is not None
    assert first.vector.dtype == np.float32
    assert second.vector is None, "an encoder's work"
    assert second.embedding_version == "v:2"
    assert second.weight == 1.0


TEXT = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=12).filter(
    str.strip
)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
QUERY_VECTORS = (
    st.lists(FLOATS, min_size=1, max_size=3).map(lambda row: np.array(row, np.float32))
    | st.lists(st.lists(FLOATS, min_size=2, max_size=2), min_size=1, max_size=3).map(
        lambda rows: np.array(rows, np.float32)
    )
    | st.dictionaries(st.integers(0, 2**32 - 1), FLOATS, min_size=1, max_size=3).map(
        lambda given: SparseVector(np.array([*given], np.int64), np.array([*given.values()], np.float32))
    )
)
ANCHORS = st.lists(
    st.builds(
        Anchor,
        id=TEXT,
        text=TEXT,
        vector=st.none()
        | st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2).map(
            lambda row: np.array(row, np.float32)
        ),
        segment=st.dictionaries(TEXT, TEXT, max_size=3).map(lambda row: tuple(sorted(row.items()))),
        weight=st.floats(1e-6, 1e6),
        rewrites=st.lists(TEXT, max_size=2).map(tuple),
        expected_sources=st.lists(TEXT, max_size=2).map(tuple),
        relevant=st.dictionaries(TEXT, st.floats(-3, 3), max_size=2),
        embedding_version=TEXT,
        query_vectors=st.none() | st.dictionaries(TEXT, QUERY_VECTORS, min_size=1, max_size=2),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda anchor: anchor.id,
)


@given(ANCHORS)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_what_is_written_is_read_back_and_fits_the_schema(tmp_path: Path, anchors: list[Anchor]) -> None:
    path = tmp_path / "anchors.jsonl"
    write(path, anchors)
    again, problems = read(path)
    assert problems == []
    assert len(again) == len(anchors)
    assert all(same(one, other) for one, other in zip(anchors, again, strict=True))
    for row in path.read_text(encoding="utf-8").split("\n")[:-1]:
        jsonschema.validate(json.loads(row), anchor_schema(), jsonschema.Draft202012Validator)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("row", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_wrong_line_is_named_and_its_neighbours_are_read(tmp_path: Path, row: object, said: str) -> None:
    path = lines(tmp_path / "a.jsonl", {"id": "good 1", "text": "t"}, row, b"", {"id": "good 2", "text": "t"})
    anchors, problems = read(path)
    assert [anchor.id for anchor in anchors] == ["good 1", "good 2"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}:2: ")
    assert said in problems[0]
    assert "\n" not in problems[0]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "t"},
        {"id": "a", "text": "", "weight": -1},
        {"id": "b", "text": "t", "vector": [1]},
        b"nonsense",
    ]
    _, problems = read(lines(tmp_path / "a.jsonl", *rows))
    assert [problem.split(":")[1] for problem in problems] == ["2", "2", "2", "3", "4"]
    assert any("id 'a' is that of line 1 too, expected distinct ids" in problem for problem in problems)


def test_very_many_problems_are_counted(tmp_path: Path) -> None:
    _, problems = read(lines(tmp_path / "a.jsonl", *[b"x"] * (anchors_file.MOST_PROBLEMS + 7)))
    assert len(problems) == anchors_file.MOST_PROBLEMS + 1
    assert problems[-1].endswith("7 more problems")


def test_without_a_dense_leg_vectors_are_not_looked_at(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"id": "a", "text": "t", "vector": [1, 2, 3]})
    anchors, problems = load(path, dimension=0, default_embedding_version="")
    assert problems == []
    assert anchors[0].vector is None


def test_marks_line_ends_and_blanks_of_other_systems(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl", b'\xef\xbb\xbf{"id": "a", "text": "t"}\r', b"  \r", b'{"id": "b", "text": "t"}\r\n'
    )
    anchors, problems = read(path)
    assert problems == []
    assert [anchor.id for anchor in anchors] == ["a", "b"]


def test_an_endless_line_is_refused_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors_file, "MOST_LINE_BYTES", 50)
    path = lines(tmp_path / "a.jsonl", b"x" * 51, b"y" * 1_000, {"id": "a", "text": "t"})
    anchors, problems = read(path)
    assert [anchor.id for anchor in anchors] == ["a"]
    assert [problem.split(": ", 1)[1] for problem in problems] == ["more than 50 bytes in one line"] * 2
    assert [len(line) for _, line in anchors_file.numbered_lines(path, 50, "file")] == [51, 51, 24]


def test_an_empty_file_and_a_missing_one(tmp_path: Path) -> None:
    assert read(lines(tmp_path / "a.jsonl", b"", b" "))[1] == [
        f"{tmp_path / 'a.jsonl'}: no anchors, expected one JSON object per line"
    ]
    with pytest.raises(ConfigurationError, match=r"cannot read the anchors file .*nowhere: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"cannot read the anchors file .*: Is a directory"):
        read(tmp_path)
    with pytest.raises(ConfigurationError, match=r"cannot write the anchors file .*No such file"):
        write(tmp_path / "no" / "a.jsonl", [])


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(anchor_schema())
    validator = jsonschema.Draft202012Validator(anchor_schema())
    assert validator.is_valid({"id": "a", "text": "t", "vector": [1, 2], "vector_b64": None})
    # lengths in bytes and against each other, float32 range, base64 and the corpus's dimension are beyond a schema
    beyond = (
        "bytes", "id 'a\\n", "not finite", "not base64", "numbers, expected 2", "segment",
        "rows of one length", "finite float32", "one value an index",
    )  # fmt: skip
    checked = 0
    for row, said in WRONG:
        if isinstance(row, dict) and not any(word in said for word in beyond) and "text of 33000" not in said:
            assert not validator.is_valid(row), said
            checked += 1
    assert checked > 12
    assert math.isclose(anchor_schema()["properties"]["weight"]["exclusiveMinimum"], 0)
