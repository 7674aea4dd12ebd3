"""One shard of fifty at its true size, the messages of the others generated: what the coordinator of them all needs.

    python -m benchmarks.shard_simulation --chunks 2000000 --anchors 1000 --shards 50,500 --batch 1024,10240

One real `Shard`, with the owners beside it, holds its chunks; the other shards' messages are made from its own
(`shard_messages`). The coordinator is the product's: decoding, routing and packing of events, unpacking of answers,
`ShardedState`, `ShardedCorpus`, `ShardedStatistics`. What it computes is told by part and step; what the real shard
and the generated messages take is not in it. Memory is of the process: the growth as the coordinator begins, and what
its tables hold. With `--owned`, fewer chunks than there would be are entered where the coordinator keeps each chunk's
shard, and that part is scaled.
"""

import argparse
import gc
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import DIMENSION, VERSION, Material
from benchmarks.machine import facts, resident
from benchmarks.scaling_picture import Panel, apart
from benchmarks.shard_messages import SimulatedShards
from benchmarks.shards import Point
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.native import NativeDecoder
from monitor.adapters.codecs.wire import EventReader
from monitor.adapters.native_form import native
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import Located, Partition, Position, Record, Upsert, chunk_key
from monitor.core.model.scoring import Distance, prepare
from monitor.core.session_parts import anchor_set
from monitor.core.shards.messages import ShardPosition
from monitor.core.shards.owners import ContentOwner, settle
from monitor.core.shards.populations import PopulationPart, joined
from monitor.core.shards.port import Shards
from monitor.core.shards.shard import LoadedChunk, Shard, ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState

K = 10
AT_ONCE = 8_192
MIB = 2**20
TOPIC = next(name for name in (f"events-{at}" for at in range(100_000)) if crc32(name.encode()) % 1_000 == 0)
"""Its partition n belongs to shard n, of 50 as of 500."""
OWN = Partition(TOPIC, 0)


def most_resident() -> int:
    """The most bytes of this process that ever were in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024


class Parts:
    """Seconds of computing by part; what a part calls that is a part of its own is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.process_time()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What runs inside belongs to this part."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def around(self, owner: Any, method: str, name: str) -> None:
        """Calls of a method of one object belong to this part from now on."""
        inner: Callable[..., Any] = getattr(owner, method)

        def counted(*given: Any, **named: Any) -> Any:
            with self.part(name):
                return inner(*given, **named)

        setattr(owner, method, counted)

    def _turn(self) -> None:
        now = time.process_time()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def cut(vector: NDArray[np.float32] | None, dimension: int) -> NDArray[np.float32]:
    """The first numbers of a vector, of length 1."""
    assert vector is not None, "the material has vectors"
    made: NDArray[np.float32] = prepare(vector[None, :dimension], Distance.COSINE)[0]
    return made


def loaded(material: Material, chunks: int, dimension: int) -> Iterator[list[LoadedChunk]]:
    """What the shard has kept of so many chunks."""
    made = 0
    while made < chunks:
        numbers = np.arange(made, min(chunks, made + AT_ONCE))
        part: list[LoadedChunk] = []
        for number, event in zip(numbers.tolist(), material.upserts(numbers), strict=True):
            chunk = event.chunk
            row = ChunkRow(
                chunk_key(chunk.chunk_id),
                chunk.chunk_id,
                chunk.doc_id,
                chunk.ordinal,
                chunk.segment,
                VERSION,
                chunk.event_time,
                chunk.content_hash,
                event.version,
                Position(*OWN, number),
                number,
            )
            part.append((row, chunk.text, cut(chunk.vector, dimension)))
        yield part
        made += len(numbers)


