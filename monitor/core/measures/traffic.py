"""The anchors beside the traffic: metrics of what users ask, while it is read."""

from monitor.core.measures.entry import Metric

_CLOCK = "As time passes; a flat line says that nothing is asked, or nothing is read."

TRAFFIC = (
    Metric(
        "anchor_traffic_coverage_ratio", "ratio",
        "Share of the last 28 days' traffic that an anchor represents (share, 95% bounds)",
        "The anchors speak for more of what users ask.", ("dimension", "segment", "weight", "stat"),
    ),
    Metric(
        "anchor_traffic_judged_ratio", "ratio",
        "Share of the traffic that is judged: whether an anchor speaks for it is known",
        "More queries were searched for since anchors changed.", (),
    ),
    Metric(
        "anchor_traffic_unseen_ratio", "ratio",
        "Share of coming queries that nobody asked in 28 days (Good-Turing): share, 95% bounds",
        "Users ask more and more for new things.", ("stat",),
    ),
    Metric(
        "anchor_traffic_divergence", "bits",
        "Jensen-Shannon divergence (0..1) of the anchors' mix of segments, or of anchors, to the traffic's",
        "Weights and quotas of the anchors are no longer those of the traffic.", ("dimension",),
    ),
    Metric(
        "anchors_historical", "anchors", "Anchors whose share of 28 days' traffic is below 0.1% by its upper bound",
        "Users have left what these anchors ask.", (),
    ),
    Metric(
        "anchor_judgements", "judgements",
        "Judgements of the anchors by what became of the judged chunk: valid, moved, split, merged, gone",
        "The corpus was cut anew: `anchors propose` carries them over.", ("kind",),
    ),
    Metric(
        "anchor_held_out_gap", "ratio",
        "Anchors that may be seen minus those held out, by a measure: difference, 95% bounds",
        "Something was tuned on the anchors: what is measured with them flatters.", ("metric", "leg", "stat"),
    ),
    Metric(
        "anchor_panel_bridge", "ratio",
        "New panel minus old panel at the newest change of anchors, over one corpus: difference, 95% bounds",
        "A jump of this size in a series at that moment is the anchors, not the corpus.", ("metric", "leg", "stat"),
    ),
    Metric(
        "traffic_records", "records", "Queries and records of the log of traffic by what became of them",
        "Traffic is read; reasons other than counted and ignored say what of it is not.", ("reason",), "counter",
    ),
    Metric(
        "traffic_sampled_ratio", "ratio", "Share of the clients that is looked at",
        "Falls by half each time that the rows would not fit into traffic.max_rows.", (),
    ),
    Metric(
        "last_traffic_timestamp_seconds", "seconds", "The newest day of traffic that was read", _CLOCK, (),
    ),
)  # fmt: skip
"""Only where `[traffic]` is configured, but for the bridge, which every change of anchors makes."""
