"""The monitor's own health, line by line, each with a word for how it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.words import clock, shown, size
from monitor.core.records.published import Audited, AuditLeg, Health, ProductionHealth, Published
from monitor.core.text.wording import duration

State = Literal["good", "odd", "bad"]
MOST_NAMED = 8
"""Partitions, reasons or deploys named in a line; remarks on the index."""
MOST_SAID = 300
"""Characters of a remark."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One thing that is looked at: its value in words, whether that is well, and a note below it."""

    name: str
    value: str
    state: State = "good"
    note: str = ""
    metric: str = ""
    """The metric that says the same: what the page knows, an alert may ask for."""


def pipeline(view: Published) -> tuple[StatusLine, ...]:
    """Everything about the monitor itself that a person on call asks first."""
    health = view.health
    return (
        _lag(view),
        _waiting(health),
        *_awaited(health),
        *_shards(health),
        *_stamps(health),
        _counted("Anchors the index did not answer for", health.failures, "replay_failures"),
        *_production(health.production),
        _counted("Records in quarantine, ever", _reasons(view), "quarantined"),
        _gaps(view),
        *_audits(health.audits),
        _points(view),
        *(StatusLine("Taken although odd", said, "odd", metric="doubtful_events") for said in view.report.remarks),
        *(
            StatusLine("The index, to be known", shown(said, MOST_SAID), "odd")
            for said in health.remarks[:MOST_NAMED]
        ),
        _latencies(health),
        StatusLine("State on disk", size(health.state_bytes), metric="state_bytes"),
    )


def _lag(view: Published) -> StatusLine:
    health = view.health
    if health.lag is None:
        note = health.last_error or "the source does not say where it ends"
        return StatusLine("Lag", "not known", "odd", note, metric="lag_events")
    missing = set(view.report.positions) - {part.name for part in health.lag}
    if missing:
        named = ", ".join(shown(name) for name in sorted(missing)[:MOST_NAMED])
        note = health.last_error or f"the source does not say it of {named}"
        return StatusLine("Lag", f"not known of {len(missing)}", "odd", note, metric="lag_events")
    behind = sorted(((count, part.name) for part, count in health.lag.items() if count))
    named = ", ".join(f"{shown(name)}: {count:,}" for count, name in reversed(behind[-MOST_NAMED:]))
    total = sum(health.lag.values())
    return StatusLine("Lag", f"{total:,} event{'' if total == 1 else 's'}", "good", named, "lag_events")


def _waiting(health: Health) -> StatusLine:
    if not health.waiting:
        return StatusLine("Deploys with an open barrier", "none", metric="open_barriers")
    missing = [shown(name) for name in health.waiting if name not in health.awaited]
    named = f"markers still missing: {', '.join(missing[:MOST_NAMED])}" if missing else "waiting for the index"
    return StatusLine("Deploys with an open barrier", f"{len(health.waiting)}", "odd", named, "open_barriers")


def _awaited(health: Health) -> Iterator[StatusLine]:
    for name, why in health.awaited.items():
        yield StatusLine("Deploy that waits for the index", shown(name), "odd", shown(why, 400), "index_awaited")


def _shards(health: Health) -> Iterator[StatusLine]:
    """Nothing where one process has the corpus; every shard that is away by its number, with the reason."""
    if not health.shards:
        return
    away = [of for of in health.shards if of.away]
    for of in away[:MOST_NAMED]:
        name = f"Shard {of.number} of {len(health.shards)}"
        yield StatusLine(name, "away", "bad", shown(of.away, MOST_SAID), "shard_up")
    told = f"{len(health.shards) - len(away)} of {len(health.shards)} answer"
    sizes = ", ".join(f"{of.number}: {of.chunks:,}" for of in health.shards[:MOST_NAMED])
    more = ", ..." if len(health.shards) > MOST_NAMED else ""
    yield StatusLine("Shards", told, "bad" if away else "good", f"chunks of each: {sizes}{more}", "shard_up")
    born = sum(of.restarts for of in health.shards)
    if born:
        yield StatusLine("Shards born again", f"{born:,} since this start", "odd", metric="shard_restarts")


