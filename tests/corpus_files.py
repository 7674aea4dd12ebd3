"""Corpus events as rows of Parquet files or of a Lance dataset, as a pipeline of somebody's writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from monitor.core.model.events import CorpusEvent, Delete, Upsert

FIELDS = """[bootstrap.fields]
vector = "embedding"
version = "version"
content_hash = "hash"
deleted = "gone"
embedding_version = "encoder"
segments = { language = "attributes.language", source = "attributes.source" }
"""
"""Where the rows have what a chunk needs, where that is not the default."""
GROUP = 7
"""Rows of a row group: so many steps."""


def row(event: CorpusEvent) -> dict[str, Any]:
    """An upsert, or a delete, as a row."""
    if isinstance(event, Delete):
        return {"chunk_id": event.chunk_id, "version": event.version, "gone": True, "event_time": event.event_time}
    assert isinstance(event, Upsert)
    chunk = event.chunk
    return {
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "position": chunk.ordinal,
        "text": chunk.text,
        "embedding": None if chunk.vector is None else chunk.vector.tolist(),
        "version": event.version,
        "hash": chunk.content_hash,
        "encoder": chunk.embedding_version,
        "attributes": dict(chunk.segment),
        "event_time": chunk.event_time,
        "gone": False,
    }


def table(rows: Sequence[dict[str, Any]], *, dimension: int = 0) -> pa.Table:
    """Rows as a table; vectors of one length where a dimension is given, else lists."""
    vector = pa.list_(pa.float32(), dimension) if dimension else pa.list_(pa.float64())
    schema = pa.schema(
        [
            ("chunk_id", pa.string()),
            ("doc_id", pa.string()),
            ("position", pa.int32()),
            ("text", pa.large_string()),
            ("embedding", vector),
            ("version", pa.int64()),
            ("hash", pa.string()),
            ("encoder", pa.dictionary(pa.int32(), pa.string())),
            ("attributes", pa.struct([("language", pa.string()), ("source", pa.string())])),
            ("event_time", pa.timestamp("us", tz="UTC")),
            ("gone", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | of for of in rows], schema)


def write_parquet(folder: Path, rows: Sequence[dict[str, Any]], *, files: int = 3, dimension: int = 0) -> None:
    """Some files, one of them in a folder of its own, in the order of their names; and what is no data."""
    (folder / "more").mkdir(parents=True, exist_ok=True)
    size = -(-len(rows) // files)
    names = [f"part-{at}.parquet" for at in range(files - 1)] + ["more/part.parquet"]
    for at, name in enumerate(sorted(names)):
        made = table(rows[at * size : (at + 1) * size], dimension=dimension)
        parquet.write_table(made, folder / name, row_group_size=GROUP)
    (folder / "_SUCCESS").touch()
    parquet.write_table(table(rows[:1], dimension=dimension), folder / "_temporary.parquet")


def write_lance(folder: Path, rows: Sequence[dict[str, Any]], *, dimension: int) -> None:
    """A dataset of fragments of a few rows."""
    import lance

    lance.write_dataset(table(rows, dimension=dimension), str(folder), max_rows_per_file=GROUP)
