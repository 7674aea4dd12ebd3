"""The query log: three forms, every line accounted for."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.adapters.query_log import fields, reading
from monitor.adapters.query_log.fields import FORMS, Fields, Form
from monitor.adapters.query_log.reading import read_query_log
from monitor.core.selection.selection import merge_spellings
from monitor.ports import ConfigurationError

WHITE = str.maketrans("", "", "\t\n")


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
    rows = (b"deploy\t3", b"tab\tinside\t2", b"deploy\t 4", b"no tab", b"zero\t0", b"\t5", b"x\t-1")
    log = read_query_log(write(tmp_path / "log.tsv", *rows))
    assert [(query.text, query.count) for query in log.queries] == [("deploy", 7)]
    assert log.outcomes == {"read": 2, "bad_count": 2, "columns": 2, "no_text": 1}
    assert "log.tsv:2: columns: 3 cells, expected 2" in log.examples[0]
    assert "log.tsv:5: bad_count: count '0', expected 1 to 9007199254740992" in log.examples[2]


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
    assert read_query_log(path, form="text").queries[0].text == "deploy\t3"


def test_a_log_cannot_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MOST_LINE_BYTES", 20)
    monkeypatch.setattr(reading, "MOST_EXAMPLES", 3)
    log = read_query_log(write(tmp_path / "log.txt", b"x" * 5_000, *[b"y" * 21] * 9, b"fine"))
    assert log.outcomes == {"too_long": 10, "read": 1}
    assert len(log.examples) == 3
    monkeypatch.setattr(fields, "MOST_TEXT_BYTES", 3)
    assert read_query_log(write(tmp_path / "log.txt", b"fine", b"ok")).outcomes == {"too_long": 1, "read": 1}


@given(
    st.lists(st.binary(max_size=30).map(lambda row: row.translate(None, b"\r\n")), max_size=20),
    st.sampled_from(["text", "jsonl", "tsv", "ubi", "beir", "msmarco"]),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_every_line_has_an_outcome(tmp_path: Path, rows: list[bytes], form: Form, end: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(row + end for row in [b"plain\t1", *rows]))  # so that no row begins with a mark
    log = read_query_log(path, form=form, dimension=2, fields=Fields("1", "") if form == "tsv" else None)
    assert sum(log.outcomes.values()) == len(rows) + 1
    assert sum(query.count for query in log.queries) >= log.outcomes.get("read", 0)
    merge_spellings(log.queries)


@given(st.binary(max_size=300), st.sampled_from([*FORMS, None]), st.sampled_from(["", "utf-16-le", "shift_jis"]))
@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_no_bytes_make_a_query_of_control_characters(
    tmp_path: Path, content: bytes, form: Form | None, encoding: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    try:
        log = read_query_log(path, form=form, encoding=encoding)
    except ConfigurationError:  # no column is named as the query
        return
    assert not any(
        unicodedata.category(sign) == "Cc" for query in log.queries for sign in query.text.translate(WHITE)
    )
    assert not any("\ufffd" in query.text for query in log.queries if encoding)


# ---------------------------------------------------------------- tables


def read(log: reading.QueryLog) -> list[tuple[str, int]]:
    return [(query.text, query.count) for query in log.queries]


@pytest.mark.parametrize(
    ("name", "content", "expected", "columns"),
    [
        ("a.csv", "Top queries,Clicks,Impressions,CTR\na b,1,20,5%\n\"x, y\",2,\"1,234\",1%\n", "a b=20 x, y=1234",
         "query = Top queries, count = Impressions"),
        ("a.csv", "Suchbegriff;Aufrufe\na;3\nb;4\n", "a=1 b=1", "query = Suchbegriff, count = (each row is one)"),
        ("a.csv", 'query\n"how to ""pin"" it"\n"two\nlines"\n', 'how to "pin" it=1 two\nlines=1',
         "query = query, count = (each row is one)"),
        ("a.csv", 'query\n6" pipe\nb\n', "b=1", "query = query, count = (each row is one)"),  # a stray quote: one row
        ("a.tsv", 'query\tn\n"a ""b"""\t2\n"open\t3\n"a" and "b"\t4\n', 'a "b"=2 "open=3 "a" and "b"=4',
         "query = query, count = n"),
        ("a.tsv", "a\t3\n443\t2.0\n", "a=3 443=2", "query = column 1, count = column 2"),
        ("a.tsv", "17\twhat is a pin\n18\twhy\n", "what is a pin=1 why=1",
         "query = column 2, count = (each row is one)"),
        ("a.tsv", "id\tq\thits\n1\ta\t3\n\n2\tb\t4\n", "a=3 b=4", "query = q, count = hits"),
        ("a.csv", "query,clicks\n", "", "query = query, count = clicks"),
        ("a.csv", "", "", ""),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, name: str, content: str, expected: str, columns: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    log = read_query_log(tmp_path / name)
    assert " ".join(f"{text}={count}" for text, count in read(log)) == expected
    assert log.columns == columns


