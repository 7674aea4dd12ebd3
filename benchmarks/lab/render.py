"""Outcomes as Markdown, JSON and a picture, and the page that explains them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.lab import timeline
from benchmarks.lab.limits import decided, limits
from benchmarks.lab.picture import svg
from benchmarks.lab.score import CLASSES, Cell, Class, Judgement, cell, class_of, grouped, held, said_delay, scores
from benchmarks.lab.versus import CONSTANT, OWN, Versus, versus

Document = dict[str, Any]
OURS = "corpus-drift"
KEPT = ("kept-dense-all", "kept-lexical-all")
"""The rules whose values are kept and said where a loss was let pass."""
_RUN = (
    "stream", "kind", "hits", "baseline", "class", "largest loss", "verdict", "decided by", "causes", "first reason",
)  # fmt: skip
_HEAD = (
    "runs", "FAIL", "INCONCLUSIVE", "UNKNOWN", "PASS", "delay", "cause first", "culprit first", "precision", "recall",
    "s a deploy",
)  # fmt: skip


_SCORES = (
    "detector", "harmful found", "harmful let pass", "incidents found", "incidents let pass", "false FAIL",
    "harmless undecided", "delay",
    "cause first", "culprit first", "precision", "recall", "s a deploy",
)  # fmt: skip
_LIMITS = (
    "rule", "limit", "harmless runs come to", "harm is failed from", "severe", "loss", "other incidents",
    "of these alone", "harmless runs failed", "rows it decides, the mildest",
)  # fmt: skip


def as_json(outcomes: Sequence[Document], found: Sequence[Judgement], about: Mapping[str, object]) -> str:
    """Everything, for machines: one line an outcome, without the rules that passed; but see `KEPT`."""
    head_ = {**about, "detectors": summary(found), "scores": scoreboard(found)}
    head = json.dumps({**head_, "limits": [asdict(one) for one in limits(outcomes)]}, ensure_ascii=False, indent=1)[
        :-2
    ]
    lines = ",\n".join(json.dumps(_short(one), ensure_ascii=False) for one in outcomes)
    return f'{head},\n "outcomes": [\n{lines}\n]}}\n'


def _short(outcome: Document) -> Document:
    return {**outcome, "deploys": [{**one, "rules": dict(_told(one))} for one in outcome["deploys"]]}


def _told(deploy: Document) -> Iterator[tuple[str, Document]]:
    missed = deploy["harm"] != "none" and deploy["verdict"] == "pass"
    for name, of in deploy.get("rules", {}).items():
        if of["verdict"] != "pass" or (missed and name in KEPT):
            yield name, of


def scoreboard(found: Sequence[Judgement]) -> Document:
    """By detector, the figures of the first table."""
    return {name: scores([one for one in found if one.detector == name]) for name in detectors(found)}


def summary(found: Sequence[Judgement]) -> Document:
    """By detector and class, the counts of verdicts."""
    made: Document = {}
    for name in detectors(found):
        of = grouped(one for one in found if one.detector == name)
        made[name] = {key: {said: n for said, n in cell(rows).verdicts.items() if n} for key, rows in of.items()}
    return made


def detectors(found: Sequence[Judgement]) -> list[str]:
    """Names of detectors: ours first."""
    names = list(dict.fromkeys(one.detector for one in found))
    return sorted(names, key=lambda name: (name != OURS, name not in OWN, name in CONSTANT, name))


def picture(outcomes: Sequence[Document], found: Sequence[Judgement]) -> str:
    """The summary as SVG; of histories alone, one deploy after the other."""
    if all(one["group"] == "ordinary" for one in outcomes):
        return timeline.svg(outcomes)
    names = detectors(found)
    cells = {
        of: {name: cell(one for one in rows if one.detector == name) for name in names}
        for of, rows in grouped(found).items()
    }
    return svg(names, cells)


def markdown(outcomes: Sequence[Document], found: Sequence[Judgement], about: Mapping[str, object]) -> str:
    """The tables of one run."""
    ours = [one for one in found if one.detector == OURS]
    return "\n".join(
        [
            f"`{about['command']}`: {rests_on(about)}",
            "",
            "## Detectors",
            "",
            *score_table(scoreboard(found)),
            "",
            *([*versus_table(beside), ""] if (beside := versus(outcomes)) else []),
            "## Detectors, by class: share of deploys that FAIL (INCONCLUSIVE or UNKNOWN)",
            "",
            *_by_detector(found),
            "",
            "## Ours, by class",
            "",
            line("class", *_HEAD),
            line(*["---"] * (len(_HEAD) + 1)),
            *(line(CLASSES[of], *_cells(cell(rows))) for of, rows in grouped(ours).items()),
            "",
            "## Ours, by class and kind",
            "",
            line("class", "kind", *_HEAD),
            line(*["---"] * (len(_HEAD) + 2)),
            *_by_kind(ours),
            "",
            "## Which rule decided",
            "",
            *limit_table([asdict(one) for one in limits(outcomes)]),
            "",
            "## Every run",
            "",
            line(*_RUN),
            line(*["---"] * len(_RUN)),
            *(_run(one) for one in outcomes if one["group"] != "ordinary"),
            *(
                _line_of_history(one, deploy)
                for one in outcomes
                if one["group"] == "ordinary"
                for deploy in one["deploys"]
            ),
            "",
        ]
    )


def rests_on(about: Mapping[str, object]) -> str:
    """The product's version and time, and the machine, in one line."""
    machine = str(about["machine"]).replace("\n", "; ")
    beside = f" Peers: {about['peers']}." if about.get("peers") else ""
    beside += f" {about['note']}" if about.get("note") else ""
    used = f"{about['seconds']} s of the product's CPU"
    if "lab_seconds" in about:
        used += f", {about['lab_seconds']} s of the lab's, {about['peer_seconds']} s of the peers'"
    return f"{used}; sources of the product {about['product']}; {machine}.{beside}"


