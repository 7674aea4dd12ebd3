"""Deploy and gate: what the newest deploy did, who is to blame, and what the gate says."""

from dashboards.board import CARD, SEGMENT_BOARD, Board
from dashboards.specs import Bars, Graph, Heading, Link, Number, Query, Ranking, about, metric

_SWAPS = metric("collapsed_swaps", stat="mean")
_ALL = metric("collapsed_swaps", dimension="all", stat="mean")
_BY = "max by (job, instance, leg, dimension, segment)"
_NOT_PASSED = metric("rule_verdict", 'verdict!="pass"')

DEPLOY = Board(
    "corpus-drift-deploy",
    "Corpus drift / Deploy and gate",
    "Before and after the newest deploy, the sources that are to blame, and the rules that hold it up.",
    (
        Number(
            "Newest deploy",
            "The newest deploy that was judged, and the gate's verdict. A click opens its incident card.",
            "none",
            (Query(metric("last_deploy_info"), "{{deploy}}: {{verdict}}"),),
            width=8,
            verdict=True,
            link=Link("Incident card", f"{CARD}${{__field.labels.deploy:percentencode}}"),
        ),
        Number(
            "Since that deploy",
            "Event time from the newest deploy to the newest event.",
            "s",
            (
                Query(
                    f"{metric('newest_event_timestamp_seconds')} - {metric('last_deploy_timestamp_seconds')}",
                    "{{instance}}",
                ),
            ),
        ),
        Number(
            "Deploys waiting",
            about("open_barriers"),
            "none",
            (Query(metric("open_barriers"), "{{instance}}"),),
            bad_above=1,
        ),
        Number(
            "Verdict now",
            "The verdict on the corpus as it is now, by point estimates; the gate's rests on confidence bounds.",
            "none",
            (Query(f"{metric('verdict')} == 1", "{{instance}}: {{verdict}}"),),
            width=8,
            verdict=True,
        ),
        Heading("Before and after"),
        Graph(
            "Swaps by content: now and before",
            "All anchors, against the same lists the chosen time span ago.",
            "none",
            (
                Query(f"{_BY} ({_ALL})", "{{leg}} now"),
                Query(
                    f"{_BY} ({_ALL} offset $before)",
                    "{{leg}} before",
                ),
            ),
        ),
        Graph(
            "First result changed",
            about("collapsed_top1_changed_ratio"),
            "percentunit",
            (
                Query(metric("collapsed_top1_changed_ratio", dimension="all", stat="mean"), "{{leg}} content @{{k}}"),
                Query(metric("top1_changed_ratio", dimension="all", stat="mean"), "{{leg}} ids"),
            ),
        ),
        Ranking(
            "Segments that moved most",
            "Swaps by content now, minus those the chosen time span ago. A click on a row opens the segment.",
            "none",
            (Query(f"topk(20, {_BY} ({_SWAPS}) - {_BY} ({_SWAPS} offset $before))", ""),),
            link=Link("Segment", SEGMENT_BOARD),
        ),
        Ranking(
            "Rules that did not pass",
            "Rules and segments that fail, or cannot be judged, by the point estimate; warnings never decide.",
            "none",
            (
                Query(
                    f"max by (job, instance, rule, severity, leg, dimension, segment, verdict) ({_NOT_PASSED} == 1)",
                    "",
                ),
            ),
            link=Link("Segment", SEGMENT_BOARD),
        ),
        Heading("Cause and blame"),
        Graph(
            "Classes of causes",
            about("cause"),
            "none",
            (Query(f"max by (cause) ({metric('cause')})", "{{cause}}"),),
            width=24,
            height=6,
            stacked=True,
        ),
        Bars(
            "Who moved the dense leg",
            about("blamed_share_ratio", "The incident card has documents and events."),
            "percentunit",
            (Query(f"sort_desc({metric('blamed_share_ratio', leg='dense')})", "{{source}}"),),
        ),
        Bars(
            "Who moved the lexical leg",
            about("blamed_share_ratio", "The incident card has documents and events."),
            "percentunit",
            (Query(f"sort_desc({metric('blamed_share_ratio', leg='lexical')})", "{{source}}"),),
        ),
    ),
    before=True,
)
