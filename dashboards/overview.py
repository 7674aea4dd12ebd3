"""Overview: is any corpus drifting, where, and since when."""

from dashboards.board import CARD, SEGMENT_BOARD, Board
from dashboards.specs import Graph, Heading, Link, Number, Query, Ranking, States, about, metric

VERDICT = " or ".join(
    f"{value} * {metric('rule_verdict', severity='critical', verdict=name)}"
    for value, name in enumerate(("pass", "inconclusive", "unknown", "fail"))
)
"""The number of the verdict that holds, 0 for the others: their maximum is the verdict."""
_BY = "job, instance, leg, dimension, segment"
_PLACE = "{{job}}: {{leg}} {{dimension}}={{segment}}"
_SWAPS = metric("collapsed_swaps", stat="mean")


def _rules(verdict: str) -> str:
    return f"sum({metric('rule_verdict', severity='critical', verdict=verdict)})"


OVERVIEW = Board(
    "corpus-drift-overview",
    "Corpus drift / Overview",
    "Is any corpus drifting, in which segments, and since which deploy?",
    (
        Number(
            "Verdict",
            "The verdict on the corpus as it is now, by monitor. UNKNOWN is not good news: drift would not be seen.",
            "none",
            (Query(f"{metric('verdict')} == 1", "{{job}} {{instance}}: {{verdict}}"),),
            width=8,
            verdict=True,
            link=Link("Monitor's page", "${monitor}/"),
        ),
        Number(
            "Critical rules that fail",
            "Rules of the policy times segments whose point estimate is beyond the limit now.",
            "none",
            (Query(_rules("fail"), "fail"),),
            bad_above=1,
        ),
        Number(
            "Critical rules unknown",
            "Rules times segments that cannot be judged. They never pass a gate.",
            "none",
            (Query(_rules("unknown"), "unknown"),),
            bad_above=1,
        ),
        Number(
            "Age of the baseline",
            "Time since the event at which the approved baseline was captured.",
            "s",
            (Query(f"time() - {metric('baseline_timestamp_seconds')}", "{{instance}}"),),
        ),
        Number(
            "Newest deploy",
            "The newest deploy that was judged, and its verdict. A click opens its incident card.",
            "none",
            (Query(metric("last_deploy_info"), "{{deploy}}: {{verdict}}"),),
            verdict=True,
            link=Link("Incident card", f"{CARD}${{__field.labels.deploy:percentencode}}"),
        ),
        Heading("Segments"),
        States(
            "Verdict per segment",
            "The worst verdict of the critical rules on each segment and leg, over time.",
            "none",
            (Query(f"max by ({_BY}) ({VERDICT})", _PLACE),),
        ),
        Ranking(
            "Worst segments",
            about("collapsed_swaps", "A click on a row opens the segment."),
            "none",
            (Query(f"topk(20, max by (k, {_BY}) ({_SWAPS}))", ""),),
            link=Link("Segment", SEGMENT_BOARD),
        ),
        Graph(
            "Swaps by content, worst segments",
            about("collapsed_swaps"),
            "none",
            (Query(f"topk(10, max by ({_BY}) ({_SWAPS}))", _PLACE),),
            height=10,
        ),
        Heading("Alarms between deploys"),
        Graph(
            "Evidence, nearest to its limit",
            about("evidence_log10", "From the limit on it pages."),
            "none",
            (
                Query(f"topk(10, max by ({_BY}) ({metric('evidence_log10')}))", _PLACE),
                Query(f"max by (job) ({metric('evidence_limit_log10')})", "{{job}}: limit"),
            ),
        ),
        Graph(
            "Exchanged in a round, and what is normal",
            about("round_churn_ratio", "Round after round beyond what is normal is evidence."),
            "percentunit",
            (
                Query(f"topk(5, max by ({_BY}) ({metric('round_churn_ratio')}))", _PLACE),
                Query(f"max by (job) ({metric('normal_churn_ratio')})", "{{job}}: highest normal"),
            ),
        ),
        Graph(
            "Alarms",
            about("alarms", "At most the budget of them are false, on average."),
            "none",
            (Query(f"increase({metric('alarms_total')}[$__rate_interval])", "{{job}} {{instance}}"),),
            width=8,
            height=4,
        ),
        Number(
            "Segments and legs",
            about("alarm_streams", "What is learning or unmeasured cannot page."),
            "none",
            (Query(f"sum by (state) ({metric('alarm_streams')})", "{{state}}"),),
            width=8,
        ),
        Number(
            "Approved rounds",
            about("approved_rounds"),
            "none",
            (Query(f"min by (hours) ({metric('approved_rounds')})", "{{hours}}"),),
            width=8,
        ),
        Heading("All anchors"),
        Graph(
            "Swaps, all anchors",
            "Content that changed beside ids that changed: a wide gap is re-chunking or a move, not drift.",
            "none",
            (
                Query(metric("collapsed_swaps", dimension="all", stat="mean"), "{{leg}} content @{{k}}"),
                Query(metric("swaps", dimension="all", stat="mean"), "{{leg}} ids @{{k}}"),
            ),
        ),
        Graph(
            "Live chunks",
            about("corpus_chunks"),
            "short",
            (Query(metric("corpus_chunks"), "{{job}} {{instance}}"),),
        ),
        Graph(
            "Mix of the corpus",
            about("segment_mix_divergence"),
            "none",
            (Query(metric("segment_mix_divergence"), "{{job}} {{dimension}}"),),
        ),
        Graph(
            "Chunks changed since the baseline",
            about("changed_chunks_ratio"),
            "percentunit",
            (Query(metric("changed_chunks_ratio", dimension="all"), "{{job}} {{stat}}"),),
        ),
        Heading("Anchors and traffic"),
        Graph(
            "Traffic that an anchor represents",
            about("anchor_traffic_coverage_ratio"),
            "percentunit",
            (Query(metric("anchor_traffic_coverage_ratio", dimension="all", weight="asks"), "{{job}} {{stat}}"),),
        ),
        Ranking(
            "Segments the anchors speak least for",
            about("anchor_traffic_coverage_ratio"),
            "percentunit",
            (Query(f"bottomk(20, {metric('anchor_traffic_coverage_ratio', stat='share')})", ""),),
        ),
        Graph(
            "What nobody asked before, and how far the mixes are apart",
            about("anchor_traffic_unseen_ratio"),
            "none",
            (
                Query(metric("anchor_traffic_unseen_ratio", stat="share"), "{{job}} unseen"),
                Query(metric("anchor_traffic_divergence"), "{{job}} mix: {{dimension}}, bits"),
            ),
        ),
        Graph(
            "Queries read",
            about("traffic_records"),
            "short",
            (Query(f"sum by (reason) (rate({metric('traffic_records_total')}[$__rate_interval]))", "{{reason}}"),),
        ),
    ),
)
