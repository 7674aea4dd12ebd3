"""The verdicts, and the monitor itself: metrics that are no measures."""

from monitor.core.measures.entry import Metric

_CLOCK = "As time passes; a flat line says that it no longer happens."

VERDICTS = (
    Metric(
        "verdict", "0 or 1", "Verdict on the corpus as it is now; 1 for the one that holds",
        "The verdict of this label now holds.", ("verdict",),
    ),
    Metric(
        "rule_verdict", "0 or 1",
        "Verdict of each rule on each segment, by the point estimate; 1 for the one that holds",
        "The verdict of this label now holds.", ("rule", "severity", "leg", "dimension", "segment", "verdict"),
    ),
    Metric(
        "measured_anchors", "anchors", "Anchors a segment's ranking measurements rest on, by leg",
        "More anchors are measured.", ("leg", "dimension", "segment"),
    ),
    Metric(
        "segment_anchors", "anchors", "Anchors compared, by segment", "More anchors ask the same as in the baseline.",
        ("dimension", "segment", "watched"),
    ),
    Metric(
        "segments_folded", "segments", "Segments with too few anchors, measured as other",
        "More segments are too small to be watched.", ("dimension",),
    ),
    Metric(
        "changed_anchors", "anchors", "Anchors left out because they ask something else now",
        "The anchors were edited: capture a baseline.", (),
    ),
    Metric("anchors", "anchors", "Anchors in use", "The anchors file grew and was taken up.", ()),
    Metric(
        "anchors_refused", "0 or 1", "1 while the anchors file that is there is not valid and the old anchors stay",
        "The file was edited wrongly: `anchors check` says how.", (),
    ),
    Metric(
        "anchors_taken", "times", "Times that a changed anchors file was taken up without a restart",
        "The file was edited: capture a baseline.", (), "counter",
    ),
    Metric(
        "baseline_timestamp_seconds", "seconds", "Event time at which the baseline was captured",
        "A newer baseline was approved.", (),
    ),
    Metric("corpus_chunks", "chunks", "Live chunks of the whole corpus; known before any baseline", "It grows.", ()),
    Metric(
        "cause", "0 or 1", "Classes of causes of what moved; 1 for those that hold, several may",
        "A cause of this class was found; the incident card has the evidence.", ("cause",),
    ),
    Metric(
        "blamed_share_ratio", "ratio",
        "Share of a leg's changed places that a source caused; the ten largest, the others as other",
        "This source causes more of the churn.", ("leg", "source"),
    ),
    Metric("last_deploy", "1", "The newest deploy judged", "", ("deploy", "verdict"), "info"),
    Metric(
        "last_deploy_timestamp_seconds", "seconds", "Event time of the newest deploy judged", "A deploy was judged.",
        (),
    ),
)  # fmt: skip

STREAM = (
    Metric("build", "1", "Version of the monitor", "", ("version",), "info"),
    Metric("events", "events", "Events by kind and how they ended", "Events arrive.", ("kind", "reason"), "counter"),
    Metric(
        "quarantined", "records", "Records set aside, by reason", "Producers write what cannot be read.", ("reason",),
        "counter",
    ),
    Metric(
        "doubtful_events",
        "events",
        "Events taken although odd: zero_vector, huge_component, far_time, ingest_time",
        "Producers write vectors of zeros or beyond 1e18, times decades from the stream's, or no time at all.",
        ("reason",),
        "counter",
    ),
    Metric(
        "stream_faults", "faults", "Faults of the stream itself: gap, recreated, unreadable, added_partition",
        "Retention or an operator took events away, records are broken, or a partition was added.", ("kind",),
        "counter",
    ),
    Metric(
        "open_gaps", "losses", "Losses in the stream since the newest approval of a baseline",
        "Events were lost: nothing is concluded until the corpus is reloaded and a baseline approved.", (),
    ),
    Metric(
        "lag_events",
        "events",
        "Events not yet taken; NaN where the source does not say, or ends before our position",
        "The monitor falls behind.",
        ("topic", "partition"),
    ),
    Metric(
        "input_stale",
        "1",
        "1 while the input is stale, which makes the verdict unknown",
        "No progress in the stream: the numbers are old.",
        (),
    ),
    Metric(
        "problems",
        "reasons",
        "Reasons why nothing may be concluded from the report, by kind; the page and the report say them whole",
        "No baseline, a gap, an index that does not answer, a failed audit.",
        ("kind",),
    ),
    Metric(
        "metrics_age_seconds",
        "seconds",
        "Age of what this page says: while a backlog is worked off, a scrape gets the last page at once",
        "The next page takes long to work out, or the loop does not turn.",
        (),
    ),
    Metric("open_barriers", "deploys", "Deploys whose markers have not all arrived", "A deploy is incomplete.", ()),
    Metric(
        "index_awaited", "0 or 1", "1 while a deploy waits for the index, to be judged or to be judged again",
        "The index is not at rest, or does not hold the newest deploy.", (),
    ),
    Metric("last_turn_timestamp_seconds", "seconds", "Wall clock of the last turn", _CLOCK, ()),
    Metric("last_event_timestamp_seconds", "seconds", "Wall clock of the last event taken", _CLOCK, ()),
    Metric("last_report_timestamp_seconds", "seconds", "Wall clock of the last report", _CLOCK, ()),
    Metric("last_full_replay_timestamp_seconds", "seconds", "Wall clock of the last full replay", _CLOCK, ()),
    Metric("last_commit_timestamp_seconds", "seconds", "Wall clock of the last commit", _CLOCK, ()),
    Metric("newest_event_timestamp_seconds", "seconds", "Newest event time in the corpus", "Newer content.", ()),
    Metric("state_bytes", "bytes", "Size of the state file", "The state grows with the corpus.", ()),
    Metric(
        "batch_duration_seconds", "seconds", "From a batch taken to its commit", "Batches take longer.", (),
        "histogram",
    ),
)  # fmt: skip

