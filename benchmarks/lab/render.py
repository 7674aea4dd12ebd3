"""Outcomes as Markdown, JSON and a picture, and the page that explains them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.picture import svg
from benchmarks.lab.score import CLASSES, HARMFUL, Cell, Class, Judgement, cell, class_of, grouped, held

Document = dict[str, Any]
OURS = "corpus-drift"
_HEAD = (
    "runs", "FAIL", "INCONCLUSIVE", "UNKNOWN", "PASS", "delay", "cause first", "culprit first", "precision", "recall",
    "s a deploy",
)  # fmt: skip


def as_json(outcomes: Sequence[Document], found: Sequence[Judgement], about: Mapping[str, object]) -> str:
    """Everything, for machines: one line an outcome."""
    head = json.dumps({**about, "detectors": summary(found)}, ensure_ascii=False, indent=1)[:-2]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in outcomes)
    return f'{head},\n "outcomes": [\n{lines}\n]}}\n'


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
    return sorted(names, key=lambda name: (name != OURS, name in {"always", "never"}, name))


def picture(found: Sequence[Judgement]) -> str:
    """The summary as SVG."""
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
            f"`{about['command']}`: {_rests_on(about)}",
            "",
            "## Detectors: share of deploys that FAIL (INCONCLUSIVE or UNKNOWN)",
            "",
            *_by_detector(found),
            "",
            "## Ours, by class",
            "",
            _line("class", *_HEAD),
            _line(*["---"] * (len(_HEAD) + 1)),
            *(_line(CLASSES[of], *_cells(cell(rows))) for of, rows in grouped(ours).items()),
            "",
            "## Ours, by class and kind",
            "",
            _line("class", "kind", *_HEAD),
            _line(*["---"] * (len(_HEAD) + 2)),
            *_by_kind(ours),
            "",
            "## Every run",
            "",
            _line("stream", "kind", "hits", "baseline", "class", "largest loss", "verdict", "causes", "first reason"),
            _line(*["---"] * 9),
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


def _rests_on(about: Mapping[str, object]) -> str:
    """The product's version and time, and the machine, in one line."""
    machine = str(about["machine"]).replace("\n", "; ")
    return f"{about['seconds']} s of the product's CPU; sources of the product {about['product']}; {machine}."


def _by_detector(found: Sequence[Judgement]) -> list[str]:
    classes = list(grouped(found))
    made = [_line("detector", *(CLASSES[of] for of in classes), "s a deploy"), _line(*["---"] * (len(classes) + 2))]
    for name in detectors(found):
        rows = [one for one in found if one.detector == name]
        by = grouped(rows)
        made.append(_line(name, *(_share(of, cell(by.get(of, []))) for of in classes), f"{cell(rows).seconds:.2f}"))
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
            made.append(_line(of, name, *_cells(counted)))
    return made


def _cells(of: Cell) -> list[object]:
    late = [one for one in of.delays if one is not None]
    never = len(of.delays) - len(late)
    delay = (f"{sum(late) / len(late):.1f}" if late else "") + (f" (never {never})" if never and late else "")
    return [
        of.runs, *(of.verdicts.get(one, 0) for one in ("fail", "inconclusive", "unknown", "pass")), delay,
        *(f"{a}/{b}" if b else "" for a, b in (of.cause, of.first)),
        *("" if one is None else f"{one:.2f}" for one in (of.precision, of.recall)), f"{of.seconds:.1f}",
    ]  # fmt: skip


def _run(outcome: Document) -> str:
    deploys = outcome["deploys"]
    last = deploys[held(deploys)]
    many = f" x {len(deploys)}" if len(deploys) > 1 else ""
    return _line_of(outcome, last, f"{outcome['share']:.1%}{many}")


def _line_of_history(outcome: Document, deploy: Document) -> str:
    return _line_of({**outcome, "kind": deploy["deploy"]}, deploy, f"{deploy['changes']} changes")


