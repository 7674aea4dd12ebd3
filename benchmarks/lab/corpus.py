"""What the lab speaks: chunks, changes and anchors, and their lines in the formats that the product documents.

Nothing here is the product's own type: the lab looks at the product from outside.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vector]
"""Texts to (n, d) float32."""
Distance = Literal["cosine", "dot"]
DAY, MILLISECOND = 86_400_000_000, 1_000
START = 1_767_225_600_000_000
"""Event time of the first event: 2026-01-01T00:00:00Z, in microseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document; `position` is its place in it, `segment` its attributes, sorted by name."""

    chunk_id: str
    doc_id: str
    position: int
    text: str
    vector: Vector = field(compare=False, repr=False)
    segment: tuple[tuple[str, str], ...]

    def attribute(self, name: str) -> str:
        """An attribute's value, "" where it has none."""
        return dict(self.segment).get(name, "")


Corpus = Mapping[str, Chunk]
"""The live chunks by id."""


@dataclass(frozen=True, slots=True)
class Write:
    """An upsert. `version` and `time` (microseconds) only where they are not the stream's own next ones.

    `embedding` is the embedding version where it is not the stream's; `raw` is the line itself, where it is wrong on
    purpose: a line that the product has to refuse.
    """

    chunk: Chunk
    version: int | None = None
    time: int | None = None
    embedding: str = ""
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Remove:
    """A delete."""

    chunk_id: str


Change = Write | Remove


@dataclass(frozen=True, slots=True)
class Anchor:
    """A query under watch, and the chunk it was made from: its known item.

    `own` is what of that chunk answers it, "" where that is all of it.
    """

    anchor_id: str
    text: str
    vector: Vector = field(compare=False, repr=False)
    segment: tuple[tuple[str, str], ...]
    known: str
    own: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """A corpus with a history.

    Args:
        name: "generated", "fastapi" or "git"; with "-dot" behind it where vectors are compared by dot products, with
            "-template" where pages of templates were put among the chunks.
        dimensions: the segment attributes under watch.
        embedding_version: what the vectors' encoder calls itself.
        initial: the chunks of the first deploy.
        anchors: the queries.
        deploys: the ordinary deploys after it, each a name and its changes.
        encode: makes vectors of new texts; None where no encoder is at hand.
        distance: how vectors are compared.
    """

    name: str
    dimensions: tuple[str, ...]
    embedding_version: str
    initial: tuple[Chunk, ...]
    anchors: tuple[Anchor, ...]
    deploys: tuple[tuple[str, tuple[Change, ...]], ...]
    encode: Encode | None = None
    distance: Distance = "cosine"

    @property
    def corpus(self) -> dict[str, Chunk]:
        """The initial chunks by id."""
        return {chunk.chunk_id: chunk for chunk in self.initial}

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self.initial[0].vector.shape[0])

    @property
    def key(self) -> str:
        """The name and a short hash of what is in it: another window, repository or encoder has another one."""
        about = self.embedding_version if self.distance == "cosine" else f"{self.embedding_version} {self.distance}"
        made = hashlib.blake2b(about.encode(), digest_size=4)
        for chunk in self.initial:
            made.update(f"{chunk.chunk_id}\0{chunk.text}\0".encode())
        for one in (*(anchor.text for anchor in self.anchors), *(name for name, _ in self.deploys)):
            made.update(f"{one}\0".encode())
        return f"{self.name}-{made.hexdigest()}"


def applied(corpus: Corpus, changes: Iterable[Change]) -> dict[str, Chunk]:
    """The corpus after the changes, as a reader of the stream has to understand them.

    A line that is wrong on purpose changes nothing, and neither does a version older than the stream's.
    """
    made = dict(corpus)
    for change in changes:
        if isinstance(change, Remove):
            made.pop(change.chunk_id, None)
        elif not change.raw and change.version is None:
            made[change.chunk.chunk_id] = change.chunk
    return made


def lines(stream: Stream, deploy: str, changes: Iterable[Change], *, number: int, after: int) -> Iterator[bytes]:
    """One deploy as lines of an events file.

    Args:
        stream: names the encoder.
        deploy: the marker's id.
        changes: what it writes and removes, in order.
        number: how many deploys came before it; a day each.
        after: the last version that was used.
    """
    time = START + number * DAY
    for at, change in enumerate(changes, 1):
        yield _line(stream, change, after + at, time + at * MILLISECOND)
    yield _json({"op": "deploy", "deploy_id": deploy, "event_time": stamp(time + DAY // 2)})


def _line(stream: Stream, change: Change, version: int, time: int) -> bytes:
    if isinstance(change, Remove):
        return _json({"op": "delete", "chunk_id": change.chunk_id, "version": version, "event_time": stamp(time)})
    if change.raw:
        return change.raw + b"\n"
    return _json(
        {
            **_upsert(change.chunk),
            "version": version if change.version is None else change.version,
            "embedding_version": change.embedding or stream.embedding_version,
            "event_time": stamp(time if change.time is None else change.time),
        }
    )


def _upsert(chunk: Chunk) -> dict[str, object]:
    return {
        "op": "upsert",
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "position": chunk.position,
        "text": chunk.text,
        "vector_b64": encoded(chunk.vector),
        "segment": {name: value for name, value in chunk.segment if value},
    }


def anchor_line(stream: Stream, anchor: Anchor) -> bytes:
    """One line of an anchors file. Known items stay with the lab: detectors do not see them."""
    return _json(
        {
            "id": anchor.anchor_id,
            "text": anchor.text,
            "vector_b64": encoded(anchor.vector),
            "segment": {name: value for name, value in anchor.segment if value},
            "embedding_version": stream.embedding_version,
        }
    )


def encoded(vector: Vector) -> str:
    """Base64 of little-endian float32."""
    return b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()


def stamp(microseconds: int) -> str:
    """RFC 3339 of microseconds since the Unix epoch."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


def unit(vectors: Vector) -> Vector:
    """Rows scaled to length one; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def rewritten(chunk: Chunk, text: str, encode: Encode | None) -> Chunk:
    """The chunk with another text, and its vector where an encoder is at hand, else the old one."""
    return replace(chunk, text=text, vector=chunk.vector if encode is None else encode([text])[0])


def with_texts(chunks: Sequence[Chunk], texts: Sequence[str], encode: Encode | None) -> list[Chunk]:
    """Chunks with other texts and the vectors of those; encoded together. Without an encoder the vectors stay."""
    if not chunks:
        return []
    vectors = [chunk.vector for chunk in chunks] if encode is None else list(encode(texts))
    return [replace(one, text=said, vector=at) for one, said, at in zip(chunks, texts, vectors, strict=True)]


def _json(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
