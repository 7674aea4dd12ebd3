"""Is a query that counts as represented one whose anchor would tell of it? Against brute force, labels and deletions.

    python -m benchmarks.steward                                     # a generated log
    python -m benchmarks.steward --log train.csv --traffic test.csv  # a real one: text,label with a header

Half of the log is the corpus (what was asked before, as a help desk has it), the anchors are chosen from the other
half as `anchors build` chooses, the traffic is held against them. BANKING77 (Casanueva et al. 2020, CC BY 4.0) has
such files.

* screen: what eight anchors by cosine find of what all anchors would.
* same label: represented queries whose nearest anchor has their label, which nobody showed the program.
* told: of the queries whose list lost two or more results when the chunks of one label were deleted, those whose
  nearest anchor's list did too: its alarm would have spoken for them. The same of those that are not represented.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import busy, facts
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.core.index.engine import of_one_process
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Delete, Upsert
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare
from monitor.core.selection.selection import LoggedQuery, merge_spellings, normal_form, select
from monitor.core.session import Session
from monitor.core.text.tokens import tokenize
from monitor.core.traffic.model import TrafficStanding
from monitor.core.traffic.representing import SCREENED, AskedQuestions, represented, standings
from monitor.core.traffic.shares import wilson

K = 10
MOVED = 2
"""Results that a list must lose to count as moved: the default policy's limit on the mean."""
Labelled = list[tuple[str, str]]
"""Texts and their labels."""


def generated(count: int, labels: int = 60, seed: int = 0) -> Labelled:
    """Queries of some intents: words of the intent, words that many share, and noise."""
    draw = np.random.default_rng(seed)
    words = [f"w{at:04d}" for at in range(2_000)]
    topics = draw.integers(0, len(words), (labels, 14))
    made: Labelled = []
    for label in draw.zipf(1.3, count) % labels:
        own = draw.choice(topics[label], 6, replace=False)
        other = np.concatenate((draw.integers(0, 40, 3), draw.integers(0, len(words), int(draw.integers(0, 4)))))
        said = [words[at] for at in draw.permutation(np.concatenate((own, other)))]
        made.append((" ".join(said), f"intent-{label}"))
    return made


def read(path: Path) -> Labelled:
    """A CSV file with a header, text and label in its first two columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(row[0], row[1]) for row in rows if len(row) > 1 and row[0].strip()]


@dataclass(frozen=True)
class Bench:
    """A session over the corpus half, with anchors of the other half, and the traffic as questions.

    Args:
        session: maintains the anchors' lists.
        chunks: of the corpus, with their labels.
        anchors: label of each anchor.
        asked: the questions.
        labels: of the questions.
    """

    session: Session
    chunks: Sequence[tuple[Chunk, str]]
    anchors: Sequence[str]
    asked: AskedQuestions
    labels: Sequence[str]

    def lists(self, leg: str) -> tuple[RankedLists, RankedLists]:
        """Exact lists of the questions, and of the anchors."""
        engine = of_one_process(self.session.engine)
        if leg == "dense":
            assert engine.dense is not None
            return engine.dense.search(self.asked.vectors, self.asked.filters, K), engine.lists()["exact"]
        assert engine.lexical is not None
        tokens = [tokenize(text) for text in self.asked.texts]
        return engine.lexical.search(tokens, self.asked.filters, K), engine.lists()["lexical"]


def bench_of(log: Labelled, traffic: Labelled, anchors: int, dimension: int, *, dense: bool) -> Bench:
    """The corpus is every other line of the log; the encoder is fitted to it."""
    kept, rest = log[::2], log[1::2]
    encoder = LatentSemanticEncoder.fit([text for text, _ in kept], dimension=dimension)
    candidates, _ = merge_spellings([LoggedQuery(text) for text, _ in rest])
    label = {normal_form(text): of for text, of in rest}
    spread = encoder.encode([of.text for of in candidates])
    chosen = [candidates[of.candidate].text for of in select(candidates, spread, anchors).chosen]
    own = [
        Anchor(f"a{at}", text, vector)
        for at, (text, vector) in enumerate(zip(chosen, encoder.encode(chosen), strict=True))
    ]
    session = Session(own, dimension=dimension, depths=(K,))
    vectors = encoder.encode([text for text, _ in kept])
    chunks = [(Chunk.of(f"c{at}", text, vectors[at]), of) for at, (text, of) in enumerate(kept)]
    session.apply(Upsert(chunk, version=1) for chunk, _ in chunks)
    asked = prepare(encoder.encode([text for text, _ in traffic]), Distance.COSINE)
    questions = AskedQuestions(
        [text for text, _ in traffic], [()] * len(traffic), asked if dense else np.zeros_like(asked)
    )
    return Bench(session, chunks, [label[normal_form(text)] for text in chosen], questions, [of for _, of in traffic])


def judged(bench: Bench, screened: int) -> tuple[list[TrafficStanding], float]:
    """How all questions stand, and the seconds that took."""
    engine = of_one_process(bench.session.engine)
    began, made, asked = time.perf_counter(), list[TrafficStanding](), bench.asked
    for at in range(0, len(asked), 256):
        part = AskedQuestions(asked.texts[at : at + 256], asked.filters[at : at + 256], asked.vectors[at : at + 256])
        days = [0] * len(part)
        made += standings(engine, part, k=K, days=days, mark=lambda key: key, screened=screened)
    return made, time.perf_counter() - began


def lost(before: RankedLists, after: RankedLists) -> NDArray[np.bool_]:
    """(n,) bool, whether a list lost MOVED results or more."""
    found = overlap(before, after)
    gone: NDArray[np.bool_] = before.lengths - found.shared[-1] >= MOVED
    return gone


def told(bench: Bench, leg: str, nearest: NDArray[np.int64], hit: NDArray[np.bool_]) -> dict[bool, tuple[int, int]]:
    """By whether a question is represented: moved questions whose nearest anchor moved too, and all that moved.

    One deploy for each label: its chunks are deleted, and put back afterwards.
    """
    counted = {True: (0, 0), False: (0, 0)}
    before, own = bench.lists(leg)
    for turn, label in enumerate(sorted({of for _, of in bench.chunks})):
        gone = [chunk for chunk, of in bench.chunks if of == label]
        bench.session.apply(Delete(of.chunk_id, version=2 * turn + 2) for of in gone)
        after, theirs = bench.lists(leg)
        moved, spoke = lost(before, after), lost(own, theirs)
        for which in (True, False):
            some = nearest[moved & (hit == which)]
            counted[which] = counted[which][0] + int((spoke[some] & (some >= 0)).sum()), counted[which][1] + len(some)
        bench.session.apply(Upsert(of, version=2 * turn + 3) for of in gone)
    return counted


def line(name: str, hits: int, n: int) -> str:
    """A share with Wilson's interval."""
    found = wilson(hits / n if n else float("nan"), float(n))
    return f"| {name} | {found.share:.1%} | {found.lower:.1%} to {found.upper:.1%} | {n:,} |"