def _line_of(outcome: Document, deploy: Document, hits: str) -> str:
    loss = deploy["worst"]
    said = f"{loss['leg']} {loss['segment']} {loss['before']:.2f} to {loss['after']:.2f}"
    reason = next(iter(deploy.get("reasons", [])), outcome["error"])[:110]
    return _line(
        outcome["stream"], outcome["kind"], hits, outcome["mode"], class_of(outcome, deploy), said,
        deploy["verdict"].upper(), ", ".join(deploy.get("causes", [])), reason.replace("|", "/"),
    )  # fmt: skip


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


_PAGE = """# The drift lab

Generated by `python -m benchmarks.lab --page docs/lab.md`; do not edit.

Detectors see the same streams of corpus changes with planted incidents, and are scored by what readers lost. The
product is run as its users run it (`corpus-drift run --until-end`, `gate`, `report`; default policy, first deploy as
the baseline); nothing of its inside decides what counts as right.

* **Truth** is known-item recall@10 by content, by brute force (cosine; rank-bm25's BM25). A query's known item is the
  passage it was made from; it is answered where the ten results together hold at least half of the passage's word
  triples, under whatever id. Harm is a loss of 2 points overall or of 10 in a segment of at least 20 anchors, on one
  leg or the other; severe is 10 overall or 30 in a segment. What was planted as an incident and costs no known items
  is an incident by construction; a loss below the limits is neither right nor wrong to fail.
* **The deploy that holds the harm** is scored: the first one whose cumulated loss counts. Delay is in deploys from
  there to the first FAIL.
* **Blame** is scored on documents, beside usual edits elsewhere: whether the first name was planted (culprit first),
  the planted share of what is named (precision), and what planted names hold of what brute force says is due to the
  plant (recall, where at most 20 documents or whole sources were planted). Medians.
* **Peers** run with their defaults: Evidently's classifier on embeddings, alibi-detect's Kolmogorov-Smirnov test,
  the cosine of mean vectors (.02), mean Jaccard@10 by id below .8; and one that always fires and one that never does.

```
python -m benchmarks.lab --short --output docs/lab/NAME            # the generated stream
python -m benchmarks.lab --short --only lost_source,poison         # some kinds
python -m benchmarks.lab --short --stream fastapi --data FOLDER    # real histories
python -m benchmarks.lab --short --stream git --git REPOSITORY --encoder real
```

A run that was killed goes on from its cache (`--cache`). After a change of the product everything is judged again;
`--peers PYTHON` names the Python of an environment with `evidently` and `alibi-detect` (which needs numpy below 2).
"""


def page(runs: Mapping[str, Document]) -> str:
    """docs/lab.md: how to read it, the summary of each committed run, and the catalogue.

    Args:
        runs: documents as `as_json` wrote them, by name.
    """
    made = [_PAGE]
    for name, run in runs.items():
        made += [
            f"## {name}", "", f"`{run['command']}`", "", _rests_on(run), "",
            f"![Verdicts by class and detector](lab/{name}.svg)", "", f"Every run: [{name}.md](lab/{name}.md).", "",
            *_summary_table(run["detectors"]), "",
        ]  # fmt: skip
    made += ["## Kinds", "", _line("kind", "group", "hits", "what"), _line(*["---"] * 4)]
    for kind in KINDS.values():
        hits = ", ".join(f"{one:.1%}" for one in kind.severities)
        many = f" x {kind.deploys} deploys" if kind.deploys > 1 else ""
        made.append(_line(kind.name, kind.group, hits + many, kind.says))
    return "\n".join(made) + "\n"


def _summary_table(counted: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[str]:
    classes = [of for of in CLASSES if any(of in found for found in counted.values())]
    made = [
        _line("detector: FAIL / INCONCLUSIVE / PASS", *(CLASSES[of] for of in classes)),
        _line(*["---"] * (len(classes) + 1)),
    ]
    for name, found in counted.items():
        cells = []
        for of in classes:
            one = found.get(of, {})
            undecided = one.get("inconclusive", 0) + one.get("unknown", 0) + one.get("error", 0)
            mark = "**" if of in HARMFUL and name == OURS else ""
            cells.append(f"{mark}{one.get('fail', 0)} / {undecided} / {one.get('pass', 0)}{mark}" if one else "")
        made.append(_line(name, *cells))
    return made
