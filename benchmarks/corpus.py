"""A corpus as events: texts and vectors such as real ones have, in the native form, with anchors to watch.

Texts are cuts of the real texts (`lexical.Texts`), vectors mixtures of the real vectors (`dense.Source`),
so that a million chunks differ; without a folder both are generated (Zipfian words, clustered vectors).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense import Source as Vectors
from benchmarks.lexical import Texts
from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.native_form import native
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Deploy, Segment, Upsert, text_hash

DIMENSION = 384
VERSION = "mix:words:mean:l2:cosine"
START = 1_780_000_000_000_000
SECOND = 1_000_000
LANGUAGES = ("en", "de", "fr", "ja", "pt", "es", "zh", "ko")
SOURCES = ("guide", "api", "blog", "release-notes")
KeyValue = tuple[bytes, bytes]


@dataclass(frozen=True)
class Batch:
    """Chunks that changed: their numbers, texts and vectors, and the records that say so."""

    numbers: NDArray[np.int64]
    texts: Sequence[str]
    vectors: NDArray[np.float32]
    records: Sequence[KeyValue]


class Material:
    """Draws chunks and anchors; every chunk has a number, and an update is another draw under the same number.

    Args:
        folder: real texts and vectors, None for generated ones.
        family: `nl` for anchors with stop words, `kw` for those without.
        dimension: of the vectors, a multiple of 384.
    """

    def __init__(self, folder: Path | None, family: str = "nl", seed: int = 7, dimension: int = DIMENSION) -> None:
        self.dimension = dimension
        self.generator = np.random.default_rng(seed)
        self._texts = Texts(folder, self.generator)
        self._vectors = Vectors(folder, seed, dimension // DIMENSION)
        self._family = family
        self._version = 0

    def anchors(self, count: int) -> list[Anchor]:
        """Anchors over eight languages and four sources, drawn unevenly as real ones are."""
        texts = self._texts.anchors(count, stop_words=self._family == "nl")
        vectors = self._vectors.anchors(count).vectors
        return [
            Anchor(f"q{at:05}", " ".join(text), vector, self._segment(at), embedding_version=VERSION)
            for at, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]

    def batch(self, numbers: NDArray[np.int64]) -> Batch:
        """New content for these chunks."""
        events = self.upserts(numbers)
        texts = [event.chunk.text for event in events]
        vectors = np.stack([event.chunk.vector for event in events if event.chunk.vector is not None])
        return Batch(numbers, texts, vectors, [native(event) for event in events])

    def upserts(self, numbers: NDArray[np.int64]) -> list[Upsert]:
        """New content for these chunks, as events."""
        texts = [self._texts.chunk() for _ in numbers.tolist()]
        return [
            Upsert(self._chunk(number, text, vector), self._next())
            for number, text, vector in zip(numbers.tolist(), texts, self._vectors.draw(len(texts)), strict=True)
        ]

    def renamed(self, event: Upsert, number: int) -> Upsert:
        """The same content as that of another chunk, newer than all before."""
        chunk = event.chunk
        return Upsert(self._chunk(number, chunk.text, chunk.vector), self._next())

    def load(self, size: int, at_once: int = 10_000) -> Iterator[Batch]:
        """The first content of chunks 0 to `size` - 1."""
        for at in range(0, size, at_once):
            yield self.batch(np.arange(at, min(size, at + at_once)))

    def update(self, size: int, count: int) -> Batch:
        """`count` chunks of `size`, any of them, get new content."""
        return self.batch(np.sort(self.generator.choice(size, count, replace=False)))

    def marker(self, deploy_id: str) -> KeyValue:
        """A deploy marker."""
        return native(self._deploy(deploy_id))

    def _deploy(self, deploy_id: str) -> CorpusEvent:
        return Deploy(deploy_id, START + self._next() * SECOND, {})

    def _next(self) -> int:
        self._version += 1
        return self._version

    def _chunk(self, number: int, text: str, vector: NDArray[np.float32] | None) -> Chunk:
        name = f"docs/part{number // 8:06}.md#{number % 8}"
        time = START + (self._version + 1) * SECOND
        document = name.partition("#")[0]
        return Chunk(name, document, number % 8, text, vector, VERSION, self._segment(number), time, text_hash(text))

    @staticmethod
    def _segment(number: int) -> Segment:
        # a few large segments and a tail of small ones
        language = LANGUAGES[min(number * 2_654_435_761 % 2**32 // 2**28, 2 * len(LANGUAGES) - 2) // 2]
        source = SOURCES[(number * 40_503 % 65_536 // 4_096) % len(SOURCES)]
        return (("language", language), ("source", source))


def write_case(folder: Path, material: Material, anchors: int, *, source: str, engine: str = "embedded") -> Path:
    """Anchors and a configuration in `folder`; `source` is its source section. Returns the configuration's path."""
    write_anchors(folder / "anchors.jsonl", material.anchors(anchors))
    path = folder / "corpus-drift.toml"
    path.write_text(
        f"""[corpus]
name = "bench"
dimension = {material.dimension}
embedding_version = "{VERSION}"
[segments]
dimensions = ["language", "source"]
{source}
[dense]
engine = "{engine}"
[anchors]
path = "anchors.jsonl"
[baseline]
bootstrap = "first-deploy"
[http]
port = 0
[state]
path = "state.db"
""",
        encoding="utf-8",
    )
    return path
