"""From outcomes to the table: each case has a class, each detector a verdict on each deploy, and cells count."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from benchmarks.lab.truth import LOSS

Class = Literal["severe", "loss", "incident", "small", "same", "large", "exchanged", "eroded", "ordinary"]
CLASSES: Mapping[Class, str] = {
    "severe": "loss of 10 points, or 30 in a segment",
    "loss": "loss of 2 to 10 points, or 10 to 30 in a segment",
    "incident": "incident without such a loss",
    "small": "loss below 2 points",
    "same": "A/A",
    "large": "harmless but large",
    "exchanged": "2 of 100 answers lost while others were found",
    "eroded": "ordinary deploy after losses that add up to 2 points",
    "ordinary": "ordinary deploy without such a loss",
}
HARMFUL: tuple[Class, ...] = ("severe", "loss")
HARMLESS: tuple[Class, ...] = ("same", "large", "ordinary")
VERDICTS = ("fail", "inconclusive", "unknown", "pass", "error")
Document = dict[str, Any]


def class_of(outcome: Document, deploy: Document) -> Class:
    """The class of one deploy: what was lost decides; where nothing was, what was planted.

    Of a history, deploys that lost nothing to speak of are apart where all of them together did, since a person
    accepted a state: the next one may FAIL for that, and need not. So are large changes and ordinary deploys by which
    as many anchors lost their answer as a loss is, and others found theirs: on balance nothing is lost, and harmless
    is something else.
    """
    harm = deploy["harm"]
    if harm != "none":
        return "severe" if harm == "severe" else "loss"
    if deploy.get("erosion", "none") != "none":
        return "eroded"
    if outcome["group"] in {"large", "ordinary"} and max(deploy.get("lost", {"": 0.0}).values()) >= LOSS:
        return "exchanged"
    named: dict[str, Class] = {"loss": "small", "incident": "incident", "same": "same", "large": "large"}
    return named.get(outcome["group"], "ordinary")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One detector's verdict on one case, with what it is scored by.

    `verdict` is that on the deploy that holds the harm: the first one whose cumulated loss counts, else the last.
    `delay` is in deploys, None where it never said FAIL; 0 where it said so then or before.
    """

    detector: str
    stream: str
    kind: str
    mode: str
    severity: int
    of: Class
    verdict: str
    delay: int | None
    right_cause: bool | None
    first: Sequence[bool]
    precision: Sequence[float]
    recall: Sequence[float]
    seconds: float


def scored(outcome: Document) -> list[tuple[slice, int]]:
    """The deploys that are scored together, and which of them holds the harm: of a history each is alone."""
    deploys = outcome["deploys"]
    if outcome["group"] == "ordinary":
        return [(slice(at, at + 1), 0) for at in range(len(deploys))]
    return [(slice(0, len(deploys)), held(deploys))]


def names(outcome: Document) -> list[str]:
    """The runs of an outcome as lists have them: kind and how much it hits, or the deploy of a history."""
    mode = "" if outcome["mode"] == "pinned" else f" ({outcome['mode']})"
    if outcome["group"] == "ordinary":
        return [f"{deploy['deploy']}{mode}" for deploy in outcome["deploys"]]
    return [f"{outcome['kind']} {outcome['share']:.1%}{mode}"]


def judgements(outcome: Document) -> list[Judgement]:
    """The product's: one of a case, one for each deploy of a history."""
    return [_judgement(outcome, outcome["deploys"][part], at) for part, at in scored(outcome)]


def _judgement(outcome: Document, deploys: Sequence[Document], at: int) -> Judgement:
    verdicts = [one["verdict"] for one in deploys]
    legs = [one for one in deploys[at].get("blame", {}).values() if one is not None]
    causes = deploys[at].get("causes", [])
    moved = any(deploys[at]["churn"].values()) or outcome["cause"] == "PIPELINE"
    return Judgement(
        "corpus-drift",
        outcome["stream"],
        outcome["kind"],
        outcome["mode"],
        outcome["severity"],
        class_of(outcome, deploys[at]),
        verdicts[at],
        delay(verdicts, at),
        (causes[:1] == [outcome["cause"]]) if outcome["cause"] and moved else None,
        [one["right"] for one in legs if one["right"] is not None],
        [one["precision"] for one in legs],
        [one["recall"] for one in legs if one["recall"] is not None],
        outcome["seconds"] / len(outcome["deploys"]),
    )


def others(outcome: Document) -> list[Judgement]:
    """Those of every other detector that was asked."""
    return [one for found in by_other(outcome).values() for one in found if one is not None]


def by_other(outcome: Document) -> Mapping[str, Sequence[Judgement | None]]:
    """By other detector, beside each of `judgements`: FAIL where it fires, else PASS; None where it was not asked."""
    pairs = list(zip(judgements(outcome), scored(outcome), strict=True))
    return {
        name: [_other(name, ours, said[part], at) for ours, (part, at) in pairs]
        for name, said in outcome.get("others", {}).items()
    }


