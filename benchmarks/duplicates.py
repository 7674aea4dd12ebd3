"""Near copies against datasketch and rensa used directly: chunks per second, recall and precision at Jaccard 0.8.

    python -m benchmarks.duplicates --data FOLDER --chunks 20000 --rounds 5

FOLDER holds `events.jsonl.gz` (native events with texts); without it Zipfian texts are generated. A third
of the chunks are edited copies, with 0 to 16% of the words replaced. All engines start from the same token ids; ours
counts exact and near copies and can take a chunk back, the others say which chunks have a candidate. The truth is an
exact all-pairs join (prefix filter of Bayardo, Ma, Srikant, WWW 2007). Times are medians over rounds, one core.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense import ONE_CORE, ROW
from monitor.core.arrays.mixing import mix
from monitor.core.index.corpus import Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.duplicates.shingles import THRESHOLD, Shingled, jaccard, shingle
from monitor.core.text.tokens import tokenize

BATCH = 1000
Tokens = list[NDArray[np.int32]]
Flags = NDArray[np.bool_]


def texts(folder: Path | None, generator: np.random.Generator) -> tuple[Tokens, NDArray[np.uint64]]:
    """Token ids of distinct real texts (or generated ones) and the hash of each id."""
    if folder is None:
        weights = 1.0 / np.arange(1, 60_001)
        drawn = generator.choice(60_000, size=(20_000, 120), p=weights / weights.sum()).astype(np.int32)
        return list(drawn), mix(np.arange(1, 60_001, dtype=np.uint64))
    seen: dict[str, None] = {}
    with gzip.open(folder / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["op"] == "upsert" and len(seen) < 40_000:
                seen[event["text"]] = None
    ids: dict[str, int] = {}
    rows = [np.array([ids.setdefault(word, len(ids)) for word in tokenize(text)], np.int32) for text in seen]
    hashed = [int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little") for word in ids]
    return rows, np.array(hashed, np.uint64)


def chunks(real: Tokens, count: int, words: int, generator: np.random.Generator) -> Tokens:
    """Two thirds of the chunks as they are (repeated where there are too few), a third edited copies of these."""
    base = [real[at % len(real)] for at in generator.permutation(max(count, len(real)))[: count * 2 // 3]]
    made = list(base)
    while len(made) < count:
        row = base[int(generator.integers(len(base)))].copy()
        edited = generator.random(len(row)) < generator.uniform(0, 0.16)
        row[edited] = generator.integers(words, size=int(edited.sum()))
        made.append(row)
    return [made[at] for at in generator.permutation(count)]


def truth(made: Shingled) -> Flags:
    """Which chunks have a near copy, by an exact join: alike sets share a shingle among their rarest few."""
    sets = np.split(made.shingles, np.cumsum(made.counts)[:-1])
    frequency = Counter(made.shingles.tolist())
    holders: dict[int, list[int]] = {}
    near = np.zeros(len(sets), np.bool_)
    for at, own in enumerate(sets):
        rarest = sorted(own.tolist(), key=lambda piece: (frequency[piece], piece))
        tried: set[int] = set()
        for piece in rarest[: len(own) - int(np.ceil(THRESHOLD * len(own))) + 1]:
            for other in holders.setdefault(piece, []):
                if other not in tried and not (near[at] and near[other]):
                    tried.add(other)
                    if jaccard(own, sets[other]) >= THRESHOLD:
                        near[at] = near[other] = True
            holders[piece].append(at)
    return near


def ours(rows: Tokens, hashes: NDArray[np.uint64]) -> tuple[float, float, Flags]:
    """Seconds to take all chunks in batches, seconds per replaced chunk, and the flags."""
    duplicates, none = Duplicates(MinHashBands()), np.zeros(0, np.int64)
    empty = np.zeros((BATCH, 0), np.float32)
    begun = time.perf_counter()
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        slots = np.arange(at, at + len(part))
        duplicates.apply(Delta(none, slots, [ROW] * len(part), [""] * len(part), empty, none), part, hashes)
    loaded = time.perf_counter() - begun
    flags = duplicates._near._flags[: len(rows)].copy()
    replaced = []
    generator = np.random.default_rng(1)
    for _ in range(5):
        slots = np.sort(generator.choice(len(rows), BATCH, replace=False))
        part = [rows[at] for at in generator.permutation(len(rows))[:BATCH].tolist()]
        delta = Delta(slots, slots, [ROW] * BATCH, [""] * BATCH, empty, slots)
        begun = time.perf_counter()
        duplicates.apply(delta, part, hashes)
        replaced.append(time.perf_counter() - begun)
    return loaded, statistics.median(replaced) / BATCH, flags


def rensa_direct(made: Shingled) -> tuple[float, Flags]:
    """Signatures and LSH of rensa alone, from the same shingles; flags say that a candidate is there."""
    from rensa import RMinHash, RMinHashLSH

    begun = time.perf_counter()
    offsets = np.concatenate(([0], np.cumsum(made.counts))).astype(np.uint64)
    words = mix(made.shingles.astype(np.uint64))
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(words, offsets, 64, 1)
    index = RMinHashLSH(THRESHOLD, 64, 16)
    index.insert_matrix(matrix, 0)
    flags = index.query_duplicate_flags_matrix(matrix)
    return time.perf_counter() - begun, np.array(flags, np.bool_)


def datasketch_direct(made: Shingled, perms: int = 128) -> tuple[float, Flags]:
    """MinHash and MinHashLSH of datasketch with its defaults, from the same shingles."""
    from datasketch import MinHash, MinHashLSH

    sets = np.split(made.shingles, np.cumsum(made.counts)[:-1])
    begun = time.perf_counter()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=perms)
    signatures = []
    for at, own in enumerate(sets):
        signature = MinHash(num_perm=perms, hashfunc=int)
        signature.update_batch(own.tolist())
        index.insert(at, signature, check_duplication=False)
        signatures.append(signature)
    flags = [len(index.query(signature)) > 1 for signature in signatures]
    return time.perf_counter() - begun, np.array(flags, np.bool_)


def line(name: str, count: int, taken: float, flags: Flags, near: Flags, note: str = "") -> None:
    """One row of the table: rate, and recall and precision per chunk against the truth."""
    recall = (flags & near).sum() / max(1, near.sum())
    precision = (flags & near).sum() / max(1, flags.sum())
    print(f"  {name:<30}{count / taken:12,.0f} chunks/s   recall {recall:.4f}   precision {precision:.4f}   {note}")


def repeated(rounds: int, call: Callable[[], tuple[float, Flags]]) -> tuple[float, Flags]:
    """The median time of some runs, and the last run's flags."""
    taken = [call() for _ in range(rounds)]
    return statistics.median(run[0] for run in taken), taken[-1][1]


