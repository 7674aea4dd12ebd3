"""What a person may merge into the anchors: a line each, with its reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

import numpy as np

from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.selection.selection import normal_form
from monitor.core.traffic.carrying import CarriedJudgement, JudgementState
from monitor.core.traffic.coverage import AnchorTraffic
from monitor.core.traffic.intents import TrafficIntent
from monitor.core.traffic.leak import TUNING, AnchorLeak

ProposalKind = Literal["add", "drop", "relabel", "review"]
_MOST_WEIGHT = 10.0
"""Of a new anchor, in mean weights: one intent never decides a segment."""


@dataclass(frozen=True, slots=True, eq=False)
class AnchorProposal:
    """One change that somebody may make.

    Args:
        kind: `add` a new anchor, `drop` one that users have left, `relabel` one whose judged chunks were cut anew,
            `review` one that measures nothing fairly.
        anchor: the new one, or the one in question. A new one has no text where that is not known.
        reason: why, one line.
    """

    kind: ProposalKind
    anchor: Anchor
    reason: str


def proposals(
    intents: Sequence[TrafficIntent],
    traffic: Sequence[AnchorTraffic],
    leaks: Sequence[AnchorLeak],
    judgements: Sequence[CarriedJudgement],
    anchors: AnchorSet,
    *,
    days: int,
) -> tuple[AnchorProposal, ...]:
    """New anchors for new intents, then those that users have left, then those that leaked.

    Args:
        intents: new ones.
        traffic: the anchors' shares of the window.
        leaks: where anchors stand elsewhere.
        judgements: where the anchors' judgements lead now.
        anchors: of now.
        days: that the shares are of.
    """
    by_id = {of.id: of for of in anchors.anchors}
    mean = float(np.mean(anchors.weights)) if len(anchors) else 1.0
    shares = [of.estimate.share for of in traffic if of.estimate.share > 0.0]
    usual = float(np.mean(shares)) if shares else 0.0
    added = (AnchorProposal("add", _anchor(of, mean, usual), _why_new(of)) for of in intents)
    left = [of for of in traffic if of.historical]
    dropped = (AnchorProposal("drop", by_id[of.anchor_id], _why_left(of, days)) for of in left)
    leaked = (AnchorProposal("review", by_id[of.anchor_id], _why_leaked(of)) for of in leaks)
    return (*added, *dropped, *_relabelled(judgements, by_id), *leaked)


def _relabelled(judgements: Sequence[CarriedJudgement], by_id: Mapping[str, Anchor]) -> Iterator[AnchorProposal]:
    """One for each anchor of which a judged chunk is not where it was; of several grades of one chunk the best."""
    held: dict[str, list[CarriedJudgement]] = {}
    for of in judgements:
        held.setdefault(of.anchor_id, []).append(of)
    for name, own in held.items():
        states = Counter(of.state for of in own if of.state is not JudgementState.VALID)
        if not states:
            continue
        relevant: dict[str, float] = {}
        for of in own:
            for chunk in of.to or (of.chunk_id,):  # what is gone stays judged: it may come back, and is counted
                relevant[chunk] = max(of.grade, relevant.get(chunk, of.grade))
        said = ", ".join(f"{count} {state}" for state, count in states.items())
        yield AnchorProposal(
            "relabel", replace(by_id[name], relevant=relevant), f"judged chunks were cut anew: {said}"
        )


def _anchor(of: TrafficIntent, mean: float, usual: float) -> Anchor:
    """Its id is the one that `anchors build` gives the question, its weight what its share is among the others'."""
    weight = round(mean * min(_MOST_WEIGHT, of.share.share / usual), 3) if usual else mean
    made = Anchor("", "", None, of.segment, max(weight, 0.001))
    if of.text is None:
        return replace(made, id=f"t-{of.mark[:8].hex()}")
    named = repr((normal_form(of.text.text), of.segment)).encode()
    name = f"q-{blake2b(named, digest_size=8).hexdigest()}"
    return replace(made, id=name, text=of.text.text, vector=of.text.vector)


def _why_new(of: TrafficIntent) -> str:
    near = (
        f"nearest is {of.nearest} with a likeness of {of.likeness:.2f}" if of.nearest else "no anchor shares a result"
    )
    unknown = "" if of.text else "; its text was not kept: ask the running monitor, or use --traffic FILE"
    asked = f"{of.this_week} clients this week, {of.last_week} the week before"
    said = f"{asked}, {of.questions} wordings, {of.share.share:.2%} of the traffic"
    return f"new intent: {said}; {near}{unknown}"


def _why_left(of: AnchorTraffic, days: int) -> str:
    return f"historical: at most {of.estimate.upper:.3%} of {days} days' traffic (95%, limit 0.1%)"


def _why_leaked(of: AnchorLeak) -> str:
    where = "the tuning data holds" if of.where == TUNING else f"chunk {of.where} holds"
    return f"leak: {where} {of.containment:.0%} of it word for word"
