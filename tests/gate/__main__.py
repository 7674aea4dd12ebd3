"""The full validation, as a table: `python -m tests.gate [DEPLOYS [REBUILDS]]`."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from monitor.core.judging.default_policy import SEGMENT
from tests.gate.simulations import (
    A_SEGMENT,
    EVERYWHERE,
    LOST_HALF,
    NOTHING,
    ONE_SEGMENT,
    SEGMENT_LOST,
    SHAPES,
    SMALL,
    SWAPS_ALONE,
    TWICE,
    Harm,
    Twins,
    default_verdicts,
    failed_segments,
    power,
    shares,
    small_verdicts,
    swapped,
    verdicts,
)

CASES = ((2.0, 12), (2.0, 40), (2.0, 120), (1.0, 40), (0.5, 120), (4.0, 40))
"""True mean of swaps, and sampled documents of each of five segments; two swaps are allowed."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def levels(deploys: int) -> None:
    """How often the gate said what, for pools at, below and above the tolerance; and its power against the stated."""
    _say(f"{deploys} deploys each; 5 segments; share of verdicts")
    for shape in SHAPES:
        for mean, documents in CASES:
            rules = {} if mean >= 2.0 else {"rules": SWAPS_ALONE}
            said = shares(verdicts(7, shape, mean=mean, documents=documents, deploys=deploys, **rules))
            told = "  ".join(f"{name} {share:.3f}" for name, share in said.items())
            _say(f"{shape:15} mean {mean:.1f} of 2 allowed  {documents:4} documents a segment  {told}")
        for documents in (12, 40, 120):
            harm, seen = power(7, shape, documents=documents, deploys=deploys)
            _say(f"{shape:15} stated: {harm:.2f} with 80% power at {5 * documents} documents; seen {seen:.3f}")


def defaults(deploys: int) -> None:
    """How often the default policy FAILs what is just allowed, on both legs, and what it says of less and of more."""
    _say(f"default policy, {deploys} deploys each; 5 segments, 2 legs; share of verdicts")
    for whole, drawn in ((False, "one by one"), (True, "by document")):
        for name, harm in {"every segment at the limit": EVERYWHERE, "one segment at its limit": ONE_SEGMENT}.items():
            _defaults(f"{name}, drawn {drawn}", harm, (12, 40, 120), deploys, whole=whole)
    for name, harm in {"no harm": NOTHING, "twice the limit": TWICE, "a segment lost 30%": SEGMENT_LOST}.items():
        _defaults(name, harm, (12, 40), deploys // 5, whole=False)


def _defaults(name: str, harm: Harm, sizes: Sequence[int], deploys: int, *, whole: bool) -> None:
    for documents in sizes:
        said = shares(default_verdicts(7, "skewed", harm, documents=documents, deploys=deploys, whole=whole))
        told = "  ".join(f"{verdict} {share:.3f}" for verdict, share in said.items())
        _say(f"{name:40} {documents:4} documents a segment  {told}")


def segments(deploys: int) -> None:
    """Forty segments of twenty anchors: how often a segment FAILs that lost no more than allowed, and half."""
    _say(
        f"{SMALL} segments of {A_SEGMENT} anchors, {deploys} deploys each; share of deploys in which a segment FAILs"
    )
    for a_document in (1, 2):
        for name, lost, others in (
            ("all at what is usual", SEGMENT.usual, SEGMENT.usual),
            ("one lost half, the rest at what is usual", 0.5, SEGMENT.usual),
            ("one lost half, the rest nothing", 0.5, 0.0),
            ("exactly ten of one's twenty", None, 0.0),
        ):
            failed = list(
                map(
                    failed_segments,
                    small_verdicts(7, lost=lost, others=others, deploys=deploys, a_document=a_document),
                )
            )
            own = sum(LOST_HALF in of for of in failed) / deploys
            wrong = sum(bool(of - {LOST_HALF}) for of in failed) / deploys
            _say(f"{name:40} {a_document} questions a document   that one {own:.3f}   any other {wrong:.3f}")


def rebuilds(count: int) -> None:
    """How often rebuilding the index FAILs, at the default tolerance and at one below the index's own noise."""
    twins = Twins.made(7)
    first, second = twins.build(), twins.build()
    noise, against = swapped(first, second), twins.taken(first, second)
    new = (rule for rule in twins.rules() if rule.metric == "new_results")
    strict = tuple(replace(rule, max=noise / 2, severe=noise) for rule in new)
    failed = {"default": 0, "strict": 0}
    for _ in range(count):
        lists = twins.build()
        failed["default"] += twins.verdict(against, lists, twins.rules()).verdict == "fail"
        failed["strict"] += twins.verdict(against, lists, strict).verdict == "fail"
    _say(f"{count} rebuilds, {noise:.2f} swaps between two; FAIL: {failed} (strict allows {noise / 2:.2f})")


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]]
    levels(chosen[0] if chosen else 500)
    defaults(chosen[0] if chosen else 500)
    segments(chosen[0] if chosen else 500)
    rebuilds(chosen[1] if len(chosen) > 1 else 500)
