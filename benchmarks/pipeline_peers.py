"""The same job from public parts: orjson, tantivy, faiss or Qdrant, and rensa, each on one thread."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashLSH

from benchmarks.corpus import Batch, KeyValue
from benchmarks.dense_peers import faiss_flat, qdrant_embedded
from monitor.core.model.anchors import Anchor
from monitor.core.text.tokens import tokenize

K = 10
BANDS, ROWS = 16, 4
Vectors = NDArray[np.float32]
Seconds = dict[str, float]


class Peers:
    """Holds the corpus in every engine and brings all anchors' results up to date after a batch.

    Writing changed vectors is given to faiss and Qdrant for free, and so are the reports: what is timed is decoding,
    tantivy's commit and search, the vector engines' search, rensa's signatures and index. Texts reach tantivy as our
    tokenizer cut them, and rensa our token hashes: both are timed without tokenising.

    Args:
        anchors: the anchors.
        names: `faiss`, `hnsw`.
    """

    def __init__(self, anchors: Sequence[Anchor], names: Sequence[str]) -> None:
        self._names = names
        self._queries = np.stack([anchor.vector for anchor in anchors if anchor.vector is not None])
        self._asked = [" ".join(tokenize(anchor.text)) for anchor in anchors]
        self._words: dict[str, int] = {}

    def load(self, batches: Sequence[Batch], folder: Path) -> None:
        """Index the first content of all chunks."""
        texts = [text for batch in batches for text in batch.texts]
        vectors = np.concatenate([batch.vectors for batch in batches])
        self._tantivy = tantivy(texts, self._asked)
        self._near = near_copies([self._hashes(text) for text in texts])
        self._dense: dict[str, Callable[[Vectors], object]] = {}
        if "faiss" in self._names:
            self._dense["faiss"] = faiss_flat(vectors, K)
        if "hnsw" in self._names:
            self._dense["hnsw"] = qdrant_embedded(folder / "hnsw", vectors, K, exact=False)

    def step(self, batch: Batch) -> Mapping[str, Seconds]:
        """Seconds by the clock and of computing, by part."""
        cut = [" ".join(tokenize(text)) for text in batch.texts]
        hashes = [self._hashes(text) for text in cut]
        slots = batch.numbers.tolist()
        return {
            "decode": measured(lambda: decode(batch.records)),
            "tantivy": measured(lambda: self._tantivy(slots, cut)),
            "rensa": measured(lambda: self._near(slots, hashes)),
            **{name: measured(lambda replay=replay: replay(self._queries)) for name, replay in self._dense.items()},  # type: ignore[misc]  # bound now
        }

    def _hashes(self, text: str) -> NDArray[np.uint64]:
        words = self._words
        for word in text.split():
            if word not in words:
                words[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        return np.array([words[word] for word in text.split()], np.uint64)


def measured(call: Callable[[], object]) -> Seconds:
    """Seconds by the clock, and of this process's computing."""
    begun, used = time.perf_counter(), time.process_time()
    call()
    return {"clock": time.perf_counter() - begun, "work": time.process_time() - used}


def decode(records: Sequence[KeyValue]) -> list[tuple[dict[str, object], Vectors]]:
    """orjson, base64, numpy."""
    made = []
    for _, value in records:
        event = orjson.loads(value)
        made.append((event, np.frombuffer(base64.b64decode(event["vector_b64"]), "<f4")))
    return made


def tantivy(texts: Sequence[str], queries: Sequence[str]) -> Callable[[Sequence[int], Sequence[str]], None]:
    """Delete and add, commit, reload, one search per anchor; one writer thread, in memory."""
    import tantivy as engine

    schema = engine.SchemaBuilder().add_text_field("id", tokenizer_name="raw").add_text_field("body").build()
    index = engine.Index(schema)
    writer = index.writer(512_000_000, 1)
    for at, text in enumerate(texts):
        writer.add_document(engine.Document(id=str(at), body=text))
    writer.commit()
    writer.wait_merging_threads()
    writer = index.writer(512_000_000, 1)
    parsed = [index.parse_query(query, ["body"]) for query in queries]

    def step(numbers: Sequence[int], changed: Sequence[str]) -> None:
        for number, text in zip(numbers, changed, strict=True):
            writer.delete_documents("id", str(number))
            writer.add_document(engine.Document(id=str(number), body=text))
        writer.commit()
        index.reload()
        searcher = index.searcher()
        for query in parsed:
            searcher.search(query, K)

    return step


def near_copies(
    tokens: Sequence[NDArray[np.uint64]],
) -> Callable[[Sequence[int], Sequence[NDArray[np.uint64]]], None]:
    """rensa: signatures of the token hashes, its own index with removal, candidates of each new chunk."""
    index = RMinHashLSH(0.8, BANDS * ROWS, BANDS)
    for at in range(0, len(tokens), 10_000):
        index.insert_matrix(_signatures(tokens[at : at + 10_000]), at)
    keys, following = list(range(len(tokens))), [len(tokens)]

    def step(numbers: Sequence[int], changed: Sequence[NDArray[np.uint64]]) -> None:
        for number in numbers:
            index.remove(keys[number])
        index.insert_matrix_and_query_duplicate_flags(_signatures(changed), following[0])
        for at, number in enumerate(numbers):
            keys[number] = following[0] + at
        following[0] += len(numbers)

    return step


def _signatures(tokens: Sequence[NDArray[np.uint64]]) -> object:
    offsets = np.concatenate((np.zeros(1, np.uint64), np.cumsum([len(of) for of in tokens]).astype(np.uint64)))
    return RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(tokens), offsets, BANDS * ROWS, 42)
