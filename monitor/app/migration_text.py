"""An encoder migration as text for people: status, gate and explanation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.core.text.wording import duration

Document = Mapping[str, Any]
REASONS = 12
FAULTS = ("missing", "stale", "resurrected", "foreign")


def status_text(of: Document) -> str:
    """Where it stands, what is missing, how fast, is it better, what next."""
    return "\n".join((*headline(of), *_coverage(of), *_pace(of), *_quality(of, segments=False), *next_step(of)))


def explain_text(of: Document) -> str:
    """Every rule with its reason, quality by segment, both versions side by side."""
    rules = (_rule(rule) for rule in of["rules"])
    parts = (*headline(of), *reasons(of), "rules", *rules, *_coverage(of), *_pace(of), *_quality(of, segments=True))
    return "\n".join((*parts, *_people(of), *_serving(of), *_shadow(of), *_remarks(of), *next_step(of)))


def estimate_text(of: Document) -> str:
    """What a sample says of a new encoder, with its limit, and what a backfill takes."""
    change, k = of["best_change"], of["k"]
    lines = [
        f"{of['outlook']}  {of['to']}: {of['reason']}",
        f"sample    {of['sample']:,} of {of['chunks']:,} chunks, {of['known_items']:,} known items",
    ]
    if of["old_hit"] is not None:
        lines.append(
            f"hit@{k}    {of['old_hit']:.3f} now; at most {of['best_hit']:.3f} with the new encoder: "
            f"{signed(change['value'])} ({signed(change['lower'])} to {signed(change['upper'])})"
        )
    lines += [
        f"limit     a clean sample still allows rank {of['unseen_rank']:,}: only a shadow read can promise hit@{k}",
        f"words     {_between(of['words'], 1.0, ',.0f')}; a subword tokenizer makes more tokens of them",
        f"time      {_lasting(of['hours'])} at the pace that was measured here",
        f"storage   {_between(of['bytes'], 1e6, ',.1f')} MB of vectors, up to the upper figure with an index",
    ]
    return "\n".join(lines)


def _between(of: Document, unit: float, form: str) -> str:
    """An estimate with its interval."""
    value, lower, upper = ("unknown" if of[name] is None else f"{of[name] / unit:{form}}" for name in of)
    return f"{value} ({lower} to {upper})"


def _lasting(hours: Document) -> str:
    value, lower, upper = (seconds(None if hours[name] is None else 3_600 * hours[name]) for name in hours)
    return f"{value} ({lower} to {upper})"


def json_lines(of: Sequence[Document]) -> str:
    """A list for another program: one JSON object per line."""
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in of)


def _rule(rule: Document) -> str:
    warns = "" if rule["decides"] else " (warns only)"
    return f"  {rule['rule']:<4}{rule['verdict'].upper():<14}{rule['title']}{warns}: {rule['reason']}"


def headline(of: Document) -> Iterator[str]:
    """Which migration, where it stands, the verdict."""
    versions = f"{of['from']['version']} -> {of['to']['version']}"
    yield f"{of['verdict']}  migration {of['migration']}: {versions}, {of['phase']}"


def reasons(of: Document) -> Iterator[str]:
    """Why, the first the most important."""
    yield from (f"  {reason}" for reason in of["reasons"][:REASONS])
    if len(of["reasons"]) > REASONS:
        yield f"  and {len(of['reasons']) - REASONS} more reasons"


def _coverage(of: Document) -> Iterator[str]:
    found = of["coverage"]
    counts = ", ".join(f"{known(found[name])} {name}" for name in FAULTS)
    yield f"coverage  {percent(found['ratio'])} of {found['live']:,} live chunks; {counts}"
    for name in FAULTS:
        if found[f"{name}_ids"]:
            yield f"  {name}: {', '.join(found[f'{name}_ids'][:5])}{' ...' if len(found[f'{name}_ids']) > 5 else ''}"


def _pace(of: Document) -> Iterator[str]:
    pace = of["pace"]
    rate = "not known" if pace["backfill_rate"] is None else f"{pace['backfill_rate']:,.1f} chunks a second"
    behind = f"live writes behind {seconds(pace['lag_p95'])}"
    yield f"pace      backfill {rate}; done in {seconds(pace['eta_seconds'])}; {behind}"


def _quality(of: Document, *, segments: bool) -> Iterator[str]:
    rows = of["quality"] if segments else of["quality"][:1]
    if not rows:
        yield "quality   not known: no judgements, no known items, or no lists of both versions yet"
    for row in (*rows, *(of["other_quality"] if segments else ())):
        place = "all anchors" if row["dimension"] == "all" else f"{row['dimension']}={row['segment']}"
        yield (
            f"quality   {row['metric']}@{row['depth']} {place}: {signed(row['difference'])} "
            f"({signed(row['lower'])} to {signed(row['upper'])}) on {row['n']} anchors: {row['verdict'].upper()}"
        )


def _people(of: Document) -> Iterator[str]:
    clicks, sign = of["clicks"], of["judging"]["sign"]
    if clicks is not None:
        credit = clicks["credit"]
        shares = f"{percent(clicks['unsupported'])} of the new version's results never shown"
        told = f"{credit['wins']} wins, {credit['losses']} losses, {credit['ties']} ties of the new version"
        yield f"clicks    {clicks['impressions']:,} lists seen, {shares}; interleaved: {told}"
    if sign is not None and sign["judged"] + sign["open"]:
        answer = {1: "better", -1: "worse", 0: "open"}[sign["sign"]]
        counted = f"{sign['judged']:,} of {sign['judged'] + sign['open']:,} results that differ"
        yield f"judged    {counted}; the sign is {answer}"


def _serving(of: Document) -> Iterator[str]:
    for row in of["serving"]:
        p95 = "not known" if row["p95"] is None else f"{1_000 * row['p95']:.1f} ms"
        yield (
            f"serving   {row['version']}: recall {number(row['ann_recall'])}, p95 {p95}, "
            f"{known(row['failures'])} of {row['asked']} failed, {known(row['points'])} points"
        )


def _shadow(of: Document) -> Iterator[str]:
    for row in of["shadow"][:1]:
        changed = f"{row['swaps']:.1f} of {row['k']} results change (on {row['anchors']} anchors)"
        yield f"shadow    {changed}; that decides nothing"


def _remarks(of: Document) -> Iterator[str]:
    yield from (f"note      {said}" for said in (*of["problems"], *of["remarks"]))


def next_step(of: Document) -> Iterator[str]:
    """What to do, and the command for it."""
    if of["next"]["do"]:
        yield f"next      {of['next']['do']}"
    if of["next"]["command"]:
        yield f"          {of['next']['command']}"


def known(count: int | None) -> str:
    """A count, or that it is not known.

    >>> known(1234), known(None)
    ('1,234', 'unknown')
    """
    return "unknown" if count is None else f"{count:,}"


def number(value: float | None) -> str:
    """A ratio to three places, or that it is not known."""
    return "unknown" if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A difference with its sign, or that it is not known."""
    return "unknown" if value is None else f"{value:+.3f}"


def percent(value: float | None) -> str:
    """A share that reads as 100% only where it is whole.

    >>> percent(0.9999), percent(1.0), percent(None)
    ('99.99%', '100%', 'unknown')
    """
    if value is None:
        return "unknown"
    return "100%" if value == 1.0 else f"{int(value * 10_000) / 100:.2f}%"


def seconds(value: float | None) -> str:
    """A duration, or that it is not known.

    >>> seconds(7_200.0), seconds(None)
    ('2 h', 'not known')
    """
    return "not known" if value is None else duration(value)
