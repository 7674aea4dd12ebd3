"""The monitor's own health, line by line, each with a word for how it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from monitor.adapters.page.words import age, clock, shown, size
from monitor.core.published import Audited, AuditLeg, Health, Published

State = Literal["good", "odd", "bad"]
MOST_NAMED = 8
"""Partitions, reasons or deploys named in a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is looked at: its value in words, whether that is well, and a note below it."""

    name: str
    value: str
    state: State = "good"
    note: str = ""


def pipeline(view: Published) -> tuple[Line, ...]:
    """Everything about the monitor itself that a person on call asks first."""
    health = view.health
    return (
        _lag(health),
        _waiting(health),
        *_stamps(health),
        _counted("Anchors the index did not answer for", health.failures, "none"),
        _counted("Records in quarantine, ever", _reasons(view), "none"),
        _gaps(view),
        *_audits(health.audits),
        _points(view),
        _latencies(health),
        Line("State on disk", size(health.state_bytes)),
    )


def _lag(health: Health) -> Line:
    if health.lag is None:
        return Line("Lag", "not known", "odd", health.trouble or "the source does not say where it ends")
    behind = sorted(((count, f"{part.topic}/{part.partition}") for part, count in health.lag.items() if count))
    named = ", ".join(f"{shown(name)}: {count:,}" for count, name in reversed(behind[-MOST_NAMED:]))
    total = sum(health.lag.values())
    return Line("Lag", f"{total:,} event{'' if total == 1 else 's'}", "good", named)


def _waiting(health: Health) -> Line:
    if not health.waiting:
        return Line("Deploys with an open barrier", "none")
    named = ", ".join(shown(name) for name in health.waiting[:MOST_NAMED])
    return Line("Deploys with an open barrier", f"{len(health.waiting)}", "odd", f"markers still missing: {named}")


def _stamps(health: Health) -> Iterator[Line]:
    for name, at in (
        ("Last event", health.last_event),
        ("Last report", health.last_report),
        ("Last commit", health.last_commit),
        ("Last full replay", health.last_full_replay),
    ):
        if at:
            yield Line(name, f"{age(health.turned - at)} before this view", "good", clock(at))
        else:
            yield Line(name, "never since this start", "odd")


def _counted(name: str, counts: Mapping[str, int], none: str) -> Line:
    if not any(counts.values()):
        return Line(name, none)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{shown(reason)}: {count:,}" for reason, count in ranked[:MOST_NAMED])
    return Line(name, f"{sum(counts.values()):,}", "odd", named)


def _reasons(view: Published) -> dict[str, int]:
    return {key[1]: count for key, count in view.counters.items() if key[0] == "quarantined" and len(key) == 2}


def _gaps(view: Published) -> Line:
    gaps = view.counters.get(("open_gaps",), 0)
    if not gaps:
        return Line("Losses in the stream", "none")
    return Line("Losses in the stream", f"{gaps:,}", "bad", "reload the corpus, then approve a baseline")


def _audits(audits: Mapping[AuditLeg, Audited]) -> Iterator[Line]:
    for leg, found in audits.items():
        name = f"Audit, {leg} lists"
        if found.skipped:
            yield Line(name, f"skipped: {found.skipped}", "odd")
        elif not found.at:
            yield Line(name, "not yet", "odd")
        elif found.mismatches:
            note = f"of {found.anchors:,} anchors, {clock(found.at)}; the lists are wrong: a defect of this program"
            yield Line(name, f"{found.mismatches:,} results disagree", "bad", note)
        else:
            yield Line(name, "0 results disagree", "good", f"{found.anchors:,} anchors, {clock(found.at)}")


def _points(view: Published) -> Line:
    chunks, points = view.report.corpus.get("chunks"), view.health.index_points
    if points is None or chunks is None:
        return Line("Points in the index", "not known", "odd", "no index, or it does not answer")
    differ = int(chunks) - points
    if differ:
        many = f"{abs(differ):,} {'fewer' if differ > 0 else 'more'} than live chunks"
        return Line("Points in the index", f"{points:,}", "odd", many)
    return Line("Points in the index", f"{points:,}", "good", "as many as live chunks")


def _latencies(health: Health) -> Line:
    if health.replay_latencies is None:
        return Line("Replay latency", "no replay yet", "odd")
    p50, p95, p99 = (f"{1_000 * seconds:.1f}" for seconds in health.replay_latencies)
    return Line("Replay latency", f"{p50} ms", "good", f"p50 of the last replay; p95 {p95} ms, p99 {p99} ms")
