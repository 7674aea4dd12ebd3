"""What is said of the traffic, as the JSON document that commands and the endpoint answer with."""

import math
from base64 import b64encode
from typing import Any

from monitor.core.model.anchors import Anchor
from monitor.core.traffic.intents import TrafficIntent
from monitor.core.traffic.proposal import AnchorProposal
from monitor.core.traffic.rotation import GROUPS
from monitor.core.traffic.shares import ShareEstimate
from monitor.core.traffic.view import TrafficView

VERSION = 1
FIELDS = frozenset({"verdict", "window", "coverage", "judged", "unseen", "log", "proposals"})
"""What is read of an answer."""
_DAY_SECONDS = 86_400


def traffic_document(of: TrafficView) -> dict[str, Any]:
    """The view as JSON; what is not known is null."""
    return {
        "version": VERSION,
        "verdict": of.verdict,
        "least": of.least,
        "window": {
            "days": of.days,
            "newest_day": of.newest * _DAY_SECONDS if of.newest else None,
            "asks": of.asks,
            "clients": of.clients,
            "questions": of.questions,
            "sampled_clients": of.sampled,
            "judged_by": dict(of.legs),
        },
        "judged": _estimate(of.judged),
        "coverage": [
            {
                "dimension": figure.dimension,
                "segment": figure.segment,
                "weight": figure.weight,
                **_estimate(of.share(figure.dimension, figure.segment, figure.weight)),
            }
            for figure in of.coverage
        ],
        "unseen": _estimate(of.unseen),
        "divergence_bits": {name: _number(bits) for name, bits in of.divergence.items()},
        "historical": [{"anchor": one.anchor_id, **_estimate(one.estimate)} for one in of.anchors if one.historical],
        "new_intents": [_intent(one) for one in of.intents],
        "leaks": [{"anchor": one.anchor_id, "where": one.where, "containment": one.containment} for one in of.leaks],
        "held_out_gap": [
            {
                "metric": one.metric,
                "leg": one.leg,
                "held_out": _number(one.before),
                "shown": _number(one.after),
                "gap": _number(one.difference),
                "lower": _number(one.lower),
                "upper": _number(one.upper),
            }
            for one in of.gap
        ],
        "panel": _panel(of),
        "judgements": {str(state): count for state, count in of.judgements.items()},
        "proposals": [{"kind": one.kind, "anchor": _proposed(one), "reason": one.reason} for one in of.proposals],
        "log": {"outcomes": dict(of.log.outcomes), "last_error": of.log.last_error, "waiting": of.log.waiting},
    }


def anchor_document(of: Anchor) -> dict[str, Any]:
    """An anchor as a line of the anchors file has it, without what is not said of it."""
    said = {
        "id": of.id,
        "text": of.text,
        "segment": dict(of.segment),
        "weight": of.weight,
        "vector_b64": "" if of.vector is None else b64encode(of.vector.astype("<f4").tobytes()).decode(),
    }
    return {name: value for name, value in said.items() if value}


def _proposed(of: AnchorProposal) -> dict[str, Any]:
    """A new anchor whole; of one that is there what is to change."""
    if of.kind == "add":
        return anchor_document(of.anchor)
    made: dict[str, Any] = {"id": of.anchor.id, "text": of.anchor.text}
    return {**made, "relevant": dict(of.anchor.relevant)} if of.kind == "relabel" else made


def _intent(of: TrafficIntent) -> dict[str, Any]:
    return {
        "text": None if of.text is None else of.text.text,
        "segment": dict(of.segment),
        "questions": of.questions,
        "clients_this_week": of.this_week,
        "clients_last_week": of.last_week,
        "nearest": of.nearest or None,
        "likeness": of.likeness,
        **_estimate(of.share),
    }


def _panel(of: TrafficView) -> dict[str, Any] | None:
    if of.month is None:
        return None
    after = of.month.next
    later = {"month": str(after), "group": after.group}
    return {"month": str(of.month), "group": of.month.group, "groups": GROUPS, "due": of.due, "next": later}


def _estimate(of: ShareEstimate) -> dict[str, float | None]:
    known = not math.isnan(of.share)
    return {
        "share": of.share if known else None,
        "lower": of.lower if known else None,
        "upper": of.upper if known else None,
        "n": round(of.n, 3),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
