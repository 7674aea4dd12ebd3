"""Histories to draw: of some segments over deploys and hours, with limits, incidents and gaps."""

import math
from collections.abc import Sequence

import numpy as np

from monitor.core.model.anchors import Anchor
from monitor.core.records.history import (
    HEADLINES,
    HOUR,
    AnchorPast,
    ApprovalMark,
    ChunkName,
    ChunkPast,
    DeploySize,
    History,
    HistoryPoint,
    PointKind,
    Series,
    TextVersion,
    Touch,
    Track,
)

NOW = 1.78e9
LIMITS = {
    "kept_answers_ratio": 0.98, "new_results": 2.0, "collapsed_swaps": 2.0, "swaps": math.nan, "jaccard_ratio": 0.7,
    "rank_churn_ratio": math.nan,
}  # fmt: skip
VERDICTS = ("pass", "fail", "unknown", "inconclusive")


def past(
    segments: Sequence[tuple[str, str]],
    *,
    deploys: int = 40,
    hours: int = 48,
    legs: Sequence[str] = ("dense", "lexical"),
    seed: int = 0,
    name: str = "2026-08-{:02}",
) -> History:
    """Points of these segments, one unknown in nine, one beyond its limits in seven."""
    generator = np.random.default_rng(seed)
    made = [
        _point("deploy", name.format(at), segments, legs, generator, at, NOW - 3 * HOUR * (deploys - at))
        for at in range(deploys)
    ]
    passed = [
        _point("hour", made[-1].deploy_id if made else "", segments, legs, generator, at, NOW - HOUR * (hours - at))
        for at in range(hours)
    ]
    after = made[deploys // 2].deploy_id if made else ""
    marks = [ApprovalMark("main", "ann", "looked at it", "2026-08-20T10:00:00+00:00", after)]
    return History(tuple(made), tuple(passed), tuple(marks) if deploys else ())


def _point(
    kind: PointKind,
    deploy_id: str,
    segments: Sequence[tuple[str, str]],
    legs: Sequence[str],
    generator: np.random.Generator,
    at: int,
    taken: float,
) -> HistoryPoint:
    series = tuple(Series(metric, leg) for leg in legs for metric in HEADLINES)
    shape = (len(segments), len(series))
    bad = generator.random(shape) * (0.12 if at % 7 == 6 else 0.018)
    scale = np.array([1.0 if "ratio" in of.metric else 20.0 for of in series])
    rises = np.array([of.metric in ("kept_answers_ratio", "jaccard_ratio") for of in series])
    values = np.where(rises, 1.0 - bad, bad * scale)
    if at % 9 == 8:
        values[:] = np.nan
    verdict = "unknown" if at % 9 == 8 else "fail" if at % 7 == 6 else "pass"
    return HistoryPoint(
        kind=kind,
        deploy_id=deploy_id,
        event_time=int(taken * 1e6),
        taken=taken,
        verdict=verdict,
        baseline="main",
        chunks=10_000.0 + at,
        size=DeploySize(int(10 ** (at % 5)), at, at // 2) if kind == "deploy" else None,
        segments=tuple(segments),
        verdicts=(verdict,) * len(segments),
        anchors=np.full(len(segments), 24),
        series=series,
        values=values,
        limits=np.tile([LIMITS[of.metric] for of in series], (len(segments), 1)),
        number=at + 1,
    )


def anchors(count: int = 12) -> list[Anchor]:
    """Anchors to find."""
    return [Anchor(f"a{at}", f"how to pay with card {at}", None, (("language", "de"),)) for at in range(count)]


def anchor_past(deploys: int = 24, depth: int = 10, seed: int = 1, name: str = "guide.md#{}") -> AnchorPast:
    """An anchor whose lists lose and gain a result now and then; once its list could not be had."""
    generator = np.random.default_rng(seed)
    points = past([("all", "all")], deploys=deploys).deploys
    tracks, keys, following = [], list(range(1, depth + 1)), depth + 1
    for point in points:
        at = point.number
        if at > 1 and generator.random() < 0.4:
            continue
        touches: tuple[Touch, ...] = ()
        if at > 1:
            keys.insert(int(generator.integers(depth)), following)
            touches = (Touch("new", name.format(following), f"events/0@{40 + at}"),)
            del keys[int(generator.integers(depth))]
            following += 1
        tracks.append(Track("a1", "dense", "h", None if at == 7 else tuple(keys), touches, len(touches), at))
    names = {key: ChunkName(name.format(key), "guide.md", key % 5 > 0) for key in range(1, following)}
    return AnchorPast(points, tracks, names)


def chunk_past(chunk_id: str = "guide.md#3") -> ChunkPast:
    """A chunk that said three things."""
    then = "You may return an item within 30 days of delivery. Refunds are paid to the card that was charged."
    later = then.replace("30 days", "14 days")
    now = later.replace("the card that was charged", "your account as store credit")
    versions = (TextVersion("h1", 1, 9, then, len(then)), TextVersion("h2", 10, 19, later, len(later)))
    deploys = {at: f"2026-08-{at:02}" for at in range(1, 25)}
    return ChunkPast(chunk_id, "guide.md", True, "h3", now, versions, deploys)
