"""Alerts on the policy's rules: one for the limit, and for each critical rule a twin for UNKNOWN.

The limit is compared with the measurement itself, the point estimate, again and again over dozens of segments: so it
warns and never pages, whatever the rule says of deploys. The gate compares confidence bounds, so the two can differ
and the alert says so. A measurement that is NaN compares with nothing and never fires: that is what the
twin is for.
"""

from collections.abc import Iterator, Sequence

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, literal, number, series
from monitor.core.judging.policy import EVERY, Rule
from monitor.core.text.wording import at_depth

EXCEEDED = "CorpusDriftExceeded"
UNKNOWN = "CorpusDriftUnknown"
SEGMENT_BOARD = (
    "/d/corpus-drift-segment?var-dimension={{ $labels.dimension | urlquery }}"
    "&var-segment={{ $labels.segment | urlquery }}"
)
PAGE = '/?segment={{ printf "%s=%s" $labels.dimension $labels.segment | urlquery }}'
PLACE = "{{ $labels.dimension }}={{ $labels.segment }}"


def policy_groups(rules: Sequence[Rule], scope: AlertScope) -> tuple[AlertGroup, AlertGroup]:
    """The limits, and the twins of the critical rules."""
    limits = tuple(_exceeded(rule, scope) for rule in rules)
    twins = tuple(_unknown(rule, scope) for rule in rules if rule.severity == "critical")
    return AlertGroup(f"corpus-drift-{scope.corpus}-policy", limits), AlertGroup(
        f"corpus-drift-{scope.corpus}-unknown", twins
    )


def _exceeded(rule: Rule, scope: AlertScope) -> Alert:
    ground = f" Ground: {literal(rule.ground)}." if rule.ground else ""
    name = literal(rule.metric)
    return Alert(
        name=EXCEEDED,
        expr=f"({' or '.join(_beyond(rule, scope))}) and {_enough(rule, scope)}",
        hold=rule.hold,
        severity="warning",
        summary=f"Retrieval drifted beyond the policy: {name} {rule.stat}, {rule.leg}",
        description=(
            f'{name} {at_depth(rule.stat, rule.k)} {rule.leg} of {PLACE} is {{{{ $value | printf "%.3f" }}}}, '
            f"allowed {_allowed(rule)}.{ground} "
            "The alert judges the point estimate; the gate judges the confidence bound, so it may still be undecided."
        ),
        dashboard=SEGMENT_BOARD,
        page=PAGE,
        labels=(("rule", rule.name), ("policy_severity", rule.severity)),
        keep=min(scope.keep, rule.hold),
    )


def _beyond(rule: Rule, scope: AlertScope) -> Iterator[str]:
    where = {} if rule.segment == EVERY else {"segment": rule.segment}
    measured = series(
        rule.metric, scope.selector, leg=rule.leg, k=str(rule.k), stat=rule.stat, dimension=rule.dimension, **where
    )
    if rule.max is not None:
        yield f"{measured} > {number(rule.max)}"
    if rule.min is not None:
        yield f"{measured} < {number(rule.min)}"


def _enough(rule: Rule, scope: AlertScope) -> str:
    """The segment rests on as many anchors as the rule asks for; the corpus' own measurements on as many chunks."""
    on = "on (job, instance, dimension, segment)"
    if rule.leg == "corpus":
        counted = series("chunks", scope.selector, leg="corpus", stat="mean")
    elif rule.leg == "both":
        counted = series("segment_anchors", scope.selector)
    else:
        counted = series("measured_anchors", scope.selector, leg=rule.leg)
    return f"{on} {counted} >= {rule.min_anchors}"


def _allowed(rule: Rule) -> str:
    low = f"at least {rule.min:g}" if rule.min is not None else ""
    high = f"at most {rule.max:g}" if rule.max is not None else ""
    return " and ".join(part for part in (low, high) if part)


def _unknown(rule: Rule, scope: AlertScope) -> Alert:
    return Alert(
        name=UNKNOWN,
        expr=f"{series('rule_verdict', scope.selector, rule=rule.name, verdict='unknown')} == 1",
        hold=scope.unknown,
        severity="critical",
        summary=f"A critical rule cannot be judged: {literal(rule.metric)} {rule.stat}, {rule.leg}",
        description=(
            f"Rule {rule.name} has been UNKNOWN for {PLACE}: the number it needs is not measurable. "
            "Unknown is not good news: drift would not be seen now, and the gate does not pass."
        ),
        dashboard=SEGMENT_BOARD,
        page=PAGE,
        labels=(("rule", rule.name),),
        keep=min(scope.keep, scope.unknown),
    )
