"""What the lab is to show, goal by goal: the figure of a run, and whether it is met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.lab.score import HARMFUL, Class, Judgement, cell, judgements
from benchmarks.lab.versus import versus

MOST_OF, PRECISE = 0.95, 0.95
FALSE, UNDECIDED, LARGE = 0.02, 0.05, 0.05
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, and what a run came to; `met` is None where the run has nothing to show it by."""

    says: str
    figure: str
    met: bool | None


def goals(outcomes: Sequence[Document]) -> list[Goal]:
    """Every goal for one run, in the same order for all runs."""
    found = [said for one in outcomes for said in judgements(one)]
    return [*_verdicts(found), *_blame(found), _delay(found), _peers(outcomes)]


def _verdicts(found: Sequence[Judgement]) -> Iterator[Goal]:
    yield _share("harmful deploys FAIL", _of(found, *HARMFUL), ("fail",), least=MOST_OF)
    yield _share("harmful deploys PASS", _of(found, *HARMFUL), ("pass",), most=0.0)
    yield _share("A/A FAIL", _of(found, "same"), ("fail",), most=FALSE)
    yield _share("A/A undecided", _of(found, "same"), ("inconclusive", "unknown"), most=UNDECIDED)
    yield _share("harmless but large FAIL", _of(found, "large"), ("fail",), most=LARGE)
    yield _share("ordinary deploys FAIL", _of(found, "ordinary"), ("fail",), most=FALSE)
    yield _share("ordinary deploys undecided", _of(found, "ordinary"), ("inconclusive", "unknown"), most=UNDECIDED)


def _blame(found: Sequence[Judgement]) -> Iterator[Goal]:
    counted = cell(found)
    yield _counted("right cause first", *counted.cause)
    yield _counted("planted culprit first", *counted.first)
    yield _median("precision of blame, median", counted.precision)
    yield _median("recall of blame, median", counted.recall)


def _delay(found: Sequence[Judgement]) -> Goal:
    caught = [one.delay for one in _of(found, *HARMFUL) if one.delay is not None]
    late = sum(one > 0 for one in caught)
    said = f"{late} of {len(caught)} FAIL later" if caught else ""
    return Goal("delay of what is found: no deploy", said, not late if caught else None)


def _peers(outcomes: Sequence[Document]) -> Goal:
    others = versus(outcomes)
    better = sum(len(one.theirs) for one in others)
    said = f"{better} runs" if others else ""
    return Goal("right wherever another detector is", said, not better if others else None)


def _of(found: Sequence[Judgement], *classes: Class) -> list[Judgement]:
    return [one for one in found if one.of in classes]


def _share(
    says: str, of: Sequence[Judgement], verdicts: Sequence[str], *, least: float = 0.0, most: float = 1.0
) -> Goal:
    count = sum(one.verdict in verdicts for one in of)
    wanted = f"at least {least:.0%}" if least else f"at most {most:.0%}" if most else "none"
    if not of:
        return Goal(f"{says}: {wanted}", "", None)
    share = count / len(of)
    return Goal(f"{says}: {wanted}", f"{count} of {len(of)} ({share:.1%})", least <= share <= most)


def _counted(says: str, right: int, of: int) -> Goal:
    figure = f"{right} of {of} ({right / of:.1%})" if of else ""
    return Goal(f"{says}: at least {MOST_OF:.0%}", figure, right >= MOST_OF * of if of else None)


def _median(says: str, value: float | None) -> Goal:
    figure = "" if value is None else f"{value:.2f}"
    return Goal(f"{says}: at least {PRECISE:.2f}", figure, None if value is None else value >= PRECISE)
