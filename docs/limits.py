"""The default policy's limits as the documentation shows them, each with the rows of the lab that it decides."""

import textwrap
from collections.abc import Iterator

from monitor.core.judging.default_policy import ERODED, ERODED_LAB, QUESTIONS, SEGMENT, WHOLE, PolicyQuestion
from monitor.core.judging.integrity import INTEGRITY_RULES, NEW_HUB_RULE, IntegrityRule
from monitor.core.measures.registry import REGISTRY

WIDTH = 118
K = 10


def between(text: str, first: str, last: str, made: str) -> str:
    """The text with what stands between two of its parts replaced.

    >>> between("[a]old[b]", "[a]", "[b]", "new")
    '[a]new[b]'
    """
    before, found, rest = text.partition(first)
    _, ended, after = rest.partition(last)
    if not found or not ended:
        message = f"expected {first.strip() if not found else last.strip()!r}"
        raise ValueError(message)
    return before + first + made + last + after


def gate_page(text: str) -> str:
    """The page of the gate with both tables."""
    answers = between(text, "<!-- answers: written by python -m docs -->\n\n", "\n<!-- end -->\n", _answers())
    return between(answers, "<!-- integrity: written by python -m docs -->\n\n", "\n<!-- end -->\n", _integrity())


def reference(text: str) -> str:
    """The annotated reference with the comments on the default policy."""
    lost, first, new = WHOLE.lost, WHOLE.first, WHOLE.new
    segment = SEGMENT
    said = (
        f"The default rules, by content: {lost[0] * 100:g} of 100 anchors lose the answer they had "
        f"({segment.lost[0] * 100:g} in a segment), {first[0] * 100:g} meet a first result that none of theirs was "
        f"({segment.first[0] * 100:g}), or {new[0] * K:g} of ten results are new on average ({segment.new[0] * K:g})."
    )
    text = between(text, "[policy]\n", "#defaults = true\n", _comment(said))
    rules = "".join(
        f"{_comment(_found(rule))}#{rule.key} = {rule.limit:g}\n" for rule in (*INTEGRITY_RULES, NEW_HUB_RULE)
    )
    return between(text, "#off = []\n", "# Times these limits a segment", rules)


def _comment(said: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(said, WIDTH - 2))


def _found(rule: IntegrityRule) -> str:
    warns = " It warns." if rule.severity == "warning" else ""
    ground = f"{rule.ground[0].upper()}{rule.ground[1:]}"
    return f"{REGISTRY.by_name[rule.metric].help}. {ground}.{warns}{_cited(rule.lab)}"


def _cited(rows: tuple[str, ...]) -> str:
    return f" Lab: {', '.join(rows)}." if rows else ""


def _answers() -> str:
    rows = [
        "| question | measure | tolerated, severe: all anchors | in a segment | rows of the lab |",
        "|---|---|---|---|---|",
    ]
    for of in QUESTIONS:
        whole, segment = (_pair(of, limits) for limits in (WHOLE, SEGMENT))
        rows.append(f"| {of.asks} | `{of.metric}` | {whole} | {segment} | {', '.join(of.lab)} |")
    eroded = " and ".join(f"{of * 100:g}" for of in ERODED)
    rows.append(
        "| Who lost the answer of the pinned baseline, beside one that moves? | `pinned_kept_answers_ratio` | "
        f"{eroded} of 100 | | {', '.join(ERODED_LAB)} |"
    )
    return "\n".join(rows) + "\n"


def _pair(of: PolicyQuestion, limits: object) -> str:
    low, high = getattr(limits, of.limits)
    if of.limits == "new":
        return f"{low * K:g} and {high * K:g}"
    return f"{low * 100:g} and {high * 100:g} of 100"


def _integrity() -> str:
    return "\n".join(_table()) + "\n"


def _table() -> Iterator[str]:
    yield "| rule | fails beyond | what it finds | why so much | rows of the lab |"
    yield "|---|---|---|---|---|"
    for rule in (*INTEGRITY_RULES, NEW_HUB_RULE):
        points = f"{rule.limit * 100:g} points" if rule is NEW_HUB_RULE else f"{rule.limit:.0%}"
        fails = f"warns at {points}" if rule.severity == "warning" else points
        help_ = REGISTRY.by_name[rule.metric].help
        yield f"| `{rule.name}` | {fails} | {help_} | {rule.ground} | {', '.join(rule.lab)} |"