def the_shard(material: Material, asked: AnchorSet, config: ShardConfig, chunks: int) -> tuple[Shard, ContentOwner]:
    """One real shard and the owners beside it, loaded, ranked by nobody; and what it takes."""
    before = resident()
    shard, owner = Shard(0, config, asked), ContentOwner(config.bands)
    shard.corpus.reach(chunks * 2 // 3 + 1)
    began = time.process_time()
    shard.load(ShardPosition(1, {OWN: chunks}, 0, 0), loaded(material, chunks, config.dimension))
    seconds, gc_before = time.process_time() - began, resident()
    began = time.process_time()
    settle([shard.journals], [owner])
    settled = time.process_time() - began
    vectors = chunks * config.dimension * 4
    print(f"the shard: {chunks:,} chunks, made and loaded in {seconds:.0f} s of computing;", end=" ")
    print(f"vectors {vectors / MIB:,.0f} MiB, engine {(gc_before - before - vectors) / MIB:,.0f} MiB,", end=" ")
    print(f"owners beside it {(resident() - gc_before) / MIB:,.0f} MiB, told in {settled:.0f} s;", end=" ")
    print(f"at most {most_resident() / MIB:,.0f} MiB", flush=True)
    return shard, owner


class Stream:
    """Batches of changes of chunks of all shards, as records of the topic."""

    def __init__(self, material: Material, shards: int, chunks: int, dimension: int) -> None:
        self._dimension = dimension
        self._material, self._shards, self._chunks = material, shards, chunks
        self._next = [chunks] * shards
        self._decoder = NativeDecoder(EventReader(EventLimits(dimension=dimension), VERSION))

    def records(self, count: int, generator: np.random.Generator) -> list[Record]:
        """New content for chunks of all shards: those of shard 0 exist, others are of its likeness."""
        numbers = generator.integers(self._chunks, size=count)
        owners = np.arange(count) % self._shards
        made = []
        for shard, event in zip(owners.tolist(), self._material.upserts(numbers), strict=True):
            object.__setattr__(event.chunk, "vector", cut(event.chunk.vector, self._dimension))
            key, value = native(event if not shard else self._elsewhere(event, shard))
            made.append(Record(Position(TOPIC, shard, self._next[shard]), key, value))
            self._next[shard] += 1
        return made

    def decoded(self, records: Sequence[Record]) -> list[Located]:
        """The events, their vectors prepared."""
        events = [(record, self._decoder.decode(record)) for record in records]
        upserts = [(record, event) for record, event in events if isinstance(event, Upsert)]
        vectors = prepare(
            np.stack([event.chunk.vector for _, event in upserts if event.chunk.vector is not None]), Distance.COSINE
        )
        made = []
        for (record, event), vector in zip(upserts, vectors, strict=True):
            object.__setattr__(event.chunk, "vector", vector)
            made.append(Located(record.position, event))
        return made

    @staticmethod
    def _elsewhere(event: Upsert, shard: int) -> Upsert:
        object.__setattr__(event.chunk, "chunk_id", f"{shard}/{event.chunk.chunk_id}")
        return event


def coordinator(
    shard: Shard,
    owner: ContentOwner,
    asked: AnchorSet,
    config: ShardConfig,
    material: Material,
    options: argparse.Namespace,
) -> tuple[ShardedState, ShardedCorpus, SimulatedShards, Parts]:
    """A coordinator that has begun over all shards; prints what beginning takes."""
    parts = Parts()
    texts = [event.chunk.text for event in material.upserts(np.arange(4_096))]
    there = SimulatedShards(shard, owner, config, parts.part, texts, owned=options.owned, words=options.words)
    shards = cast("Shards", there)
    corpus = ShardedCorpus(config.dimension, shards)
    state = ShardedState(config, asked, shards, corpus)
    assert state.lexical is not None, "both legs are on"
    for of, method, name in (
        (state, "ingest", "other"),
        (corpus, "arrive", "chunk owner"),
        (state.lexical, "summed", "word owner"),
        (state, "_merged", "merge"),
        (corpus, "fetch", "fetch"),
        (state.statistics, "_settle", "settle"),
    ):
        parts.around(of, method, name)
    gc.collect()
    before = resident()
    at = ShardPosition(shard.epoch, {Partition(TOPIC, of): options.chunks for of in range(config.shards)}, 0, 0)
    with parts.part("(others)"):
        said = there.begin()
    with parts.part("other"):
        state.resume(at, said)
        state.statistics.counts("language")
    del said
    gc.collect()
    held = len(corpus._owner)
    print(f"| begins | {resident() - before:,} bytes more, of {held:,} chunks' shards", end="; ")
    print(", ".join(f"{name} {of:.1f} s" for name, of in sorted(parts.seconds.items(), key=lambda one: -one[1])))
    print(f"| up at the start | {there.up / MIB:,.0f} MiB, a shard {there.up / MIB / config.shards:,.1f} MiB")
    table = corpus._owner._table
    owned = table._keys.nbytes + table._heads.nbytes + corpus._owner._shards.nbytes
    words = state.lexical._words
    spoken = words._table._keys.nbytes + words._table._heads.nbytes + words._frequency.nbytes
    print(f"| chunk owner | {owned / MIB:,.0f} MiB, {owned / max(1, held):.1f} bytes a chunk", end="; ")
    print(f"word owner {spoken / MIB:,.0f} MiB for {len(words):,} words", end="; ")
    listed = corpus.vectors.nbytes + sum(of.nbytes for of in corpus._shingles)
    print(f"listed chunks {len(corpus._rows):,}: {listed / MIB:,.0f} MiB of vectors and shingles", flush=True)
    return state, corpus, there, parts


def steps(
    state: ShardedState,
    corpus: ShardedCorpus,
    there: SimulatedShards,
    parts: Parts,
    stream: Stream,
    batch: int,
    rounds: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Print what a step takes by part, and carries; milliseconds by part, and bytes an event."""
    generator, taken, carried = np.random.default_rng(5), [], []
    settled: list[float] = []
    for turn in range(rounds + 1):
        records = stream.records(batch, generator)
        parts.seconds.clear()
        there.up = there.down = 0
        with parts.part("decode"):
            events = stream.decoded(records)
        state.ingest(corpus, events)
        step = dict(parts.seconds)
        exchanged = there.up, there.down
        parts.seconds.clear()
        with parts.part("settle"):
            state.statistics.counts("language")
        if turn:  # the first finds caches cold
            taken.append(step)
            carried.append(exchanged)
            settled.append(parts.seconds["settle"] + parts.seconds["unpack"])
    names = sorted({name for of in taken for name in of if not name.startswith("(")})
    medians = {name: statistics.median(of.get(name, 0.0) for of in taken) for name in names}
    whole = sum(medians.values())
    up, down = (statistics.median(of) / batch for of in zip(*carried, strict=True))
    parted = sorted(medians.items(), key=lambda one: -one[1])
    said = ", ".join(f"{name} {of * 1e3:.1f}" for name, of in parted)
    rest = statistics.median(settled) * 1e3
    print(
        f"| {there.count} shards, a step of {batch:,} | {whole * 1e3:,.0f} ms, {whole / batch * 1e6:.0f} µs an event:"
    )
    print(f"|  | {said}; up {up:,.0f}, down {down:,.0f} bytes an event; settle {rest:.0f} ms")
    shard = {name: statistics.median(of.get(name, 0.0) for of in taken) for name in ("(stage)", "(rank)")}
    print(f"|  the real shard | stage {shard['(stage)'] * 1e3:.0f} ms, rank {shard['(rank)'] * 1e3:.0f} ms", end="; ")
    print(f"second rounds {state.second_rounds}", flush=True)
    return {name: of * 1e3 for name, of in medians.items()}, {"up": up, "down": down}


def population(shard: Shard, count: int) -> None:
    """Print what the population of all shards takes, worked out for a few."""
    gc.collect()
    parts = [rekeyed(PopulationPart.of(shard.engine.statistics.kept), number) for number in range(count)]
    before, began = resident(), time.process_time()
    whole, _ = joined(parts)
    seconds, each = time.process_time() - began, (resident() - before) / len(whole.keys)
    print(f"| population of {count} shards | {seconds:.1f} s, {each:.0f} bytes a chunk", flush=True)


def rekeyed(part: PopulationPart, number: int) -> PopulationPart:
    """The same, of other chunks."""
    object.__setattr__(part.population, "keys", part.population.keys ^ np.int64(number << 56))
    return part


def measure(options: argparse.Namespace) -> None:
    """Print all."""
    material = Material(options.data, "kw")
    dimension = options.dimension
    watched = [replace(of, vector=cut(of.vector, dimension)) for of in material.anchors(options.anchors)]
    asked = anchor_set(watched, dimension, Distance.COSINE)
    counts = [int(of) for of in options.shards.split(",")]

    def config(count: int) -> ShardConfig:
        depths = Depths(K, dense=True, lexical=True)
        return ShardConfig(
            count, dimension, depths, Distance.COSINE, Bm25Config(), MinHashBands(), ("source", "language")
        )

    found: dict[int, tuple[list[Point], list[Point]]] = {}
    shard, owner = the_shard(material, asked, config(counts[0]), options.chunks)
    print(f"k = {K}, {options.anchors:,} anchors, {options.words:,} words; computing of one process")
    for count in counts:
        chosen = config(count)
        shard._config = chosen
        shard._state.ranked = False
        shard._state.positions = {OWN: options.chunks}
        state, corpus, there, parts = coordinator(shard, owner, asked, chosen, material, options)
        stream = Stream(material, count, options.chunks, dimension)
        for batch in options.batch.split(","):
            made = steps(state, corpus, there, parts, stream, int(batch), options.rounds)
            for points, of in zip(found.setdefault(int(batch), ([], [])), made, strict=True):
                points.append((count, of))
        del state, corpus, there
        gc.collect()
    if options.population:
        population(shard, options.population)
    if options.picture is not None:
        panels = []
        for batch, (cost, exchanged) in found.items():
            panels.append(Panel(f"milliseconds a step of {batch:,} events, by shards", cost))
            panels.append(Panel(f"bytes an event in steps of {batch:,}, by shards", exchanged))
        options.picture.write_text(
            apart("What the coordinator of many shards computes and exchanges", panels), "utf-8"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="folder of real texts and vectors")
    parser.add_argument("--chunks", type=int, default=2_000_000, help="of a shard")
    parser.add_argument("--dimension", type=int, default=DIMENSION, help="numbers of a vector, at most as many")
    parser.add_argument("--anchors", type=int, default=1_000)
    parser.add_argument("--shards", default="50,500", help="how many there are, separated by commas")
    parser.add_argument("--batch", default="1024,10240", help="events of a step, of all shards; separated by commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--words", type=int, default=10_000_000, help="words that few chunks contain, of all shards")
    parser.add_argument("--owned", type=int, default=100_000_000, help="chunks whose shard is entered, at most")
    parser.add_argument("--population", type=int, default=0, help="shards whose populations are joined")
    parser.add_argument("--picture", type=Path, default=None, help="write it as an SVG here")
    chosen = parser.parse_args()
    print(facts())
    measure(chosen)


if __name__ == "__main__":
    main()
