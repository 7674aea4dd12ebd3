"""The limits of the ten rules, each with its ground; all can be set in `[migration.gate]`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a migration is judged by.

    Args:
        audit: vectors that the blind audit encodes anew: none wrong of 300 bounds a mix at 1%.
        least_recall: of the new index against the exact lists; below it the index, not the encoder, is judged.
        recall_loss: what the new index may recall less than the old one.
        slowdown: p95 of the new version over that of the old.
        quality_loss: what the mean quality of all anchors may fall by: two points of nDCG or of hits are seen by
            users.
        segment_quality_loss: what that of a segment may fall by, wider because segments are small.
        min_anchors: labelled anchors a segment needs to be judged, as for drift.
        unsupported: share of the new version's slots that a click log never showed, beyond which it says nothing.
        proxy_loss: what the label-free proxies may fall by before they warn.
        promise: least overlap of what production shows after the cutover with the new version's own lists.
        window_seconds: how long the old version is kept, and watched, after the cutover: three days hold a weekend.
    """

    audit: int = 300
    least_recall: float = 0.95
    recall_loss: float = 0.01
    slowdown: float = 1.2
    quality_loss: float = 0.02
    segment_quality_loss: float = 0.05
    min_anchors: int = 20
    unsupported: float = 0.10
    proxy_loss: float = 0.05
    promise: float = 0.8
    window_seconds: float = 259_200.0
