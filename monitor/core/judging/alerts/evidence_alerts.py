"""Alerts on evidence between deploys: the only ones on drift that page, and those on what they rest on."""

from monitor.core.judging.alerts.alert import Alert, AlertGroup, AlertScope, duration, number, quoted, series
from monitor.core.judging.alerts.pipeline_alerts import OVERVIEW_BOARD
from monitor.core.judging.alerts.policy_alerts import PAGE, PLACE, SEGMENT_BOARD

LEARNING = 21 * 86_400.0
"""Seconds: two weeks of rounds are enough to learn from, and a week for somebody to approve them."""
_LATE = 3
"""Rounds without one that was measured."""


def evidence_group(scope: AlertScope, *, length: float, enough: int) -> AlertGroup:
    """Alerts on rounds.

    Args:
        scope: whose series.
        length: seconds of a round.
        enough: approved rounds of a class of hours from which on it is watched.
    """
    alerts = (_evidence(scope), _overdue(scope, length), _learning(scope, enough))
    return AlertGroup(f"corpus-drift-{scope.corpus}-evidence", alerts)


def _evidence(scope: AlertScope) -> Alert:
    evidence, limit = series("evidence_log10", scope.selector), series("evidence_limit_log10", scope.selector)
    return Alert(
        "CorpusDriftEvidence",
        f"{evidence} >= {limit}",
        0.0,
        "critical",
        "Answers keep being exchanged beyond what is normal",
        f"Round after round more results of {PLACE} ({{{{ $labels.leg }}}}) are exchanged than was learnt to be "
        f'normal{_hours(scope)}. The evidence, 10^{{{{ $value | printf "%.1f" }}}}, is at the limit that keeps the '
        "budget of false pages. The page says how much was exchanged, and what is normal then.",
        SEGMENT_BOARD,
        PAGE,
        keep=scope.keep,
    )


def _hours(scope: AlertScope) -> str:
    """The class of hours whose normal churn was taken, as Prometheus looks it up when it writes the alert.

    As a label of the evidence itself it would begin another series at each change of class.
    """
    place = dict.fromkeys(("leg", "dimension", "segment"), "%q")
    sought = series("normal_churn_ratio", scope.selector.replace("%", "%%"), **place).replace('"%q"', "%q")
    given = " ".join(f"$labels.{name}" for name in place)
    said = '(hours: {{ . | first | label "hours" }})'
    return f"{{{{ with printf {quoted(sought)} {given} | query }}}} {said}{{{{ end }}}}"


def _overdue(scope: AlertScope, length: float) -> Alert:
    late = _LATE * length
    return Alert(
        "CorpusDriftRoundsOverdue",
        f"time() - {series('last_round_timestamp_seconds', scope.selector)} > {number(late)}",
        60.0,
        "warning",
        f"No round was measured for {_LATE} rounds",
        "The last measured round ended {{ $value | humanizeDuration }} ago: no evidence is gathered, and drift "
        "between deploys would not page.",
        OVERVIEW_BOARD,
        keep=scope.keep,
    )


def _learning(scope: AlertScope, enough: int) -> Alert:
    return Alert(
        "CorpusDriftStillLearning",
        f"{series('approved_rounds', scope.selector)} < {enough}",
        LEARNING,
        "warning",
        "What is normal is still not known: drift between deploys cannot page",
        f"For {duration(LEARNING)} fewer than {enough} rounds of the class {{{{ $labels.hours }}}} are approved "
        "({{ $value }}): approve a baseline, or see why no deploy passes.",
        OVERVIEW_BOARD,
        keep=scope.keep,
    )
