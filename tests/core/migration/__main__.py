"""The full validation, as a table: `python -m tests.core.migration [ENCODERS [CORPORA]]`."""

import sys

import numpy as np

from monitor.core.migration.quality import QualityDifference
from tests.core.migration.simulations import WorseEncoders, known_ranks

LOSSES = (-0.03, -0.01, 0.0, 0.02, 0.03, 0.05)
"""True loss of nDCG: 0.02 is allowed, so at 0.02 and above READY is false."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def readiness(encoders: int) -> None:
    """How often R6 says pass, fail and neither, overall; and with a loss that one of four segments alone has."""
    _say(f"{encoders} encoders each; 600 and 1,500 anchors, four segments; allowed: 0.02, 0.05 in a segment")
    for anchors in (600, 1_500):
        for loss in LOSSES:
            world = WorseEncoders(seed=1, anchors=anchors)
            said = [world.judged(loss=loss) for _ in range(encoders)]
            _line(f"{anchors:5} anchors, loss {loss:+.2f} everywhere", said)
        for loss in (0.05, 0.08, 0.12):
            world = WorseEncoders(seed=2, anchors=anchors)
            _line(f"{anchors:5} anchors, loss {loss:+.2f} in one segment", [
                world.judged(loss=0.0, segment_loss=loss) for _ in range(encoders)
            ])  # fmt: skip


def _line(case: str, said: list[list[QualityDifference]]) -> None:
    verdicts = [[of.verdict for of in found] for found in said]
    ready = sum(all(name == "pass" for name in row) for row in verdicts) / len(verdicts)
    failed = sum("fail" in row for row in verdicts) / len(verdicts)
    whole = sum(row[0] == "pass" for row in verdicts) / len(verdicts)
    _say(f"{case}: READY {ready:.3f}  overall no worse {whole:.3f}  NOT_READY {failed:.3f}")


def ranks(corpora: int) -> None:
    """How often the interval of a known item's rank holds the true one."""
    for fraction in (0.02, 0.05):
        generator = np.random.default_rng(7)
        inside = total = 0
        for _ in range(corpora):
            made = known_ranks(generator, chunks=20_000, fraction=fraction, anchors=20, deep=60.0)
            for at, truth in enumerate(made.truth.tolist()):
                of = made.items
                found = made.sample.rank(int(of.beaters[at]), int(of.hidden[at]), int(of.outside[at]))
                inside += found.lower <= truth <= found.upper
                total += 1
        _say(f"{corpora} corpora of 20,000 chunks, f = {fraction}: {inside / total:.4f} of {total} intervals cover")


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]]
    readiness(chosen[0] if chosen else 500)
    ranks(chosen[1] if len(chosen) > 1 else 200)
