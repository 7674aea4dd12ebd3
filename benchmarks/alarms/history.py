"""Real rounds: churn hour by hour of a real history of documents, measured as the product measures it.

Kept as a small table of the hours in which anything moved, so that tests and benchmarks need no data set:

    python -m benchmarks.alarms.history FOLDER

FOLDER holds `events.jsonl.gz`, `vectors.npy`, `hashes.txt`, `anchors.jsonl` and `anchor_vectors.npy`.
"""

import gzip
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.churn import CHURN_LEGS, ChurnStream, ContentLists, WatchedSegments, churn
from monitor.core.measures.comparison.content_hashes import ContentHashes
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert, text_hash
from monitor.core.session import Session

TABLE = Path(__file__).parent / "fastapi-docs.csv"
"""Hour (since the epoch), leg, dimension, segment, churn: hours in which something moved; the others are 0."""
DIMENSION, HOUR, MICRO = 384, 3_600, 1_000_000
VERSION = "all-minilm-l6-v2"
WATCHED = WatchedSegments(("language",), cap=50, min_anchors=20)


def recorded(table: Path = TABLE) -> Mapping[ChurnStream, NDArray[np.float64]]:
    """Churn by series, (T,) float64 each, one number an hour from the first hour to the last."""
    rows = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    hours = [int(row[0]) for row in rows]
    first, last = min(hours), max(hours)
    made: dict[ChurnStream, NDArray[np.float64]] = {}
    for hour, leg, dimension, segment, value in rows:
        stream = ChurnStream("dense" if leg == "dense" else "lexical", dimension, segment)
        made.setdefault(stream, np.zeros(last - first + 1))[int(hour) - first] = float(value)
    return made


def measured(folder: Path) -> Iterator[tuple[int, ChurnStream, float]]:
    """(hour, series, churn) of every hour in which anything arrived, after the first load."""
    vectors = np.load(folder / "vectors.npy")
    rows = {name: at for at, name in enumerate((folder / "hashes.txt").read_text(encoding="utf-8").split())}
    session = Session(_anchors(folder), dimension=DIMENSION, dimensions=("language",))
    before: ContentLists | None = None
    with gzip.open(folder / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        events = (event for event in map(json.loads, lines) if event["op"] != "deploy")
        for hour, group in groupby(events, key=lambda event: _seconds(event) // HOUR):
            session.apply([_event(event, vectors, rows) for event in group])
            anchors, lists = session.engine.anchors, session.lists()
            said = {leg: lists[leg] for leg in CHURN_LEGS if leg in lists}
            now = ContentLists.of(anchors, said, ContentHashes(session.corpus), 10)
            if before is not None:
                for stream, value in churn(before, now, anchors, WATCHED).items():
                    yield hour, stream, value
            before = now


def _anchors(folder: Path) -> list[Anchor]:
    vectors = np.load(folder / "anchor_vectors.npy").astype(np.float32)
    lines = (folder / "anchors.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Anchor.of(one["id"], one["text"], vector, segment=one["segment"], embedding_version=VERSION)
        for one, vector in zip(map(json.loads, lines), vectors, strict=True)
    ]


def _event(event: Mapping[str, Any], vectors: NDArray[Any], rows: Mapping[str, int]) -> CorpusEvent:
    time = _seconds(event) * MICRO
    if event["op"] == "delete":
        return Delete(event["chunk_id"], time)
    text = event["text"]
    vector = vectors[rows[hashlib.blake2b(text.encode(), digest_size=8).hexdigest()]].astype(np.float32)
    segment = tuple(sorted((event.get("segment") or {}).items()))
    place = (event["chunk_id"], event["doc_id"], event["position"])
    return Upsert(Chunk(*place, text, vector, VERSION, segment, time, text_hash(text)))


def _seconds(event: Mapping[str, Any]) -> int:
    return int(datetime.fromisoformat(event["event_time"]).timestamp())


def main(arguments: list[str]) -> int:
    """Measure a folder and write the table."""
    moved = [row for row in measured(Path(arguments[0])) if row[2] > 0.0]
    lines = [f"{hour},{','.join(stream)},{value:.6g}" for hour, stream, value in moved]
    TABLE.write_text("\n".join(["hour,leg,dimension,segment,churn", *lines]) + "\n", encoding="utf-8")
    for stream, hours in Counter(stream for _, stream, _ in moved).most_common():
        print(f"{hours:6} hours moved {'/'.join(stream)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