def _other(name: str, ours: Judgement, said: Sequence[Sequence[Any] | None], at: int) -> Judgement | None:
    known = [one for one in said if one is not None]
    if len(known) < len(said):
        return None
    verdicts = ["fail" if fired else "pass" for fired, _ in known]
    return replace(
        ours, detector=name, verdict=verdicts[at], delay=delay(verdicts, at), right_cause=None,
        first=(), precision=(), recall=(), seconds=known[at][1],
    )  # fmt: skip


def held(deploys: Sequence[Document]) -> int:
    """The deploy that holds the harm: the first one with a loss, else the last one."""
    return next((at for at, one in enumerate(deploys) if one["harm"] != "none"), len(deploys) - 1)


def delay(verdicts: Sequence[str], at: int) -> int | None:
    """Deploys from the harm to the first FAIL; 0 where one came before it.

    >>> delay(["pass", "pass", "fail"], 1), delay(["fail", "pass"], 1), delay(["pass"], 0)
    (1, 0, None)
    """
    found = next((row for row, verdict in enumerate(verdicts) if verdict == "fail"), None)
    return None if found is None else max(0, found - at)


@dataclass(frozen=True, slots=True)
class Cell:
    """Counts of one group of judgements."""

    runs: int
    verdicts: Mapping[str, int]
    delays: Sequence[int | None]
    cause: tuple[int, int]
    """Right, of how many."""
    first: tuple[int, int]
    precision: float | None
    recall: float | None
    """Medians."""
    seconds: float
    """Median."""

    def share(self, verdict: str) -> float:
        """A verdict's share of the runs."""
        return self.verdicts.get(verdict, 0) / self.runs if self.runs else 0.0


def cell(found: Iterable[Judgement]) -> Cell:
    """Judgements counted."""
    rows = list(found)
    verdicts = {name: sum(one.verdict == name for one in rows) for name in VERDICTS}
    causes = [one.right_cause for one in rows if one.right_cause is not None]
    firsts = [said for one in rows for said in one.first]
    return Cell(
        len(rows),
        verdicts,
        [one.delay for one in rows],
        (sum(causes), len(causes)),
        (sum(firsts), len(firsts)),
        median([said for one in rows for said in one.precision]),
        median([said for one in rows for said in one.recall]),
        median([one.seconds for one in rows]) or 0.0,
    )


def median(values: Sequence[float]) -> float | None:
    """The middle value, the mean of the two middle ones; None of nothing.

    >>> median([3, 1]), median([])
    (2.0, None)
    """
    if not values:
        return None
    ranked = sorted(values)
    half = len(ranked) // 2
    return float(ranked[half]) if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def grouped(found: Iterable[Judgement]) -> dict[Class, list[Judgement]]:
    """Judgements by class, in the order of CLASSES; classes without a run are left out."""
    made: dict[Class, list[Judgement]] = defaultdict(list)
    for one in found:
        made[one.of].append(one)
    return {of: made[of] for of in CLASSES if of in made}


def scores(found: Sequence[Judgement]) -> Mapping[str, str]:
    """One detector's line: the shares are of deploys, in the deploy that holds the harm; medians of blame.

    Args:
        found: all its judgements.
    """
    harmful = cell(one for one in found if one.of in HARMFUL)
    harmless = cell(one for one in found if one.of in HARMLESS)
    incidents, whole = cell(one for one in found if one.of == "incident"), cell(found)
    return {
        "harmful found": _share(harmful, "fail"),
        "harmful let pass": _share(harmful, "pass"),
        "incidents found": _share(incidents, "fail"),
        "incidents let pass": _share(incidents, "pass"),
        "false FAIL": _share(harmless, "fail"),
        "harmless undecided": _share(harmless, "inconclusive", "unknown"),
        "delay": said_delay(harmful.delays),
        "cause first": _of(whole.cause),
        "culprit first": _of(whole.first),
        "precision": "" if whole.precision is None else f"{whole.precision:.2f}",
        "recall": "" if whole.recall is None else f"{whole.recall:.2f}",
        "s a deploy": f"{whole.seconds:.1f}",
    }


def _share(of: Cell, *verdicts: str) -> str:
    count = sum(of.verdicts[one] for one in verdicts)
    return f"{count} of {of.runs} ({count / of.runs:.0%})" if of.runs else ""


def _of(counted: tuple[int, int]) -> str:
    right, whole = counted
    return f"{right} of {whole} ({right / whole:.0%})" if whole else ""


def said_delay(delays: Sequence[int | None]) -> str:
    """The mean of those that came, and how many never did.

    >>> said_delay([0, 3, None]), said_delay([None]), said_delay([])
    ('1.5 (never 1)', 'never', '')
    """
    late = [one for one in delays if one is not None]
    never = len(delays) - len(late)
    if not late:
        return "never" if never else ""
    return f"{sum(late) / len(late):.1f}" + (f" (never {never})" if never else "")
