"""For the rules of a policy: alerts fire when they should and are silent when they should not, and so do the twins.

What should fire is worked out here from the values alone: the rules whose limit the value is beyond, once it held.
All rules that are about different numbers share a case, so that a rule that looks at another's series is found too.
"""

from collections.abc import Callable, Iterator, Sequence

from monitor.core.judging.policy import Rule
from tests.deploy.promtool import TARGET, Case, Firing, Series, Values, always

EXCEEDED, UNKNOWN = "CorpusDriftExceeded", "CorpusDriftUnknown"
KEEP = 2
"""Minutes that a firing alert stays (the default of `alerts.keep_firing_for`)."""
BAD, AFTER = 30, 30
"""Minutes of a case in which values are beyond the limit, and afterwards."""
LOOKS = (0, 4, 6, 14, 16, BAD)
ENOUGH: Callable[[Rule], int] = lambda rule: rule.min_anchors  # noqa: E731 - a name for the usual argument


def policy_cases(rules: Sequence[Rule]) -> Iterator[Case]:
    for at, batch in enumerate(_batches(rules)):
        beyond, edges = {_number(rule): _bad(rule) for rule in batch}, {_number(rule): _limit(rule) for rule in batch}
        yield Case(
            f"{at}: beyond the limit, then good again",
            _series(batch, lambda rule: [*always(_bad(rule), BAD), *always(_good(rule), AFTER)], ENOUGH),
            [*(_fired(rules, beyond, minute) for minute in LOOKS), Firing(BAD + KEEP + 2, EXCEEDED)],
        )
        yield Case(
            f"{at}: at the limit",
            _series(batch, lambda rule: always(_limit(rule)), ENOUGH),
            [_fired(rules, edges, minute) for minute in LOOKS],
        )
        yield Case(f"{at}: a short peak", _series(batch, _peak, ENOUGH), _quiet(EXCEEDED))
        few = _series(batch, lambda rule: always(_bad(rule)), lambda rule: rule.min_anchors - 1)
        yield Case(f"{at}: too few anchors", few, _quiet(EXCEEDED))
        nothing = _series(batch, lambda _: always("NaN"), ENOUGH)
        critical = tuple(_unknown(rule) for rule in batch if rule.severity == "critical")
        yield Case(
            f"{at}: not measurable",
            [*nothing, *(one for rule in batch for one in _verdicts(rule, "unknown"))],
            [*_quiet(EXCEEDED), Firing(14, UNKNOWN), Firing(16, UNKNOWN, critical)],
        )
        judged = [one for rule in batch for one in _verdicts(rule, "fail")]
        yield Case(f"{at}: judged, and fails", judged, _quiet(UNKNOWN))


def _batches(rules: Sequence[Rule]) -> list[list[Rule]]:
    """As few as there can be, with no number twice in one, and no two that ask for other sizes of one segment."""
    batches: list[list[Rule]] = []
    for rule in rules:
        for batch in batches:
            sizes = {one.min_anchors for one in batch if _counted(one, 0) == _counted(rule, 0)}
            if _number(rule) not in map(_number, batch) and sizes <= {rule.min_anchors}:
                batch.append(rule)
                break
        else:
            batches.append([rule])
    return batches


def _number(rule: Rule) -> tuple[object, ...]:
    return rule.metric, rule.leg, rule.stat, rule.k, rule.dimension


def _limit(rule: Rule) -> float:
    limit = rule.max if rule.max is not None else rule.min
    assert limit is not None
    return limit


def _bad(rule: Rule) -> float:
    return _limit(rule) * 1.05 + 0.001 if rule.max is not None else _limit(rule) * 0.95


def _good(rule: Rule) -> float:
    if rule.max is None:
        return _limit(rule) + 0.01
    return 0.0 if _limit(rule) > 0 else _limit(rule) - 1.0


def _beyond(rule: Rule, value: float) -> bool:
    return value > _limit(rule) if rule.max is not None else value < _limit(rule)


def _peak(rule: Rule) -> Values:
    return [*always(_good(rule), 4), *always(_bad(rule), round(rule.hold / 60) - 3), *always(_good(rule))]


def _quiet(alert: str) -> list[Firing]:
    return [Firing(minute, alert) for minute in (*LOOKS, 50)]


def _fired(rules: Sequence[Rule], values: dict[tuple[object, ...], float], minute: int) -> Firing:
    """What fires when the numbers have had these values since minute 0."""
    held = [rule for rule in rules if _number(rule) in values and rule.hold < minute * 60]
    return Firing(minute, EXCEEDED, tuple(_alert(rule) for rule in held if _beyond(rule, values[_number(rule)])))


def _place(rule: Rule) -> str:
    segment = "all" if rule.dimension == "all" else "s1"
    return f'dimension="{rule.dimension}",segment="{segment}"'


def _series(batch: Sequence[Rule], values: Callable[[Rule], Values], anchors: Callable[[Rule], int]) -> list[Series]:
    measured = [
        Series(
            f"corpus_drift_{rule.metric}",
            f'{_place(rule)},k="{rule.k}",leg="{rule.leg}",stat="{rule.stat}"',
            values(rule),
        )
        for rule in batch
    ]
    counted = {(one.name, one.labels): one for one in (_counted(rule, anchors(rule)) for rule in batch)}
    return [*measured, *counted.values()]


def _counted(rule: Rule, anchors: int) -> Series:
    name, labels = {
        "corpus": ("chunks", f'{_place(rule)},k="0",leg="corpus",stat="mean"'),
        "both": ("segment_anchors", f'{_place(rule)},watched="true"'),
    }.get(rule.leg, ("measured_anchors", f'{_place(rule)},leg="{rule.leg}"'))
    return Series(f"corpus_drift_{name}", labels, always(anchors))


def _alert(rule: Rule) -> str:
    return (
        f'corpus="docs",{_place(rule)},{TARGET},k="{rule.k}",leg="{rule.leg}",'
        f'policy_severity="{rule.severity}",rule="{rule.name}",severity="warning",stat="{rule.stat}"'
    )


def _verdicts(rule: Rule, verdict: str) -> list[Series]:
    labels = f'{_place(rule)},leg="{rule.leg}",rule="{rule.name}",severity="{rule.severity}"'
    return [
        Series("corpus_drift_rule_verdict", f'{labels},verdict="{name}"', always(int(name == verdict)))
        for name in ("pass", "fail", "inconclusive", "unknown")
    ]


def _unknown(rule: Rule) -> str:
    return (
        f'corpus="docs",{_place(rule)},{TARGET},leg="{rule.leg}",rule="{rule.name}",severity="critical",'
        'verdict="unknown"'
    )
