"""Columns of whatever types a pipeline writes, as the events that they mean."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.corpus_files.columns import FileColumns
from monitor.adapters.corpus_files.parquet import ParquetFiles
from monitor.adapters.corpus_files.plan import FilePlan
from monitor.adapters.corpus_files.reader import FileRows, ReadAs
from monitor.app.embedding import Embedder
from monitor.core.model.events import Chunk, Delete, Upsert
from monitor.core.model.scoring import Distance
from monitor.core.records.filled import ReadRows
from monitor.ports import ConfigurationError

TIME = datetime(2026, 8, 19, 10, 12, tzinfo=UTC)
MICROSECONDS = int(TIME.timestamp() * 1_000_000)
LIMITS = EventLimits(dimension=2)


def read(
    folder: Path,
    columns: dict[str, Any],
    paths: FieldPaths | None = None,
    *,
    stated: tuple[str, ...] = (),
    dimension: int = 2,
    now: int | None = None,
) -> ReadRows:
    """Two rows with ids, texts and times, and these columns."""
    base = {"chunk_id": ["a#1", "b"], "text": ["one", "two"], "event_time": [MICROSECONDS // 1_000] * 2}
    parquet.write_table(pa.table({**base, **columns}), folder / "rows.parquet")
    files = ParquetFiles(str(folder))
    plan = FilePlan(files.planned(), ())
    (file,) = plan.files
    found = FileColumns.of(paths or FieldPaths(), stated, file.schema, dimension, file.name)
    as_said = ReadAs("enc", EventLimits(dimension=dimension), False, now, "events", 4, "murmur2")
    rows = FileRows(files, {file.name: found}, as_said, Embedder(dimension, Distance.DOT))
    return ReadRows.joined(map(rows.read, plan.pieces()))


def chunks(made: ReadRows) -> list[Chunk]:
    assert made.aside == []
    return [located.event.chunk for located in made.events if isinstance(located.event, Upsert)]


NUMBERS = [[0.5, -1.0], [3.0, 4.0]]
VECTORS = {
    "list of double": pa.array(NUMBERS, pa.list_(pa.float64())),
    "large list of float": pa.array(NUMBERS, pa.large_list(pa.float32())),
    "fixed list": pa.array(NUMBERS, pa.list_(pa.float32(), 2)),
    "half floats": pa.array([np.array(of, np.float16) for of in NUMBERS], pa.list_(pa.float16())),
    "bytes": pa.array([np.array(of, "<f4").tobytes() for of in NUMBERS], pa.binary()),
    "text": pa.array(["[0.5,-1.0]", "{3,4}"]),
}


@pytest.mark.parametrize("form", VECTORS)
def test_vectors_in_whatever_form(tmp_path: Path, form: str) -> None:
    found = chunks(read(tmp_path, {"vector": VECTORS[form]}))
    assert [of.vector.tolist() for of in found if of.vector is not None] == NUMBERS


def test_vectors_within_a_struct_and_beside_nulls(tmp_path: Path) -> None:
    nested = pa.array(
        [{"v": NUMBERS[0], "n": 1}, {"v": None, "n": 2}], pa.struct([("v", pa.list_(pa.float64())), ("n", pa.int8())])
    )
    made = read(tmp_path, {"made": nested}, FieldPaths(vector="made.v", position="made.n"))
    (located,) = made.events
    assert isinstance(located.event, Upsert)
    assert located.event.chunk.vector is not None
    assert (located.event.chunk.vector.tolist(), located.event.chunk.ordinal) == (NUMBERS[0], 1)
    assert [(of.position.offset, of.reason) for of in made.aside] == [(1, "no_vector")]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ([1.0], "wrong_dimension"),
        ([1.0, float("nan")], "not_finite"),
        ([1.0, 1e39], "not_finite"),
        ([1.0, None], "not_finite"),
        ([], "wrong_dimension"),
    ],
)
def test_vectors_that_cannot_be_believed(tmp_path: Path, wrong: list[Any], reason: str) -> None:
    made = read(tmp_path, {"vector": pa.array([NUMBERS[0], wrong], pa.list_(pa.float64()))})
    assert len(made.events) == 1
    (item,) = made.aside
    assert (item.position.topic, item.position.offset, item.reason) == ("__bootstrap__/rows.parquet", 1, reason)
    assert json.loads(item.value or b"")["chunk_id"] == "b"


TIMES = {
    "zone": pa.array([TIME, TIME], pa.timestamp("us", tz="Europe/Berlin")),
    "no zone": pa.array([TIME.replace(tzinfo=None)] * 2, pa.timestamp("ns")),
    "seconds": pa.array([TIME.replace(tzinfo=None)] * 2, pa.timestamp("s")),
    "text": pa.array(["2026-08-19T10:12:00Z", "2026-08-19T12:12:00+02:00"]),
    "milliseconds": pa.array([MICROSECONDS // 1_000] * 2),
}


@pytest.mark.parametrize("form", TIMES)
def test_times_in_whatever_form(tmp_path: Path, form: str) -> None:
    found = chunks(read(tmp_path, {"event_time": TIMES[form]}, dimension=0))
    assert [of.event_time for of in found] == [MICROSECONDS] * 2


def test_a_day_is_its_midnight_and_a_row_without_time_is_set_aside_or_dated(tmp_path: Path) -> None:
    days = {"event_time": pa.array([date(2026, 8, 19), None], pa.date32())}
    made = read(tmp_path, days, dimension=0)
    (item,) = made.aside
    assert item.reason == "missing_field"
    dated = chunks(read(tmp_path, days, dimension=0, now=7))
    assert [of.event_time for of in dated] == [int(datetime(2026, 8, 19, tzinfo=UTC).timestamp()) * 1_000_000, 7]
    assert read(tmp_path, days, dimension=0, now=7).doubts == {"ingest_time": 1, "far_time": 2}


def test_attributes_in_structs_maps_and_json(tmp_path: Path) -> None:
    columns = {
        "meta": pa.array([{"lang": "en"}, None], pa.struct([("lang", pa.string())])),
        "tags": pa.array([[("team", "web")], [("team", "api")]], pa.map_(pa.string(), pa.string())),
        "node": pa.array([json.dumps({"page": 3, "pdf": True}), "{}"]),
        "kind": pa.array(["guide", "api"]).dictionary_encode(),
        "a.b": pa.array(["x", "y"]),
    }
    segments = {
        "lang": "meta.lang",
        "team": "tags.team",
        "page": "node.page",
        "pdf": "node.pdf",
        "kind": "kind",
        "ab": r"a\.b",
    }
    first, second = chunks(read(tmp_path, columns, FieldPaths(segments=segments), dimension=0))
    assert dict(first.segment) == {
        "lang": "en",
        "team": "web",
        "page": "3",
        "pdf": "true",
        "kind": "guide",
        "ab": "x",
    }
    assert dict(second.segment) == {"team": "api", "kind": "api", "ab": "y"}
    assert (first.doc_id, second.doc_id) == ("a", "b")


def test_ids_may_be_numbers_and_rows_may_be_deletes(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        {"chunk_id": pa.array([7, 8]), "gone": pa.array([False, True]), "version": pa.array([1, 2])},
        FieldPaths(deleted="gone", version="version"),
        dimension=0,
    )
    first, second = (located.event for located in made.events)
    assert isinstance(first, Upsert)
    assert isinstance(second, Delete)
    assert (first.chunk.chunk_id, second.chunk_id, second.version) == ("7", "8", 2)


def test_text_that_is_none_spoils_its_own_row_alone(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"one", b"\xff\xfe"], pa.binary()).buffers())
    made = read(tmp_path, {"text": broken}, dimension=0)
    assert len(made.events) == 1
    assert [(of.reason, of.position.offset) for of in made.aside] == [("not_utf8", 1)]


def test_columns_of_another_kind_are_set_aside_row_by_row(tmp_path: Path) -> None:
    made = read(tmp_path, {"text": pa.array([1.5, 2.5])}, dimension=0)
    assert [of.reason for of in made.aside] == ["wrong_type"] * 2
    made = read(tmp_path, {"chunk_id": pa.array([[1], [2]])}, dimension=0)
    assert [of.reason for of in made.aside] == ["wrong_type"] * 2


@pytest.mark.parametrize(
    ("paths", "stated", "dimension", "said"),
    [
        (
            FieldPaths(chunk_id="id"),
            (),
            0,
            "no column 'id' for chunk_id; expected one of chunk_id, text, event",
        ),
        (FieldPaths(text="body"), (), 0, "no column 'body' for text; expected one of chunk_id, text"),
        (FieldPaths(content_hash="hash"), ("content_hash",), 0, "no column 'hash' for content_hash"),
        (FieldPaths(version=("a", "b")), ("version",), 0, "no column 'a' for version.0"),
        (FieldPaths(segments={"x": "y.z"}), ("segments",), 0, "no column 'y' for segment.x"),
        (
            FieldPaths(),
            (),
            2,
            "no column 'vector' with vectors; expected bootstrap.fields.vector to name one of",
        ),
        (
            FieldPaths(vector="v"),
            ("vector",),
            3,
            "column 'v' has vectors of 2 numbers; expected corpus.dimension",
        ),
    ],
)
def test_what_a_file_does_not_have_is_said_before_anything_is_read(
    tmp_path: Path, paths: FieldPaths, stated: tuple[str, ...], dimension: int, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^bootstrap: rows.parquet: {said}"):
        read(tmp_path, {"v": VECTORS["fixed list"]}, paths, stated=stated, dimension=dimension)