def test_columns_by_name_or_number_and_what_is_said_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,what,often\nann,reset it,3\nbob,pin it,4\n", encoding="utf-8")
    for where in (Fields("what", "often"), Fields("2", "3"), Fields("WHAT", "3")):
        assert read(read_query_log(tmp_path / "a.csv", fields=where)) == [("reset it", 3), ("pin it", 4)]
    with pytest.raises(ConfigurationError, match=r"columns 'who', 'what', 'often': which is the query\? .*--query-f"):
        read_query_log(tmp_path / "a.csv")
    with pytest.raises(ConfigurationError, match=r"no column 'clicks', expected one of 'who', 'what', 'often'"):
        read_query_log(tmp_path / "a.csv", fields=Fields("what", "clicks"))
    (tmp_path / "b.csv").write_text("ann,reset it,now\nbob,pin it,now\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="3 columns, no header: which is the query"):
        read_query_log(tmp_path / "b.csv")
    assert read(read_query_log(tmp_path / "b.csv", fields=Fields("2"))) == [("reset it", 1), ("pin it", 1)]
    with pytest.raises(ConfigurationError, match="read as text, which has no fields"):
        read_query_log(tmp_path / "b.csv", form="text", fields=Fields("2"))


def test_an_open_quote_costs_one_row_and_not_the_file(tmp_path: Path) -> None:
    rows = ['"never closed', *(f"query {n}" for n in range(80))]
    (tmp_path / "a.csv").write_text("query\n" + "\n".join(rows) + "\n", encoding="utf-8")
    log = read_query_log(tmp_path / "a.csv")
    assert log.outcomes == {"header": 1, "bad_row": 1, "read": 80}
    assert [query.text for query in log.queries] == rows[1:]


# ---------------------------------------------------------------- objects and topics


@pytest.mark.parametrize(
    ("form", "where", "rows", "expected"),
    [
        (None, Fields(), [{"_id": "1", "text": "a", "metadata": {}}, {"_id": "2", "text": "b"}], ["a", "b"]),
        (None, Fields(), [{"user_query": "pin", "query_id": "1", "client_id": "x"}] * 2, ["pin", "pin"]),
        ("ubi", Fields(), [{"_index": "ubi_queries", "_source": {"user_query": "pin"}}], ["pin"]),
        ("jsonl", Fields("r.q", "n"), [{"r": {"q": "a"}, "n": 2}, {"r.q": "b", "n": "1"}], ["aa", "b"]),
    ],
)  # fmt: skip
def test_objects(
    tmp_path: Path, form: Form | None, where: Fields, rows: list[dict[str, object]], expected: list[str]
) -> None:
    log = read_query_log(write(tmp_path / "queries.jsonl", *rows), form=form, fields=where)
    assert [query.text * query.count for query in log.queries] == (
        expected if len(set(expected)) == len(expected) else [expected[0] * 2]
    )


def test_objects_that_hold_no_query_say_what_they_hold(tmp_path: Path) -> None:
    rows = ({"action_name": "click", "query_id": "1"}, {"user_query": None}, {"user_query": "\x1b[2J"}, "\ud800", 3)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"user_query": "\ud800"}]), encoding="utf-8")
    log = read_query_log(path, form="ubi")
    assert log.outcomes == {"bad_json": 4, "no_text": 1, "control_character": 1}
    assert "no text in the field 'user_query'; its fields are action_name, query_id" in log.examples[0]


