"""All benchmarks, or those named: `python -m benchmarks [lexical dense duplicates burst pipeline ...] [--quick]`.

    make bench BENCH="pipeline kafka --data FOLDER"

The default run takes about ten minutes on two cores, `--quick` two; each benchmark has more options of its own
(`python -m benchmarks.pipeline --help`), such as a million chunks. FOLDER holds real texts and vectors
(`events.jsonl.gz`, `vectors.npy`, `anchor_vectors.npy`); without it both are generated. Ratios are medians over
rounds of one process, so they mean something on a busy machine too; absolute times do not.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.machine import busy, facts

BOUND: Mapping[str, str] = {
    "lexical": "bound by rescoring the buffers of all anchors, then by tokenising; not by the size of the corpus",
    "dense": "bound by the matrix product of the changed vectors with all anchors",
    "duplicates": "bound by the signatures and by memory access to the bands",
    "burst": "bound by one pass over the slab for a few lists, by the products of all for many",
    "pipeline": "large batches: near copies, BM25, statistics, the state file, objects per event; small ones: calls",
    "cores": "bound by what no second thread does: decoding, the chunk table, the commit, and the interpreter's lock",
    "kafka": "bound by the work per event of the one writer thread (see pipeline) and by the interpreter's lock",
    "restart": "bound by near copies, reading rows and statistics; memory by shingles, rows and forward lists",
    "scan": "bound by decoding each point twice where it is new, once where it is known; then by the whole step",
    "migration": "bound by a second product of the changed vectors with all anchors, and by objects per event",
    "scaling": "bound by the anchors that a turn touches, and by calls; not by the size of the corpus",
    "shards": "bound as one process is; a step adds the merge, what is fetched, and calls: large batches pay less",
    "bootstrap": "bound by objects per chunk, by hashing ids for their partition, and by the state file",
    "steward": "bound by the exact search of each question on both legs",
}
USUAL: Mapping[str, str] = {
    "lexical": "--sizes 20000,100000 --rounds 5 --peers tantivy:100000,bm25s:100000",
    "dense": "--sizes 100000 --anchors 1000 --rounds 10 --replays 2 --peers faiss,exact,hnsw",
    "duplicates": "--rounds 3",
    "burst": "--sizes 50000 --batch 512",
    "pipeline": "--rounds 5",
    "cores": "--rounds 30",
    "kafka": "--rounds 3 --seconds 12",
    "restart": "--sizes 20000,100000 --turnovers 4 --index 20000",
    "scan": "--points 100000 --alone",
    "migration": "--size 50000",
    "scaling": "--sizes 20000,100000 --anchors 500,2000 --rounds 10",
    "shards": "--size 20000 --anchors 500 --rounds 6",
    "bootstrap": "--size 50000 --events",
    "steward": "--queries 3000 --anchors 500",
}
QUICK: Mapping[str, str] = {
    "lexical": "--sizes 20000 --families nl --rounds 3 --peers tantivy:20000",
    "dense": "--sizes 20000 --anchors 1000 --rounds 5 --replays 1 --peers faiss",
    "duplicates": "--chunks 5000 --rounds 1",
    "burst": "--sizes 10000 --batch 256",
    "pipeline": "--size 10000 --families nl --rounds 3 --peers faiss",
    "cores": "--size 5000 --rounds 5",
    "kafka": "--size 10000 --events 5000 --rounds 1 --seconds 4",
    "restart": "--sizes 10000 --turnovers 4 --index 0",
    "scan": "--points 5000 --alone",
    "migration": "--size 5000 --rounds 8",
    "scaling": "--sizes 5000,10000 --anchors= --rounds 3",
    "shards": "--size 2000 --anchors 100 --batch 256 --rounds 3",
    "bootstrap": "--size 5000",
    "steward": "--queries 300 --anchors 60 --dimension 32",
}


def main(argv: Sequence[str]) -> int:
    """Run the benchmarks one after the other, each in a process of its own; the number that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BOUND, []], metavar="NAME", help=", ".join(BOUND))
    parser.add_argument("--quick", action="store_true", help="small corpora, few rounds")
    parser.add_argument("--data", type=Path, default=None, help="real texts and vectors")
    options = parser.parse_args(argv)
    print(facts(), flush=True)
    failed = [name for name in options.names or BOUND if not run(name, options)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def run(name: str, options: argparse.Namespace) -> bool:
    """One benchmark; whether it ended well."""
    arguments = (QUICK if options.quick else USUAL)[name].split()
    arguments += [] if options.data is None else ["--data", str(options.data)]
    print(f"\n== {name}: {' '.join(arguments)}; {busy()}", flush=True)
    begun = time.perf_counter()
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    code = subprocess.run(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, check=False).returncode
    print(f"-- {name}: {BOUND[name]}; {time.perf_counter() - begun:.0f} s, {busy()}", flush=True)
    return code == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
