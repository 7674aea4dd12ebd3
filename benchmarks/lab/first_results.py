"""Whether the first result of a list, or the first three, tell better what known items are lost.

    python -m benchmarks.lab.first_results                                # the generated stream
    python -m benchmarks.lab.first_results --git CLONE --glob "docs/*.md"

The product knows no known items, so it asks after the results that stood first. By brute force, without the product:
each planted loss and incident of one deploy, and the ordinary deploys against the first one.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
from numpy.typing import NDArray

from benchmarks.lab import truth
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.corpus import Corpus, Stream, applied
from benchmarks.lab.real_streams import git
from benchmarks.lab.run import Case, planted
from benchmarks.lab.streams import generated

NAMES = ("the first", "the first three")
SLACK = 1e-9


def losses(stream: Stream, corpora: Iterator[Corpus]) -> NDArray[np.float64]:
    """(n, 3) what is lost of known items on balance, of first results and of first three results, in shares.

    A row for each leg of each corpus, compared with the stream's own. A result is lost where the ten results hold
    less than half of its word triples together; one without words is not.
    """
    before = truth.brute_force(stream.corpus, stream.anchors)
    known = truth.passages(stream.anchors, stream.corpus)
    had = truth.answers(known, stream.corpus, before)
    first = {
        leg: [[truth.triples(stream.corpus[name].text) for name in row[:3]] for row in before.of(leg)]
        for leg in truth.LEGS
    }
    made = []
    for corpus in corpora:
        lists = truth.brute_force(corpus, stream.anchors)
        has = truth.answers(known, corpus, lists)
        for leg in truth.LEGS:
            gone = [
                [bool(one) and not truth.answered(one, tuple(corpus[name].text for name in row)) for one in items]
                for items, row in zip(first[leg], lists.of(leg), strict=True)
            ]
            of_first = float(np.mean([row[:1] == [True] for row in gone]))
            of_three = float(np.mean([one for row in gone for one in row] or [False]))
            made.append((float(had.of(leg).mean() - has.of(leg).mean()), of_first, of_three))
    return np.array(made)


def corpora(stream: Stream) -> Iterator[Corpus]:
    """The corpus after each ordinary deploy, and after each planted loss and incident of one deploy."""
    corpus: Corpus = stream.corpus
    for _, changes in stream.deploys:
        corpus = applied(corpus, changes)
        yield corpus
    for kind in KINDS.values():
        alone = kind.deploys == 1 and kind.distance == "cosine" and kind.group in {"loss", "incident"}
        if alone and kind.fits(stream.initial, stream.distance):
            for severity in range(len(kind.severities)):
                yield from (one.after for one in planted(stream, Case(kind, severity, "pinned")))


def table(found: NDArray[np.float64]) -> Iterator[str]:
    """How often each of the two is on the other side of `truth.LOSS` than the known items, and how far off it is."""
    harm = found[:, 0] >= truth.LOSS - SLACK
    for at, name in enumerate(NAMES, 1):
        says = found[:, at] >= truth.LOSS - SLACK
        off = float(np.sqrt(np.mean((found[:, at] - found[:, 0]) ** 2)))
        missed, false = int((harm & ~says).sum()), int((~harm & says).sum())
        yield (
            f"{name}: misses {missed} of {int(harm.sum())} losses of 2 points, sees {false} in the other "
            f"{int((~harm).sum())}; {100 * off:.1f} points off (root of the mean square)"
        )


def main(argv: Sequence[str]) -> int:
    """Print the table of one stream."""
    parser = argparse.ArgumentParser("python -m benchmarks.lab.first_results", description=__doc__)
    parser.add_argument("--git", type=Path, default=None, help="a clone of a documentation repository")
    parser.add_argument("--glob", default="*.md", help="of --git: which files")
    parser.add_argument("--deploys", type=int, default=12, help="of --git: how many weeks")
    options = parser.parse_args(argv)
    stream = (
        generated()
        if options.git is None
        else git(options.git, glob=options.glob, deploys=options.deploys, vectors=None)
    )
    print("\n".join(table(losses(stream, corpora(stream)))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
