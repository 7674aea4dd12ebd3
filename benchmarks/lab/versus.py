"""Run by run: where another detector is right and the product is not, and the other way round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.lab.score import Class, Judgement, by_other, judgements, names

RIGHT: Mapping[Class, str] = {
    "severe": "fail", "loss": "fail", "incident": "fail", "same": "pass", "large": "pass", "ordinary": "pass",
}  # fmt: skip
"""The verdict that is right. A loss below the limits has none, nor has what only many deploys lost together, nor an
exchange of answers."""
CONSTANT, OWN = ("always", "never"), ("alarms (ours)",)
"""No detectors (each is right on half of the classes by saying one thing), and the product's other one."""
Document = dict[str, Any]
Pair = tuple[str, Judgement, Judgement]
"""A run's name, the product's judgement and the other's."""


@dataclass(frozen=True, slots=True)
class Versus:
    """The product beside another detector, over the runs that both were asked about.

    Args:
        name: of the other one.
        runs: how many have a right answer.
        both: runs in which both are right.
        ours: runs in which the product alone is right.
        theirs: the runs in which the other one alone is, named; with the product's verdict.
        neither: runs in which nobody is.
    """

    name: str
    runs: int
    both: int
    ours: int
    theirs: Sequence[str]
    neither: int


def versus(outcomes: Sequence[Document]) -> list[Versus]:
    """Every other detector that decides something, in the order of first appearance."""
    pairs: dict[str, list[Pair]] = {}
    for outcome in outcomes:
        for name, found in by_other(outcome).items():
            runs = zip(names(outcome), judgements(outcome), found, strict=True)
            pairs.setdefault(name, []).extend(
                (run, ours, theirs) for run, ours, theirs in runs if theirs is not None and ours.of in RIGHT
            )
    return [_versus(name, of) for name, of in pairs.items() if name not in (*CONSTANT, *OWN)]


def _versus(name: str, pairs: Iterable[Pair]) -> Versus:
    told = [(run, ours, _right(ours), _right(other)) for run, ours, other in pairs]
    return Versus(
        name,
        len(told),
        sum(mine and theirs for *_, mine, theirs in told),
        sum(mine and not theirs for *_, mine, theirs in told),
        [f"{run} {ours.verdict.upper()}" for run, ours, mine, theirs in told if theirs and not mine],
        sum(not mine and not theirs for *_, mine, theirs in told),
    )


def _right(said: Judgement) -> bool:
    return said.verdict == RIGHT[said.of]
