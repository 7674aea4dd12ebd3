"""The lexical step against public engines: update 1,000 chunks, then every anchor's top-10 is current again.

    python benchmarks/lexical.py --data FOLDER --sizes 20000,100000 --rounds 7

FOLDER holds `events.jsonl.gz` (native events with texts); without it a Zipfian corpus is generated. Each round
changes the same chunks in every engine, one after the other in this process; ratios are medians of per-round
ratios of wall time; CPU milliseconds (all threads) stand beside them, because they hold on a busy machine too.
Ours starts from token ids (one tokenisation feeds all legs); `+tokens` includes our tokeniser.
"""

import argparse
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.lexical.topk import LexicalTopK
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.events import Position, chunk_key
from monitor.core.text.tokens import tokenize

K = 10
LOADED = 20_000


class Texts:
    """Chunk texts of about 120 tokens: three cuts of real texts each, so that a million differ; else Zipfian."""

    def __init__(self, folder: Path | None, rng: np.random.Generator) -> None:
        self.rng = rng
        if folder is None:
            weights = 1.0 / np.arange(1, 60_001)
            words = np.array([f"w{n}" for n in range(60_000)])
            drawn = rng.choice(60_000, size=(4000, 130), p=weights / weights.sum())
            self.real = [words[row].tolist() for row in drawn]
        else:
            self.real = [tokens for text in english(folder) if len(tokens := tokenize(text)) >= 40]

    def chunk(self) -> str:
        """Three cuts of 40 tokens."""
        pieces: list[str] = []
        for pick, at in zip(self.rng.integers(len(self.real), size=3), self.rng.random(3), strict=True):
            tokens = self.real[int(pick)]
            start = int(at * max(1, len(tokens) - 40))
            pieces += tokens[start : start + 40]
        return " ".join(pieces)

    def anchors(self, count: int, *, stop_words: bool) -> list[list[str]]:
        """Runs of 6 to 12 words of the texts (nl), or their up to 5 words outside the 100 most frequent (kw)."""
        found: dict[str, int] = {}
        for tokens in self.real[:4000]:
            for token in tokens:
                found[token] = found.get(token, 0) + 1
        stop = set(sorted(found, key=lambda token: -found[token])[:100])
        made: list[list[str]] = []
        while len(made) < count:
            tokens = self.real[int(self.rng.integers(len(self.real)))]
            start = int(self.rng.integers(max(1, len(tokens) - 12)))
            run = tokens[start : start + int(self.rng.integers(6, 13))]
            query = run if stop_words else [token for token in run if token not in stop][:5]
            if query:
                made.append(query)
        return made