def _stamps(health: Health) -> Iterator[StatusLine]:
    for name, at in (
        ("event", health.last_event),
        ("report", health.last_report),
        ("commit", health.last_commit),
        ("full replay", health.last_full_replay),
    ):
        metric = f"last_{name.replace(' ', '_')}_timestamp_seconds"
        if at:
            yield StatusLine(
                f"Last {name}", f"{duration(health.turned - at)} before this view", "good", clock(at), metric
            )
        else:
            yield StatusLine(f"Last {name}", "never since this start", "odd", metric=metric)


def _counted(name: str, counts: Mapping[str, int], metric: str) -> StatusLine:
    if not any(counts.values()):
        return StatusLine(name, "none", metric=metric)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{shown(reason)}: {count:,}" for reason, count in ranked[:MOST_NAMED])
    return StatusLine(name, f"{sum(counts.values()):,}", "odd", named, metric)


def _production(found: ProductionHealth | None) -> Iterator[StatusLine]:
    if found is None:
        return
    name = (
        "Anchors nobody searched for since the deploy" if found.passive else "Anchors production did not answer for"
    )
    line = _counted(name, found.failures, "production_failures")
    yield replace(line, note=f"{line.note}; {shown(found.last_error, MOST_SAID)}") if found.last_error else line
    if found.passive and found.skipped:
        yield _counted("Searches that say nothing of any anchor", found.skipped, "production_log_skipped")
    metric, what = (
        "last_production_timestamp_seconds",
        "search overheard" if found.passive else "replay of production",
    )
    if found.asked_at:
        yield StatusLine(f"Last {what}", clock(found.asked_at), metric=metric)
    else:
        yield StatusLine(f"Last {what}", "never since this start", "odd", metric=metric)


def _reasons(view: Published) -> dict[str, int]:
    return {key[1]: count for key, count in view.counters.items() if key[0] == "quarantined" and len(key) == 2}


def _gaps(view: Published) -> StatusLine:
    gaps = view.counters.get(("open_gaps",), 0)
    if not gaps:
        return StatusLine("Losses in the stream", "none", metric="open_gaps")
    return StatusLine(
        "Losses in the stream", f"{gaps:,}", "bad", "reload the corpus, then approve a baseline", "open_gaps"
    )


def _audits(audits: Mapping[AuditLeg, Audited]) -> Iterator[StatusLine]:
    for leg, found in audits.items():
        name = f"Audit, {leg} lists"
        if found.skipped:
            yield StatusLine(name, f"skipped: {found.skipped}", "odd", metric="audit_skipped")
        elif not found.at:
            yield StatusLine(name, "not yet", "odd", metric="last_audit_timestamp_seconds")
        elif found.mismatches:
            note = f"of {found.anchors:,} anchors, {clock(found.at)}; the lists are wrong: a defect of this program"
            yield StatusLine(name, f"{found.mismatches:,} results disagree", "bad", note, "audit_mismatches")
        else:
            yield StatusLine(
                name,
                "0 results disagree",
                "good",
                f"{found.anchors:,} anchors, {clock(found.at)}",
                "audit_mismatches",
            )


def _points(view: Published) -> StatusLine:
    chunks, points = view.report.corpus.get("chunks"), view.health.index_points
    if points is None or chunks is None:
        return StatusLine(
            "Points in the index", "not known", "odd", "no index, or it does not answer", "index_points"
        )
    differ = int(chunks) - points
    if differ:
        many = f"{abs(differ):,} {'fewer' if differ > 0 else 'more'} than live chunks"
        return StatusLine("Points in the index", f"{points:,}", "odd", many, "index_points")
    return StatusLine("Points in the index", f"{points:,}", "good", "as many as live chunks", "index_points")


def _latencies(health: Health) -> StatusLine:
    if health.replay_latencies is None:
        return StatusLine("Replay latency", "no replay yet", "odd", metric="replay_latency_seconds")
    p50, p95, p99 = (f"{1_000 * seconds:.1f}" for seconds in health.replay_latencies)
    note = f"p50 of the last replay; p95 {p95} ms, p99 {p99} ms"
    return StatusLine("Replay latency", f"{p50} ms", "good", note, "replay_latency_seconds")


def _made(page: PageContext) -> Document:
    return {"lines": pipeline(page.view)}


SECTION = PageSection("pipeline", "Pipeline", "pipeline.html", _made)
