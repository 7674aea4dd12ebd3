"""The query log: three forms, every line accounted for."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters import query_log
from monitor.adapters.query_log import Form, read_query_log
from monitor.core.selection import merge_spellings
from monitor.ports import ConfigurationError


def write(path: Path, *rows: bytes | dict[str, object]) -> Path:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


def test_text_lines_are_counted(tmp_path: Path) -> None:
    log = read_query_log(
        write(tmp_path / "log.txt", b"deploy", b"", b" deploy \r", "naïve".encode(), b"\xff", b"a\t3")
    )
    assert [(query.text, query.count) for query in log.queries] == [("deploy", 2), ("naïve", 1), ("a\t3", 1)]
    assert log.outcomes == {"read": 4, "blank": 1, "not_utf8": 1}
    assert "log.txt:5: not_utf8: " in log.examples[0]


def test_tab_separated_counts(tmp_path: Path) -> None:
    rows = (b"query\tcount", b"deploy\t3", b"tab\tinside\t2", b"deploy\t 4", b"no tab", b"zero\t0", b"\t5", b"x\t-1")
    log = read_query_log(write(tmp_path / "log.tsv", *rows))
    assert [(query.text, query.count) for query in log.queries] == [("deploy", 7), ("tab\tinside", 2)]
    assert log.outcomes == {"read": 3, "bad_count": 3, "no_tab": 2}
    assert "log.tsv:1: bad_count: count 'count', expected 1 to 9007199254740992" in log.examples[0]


def test_json_lines_carry_segments_and_vectors(tmp_path: Path) -> None:
    rows: tuple[bytes | dict[str, object], ...] = (
        {"text": "deploy", "count": 3, "segment": {"language": "en"}, "vector": [1, 2]},
        {"text": "deploy", "segment": {"language": "de"}},
        {"text": "deploy", "segment": {"language": "en"}, "vector_b64": "AAAAAAAAAAA="},
        {"text": "x", "vector": [1]},
        {"text": "x", "vector": [1, 1e39]},
        {"text": "x", "vector_b64": "?"},
        {"text": "x", "count": 0},
        {"text": "x", "count": 1.5},
        {"text": "x", "typo": 1},
        {"text": "  "},
        b'{"text": "\\ud800"}',
        b'{"text": "\xff"}',
        b"nonsense",
    )
    log = read_query_log(write(tmp_path / "log.jsonl", *rows), dimension=2)
    en, de = log.queries
    assert (en.text, en.count, en.segment) == ("deploy", 4, (("language", "en"),))
    assert en.vector is not None
    np.testing.assert_array_equal(en.vector, [1, 2])
    assert (de.count, de.vector) == (1, None)
    assert log.outcomes == {"read": 3, "bad_vector": 3, "bad_count": 1, "bad_json": 4, "no_text": 1, "not_utf8": 1}
    assert any("lone surrogate" in example for example in log.examples)
    assert read_query_log(tmp_path / "log.jsonl").outcomes["read"] == 6, "without a dimension vectors are ignored"


def test_the_form_can_be_said_against_the_suffix(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", b"deploy\t3")
    assert read_query_log(path, form="tsv").queries[0].count == 3
    assert read_query_log(path).queries[0].text == "deploy\t3"


def test_a_log_cannot_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_log, "MOST_LINE_BYTES", 20)
    monkeypatch.setattr(query_log, "MOST_EXAMPLES", 3)
    log = read_query_log(write(tmp_path / "log.txt", b"x" * 5_000, *[b"y" * 21] * 9, b"fine"))
    assert log.outcomes == {"too_long": 10, "read": 1}
    assert len(log.examples) == 3
    monkeypatch.setattr(query_log, "MOST_TEXT_BYTES", 3)
    assert read_query_log(write(tmp_path / "log.txt", b"fine", b"ok")).outcomes == {"too_long": 1, "read": 1}


@given(
    st.lists(st.binary(max_size=30).map(lambda row: row.replace(b"\n", b"")), max_size=20),
    st.sampled_from(["text", "jsonl", "tsv"]),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_line_has_an_outcome(tmp_path: Path, rows: list[bytes], form: Form) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    log = read_query_log(path, form=form, dimension=2)
    assert sum(log.outcomes.values()) == len(rows)
    assert sum(query.count for query in log.queries) >= log.outcomes.get("read", 0)
    merge_spellings(log.queries)


def test_a_missing_log_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the query log .*nowhere: No such file"):
        read_query_log(tmp_path / "nowhere")