def _by_detector(found: Sequence[Judgement]) -> list[str]:
    classes = list(grouped(found))
    made = [line("detector", *(CLASSES[of] for of in classes), "s a deploy"), line(*["---"] * (len(classes) + 2))]
    for name in detectors(found):
        rows = [one for one in found if one.detector == name]
        by = grouped(rows)
        made.append(line(name, *(_share(of, cell(by.get(of, []))) for of in classes), f"{cell(rows).seconds:.2f}"))
    return made


def _share(of: Class, counted: Cell) -> str:
    del of
    open_ = counted.share("inconclusive") + counted.share("unknown")
    return f"{counted.share('fail'):.0%} ({open_:.0%}) of {counted.runs}" if counted.runs else ""


def _by_kind(ours: Sequence[Judgement]) -> list[str]:
    made = []
    for of, rows in grouped(ours).items():
        for name in dict.fromkeys(one.kind for one in rows):
            counted = cell(one for one in rows if one.kind == name)
            made.append(line(of, name, *_cells(counted)))
    return made


def _cells(of: Cell) -> list[object]:
    return [
        of.runs, *(of.verdicts.get(one, 0) for one in ("fail", "inconclusive", "unknown", "pass")),
        said_delay(of.delays),
        *(f"{a}/{b}" if b else "" for a, b in (of.cause, of.first)),
        *("" if one is None else f"{one:.2f}" for one in (of.precision, of.recall)), f"{of.seconds:.1f}",
    ]  # fmt: skip


def _run(outcome: Document) -> str:
    deploys = outcome["deploys"]
    last = deploys[held(deploys)]
    many = f" x {len(deploys)}" if len(deploys) > 1 else ""
    return _line_of(outcome, last, f"{outcome['share']:.1%}{many}")


def _line_of_history(outcome: Document, deploy: Document) -> str:
    against = f" against {deploy['baseline']}" if outcome["mode"] != "pinned" and "baseline" in deploy else ""
    return _line_of({**outcome, "kind": deploy["deploy"]}, deploy, f"{deploy['changes']} changes{against}")


def _line_of(outcome: Document, deploy: Document, hits: str) -> str:
    loss = deploy["worst"]
    said = f"{loss['leg']} {loss['segment']} {loss['before']:.2f} to {loss['after']:.2f}"
    reason = next(iter(deploy.get("reasons", [])), outcome["error"])[:110]
    return line(
        outcome["stream"], outcome["kind"], hits, outcome["mode"], class_of(outcome, deploy), said,
        deploy["verdict"].upper(), decided_by(deploy), ", ".join(deploy.get("causes", [])), reason.replace("|", "/"),
    )  # fmt: skip


def decided_by(deploy: Mapping[str, Any]) -> str:
    """The rules that fail, else those that are undecided."""
    return ", ".join(decided(deploy) or [f"({name})" for name in decided(deploy, "inconclusive")])


def score_table(counted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """`scoreboard` as a table."""
    return [
        line(*_SCORES),
        line(*["---"] * len(_SCORES)),
        *(line(name, *(one.get(key, "") for key in _SCORES[1:])) for name, one in counted.items()),
    ]


def versus_table(found: Iterable[Versus]) -> list[str]:
    """`versus` as a table."""
    head = ("other detector", "runs with a right answer", "both right", "ours alone", "the other alone", "neither")
    return [
        line(*head),
        line(*["---"] * len(head)),
        *(line(one.name, one.runs, one.both, one.ours, len(one.theirs), one.neither) for one in found),
    ]


def limit_table(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """`limits`, as documents, as a table."""
    made = [line(*_LIMITS), line(*["---"] * len(_LIMITS))]
    for one in found:
        by = one["fails"]
        harmless = sum(by.get(of, 0) for of in ("same", "large", "ordinary"))
        counts = (by.get("severe", 0), by.get("loss", 0), by.get("incident", 0) + by.get("small", 0), one["alone"])
        figures = (_figure(one["limit"]), _figure(one["harmless"]), _figure(one["least"]))
        made.append(line(one["name"], *figures, *counts, harmless, "; ".join(one["rows"])))
    return made


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def line(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |"