def report(bench: Bench, leg: str) -> None:
    """The table of one leg."""
    screened, quick = judged(bench, SCREENED)
    every, whole = judged(bench, 0)
    mine, brute = (np.array([represented(of) for of in found]) for found in (screened, every))
    rows = {anchor_digest(of): at for at, of in enumerate(bench.session.engine.anchors.anchors)}
    nearest = np.array([rows.get(of.nearest, -1) for of in screened], np.int64)
    same = np.array(
        [at >= 0 and bench.anchors[at] == of for at, of in zip(nearest.tolist(), bench.labels, strict=True)]
    )
    spoken = told(bench, leg, nearest, mine)
    print(f"\n### {leg}: {len(bench.chunks):,} chunks, {len(rows):,} anchors, {len(mine):,} queries\n")
    print("| what | share | 95% | of |\n|---|--:|--:|--:|")
    print(line("represented", int(mine.sum()), len(mine)))
    print(line("represented by brute force", int(brute.sum()), len(brute)))
    print(line("of those, found by the screen", int((mine & brute).sum()), int(brute.sum())))
    print(line("of what the screen calls represented, brute force too", int((mine & brute).sum()), int(mine.sum())))
    print(line("nearest anchor has the same label, represented", int((same & mine).sum()), int(mine.sum())))
    print(line("nearest anchor has the same label, not represented", int((same & ~mine).sum()), int((~mine).sum())))
    print(line("told of a deletion, represented", *spoken[True]))
    print(line("told of a deletion, not represented", *spoken[False]))
    print(f"\nSeconds by brute force over those with the screen: {whole / quick:.2f} ({busy()})", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Both legs of one log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, default=None, help="CSV of text,label: corpus and anchors")
    parser.add_argument("--traffic", type=Path, default=None, help="CSV of text,label: what is asked")
    parser.add_argument("--anchors", type=int, default=500)
    parser.add_argument("--queries", type=int, default=3_000, help="of a generated log")
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--data", type=Path, default=None, help="not used: its texts are no queries")
    options = parser.parse_args(argv)
    if (options.log is None) != (options.traffic is None):
        parser.error("--log and --traffic: expected both or neither")
    every = generated(3 * options.queries)
    log = every[: 2 * options.queries] if options.log is None else read(options.log)
    traffic = every[2 * options.queries :] if options.traffic is None else read(options.traffic)
    print(facts(), flush=True)
    for leg in ("dense", "lexical"):
        report(bench_of(log, traffic, options.anchors, options.dimension, dense=leg == "dense"), leg)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
