"""The default policy: what the gate allows a deploy to do to answers, first results and lists.

Anchors are judged on *content*: other ids, other cuts and an ordinary edit of the same text are not drift. Three
questions, the sharpest first. How many anchors lost the answer they had (`kept_answers_ratio`): a share, tested
exactly, powerful in small segments. How many answer with a first result that none of their results was
(`new_first_ratio`). How many results are new (`new_results`), which also sees what pushes in without pushing the
first answer out (poison, hubs); its limit scales with k, because a result is a share of k. Where the corpus grows, so
many results are new by chance: `policy.allowing`.

Every rule has two limits. Above the first, the tolerance, harm that is shown is a FAIL. A PASS needs an estimate
within the tolerance and has to exclude the second, severe harm: twenty anchors of which none lost its answer exclude
a loss of 14 points, so a segment that small can pass.

Of answers lost it is known what ordinary deploys come to: nine in ten of the FastAPI history's, judged each against
the one before, lost less than 5 in 1,000 of all anchors and 2 in 100 of any segment's. So a FAIL has to exclude what
is usual, not the tolerance itself, and the estimate has to be beyond the tolerance (of all anchors, at it): of five
hundred anchors 10 lost answers are enough, where 20 were needed to show that they are more than the 10 tolerated.

Grounds. The limits on new results and new first results were tried, as limits on results exchanged by content (the
new ones are those that re-chunking does not explain), on two documentation histories with some 60 kinds of planted
change (86 runs) and 269 real deploys: 33 of 36 losing runs FAIL instead of 12 at the limits of before (2.0 swaps, .25
of the first results), 5 real deploys instead of 2. A first result that the list held before is no harm: that left the
new first results of the lab's harmless kinds below 1 of 100, and of the FastAPI history's ordinary deploys below 2.5,
so 3 are tolerated. Rebuilding one HNSW index on the same data
exchanged about 0.7 results in the lists it touched at a recall of .93, and lists it did not touch none: a mean of
0.75 over all anchors is not reached by an index alone. A loss of 2 points of known-item recall, or 10 in a segment,
is what those runs and the drift lab (docs/lab.md) call harm; the tolerances of kept answers stand right there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.core.judging.policy import Rule
from monitor.core.model.report import ALL, Leg

KEPT_WEIGHT = 8.0
"""Kept answers have the greater part of the level: they are what users notice."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Tolerance and severe harm of the three questions.

    Args:
        lost: share of anchors that lose their answer.
        usual: share that may lose it in an ordinary deploy; a FAIL excludes that.
        first: share of anchors with a new first result.
        new: mean results that are new, as a share of k.
    """

    lost: tuple[float, float]
    usual: float
    first: tuple[float, float]
    new: tuple[float, float]


WHOLE = Limits(lost=(0.02, 0.10), usual=0.005, first=(0.03, 0.12), new=(0.075, 0.2))
"""Over all anchors."""
ERODED, ERODED_WEIGHT = (0.02, 0.10), 2.0
"""Since the pinned baseline, beside one that moves: what no deploy may lose at once, many may not lose little by
little, until a person looks and approves a baseline anew (lab: slow_loss)."""
ERODED_LAB = ("slow_loss 0.5%",)
SEGMENT = Limits(lost=(0.10, 0.30), usual=0.02, first=(0.10, 0.4), new=(0.1, 0.4))
"""In one segment: twenty anchors show half of their answers lost at any level that the gate tests at."""


@dataclass(frozen=True, slots=True)
class PolicyQuestion:
    """One of the three questions.

    Args:
        asks: in words.
        metric: what answers it.
        limits: which of `Limits` are its.
        lab: rows of the drift lab that its limits decide (docs/lab).
    """

    asks: str
    metric: str
    limits: Literal["lost", "first", "new"]
    lab: tuple[str, ...]


QUESTIONS = (
    PolicyQuestion(
        "Who lost the answer they had?", "kept_answers_ratio", "lost",
        ("lost_answers 5.0%", "lost_kind 20.0%", "lost_language 5.0%"),
    ),
    PolicyQuestion(
        "Who meets a first result that was none of theirs?", "new_first_ratio", "first",
        ("segment_shuffled_vectors 5.0%", "lost_source 20.0%"),
    ),
    PolicyQuestion(
        "How many of ten results are new?", "new_results", "new",
        ("lost_tails 20.0%", "binary_vectors 20.0%", "old_chunks_left 20.0%"),
    ),
)  # fmt: skip


def default_rules(dimensions: Sequence[str], legs: Sequence[Leg], *, k: int, min_anchors: int) -> tuple[Rule, ...]:
    """The rules used when the configuration names none.

    Args:
        dimensions: configured dimensions; `all` is always judged.
        legs: the legs that are switched on.
        k: the depth to judge at.
        min_anchors: the fewest baseline anchors a watched segment has.
    """
    watched = [(leg, dimension) for leg in legs for dimension in (ALL, *dimensions)]
    eroded = tuple(_eroded(leg, k, min_anchors) for leg in legs)
    return (*(rule for of in watched for rule in _answers(*of, k, min_anchors)), *eroded)


def _eroded(leg: Leg, k: int, min_anchors: int) -> Rule:
    """Kept answers since the pinned baseline, beside one that moves; it asks nothing where there is no other."""
    lost, severe = ERODED
    return Rule(
        f"pinned-{leg}", "pinned_kept_answers_ratio", leg, "mean", k, min=1.0 - lost, min_anchors=min_anchors,
        severe=1.0 - severe, weight=ERODED_WEIGHT,
        ground=f"{lost * 100:.0f} in 100 of all anchors lost, little by little, the answer of the pinned baseline",
    )  # fmt: skip


def _answers(leg: Leg, dimension: str, k: int, min_anchors: int) -> Iterator[Rule]:
    """Kept answers, new results and new first results of one leg in one dimension."""
    limits = WHOLE if dimension == ALL else SEGMENT
    where = "of all anchors" if dimension == ALL else "of a segment's anchors"
    lost, severe = limits.lost
    yield Rule(
        f"kept-{leg}-{dimension}", "kept_answers_ratio", leg, "mean", k, dimension, min=1.0 - lost,
        min_anchors=min_anchors, severe=1.0 - severe, weight=KEPT_WEIGHT,
        usual=1.0 - limits.usual,
        ground=f"{lost * 100:.0f} in 100 {where} lose the answer they had, by content",
    )  # fmt: skip
    new, severe = (share * k for share in limits.new)
    yield Rule(
        f"new-{leg}-{dimension}", "new_results", leg, "mean", k, dimension, max=new,
        min_anchors=min_anchors, severe=severe, learns=True,
        ground=f"{new:g} of the top {k} {where} are new on average, by content",
    )  # fmt: skip
    first, severe = limits.first
    yield Rule(
        f"first-{leg}-{dimension}", "new_first_ratio", leg, "mean", 0, dimension, max=first,
        min_anchors=min_anchors, severe=severe,
        ground=f"{first * 100:.0f} in 100 {where} answer with a new first result, by content",
    )  # fmt: skip