def main(argv: Sequence[str]) -> int:
    """Run the benchmark on one core; prints one table."""
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        command = [sys.executable, "-m", "benchmarks.duplicates", *argv]
        return subprocess.run(command, env={**os.environ, **ONE_CORE}, check=False).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow", type=int, default=1, help="rounds of datasketch")
    options = parser.parse_args(argv)
    generator = np.random.default_rng(7)
    real, hashes = texts(options.data, generator)
    rows = chunks(real, options.chunks, len(hashes), generator)
    rows = [row for row in rows if len(row)]
    made = shingle(rows, hashes, [""] * len(rows))
    near = truth(made)
    print(f"{len(rows):,} chunks, {made.counts.mean():.0f} shingles each, {near.mean():.1%} have a near copy")
    runs = [ours(rows, hashes) for _ in range(options.rounds)]
    replaced = statistics.median(run[1] for run in runs)
    note = f"replaced at {1 / replaced:,.0f} chunks/s"
    line("ours", len(rows), statistics.median(run[0] for run in runs), runs[-1][2], near, note)
    line("rensa (no verification)", len(rows), *repeated(options.rounds, lambda: rensa_direct(made)), near)
    line("datasketch (no verification)", len(rows), *repeated(options.slow, lambda: datasketch_direct(made)), near)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
