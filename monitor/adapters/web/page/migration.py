"""The page of an encoder migration: where it is, what is missing, how fast, is it better, what breaks, what next."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shlex import quote

from markupsafe import Markup

from monitor.adapters.web.page import words
from monitor.adapters.web.page.pipeline import State
from monitor.adapters.web.page.render import CONFIG, TEMPLATES
from monitor.adapters.web.page.style import STYLE
from monitor.core.migration.fixes import fix_list
from monitor.core.migration.model import Phase
from monitor.core.migration.next_step import next_command, next_step
from monitor.core.migration.quality import QualityDifference
from monitor.core.migration.rules import RuleFinding
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict
from monitor.core.text.wording import duration

NOW = "now"
"""Asks for the migration that is configured, whatever its id."""
FIXES = 12
"""Chunks named on the page; the command names all."""
ROWS = 40
"""Rows of a table."""
CLASSES: Mapping[MigrationVerdict, str] = {
    MigrationVerdict.READY: "pass", MigrationVerdict.COMPLETE: "pass",
    MigrationVerdict.NOT_READY: "fail", MigrationVerdict.ROLL_BACK: "fail",
    MigrationVerdict.UNKNOWN: "unknown", MigrationVerdict.INCONCLUSIVE: "inconclusive",
}  # fmt: skip
"""Colour of a verdict; what is under way has the colour of the undecided."""
MARKS: Mapping[str, str] = {"pass": "✓", "fail": "✕", "unknown": "?", "inconclusive": "≈", "under-way": "…"}
STEPS = ("Estimate", "Backfill", "Shadow", "Cutover", "Rollback window", "Complete")
REACHED: Mapping[Phase, int] = {
    Phase.NOT_STARTED: 0, Phase.BACKFILLING: 1, Phase.SHADOWING: 2, Phase.CUT_OVER: 4, Phase.ROLLED_BACK: 2,
    Phase.ENDED: 5,
}  # fmt: skip


BREAKS: Mapping[str, str] = {
    "R1": "chunks missing or wrong", "R2": "counts apart", "R3": "unsound vectors", "R4": "results not found",
    "R5": "slower or failing queries", "R6": "worse answers", "R7": "the wrong encoder asked", "R8": "no way back",
}  # fmt: skip
"""What breaks where a rule fails."""
SHAPES: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "Documents in a top-k": ("documents", words.number),
    "Median age of a result": ("age_seconds", duration),
    "Diversity of a top-k, each in its own space": ("diversity", words.number),
    "Tokens in a top-k": ("tokens", words.number),
    "Hubs (Gini of how often a chunk is listed)": ("hub_gini", words.number),
    "Lists that hold the most listed chunk": ("hub_share", words.percent),
}
"""What else changes, by its name for people, and how it is written."""


@dataclass(frozen=True, slots=True)
class PhaseStep:
    """A point of the line of phases: `done`, `now` or `ahead`, and when it was reached (event time, 0: not known)."""

    name: str
    state: str
    event_time: int


@dataclass(frozen=True, slots=True)
class MigrationTile:
    """One of the answers in view at once: a question, its answer in words, how that is, and a note below it."""

    question: str
    answer: str
    state: State
    note: str


def render_migration(
    of: MigrationAssessment | None, asked: str, *, notices: tuple[str, ...] = (), config: str = CONFIG
) -> str:
    """The page of a migration.

    Args:
        of: the migration that is configured; None where none is.
        asked: the migration's id in the address.
        notices: what is to be said first.
        config: the configuration file that commands on the page name.
    """
    said = list(notices)
    if of is None:
        said.append("No encoder migration is configured, or nothing is known of it yet: see [migration].")
    elif asked not in (NOW, of.view.migration_id):
        name = words.shown(of.view.migration_id)
        said.append(f"Migration {words.shown(asked)!r} is not the one that is configured. What follows is {name!r}.")
    template = TEMPLATES.get_template("migration.html")
    style = Markup(STYLE)  # noqa: S704 - our own file, named by its hash in the policy
    if of is None:
        return template.render(of=None, style=style, notices=said)
    step = next_step(of)
    found = fix_list(of.view.coverage)
    return template.render(
        of=of,
        view=of.view,
        style=style,
        notices=[*said, *of.view.problems],
        colour=CLASSES.get(of.verdict, "under-way"),
        mark=MARKS[CLASSES.get(of.verdict, "under-way")],
        sentence=step.do,
        command=next_command(step.verb, f"-c {quote(config)}", config),
        steps=phase_line(of),
        tiles=(_missing(of), _speed(of), _better(of), _breaks(of)),
        rules=of.findings,
        rule_marks=MARKS,
        fixes=found.fixes[:FIXES],
        more_fixes=max(0, len(found.fixes) - FIXES) + found.unnamed,
        fix_command=f"corpus-drift migrate status -c {quote(config)} --fix jsonl",
        quality=(of.evidence.quality[:ROWS], of.evidence.other_quality),
        people=_people(of),
        shadow=of.view.shadow[:ROWS],
        serving=of.view.serving,
        shapes=_shapes(of),
        thresholds=of.evidence.thresholds,
    )


def phase_line(of: MigrationAssessment) -> list[PhaseStep]:
    """The phases as a line, with the one that holds now."""
    at = len(STEPS) - 1 if of.verdict is MigrationVerdict.COMPLETE else REACHED[of.view.phase]
    reached = {REACHED[change.phase]: change.event_time for change in of.view.changes}
    if 4 in reached:  # the window opens with the cutover
        reached[3] = reached[4]
    states = ["done" if place < at else "now" if place == at else "ahead" for place in range(len(STEPS))]
    return [PhaseStep(name, states[place], reached.get(place, 0)) for place, name in enumerate(STEPS)]


def _missing(of: MigrationAssessment) -> MigrationTile:
    coverage = of.view.coverage
    counts = {name: getattr(coverage, name) for name in ("missing", "stale", "resurrected", "foreign")}
    wrong = [f"{count:,} {name}" for name, count in counts.items() if count]
    unknown = [name for name, count in counts.items() if count is None]
    note = f"{coverage.covered:,} of {coverage.live:,} live chunks have their vector"
    if coverage.settling:
        note += f", {coverage.settling:,} are settling"
    if unknown:
        note += f"; not known: {', '.join(unknown)}"
    if wrong:
        return MigrationTile("What is missing?", ", ".join(wrong), "bad", note)
    if unknown or coverage.unscanned:
        return MigrationTile("What is missing?", "nothing that is known", "odd", note)
    return MigrationTile("What is missing?", "nothing", "good", note)


def _speed(of: MigrationAssessment) -> MigrationTile:
    pace, coverage = of.view.pace, of.view.coverage
    lag = "" if math.isnan(pace.lag_p95) else f"live writes are {duration(pace.lag_p95)} behind (p95)"
    if not coverage.missing:
        return MigrationTile("When is it done?", "the backfill is complete", "good", lag)
    rate = "" if math.isnan(pace.backfill_rate) else f"{pace.backfill_rate:,.1f} chunks a second"
    note = "; ".join(part for part in (rate, lag) if part)
    if math.isnan(pace.eta_seconds) or math.isinf(pace.eta_seconds):
        return MigrationTile("When is it done?", "not known: nothing moves", "odd", note)
    return MigrationTile("When is it done?", f"in {duration(pace.eta_seconds)}", "good", note)


def _better(of: MigrationAssessment) -> MigrationTile:
    found = of.evidence.quality
    if not found or not found[0].n:
        return MigrationTile("Is it better?", "not known", "odd", "no judgements and no known items, or no lists yet")
    first, worse = found[0], [one for one in found[1:] if one.verdict == "fail"]
    note = f"{first.metric}@{first.depth} {first.old:.3f} → {first.new:.3f}, on {first.n:,} anchors"
    if worse:
        note += f"; worse in {', '.join(words.shown(words.place(one.dimension, one.segment)) for one in worse[:3])}"
    state: State = "bad" if first.verdict == "fail" or worse else "good" if first.verdict == "pass" else "odd"
    return MigrationTile("Is it better?", quality_words(first), state, note)


def quality_words(of: QualityDifference) -> str:
    """A difference as a person says it: `better: +0.030`."""
    if of.verdict == "fail":
        word = "worse"
    elif of.verdict == "pass":
        word = "better" if of.lower > 0.0 else "no worse"
    else:
        word = "cannot be told"
    return f"{word}: {of.difference:+.3f}"


def _breaks(of: MigrationAssessment) -> MigrationTile:
    failed = [found for found in of.findings if found.decides and found.verdict == "fail"]
    open_ = [found for found in of.findings if found.decides and found.verdict in ("unknown", "inconclusive")]
    if failed:
        return MigrationTile("What would break?", _titles(failed), "bad", failed[0].reason)
    if open_:
        return MigrationTile("What would break?", f"not decided: {_titles(open_)}", "odd", open_[0].reason)
    size = next((found.reason for found in of.findings if found.rule == "R10"), "")
    return MigrationTile("What would break?", "nothing that is measured", "good", size)


def _people(of: MigrationAssessment) -> list[MigrationTile]:
    """Clicks, interleaving and judgements, where there are any."""
    clicks, sign, open_ = of.evidence.clicks, of.evidence.sign, len(of.evidence.to_judge)
    made = []
    if clicks is not None:
        never = f"{words.percent(clicks.unsupported)} of the new version's results were never shown"
        state: State = "good" if clicks.unsupported <= of.limits.unsupported else "odd"
        made.append(MigrationTile("Lists that users saw", f"{clicks.impressions:,}", state, never))
        credit = clicks.credit
        if credit.wins + credit.losses + credit.ties:
            said = f"{credit.wins:,} for the new version, {credit.losses:,} for the old one, {credit.ties:,} ties"
            bounds = f"preference {credit.preference:+.3f} ({credit.lower:+.3f} to {credit.upper:+.3f})"
            made.append(MigrationTile("Interleaved lists", said, "good", bounds))
    if sign is not None and sign.judged + sign.open:
        answer = {1: "decided: better", -1: "decided: worse", 0: "not decided"}[sign.sign]
        note = f"{sign.judged:,} results that differ are judged, {sign.open:,} are not: --judge jsonl names them"
        made.append(
            MigrationTile("Judgements decide the sign", answer, "good" if sign.sign or not open_ else "odd", note)
        )
    return made


def _titles(found: list[RuleFinding]) -> str:
    return ", ".join(f"{BREAKS[one.rule]} ({one.rule})" for one in found[:3]) + (", …" if len(found) > 3 else "")


def _shapes(of: MigrationAssessment) -> list[tuple[str, str, str]]:
    """What else changes: name, old and new in words."""
    if of.evidence.shapes is None:
        return []
    old, new = of.evidence.shapes
    return [
        (name, _known(form, getattr(old, field)), _known(form, getattr(new, field)))
        for name, (field, form) in SHAPES.items()
    ]


def _known(form: Callable[[float], str], value: float) -> str:
    return "unknown" if math.isnan(value) else form(value)