def test_trec_topics_old_and_new(tmp_path: Path) -> None:
    old = "<top>\n<num> Number: 401\n<title> foreign minorities,\nGermany\n\n<desc> Description:\nWhat?\n</top>\n"
    old += "<top>\n<num> 51\n<title> Topic: Airbus &amp; subsidies\n<desc>x\n<top><num>52<title></top>\n"
    new = '<topics>\n<topic number="1" type="faceted">\n <query>obama family tree</query>\n</topic>\n</topics>\n'
    path = tmp_path / "topics.txt"
    path.write_text(old + new, encoding="utf-8")
    log = read_query_log(path)
    assert [query.text for query in log.queries] == [
        "foreign minorities, Germany",
        "Airbus & subsidies",
        "obama family tree",
    ]
    assert (log.form, log.outcomes) == ("trec", {"read": 3, "no_text": 1})


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_decides(tmp_path: Path, encoding: str, end: str) -> None:
    lines = [
        "clé de signature",
        "ctrl \u0a0a\u0d0d",
        "鍵 を \U0001f511" * 4_000,
    ]  # halves of units look like line ends
    (tmp_path / "a.txt").write_bytes(("\ufeff" + end.join([*lines, ""])).encode(encoding))
    log = read_query_log(tmp_path / "a.txt", encoding="latin-1")
    assert [query.text for query in log.queries] == lines
    assert log.outcomes == {"read": 3}


def test_a_named_encoding_and_what_it_cannot_decode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("clé\nplain\n".encode("latin-1"))
    assert read(read_query_log(path, encoding="Latin-1")) == [("clé", 1), ("plain", 1)]
    assert read_query_log(path).outcomes == {"not_utf8": 1, "read": 1}
    assert read_query_log(path, encoding="ascii").outcomes == {"undecodable": 1, "read": 1}
    path.write_bytes("rotate\nkey\n".encode("utf-16-le"))
    assert read(read_query_log(path, encoding="utf-16-le")) == [("rotate", 1), ("key", 1)]
    unmarked = read_query_log(path)
    assert (unmarked.queries, unmarked.outcomes) == ((), {"control_character": 3})
    assert "U+0000 at character 2, expected text; UTF-16 without its mark?" in unmarked.examples[0]
    for wrong in ("klingon", "base64", "idna"):
        with pytest.raises(ConfigurationError, match=f"encoding '{wrong}': not known"):
            read_query_log(path, encoding=wrong)


def test_half_of_the_records_refused_is_an_error(tmp_path: Path) -> None:
    good = write(tmp_path / "good.txt", b"one", b"two", b"\xff", b"")
    read_query_log(good).require_mostly_read(good)
    bad = write(tmp_path / "bad.txt", b"one", b"\xff", b"\xfe\x01", b"a\x07b")
    with pytest.raises(ConfigurationError) as caught:
        read_query_log(bad).require_mostly_read(bad)
    said = str(caught.value)
    assert "read as text: 3 of 4 records are refused, expected fewer than half: 1 x read, 2 x not_utf8" in said
    assert "bad.txt:2: not_utf8" in said
    assert "\n" not in said
    empty = write(tmp_path / "empty.txt")
    with pytest.raises(ConfigurationError, match="no query in it: none at all"):
        read_query_log(empty).require_mostly_read(empty)


def test_a_missing_log_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the query log .*nowhere: No such file"):
        read_query_log(tmp_path / "nowhere")
