"""What is said of the traffic, as the JSON document that commands and the endpoint answer with."""

import math
from typing import Any

from monitor.core.traffic.shares import ShareEstimate
from monitor.core.traffic.view import TrafficView

VERSION = 1
FIELDS = frozenset({"verdict", "window", "coverage", "judged", "unseen", "log", "problems"})
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
        "log": {"outcomes": dict(of.log.outcomes), "last_error": of.log.last_error, "waiting": of.log.waiting},
        "problems": list(of.problems),
    }


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
