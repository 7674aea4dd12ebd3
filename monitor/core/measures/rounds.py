"""Alarms between deploys: metrics of the rounds that evidence is gathered from."""

from monitor.core.measures.entry import Metric

_STREAM = ("leg", "dimension", "segment")

ALARMS = (
    Metric(
        "evidence_log10", "decades",
        "Evidence that churn is above normal, after the last round; NaN while learning and where it was not measured",
        "Round after round more is exchanged than is normal; from the limit on it is an alarm.", _STREAM,
    ),
    Metric(
        "evidence_limit_log10", "decades", "The evidence at which there is an alarm: what keeps the budget",
        "More segments are watched, or the budget is smaller.", _STREAM,
    ),
    Metric(
        "round_churn_ratio", "ratio",
        "Results of the last round that say what they did not at the end of the round before; NaN where not measured",
        "More was exchanged within a round.", _STREAM,
    ),
    Metric(
        "normal_churn_ratio", "ratio",
        "Upper bound of what is normal in a round of these hours, learnt from approved ones; NaN while learning",
        "More churn was approved, or there are fewer approved rounds.", (*_STREAM, "hours"),
    ),
    Metric(
        "alarm_streams", "series", "Segments and legs by what the last round says of them",
        "More are in the state of this label.", ("state",),
    ),
    Metric(
        "approved_rounds", "rounds", "Approved rounds that are learnt from, by class of hours",
        "A gate passed or a baseline was approved.", ("hours",),
    ),
    Metric("alarms", "alarms", "Times that evidence reached its limit", "An alarm.", (), "counter"),
    Metric(
        "last_round_timestamp_seconds", "seconds", "Wall clock at which the last measured round ended",
        "As time passes; a flat line says that it no longer happens.", (),
    ),
)  # fmt: skip
