"""What judgements are worth: below a share of judged results nothing is concluded from them."""

from collections.abc import Iterable, Iterator

from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.report import Measurement

JUDGED = "judged_ratio"
TOO_FEW_JUDGED = "too_few_judged"
FLOOR = 0.05
"""Of the share of judged results, where nothing else is configured. Small on purpose: an anchor with one judged chunk
can have a tenth of its ten results judged, and its recall still means something."""


def floored(
    measurements: Iterable[Measurement], floor: float, registry: MeasureRegistry = REGISTRY
) -> Iterator[Measurement]:
    """The measurements of one labelled table, without a value where too few results are judged.

    A segment whose mean `judged_ratio` at the same depth was below the floor in the baseline gets NaN with its
    reason: results nobody judged count as irrelevant, so recall, nDCG and MRR would say how much was judged, not how
    good it is. Only a comparison without a baseline goes by the share of now: where everything judged is gone, that
    is 0, and it is the worst there is to say.

    Args:
        measurements: of one leg, `judged_ratio` among them.
        floor: the least share, in [0, 1]; 0 switches the floor off.
        registry: says what rests on judgements.
    """
    resting = {of.name for of in registry.group("labels")} - {JUDGED}
    held = list(measurements)
    judged = {
        (of.k, of.dimension, of.segment): of.value
        if of.baseline != of.baseline
        else of.baseline  # NaN: there is none
        for of in held
        if of.metric == JUDGED and of.stat == "mean"
    }
    for of in held:
        share = judged.get((of.k, of.dimension, of.segment), 0.0)
        enough = floor <= 0.0 or share >= floor
        if enough or of.metric not in resting or of.value != of.value:  # NaN keeps the reason it has
            yield of
        else:
            yield of._replace(value=float("nan"), reason=f"{TOO_FEW_JUDGED}: {share:.3f} < {floor:g}")