REPLAYS = (
    Metric(
        "replay_failures", "anchors", "Anchors the index does not answer for",
        "The index fails; these anchors are UNKNOWN.", ("reason",),
    ),
    Metric(
        "foreign_results",
        "places",
        "Places of the served lists that are held by points without a chunk id, which the lists leave out",
        "Somebody else writes to the collection, or chunk ids stand in another payload field.",
        (),
    ),
    Metric(
        "index_remarks",
        "remarks",
        "What is to be known of the real index beside the numbers, such as a server of a version nobody tried",
        "The page and the log say what.",
        (),
    ),
    Metric("replayed_anchors", "anchors", "Anchors asked of the real index in the last replay", "Much changed.", ()),
    Metric("index_points", "chunks", "Points in the real index", "The index grows.", ()),
    Metric(
        "replay_latency_seconds", "seconds", "Query latency in a replay, as a quantile over its anchors",
        "The index answers slower.", ("stat",),
    ),
    Metric("replay_duration_seconds", "seconds", "A whole replay", "Replays take longer.", (), "histogram"),
    Metric(
        "freshness_seconds", "seconds",
        "From event time to the index stating the new content, of a sample; absent where the monitor fills the index",
        "Production's writes to its index are behind the stream.", (), "histogram",
    ),
)  # fmt: skip

PRODUCTION = (
    Metric(
        "production_failures", "anchors", "Anchors that production's retriever does not answer for",
        "The retriever fails, or nobody searched; these anchors are UNKNOWN on the leg production.", ("reason",),
    ),
    Metric(
        "last_production_timestamp_seconds", "seconds",
        "Wall clock of the last replay of production, or of the last search overheard", _CLOCK, (),
    ),
    Metric(
        "production_latency_seconds", "seconds", "Latency of production's answers in a replay, as a quantile",
        "Users wait longer.", ("stat",),
    ),
    Metric(
        "production_log_skipped", "records", "Records of the log of searches that say nothing of any anchor",
        "Users ask what no anchor asks, or records cannot be read.", ("reason",),
    ),
)  # fmt: skip
"""Only where `[production]` is configured."""

SHARDS = (
    Metric(
        "shard_up", "0 or 1", "1 for a shard that answers, 0 for one that is away: the verdict is then unknown",
        "The shard is back.", ("shard",),
    ),
    Metric("shard_chunks", "chunks", "Live chunks of each shard", "The shard grows.", ("shard",)),
    Metric("shard_step", "steps", "The step that a shard took last; all shards take the same ones", "Events arrive.",
           ("shard",)),
    Metric(
        "shard_position_events", "events", "Where a shard stands in its partitions: their next offsets added up",
        "Events arrive.", ("shard",),
    ),
    Metric(
        "shard_lag_events", "events",
        "Events of a shard's partitions that were not taken yet; NaN where the source does not say",
        "The partitions of this shard fall behind.", ("shard",),
    ),
    Metric(
        "shard_stage_seconds", "seconds", "Spent on taking events in, by shard", "The shard works.", ("shard",),
        "counter",
    ),
    Metric(
        "shard_rank_seconds", "seconds", "Spent on ranking, by shard", "The shard works.", ("shard",), "counter",
    ),
    Metric(
        "shard_bytes", "bytes",
        "Exchanged with a shard, `sent` by it and `received`; absent where shards are in this process",
        "More is said between shards and coordinator.", ("shard", "direction"), "counter",
    ),
    Metric(
        "shard_restarts", "times", "Times that a shard was born again since the coordinator started",
        "A process or node of the shard was lost.", ("shard",), "counter",
    ),
)  # fmt: skip
"""Only where the corpus lies in shards."""

ENGINE = (
    Metric(
        "audit_mismatches", "results",
        "Results that disagree with the reference in the newest audit of each anchor; must stay 0",
        "The maintained lists are wrong: a defect of this program.", ("leg",),
    ),
    Metric("audited_anchors", "anchors", "Anchors looked at in the newest audit", "Audits look at more.", ("leg",)),
    Metric(
        "last_audit_timestamp_seconds", "seconds", "Wall clock of the newest audit that took place", _CLOCK, ("leg",),
    ),
    Metric(
        "last_audit_duration_seconds", "seconds", "How long the newest audit took, during which the loop waited",
        "Audits hold the loop for longer.", ("leg",),
    ),
    Metric(
        "audit_skipped", "0 or 1", "1 where the newest attempt audited nothing, and why", "A leg is not audited.",
        ("leg", "reason"),
    ),
    Metric(
        "touched_anchors", "anchors", "Anchors whose maintained list changed, each time that lists were made",
        "Changes reach what is asked.", ("leg",), "counter",
    ),
    Metric(
        "engine_refills", "anchors", "Anchors whose list could not be proved exact and was searched for anew",
        "Deletions use up the reserve of lists.", ("leg",), "counter",
    ),
    Metric(
        "engine_refilling", "anchors", "Anchors searched for anew since the view before this one",
        "A burst is being worked off.", ("leg",),
    ),
    Metric(
        "dense_rebuilds", "batches", "Batches so large that all dense lists were searched for anew",
        "Very large batches arrive.", (), "counter",
    ),
    Metric(
        "lexical_epochs", "times", "Times that all lexical lists were searched for anew at once",
        "BM25 statistics moved far.", (), "counter",
    ),
    Metric("vocabulary_terms", "tokens", "Distinct tokens of live chunks and anchors", "New words arrive.", ()),
    Metric("tombstones", "chunks", "Delete marks kept in the corpus", "Many deletions within the kept days.", ()),
)  # fmt: skip