def english(folder: Path) -> list[str]:
    """The distinct English texts of a folder's events."""
    texts: set[str] = set()
    with gzip.open(folder / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["op"] == "upsert" and event["segment"].get("language", "en") == "en":
                texts.add(event["text"])
    return sorted(texts)


class Batch(NamedTuple):
    """Chunks whose text is replaced, by position."""

    slots: NDArray[np.int64]
    texts: list[str]


@dataclass
class Timing:
    """Seconds per round of one engine."""

    name: str
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    note: str = ""

    def add(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Count one round."""
        self.wall.append(end[0] - begin[0])
        self.cpu.append(end[1] - begin[1])


def clocks() -> tuple[float, float]:
    """Wall and CPU seconds."""
    return time.perf_counter(), time.process_time()


Step = Callable[[Batch, Timing], None]
ROW = ChunkRow(0, "", "", 0, (), "", 0, "", None, Position("", 0, 0), 0)


class Ours:
    """The maintained index, fed with deltas as the corpus would make them."""

    def __init__(self, anchors: list[list[str]], texts: list[str]) -> None:
        self.corpus = Corpus(0)
        self.corpus.names = [f"chunk-{n:07d}" for n in range(len(texts))]
        self.corpus.keys = np.array([chunk_key(name) for name in self.corpus.names], np.int64)
        self.vocabulary = Vocabulary()
        filters: list[tuple[tuple[str, str], ...]] = [()] * len(anchors)
        self.index = LexicalTopK(anchors, filters, self.corpus, self.vocabulary, k=K)
        self.clear()
        for at in range(0, len(texts), LOADED):
            self.apply(np.arange(at, min(at + LOADED, len(texts))), texts[at : at + LOADED], new=True)
        self.clear()

    def clear(self) -> None:
        """Forget the rounds so far."""
        self.plain, self.tokens = Timing("ours"), Timing("ours, +tokens")

    def apply(self, slots: NDArray[np.int64], texts: list[str], *, new: bool = False) -> NDArray[np.bool_]:
        """One batch, timed with and without tokenising."""
        removed = slots[:0] if new else slots
        vectors = np.zeros((len(slots), 0), np.float32)
        delta = Delta(removed, slots, [ROW] * len(slots), texts, vectors, self.corpus.keys[removed])
        begin = clocks()
        tokens = self.vocabulary.encode(texts)
        middle = clocks()
        touched = self.index.apply(delta, tokens)
        end = clocks()
        self.plain.add(middle, end)
        self.tokens.add(begin, end)
        return touched


def tantivy_engine(anchors: list[list[str]], texts: list[str]) -> Step:
    """tantivy: delete and add, commit, reload, one search per anchor; one writer thread."""
    import tantivy

    schema = tantivy.SchemaBuilder().add_text_field("id", tokenizer_name="raw").add_text_field("body").build()
    index = tantivy.Index(schema)
    writer = index.writer(512_000_000, 1)
    for at, text in enumerate(texts):
        writer.add_document(tantivy.Document(id=str(at), body=text))
    queries = [index.parse_query(" ".join(query), ["body"]) for query in anchors]

    def step(batch: Batch, timing: Timing) -> None:
        begin = clocks()
        for slot, text in zip(batch.slots.tolist(), batch.texts, strict=True):
            writer.delete_documents_by_term("id", str(slot))
            writer.add_document(tantivy.Document(id=str(slot), body=text))
        writer.commit()
        index.reload()
        searcher = index.searcher()
        for query in queries:
            searcher.search(query, K)
        timing.add(begin, clocks())

    return step


def bm25s_engine(anchors: list[list[str]], texts: list[str]) -> Step:
    """bm25s with its numba backend: index the token ids anew, retrieve for all anchors."""
    import bm25s
    from bm25s.tokenization import Tokenized

    known: dict[str, int] = {}
    ids = [[known.setdefault(token, len(known)) for token in text.split()] for text in texts]
    queries = [[known[token] for token in query if token in known] for query in anchors]

    def step(batch: Batch, timing: Timing) -> None:
        for slot, text in zip(batch.slots.tolist(), batch.texts, strict=True):
            ids[slot] = [known.setdefault(token, len(known)) for token in text.split()]
        begin = clocks()
        engine = bm25s.BM25(method="lucene", k1=1.5, b=0.75, backend="numba")
        engine.index(Tokenized(ids=ids, vocab=known), show_progress=False)
        engine.retrieve(queries, k=K, show_progress=False)
        timing.add(begin, clocks())

    step(Batch(np.zeros(0, np.int64), []), Timing("compiles"))
    return step


def rank_bm25_engine(anchors: list[list[str]], texts: list[str]) -> Step:
    """rank-bm25: rebuild, and as many queries as there are anchors, scaled up from five."""
    from rank_bm25 import BM25Okapi

    tokens = [text.split() for text in texts]

    def step(batch: Batch, timing: Timing) -> None:
        for slot, text in zip(batch.slots.tolist(), batch.texts, strict=True):
            tokens[slot] = text.split()
        begin = clocks()
        engine = BM25Okapi(tokens)
        built = clocks()
        for query in anchors[:5]:
            np.argsort(-engine.get_scores(query))[:K]
        end, scale = clocks(), len(anchors) / 5
        wall, cpu = ((now - then) * scale for now, then in zip(end, built, strict=True))
        timing.add(begin, (built[0] + wall, built[1] + cpu))

    return step


PEERS = {"tantivy": tantivy_engine, "bm25s": bm25s_engine, "rank-bm25": rank_bm25_engine}


def batches(texts: Texts, size: int, changed: int, rounds: int) -> Iterator[Batch]:
    """Random chunks get new texts."""
    for _ in range(rounds):
        slots = np.sort(texts.rng.choice(size, changed, replace=False))
        yield Batch(slots, [texts.chunk() for _ in range(changed)])


def measure(texts: Texts, size: int, family: str, options: argparse.Namespace) -> None:
    """One corpus size and anchor family: every engine takes the same batches; prints the table."""
    anchors = texts.anchors(options.anchors, stop_words=family == "nl")
    corpus = [texts.chunk() for _ in range(size)]
    ours = Ours(anchors, corpus)
    peers = [(Timing(name), PEERS[name](anchors, corpus)) for name, most in options.peers if size <= most]
    for batch in batches(texts, size, options.changed, options.warmup):
        ours.apply(batch.slots, batch.texts)
    refills = ours.index.refills
    ours.clear()
    for batch in batches(texts, size, options.changed, options.rounds):
        ours.apply(batch.slots, batch.texts)
        for timing, step in peers:
            step(batch, timing)
    ours.plain.note = f"refilled {ours.index.refills - refills}, {ours.index.bytes / size:.0f} bytes per chunk"
    print(f"\n{size:,} chunks, {len(anchors):,} anchors ({family}), {options.changed:,} changed")
    table([ours.plain, ours.tokens, *(timing for timing, _ in peers)])


def table(timings: Sequence[Timing]) -> None:
    """Medians, and each engine's ratio to the first one's, per round."""
    print(f"{'engine':<24} {'median ms':>10} {'worst ms':>10} {'cpu ms':>10} {'/ ours':>8}")
    for timing in timings:
        ratio = statistics.median(other / mine for other, mine in zip(timing.wall, timings[0].wall, strict=True))
        figures = (statistics.median(timing.wall), max(timing.wall), statistics.median(timing.cpu))
        print(
            f"{timing.name:<24}"
            + "".join(f" {1e3 * value:>10.1f}" for value in figures)
            + f" {ratio:>8.1f}  {timing.note}"
        )


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; prints one table per corpus size and anchor family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sizes", default="20000,100000")
    parser.add_argument("--anchors", type=int, default=1000)
    parser.add_argument("--changed", type=int, default=1000)
    parser.add_argument("--families", default="nl,kw")
    parser.add_argument("--peers", default="tantivy:100000,bm25s:100000,rank-bm25:20000", help="name:largest corpus")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=5)
    options = parser.parse_args(argv)
    pairs = [peer.split(":") for peer in options.peers.split(",") if peer]
    options.peers = [(name, int(most)) for name, most in pairs]
    texts = Texts(options.data, np.random.default_rng(7))
    for size in map(int, options.sizes.split(",")):
        for family in options.families.split(","):
            measure(texts, size, family, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
