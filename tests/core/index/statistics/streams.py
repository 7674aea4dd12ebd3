"""A corpus under a stream of drawn events, with its statistics kept, and rebuilt from what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.adapters.stores.sqlite.image_file import read_image, write_image
from monitor.core.arrays.image import Image
from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.index.statistics.corpus_statistics import CorpusStatistics
from monitor.core.index.statistics.kept import StatisticsAccumulator
from monitor.core.index.statistics.measured import Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Heartbeat, Located, Position, Segment, Upsert
from monitor.core.model.report import Measurement

D = 5
DIMENSIONS = ("language", "language+source")
SEGMENTS: list[Segment] = [
    (),
    (("language", "de"),),
    (("language", "en"), ("source", "wiki")),
    (("language", "en"), ("source", "docs")),
]
Found = Mapping[tuple[str, str, str, str], Measurement]
START = 1_790_000_000_000_000
SECOND = 1_000_000


class Stream:
    """A corpus, its texts, and its statistics."""

    def __init__(self, dimension: int = D) -> None:
        self.corpus = Corpus(dimension)
        self.vocabulary, self.duplicates = Vocabulary(), Duplicates(MinHashBands())
        self.kept = StatisticsAccumulator(self.corpus, self.duplicates, DIMENSIONS)
        self.chunks: dict[str, Chunk] = {}
        self._offset = 0

    def feed(self, events: Sequence[CorpusEvent]) -> None:
        """One batch."""
        batch = [Located(Position("t", 0, self._offset + at), event) for at, event in enumerate(events)]
        self._offset += len(events)
        self._take(self.corpus.delta(self.corpus.apply(batch).changes))
        for event in events:
            if isinstance(event, Upsert):
                self.chunks[event.chunk.chunk_id] = event.chunk
            elif isinstance(event, Delete):
                self.chunks.pop(event.chunk_id, None)

    def restarted(self, population: Population | None) -> "Stream":
        """The same corpus from its rows, in key order, in parts of 7, and then its baseline."""
        made = Stream(self.corpus.dimension)
        made.chunks, made._offset = dict(self.chunks), self._offset
        rows = sorted(self.corpus.rows(), key=lambda row: row.key)
        none = np.zeros(0, np.int64)
        for at in range(0, len(rows), 7):
            some = rows[at : at + 7]
            vectors = [self.corpus.vectors[row.slot] if row.live else None for row in some]
            part = made.corpus.restore(some, vectors)
            live = [row for row in part if row.live]
            slots = np.array([row.slot for row in live], np.int64)
            texts = [self.chunks[row.chunk_id].text for row in live]
            made._take(Delta(none, slots, live, texts, made.corpus.vectors[slots], none))
        made.corpus.newest_event_time = self.corpus.newest_event_time
        made.kept.rebase(population)
        return made

    def from_image(self, population: Population | None) -> "Stream":
        """The same corpus from an image, through a file, and then its baseline; this one forgets its own."""
        made = Stream(self.corpus.dimension)
        made.chunks, made._offset = dict(self.chunks), self._offset
        image: Image = {
            "corpus": self.corpus.image(),
            "vocabulary": self.vocabulary.image(),
            "duplicates": self.duplicates.image(),
            "kept": self.kept.image(),
        }
        with TemporaryDirectory() as folder:
            name = write_image(Path(folder) / "image", image, written_by="1", setup="")
            read = read_image(Path(folder) / "image", name, written_by="1", setup="")
        made.corpus.resume(read["corpus"])
        made.vocabulary.resume(read["vocabulary"])
        made.duplicates.resume(read["duplicates"])
        made.kept.resume(read["kept"])
        made.kept.rebase(population)
        return made

    def rows(self) -> list[ChunkRow]:
        """Live rows."""
        return [row for row in self.corpus.rows() if row.live]

    def _take(self, delta: Delta) -> None:
        tokens = self.vocabulary.encode(delta.texts)
        self.duplicates.apply(delta, tokens, self.vocabulary.hashes)
        self.kept.apply(delta, tokens, self.vocabulary.hashes)


class Watched:
    """A stream behind the interface that the engine uses."""

    def __init__(self, cap: int = 50) -> None:
        self.stream, self.cap = Stream(), cap
        self.statistics = CorpusStatistics(self.stream.corpus, self.stream.duplicates, DIMENSIONS)
        self.statistics.kept = self.stream.kept

    def at(self) -> Measurable:
        """Now."""
        return self.statistics.at(None, (0, 0), cap=self.cap)

    def found(self) -> Found:
        """Measurements by metric, dimension, segment and statistic."""
        made = self.at().measurements()
        by = {(one.metric, one.dimension, one.segment, one.stat): one for one in made}
        assert len(by) == len(made)
        return by

    def capture(self) -> Profile:
        """Make now the baseline."""
        profile = self.at().profile(self.statistics.population())
        self.statistics.rebase(profile)
        return profile

    def chunks(self) -> list[Chunk]:
        """Live chunks as they are: event times and vectors of the corpus."""
        rows = self.stream.rows()
        return [
            replace(
                self.stream.chunks[row.chunk_id],
                event_time=row.event_time,
                vector=self.stream.corpus.vectors[row.slot].copy(),
            )
            for row in rows
        ]


def counted(stream: Stream) -> Mapping[tuple[int, str], tuple[list[int], list[int]]]:
    """All counters of rows that say anything, by dimension and value."""
    kept = stream.kept
    kept.advance(stream.corpus.newest_event_time)
    return {
        name: (kept.counters.counts[row].tolist(), kept.counters.sums[row].tolist())
        for row, name in kept.cells.names.items()
        if kept.counters.counts[row].any() or name[0] == 0
    }


def vector(seed: int, dimension: int = D) -> NDArray[np.float32]:
    """A vector; the zero one for seed 0."""
    made: NDArray[np.float32] = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return made * np.float32(seed != 0)


def put(chunk_id: str, text: str = "one two", **fields: object) -> Upsert:
    """An upsert; other fields of the chunk by name, `seed` for the vector."""
    seed = int(str(fields.pop("seed", 1)))
    known = {"doc_id": "doc", "ordinal": 0, "embedding_version": "v", "segment": (), "event_time": START, **fields}
    return Upsert(Chunk(chunk_id=chunk_id, text=text, vector=vector(seed), content_hash=text, **known))  # type: ignore[arg-type]  # fields by name


IDS = st.integers(0, 14).map(lambda number: f"c{number}")
TIMES = st.sampled_from([0, 5, 4_000, 90_000, 4_000_000, 90_000_000]).map(lambda past: START - past * SECOND)


@st.composite
def events(draw: st.DrawFn) -> CorpusEvent:
    """An upsert, delete, or heartbeat that moves the newest event time on."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return Heartbeat(START + draw(st.sampled_from([0, 100, 5_000, 10_000_000])) * SECOND)
    if kind <= 3:
        return Delete(draw(IDS), START)
    words = draw(st.lists(st.sampled_from("abcdefg"), max_size=8))
    return put(
        draw(IDS),
        " ".join(words),
        doc_id=f"d{draw(st.integers(0, 4))}",
        ordinal=draw(st.integers(0, 3)),
        segment=draw(st.sampled_from(SEGMENTS)),
        embedding_version=draw(st.sampled_from(["v", "w"])),
        event_time=draw(TIMES),
        seed=draw(st.integers(0, 3)),
    )
