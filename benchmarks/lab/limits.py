"""Which rule of the policy decided which run, and how near harmless runs come to each limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.lab.score import HARMLESS, Class, class_of, names, scored

Document = dict[str, Any]
LEGS = ("dense", "lexical")
MOST_ROWS = 3


def family(rule: str) -> str:
    """A rule without its leg and dimension: each of the policy's limits is one family.

    >>> family("kept-dense-all"), family("kept-lexical-language"), family("new-hub-dense"), family("copied-all")
    ('kept', 'kept, segment', 'new-hub', 'copied')
    """
    head, _, last = rule.rpartition("-")
    if last in LEGS:
        return head
    name, _, leg = head.rpartition("-")
    name = name if leg in LEGS else head
    return name if last == "all" else f"{name}, segment"


def decided(deploy: Mapping[str, Any], verdict: str = "fail") -> list[str]:
    """Families of the critical rules with this verdict, in the order of the findings."""
    rules = deploy.get("rules", {}).items()
    return list(dict.fromkeys(family(name) for name, one in rules if one["critical"] and one["verdict"] == verdict))


@dataclass(frozen=True, slots=True)
class Row:
    """One run as the tables name it: kind and how much it hits, its class, and its deploy."""

    name: str
    of: Class
    deploy: Mapping[str, Any]


def rows(outcomes: Iterable[Document]) -> Iterator[Row]:
    """Of a case the deploy that holds the harm; of a history each."""
    for one in outcomes:
        for name, (part, at) in zip(names(one), scored(one), strict=True):
            deploy = one["deploys"][part][at]
            yield Row(name, class_of(one, deploy), deploy)


@dataclass(frozen=True, slots=True)
class Limit:
    """What one family of rules did over all runs.

    Args:
        name: of the family.
        limit: its default.
        fails: runs it fails, by class.
        alone: how many harmful ones and incidents no other family fails.
        rows: the ones it fails alone, else those where it is least beyond the limit; the mildest first.
        harmless: the value nearest to the limit, or farthest beyond it, in a run without harm; None: there is none.
        least: the value nearest to the limit that failed an incident or a loss.
    """

    name: str
    limit: float
    fails: Mapping[Class, int]
    alone: int
    rows: Sequence[str]
    harmless: float | None
    least: float | None


def limits(outcomes: Iterable[Document]) -> list[Limit]:
    """One of each family that any run was judged by, in the order of first appearance."""
    runs = list(rows(outcomes))
    names = dict.fromkeys(family(name) for run in runs for name in run.deploy.get("rules", {}))
    return [_limit(name, runs) for name in names]


def _limit(name: str, runs: Sequence[Row]) -> Limit:
    found = [(run, one) for run in runs if (one := _worst(name, run.deploy)) is not None]
    limit = next(one["limit"] for _, one in found)
    failed = [(run, one) for run, one in found if one["verdict"] == "fail" and one["critical"]]
    wrong = [(run, one) for run, one in failed if run.of not in HARMLESS]
    alone = [(run, one) for run, one in wrong if decided(run.deploy) == [name]]
    calm = [_beyond(name, one) for run, one in found if run.of in HARMLESS and one["value"] is not None]
    harmful = [_beyond(name, one) for _, one in wrong]
    sign = _sign(name)
    return Limit(
        name,
        limit,
        {of: sum(run.of == of for run, _ in failed) for of in dict.fromkeys(run.of for run, _ in failed)},
        len(alone),
        [run.name for run, one in sorted(alone or wrong, key=lambda pair: _beyond(name, pair[1]))[:MOST_ROWS]],
        limit + sign * max(calm) if calm else None,
        limit + sign * min(harmful) if harmful else None,
    )


def _worst(name: str, deploy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The worst of a family's rules in one deploy: failing ones that decide first, then the farthest beyond."""
    own = [one for rule, one in deploy.get("rules", {}).items() if family(rule) == name and one["value"] is not None]
    return max(own, key=lambda one: (one["verdict"] == "fail" and one["critical"], _beyond(name, one)), default=None)


def _beyond(name: str, one: Mapping[str, Any]) -> float:
    """How far a value is beyond its limit; negative: within."""
    away: float = _sign(name) * (one["value"] - one["limit"])
    return away


def _sign(name: str) -> int:
    """Kept answers fail below their limit, all else above."""
    return -1 if name.startswith("kept") else 1
