"""Files in a folder: in what order, in which pieces, and what is wrong with them."""

import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from monitor.adapters.corpus_files import library, plan
from monitor.adapters.corpus_files.lance import LanceFiles
from monitor.adapters.corpus_files.parquet import ParquetFiles
from monitor.adapters.corpus_files.plan import CorpusFiles, FilePlan
from monitor.ports import ConfigurationError, UnreachableError

ROWS = 50


def table(start: int = 0, rows: int = ROWS) -> pa.Table:
    return pa.table({"chunk_id": [f"c{at}" for at in range(start, start + rows)], "text": ["x"] * rows})


def written(folder: Path) -> Path:
    (folder / "b").mkdir(parents=True)
    parquet.write_table(table(0), folder / "a.parquet", row_group_size=23)
    parquet.write_table(table(ROWS, 1), folder / "b" / "one.pq")
    parquet.write_table(table(ROWS + 1), folder / "c.parquet")
    parquet.write_table(table(9), folder / ".hidden.parquet")
    (folder / "_SUCCESS").touch()
    return folder


def ids(files: CorpusFiles, made: FilePlan, rows: int = 0) -> list[str]:
    return [of for piece in made.pieces(rows) for of in files.rows(piece, ["chunk_id"])["chunk_id"].to_pylist()]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.adapters.corpus_files.plan.PIECE", 10)
    monkeypatch.setattr("monitor.adapters.corpus_files.parquet.PIECE", 10)


def test_rows_are_numbered_over_all_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = ParquetFiles(str(written(tmp_path / "rows")))
    made = FilePlan(files.planned(), ())
    assert [file.name for file in made.files] == ["a.parquet", "b/one.pq", "c.parquet"]
    assert made.total == 2 * ROWS + 1
    everything = [f"c{at}" for at in range(made.total)]
    assert ids(files, made) == everything
    for piece in made.pieces():  # a copy elsewhere reads any piece by itself, in whatever order
        away = pickle.loads(pickle.dumps(files))  # noqa: S301 - our own
        read = away.rows(piece, ["chunk_id"])["chunk_id"].to_pylist()
        assert read == everything[piece.offset : piece.offset + piece.rows]
        assert made.place(piece.offset) == (piece.file, piece.first)
    assert max(piece.rows for piece in made.pieces()) == 10
    begins = [piece.offset for piece in made.pieces()]
    assert [ids(files, made, at) for at in begins] == [everything[at:] for at in begins]


def test_one_file_is_read_by_itself(tmp_path: Path) -> None:
    files = ParquetFiles(str(written(tmp_path / "rows") / "c.parquet"))
    made = FilePlan(files.planned(), ())
    assert [file.name for file in made.files] == ["c.parquet"]
    assert ids(files, made)[0] == f"c{ROWS + 1}"


def test_a_plan_is_another_one_where_a_file_or_its_reading_is(tmp_path: Path) -> None:
    folder = written(tmp_path / "rows")
    before = FilePlan(ParquetFiles(str(folder)).planned(), ("murmur2",)).digest()
    assert FilePlan(ParquetFiles(str(folder)).planned(), ("murmur2",)).digest() == before
    assert FilePlan(ParquetFiles(str(folder)).planned(), ("crc32",)).digest() != before
    parquet.write_table(table(ROWS + 1), folder / "c.parquet", compression="none")
    assert FilePlan(ParquetFiles(str(folder)).planned(), ("murmur2",)).digest() != before


def test_what_cannot_be_planned_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.parquet").write_text("no columns here")
    (tmp_path / "rowless").mkdir()
    parquet.write_table(table(0, 0), tmp_path / "rowless" / "x.parquet")
    for place, said in (
        ("absent", "not there; expected a folder of Parquet files, or one"),
        ("empty", "no .parquet or .pq file in it; expected at least one"),
        ("rowless", "no rows in its files; expected at least one"),
        ("broken", "bootstrap: x.parquet: ArrowInvalid: .*; expected a Parquet file"),
    ):
        with pytest.raises(ConfigurationError, match=said) as raised:
            ParquetFiles(str(tmp_path / place)).planned()
        assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(ConfigurationError, match=r"'nowhere://x': .*; expected an address such as s3://bucket"):
        ParquetFiles("nowhere://x").planned()


def test_a_file_that_changed_since_is_not_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "rows")
    files = ParquetFiles(str(folder))
    pieces = [*FilePlan(files.planned(), ()).pieces()]
    parquet.write_table(table(0, 30), folder / "a.parquet")
    assert files.rows(pieces[0], ["chunk_id"]).num_rows == 10
    with pytest.raises(UnreachableError, match=r"a\.parquet: other rows than when the bootstrap began"):
        files.rows(pieces[4], ["chunk_id"])
    (folder / "c.parquet").unlink()
    with pytest.raises(UnreachableError, match=r"c\.parquet: FileNotFoundError: .*; expected it as it was when"):
        files.rows(pieces[-1], ["chunk_id"])


def test_a_lance_dataset_is_one_file_of_fragments_in_one_version(tmp_path: Path) -> None:
    import lance

    place = str(tmp_path / "rows.lance")
    lance.write_dataset(table(), place, max_rows_per_file=23)
    files = LanceFiles(place)
    made = FilePlan(files.planned(), ())
    assert [(file.name, file.groups) for file in made.files] == [("rows.lance", (23, 23, 4))]
    lance.write_dataset(table(100), place, mode="overwrite")  # what is read is the version that was planned
    for piece in made.pieces():
        away = pickle.loads(pickle.dumps(files))  # noqa: S301 - our own
        assert away.rows(piece, ["chunk_id"])["chunk_id"].to_pylist()[0] == f"c{piece.first}"
    assert FilePlan(LanceFiles(place).planned(), ()).digest() != made.digest()
    with pytest.raises(ConfigurationError, match="expected a Lance dataset"):
        LanceFiles(str(tmp_path / "absent.lance")).planned()


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda _: None)
    said = r"^bootstrap: needs the package pyarrow, expected: pip install 'corpus-drift\[parquet\]'$"
    with pytest.raises(ConfigurationError, match=said):
        ParquetFiles(str(tmp_path)).planned()
    assert plan.PIECE == 10
