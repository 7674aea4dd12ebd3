"""Filling a state from Parquet files, and starting over it, beside the same chunks as events; whole, or in shards.

Texts have 80 words of 5,000, vectors the given dimension; the stream behind the files is empty. With `--ray` shards
are actors on a cluster of as many nodes on this machine. Times are of whole commands, files read and state written.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.machine import busy, facts
from monitor.adapters.native_form import native
from monitor.adapters.shards.ray.local_cluster import NODE_FOLDER, LocalCluster
from monitor.app.bootstrapping import Bootstrapping
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.app.wiring.bootstrapping import open_bootstrap
from monitor.core.model.events import Chunk, Partition, Upsert, text_hash
from monitor.ports import Polled

VERSION = "v"
PARTITIONS = 8
WORDS = [f"word{at:04d}" for at in range(5_000)]


class EmptyTopic:
    """A `monitor.ports.Source` of a topic that nobody has written to yet."""

    def __init__(self) -> None:
        self._next = {Partition("events", number): 0 for number in range(PARTITIONS)}

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Nothing to connect to."""

    def partitions(self) -> frozenset[Partition]:
        """Of the topic."""
        return frozenset(self._next)

    def poll(self, max_records: int, timeout: float) -> Polled:
        """Nothing, ever."""
        del max_records, timeout
        return Polled(exhausted=True)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Nothing to pause."""

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Nothing to resume."""

    def positions(self) -> Mapping[Partition, int]:
        """The beginning."""
        return self._next

    def end(self) -> Mapping[Partition, int] | None:
        """The beginning."""
        return self._next

    def last_error(self) -> str:
        """None."""
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Nobody looks."""

    def close(self) -> None:
        """Nothing is open."""


def write(folder: Path, size: int, dimension: int, anchors: int) -> None:
    """The same chunks as Parquet files and as events, and anchors."""
    rng, rows = np.random.default_rng(1), 25_000
    (folder / "rows").mkdir()
    with (folder / "events.jsonl").open("wb") as events:
        for first in range(0, size, rows):
            count = min(rows, size - first)
            vectors = rng.standard_normal((count, dimension)).astype(np.float32)
            texts = [" ".join(WORDS[word] for word in rng.zipf(1.3, 80) % len(WORDS)) for _ in range(count)]
            ids = [f"doc{(first + at) // 8}#{at}" for at in range(count)]
            made = pa.table(
                {
                    "chunk_id": ids,
                    "text": texts,
                    "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dimension),
                    "event_time": pa.array([1_780_000_000_000_000] * count, pa.timestamp("us", tz="UTC")),
                    "source": [f"s{at % 7}" for at in range(count)],
                }
            )
            parquet.write_table(made, folder / "rows" / f"part-{first // rows:05d}.parquet")
            for at, name in enumerate(ids):
                document, source, text = name.partition("#")[0], (("source", f"s{at % 7}"),), texts[at]
                time_of, hashed = 1_780_000_000_000_000, text_hash(text)
                chunk = Chunk(name, document, 0, text, vectors[at], VERSION, source, time_of, hashed)
                events.write(native(Upsert(chunk))[1] + b"\n")
    with (folder / "anchors.jsonl").open("w", encoding="utf-8") as file:
        for at in range(anchors):
            text = " ".join(WORDS[word] for word in rng.zipf(1.3, 6) % len(WORDS))
            file.write(
                json.dumps({"id": f"q{at}", "text": text, "vector": rng.standard_normal(dimension).tolist()}) + "\n"
            )


def configured(folder: Path, name: str, dimension: int, extra: str) -> Path:
    """A configuration with a state of its own."""
    path = folder / f"{name}.toml"
    path.write_text(
        f'[corpus]\ndimension = {dimension}\nembedding_version = "{VERSION}"\n[segments]\ndimensions = ["source"]\n'
        '[source.file]\npath = "events.jsonl"\n[anchors]\npath = "anchors.jsonl"\n[measure]\naudit_chunks = 0\n'
        '[dense]\nengine = "server"\nurl = "http://127.0.0.1:9"\ncollection = "nobody"\nready_timeout = 0\n'
        f'[http]\nenabled = false\n[state]\npath = "{name}.db"\n{extra}',
        encoding="utf-8",
    )
    return path


def timed(what: str, size: int, action: Callable[[], object]) -> None:
    """Say how long it took."""
    began, used = time.perf_counter(), time.process_time()
    action()
    wall, own = time.perf_counter() - began, time.process_time() - used
    each = f"{own / size * 1e6:6.1f} us a chunk of this process"
    print(f"{what:<34} {wall:7.1f} s {size / wall:9,.0f} chunks/s, {each} ({busy()})", flush=True)


def filled(config: Path) -> None:
    """As `corpus-drift bootstrap` does it."""
    with open_bootstrap(load(config, {}), source=EmptyTopic()) as made:
        assert isinstance(made, Bootstrapping)
        made.run(threading.Event())
        assert not made.read.aside


def started(config: Path) -> None:
    """As `corpus-drift run` begins, without an index that answers."""
    with open_monitor(load(config, {}), source=EmptyTopic()):
        pass


def read_as_events(config: Path) -> None:
    """As `corpus-drift run --until-end` does it."""
    with open_monitor(load(config, {})) as monitor:
        monitor.run(until_end=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--anchors", type=int, default=500)
    parser.add_argument("--shards", default="1,4")
    parser.add_argument("--ray", action="store_true", help="shards on a cluster on this machine")
    parser.add_argument("--events", action="store_true", help="the same chunks as events too")
    args = parser.parse_args(argv)
    print(facts())
    files = '[bootstrap]\npath = "rows"\n[bootstrap.fields]\nsegments = { source = "source" }\n'
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        write(folder, args.size, args.dimension, args.anchors)
        for count in map(int, args.shards.split(",")):
            extra, said = f"[shards]\ncount = {count}\n", f"{count} shard{'s' if count > 1 else ''}"
            if args.ray:
                cluster = LocalCluster(folder / f"disks-{count}", count)
                cluster.start()
                stack.callback(cluster.stop)
                keys = f'address = "{cluster.address}"\nfolder = "${NODE_FOLDER}/shards"\n'
                extra, said = f'{extra}engine = "ray"\n[shards.ray]\n{keys}', f"{said} on Ray"
            config = configured(folder, f"filled-{count}", args.dimension, extra + files)
            timed(f"{said}: bootstrap", args.size, partial(filled, config))
            timed(f"{said}: start", args.size, partial(started, config))
            stack.close()
        if args.events:
            config = configured(folder, "events", args.dimension, "")
            timed("one process: the same as events", args.size, partial(read_as_events, config))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
