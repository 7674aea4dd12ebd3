"""Pipeline health: does the monitor see the stream, does the index answer, can it be trusted."""

from dashboards.board import Board
from dashboards.specs import Graph, Heading, Number, Query, about, metric

_RATE = "$__rate_interval"
_QUANTILES = (("0.5", "p50"), ("0.99", "p99"))
_REPLAYED = metric("replayed_anchors")
_NO_ANSWER = f"sum by (instance) ({metric('replay_failures')}) or sum by (instance) (0 * {_REPLAYED})"
"""A replay without failures has no reasons, and so no series: it is 0 where there was a replay."""


def _rate(name: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (rate({metric(name)}[{_RATE}]))"


def _durations(title: str, name: str) -> Graph:
    queries = tuple(
        Query(f"histogram_quantile({level}, {_rate(f'{name}_bucket', 'instance', 'le')})", f"{{{{instance}}}} {said}")
        for level, said in _QUANTILES
    )
    return Graph(title, about(name), "s", queries)


def _age(title: str, name: str, *labels: str) -> Graph:
    legend = " ".join(f"{{{{{label}}}}}" for label in ("instance", *labels))
    return Graph(title, about(name), "s", (Query(f"time() - {metric(name)}", legend),), width=6, height=6)


def _plain(title: str, name: str, unit: str, *labels: str) -> Graph:
    legend = " ".join(f"{{{{{label}}}}}" for label in ("instance", *labels))
    return Graph(title, about(name), unit, (Query(metric(name), legend),))


PIPELINE = Board(
    "corpus-drift-pipeline",
    "Corpus drift / Pipeline health",
    "Does the monitor see the stream, does the index answer, are the maintained lists right?",
    (
        Number(
            "Monitors up",
            "Targets that Prometheus can scrape.",
            "none",
            (Query('sum(up{job=~"$job",instance=~"$instance"})', "up"),),
        ),
        Number("Version", about("build"), "none", (Query(metric("build_info"), "{{version}}"),), verdict=True),
        Number(
            "Losses in the stream",
            about("open_gaps"),
            "none",
            (Query(f"sum({metric('open_gaps')})", "losses"),),
            bad_above=1,
        ),
        Number(
            "Events waiting",
            about("lag_events"),
            "short",
            (Query(f"sum by (instance, topic) ({metric('lag_events')})", "{{topic}}"),),
        ),
        Number(
            "Audit mismatches",
            about("audit_mismatches"),
            "none",
            (Query(f"sum by (leg) ({metric('audit_mismatches')})", "{{leg}}"),),
            bad_above=1,
        ),
        Number("State on disk", about("state_bytes"), "bytes", (Query(metric("state_bytes"), "{{instance}}"),)),
        Heading("Stream"),
        Graph(
            "Events",
            about("events"),
            "cps",
            (Query(_rate("events_total", "kind", "reason"), "{{kind}} {{reason}}"),),
            stacked=True,
        ),
        _plain("Lag", "lag_events", "short", "topic", "partition"),
        Graph(
            "Set aside",
            about("quarantined"),
            "short",
            (Query(f"sum by (reason) (increase({metric('quarantined_total')}[{_RATE}]))", "{{reason}}"),),
        ),
        _durations("A batch, from taken to committed", "batch_duration_seconds"),
        Heading("How old is what is shown"),
        _age("Last turn", "last_turn_timestamp_seconds"),
        _age("Last event", "last_event_timestamp_seconds"),
        _age("Last report", "last_report_timestamp_seconds"),
        _age("Last full replay", "last_full_replay_timestamp_seconds"),
        Heading("Index"),
        _durations("A whole replay", "replay_duration_seconds"),
        _plain("Latency of a query in a replay", "replay_latency_seconds", "s", "stat"),
        Graph(
            "Anchors replayed, and those without an answer",
            about("replay_failures"),
            "short",
            (
                Query(metric("replayed_anchors"), "{{instance}} replayed"),
                Query(_NO_ANSWER, "{{instance}} without an answer"),
            ),
        ),
        Graph(
            "Points in the index, chunks by the events",
            "They should be equal once production has settled.",
            "short",
            (
                Query(metric("index_points"), "{{instance}} points"),
                Query(metric("corpus_chunks"), "{{instance}} chunks"),
            ),
        ),
        Heading("Production's retriever (where it is configured)"),
        _plain("Latency of its answers", "production_latency_seconds", "s", "stat"),
        _age("Last replay of it", "last_production_timestamp_seconds"),
        Heading("Engine and audits"),
        Graph(
            "Anchors touched and searched anew",
            about("engine_refills"),
            "cps",
            (
                Query(_rate("touched_anchors_total", "leg"), "{{leg}} touched"),
                Query(_rate("engine_refills_total", "leg"), "{{leg}} searched anew"),
            ),
        ),
        _plain("Vocabulary", "vocabulary_terms", "short"),
        _age("Last audit", "last_audit_timestamp_seconds", "leg"),
        Graph(
            "An audit",
            about("last_audit_duration_seconds"),
            "s",
            (Query(metric("last_audit_duration_seconds"), "{{leg}}"),),
            width=6,
            height=6,
        ),
        Graph(
            "Segments pooled in other",
            about("segments_folded"),
            "short",
            (Query(metric("segments_folded"), "{{dimension}}"),),
            width=6,
            height=6,
        ),
        Graph(
            "Delete marks",
            about("tombstones"),
            "short",
            (Query(metric("tombstones"), "{{instance}}"),),
            width=6,
            height=6,
        ),
        Heading("Shards (where the corpus lies in several)"),
        _plain("Shards that answer", "shard_up", "short", "shard"),
        _plain("Lag of a shard's partitions", "shard_lag_events", "short", "shard"),
        _plain("Live chunks of a shard", "shard_chunks", "short", "shard"),
        Graph(
            "Time a second, on taking events in and on ranking",
            "Seconds a second; the slowest shard is what a step waits for.",
            "percentunit",
            (
                Query(_rate("shard_stage_seconds_total", "instance", "shard"), "{{instance}} {{shard}} stage"),
                Query(_rate("shard_rank_seconds_total", "instance", "shard"), "{{instance}} {{shard}} rank"),
            ),
        ),
        Graph(
            "Shards born again",
            about("shard_restarts"),
            "short",
            (Query(f"sum by (instance, shard) (increase({metric('shard_restarts_total')}[{_RATE}]))", "{{shard}}"),),
        ),
    ),
)
