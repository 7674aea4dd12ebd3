"""A migration that is ready, as a view and as evidence, for tests to break one thing of."""

from dataclasses import replace

import numpy as np

from monitor.core.migration.blind_audit import BlindAudit
from monitor.core.migration.clicks import InterleavingCredit
from monitor.core.migration.evidence import ClickFigures, MigrationEvidence
from monitor.core.migration.model import (
    AliasResolution,
    Coverage,
    EncoderContract,
    MigrationView,
    Pace,
    Phase,
    PhaseChange,
    ServingFigures,
    ShadowFigures,
    VectorFaults,
)
from monitor.core.migration.quality import QualityDifference
from monitor.core.model.anchors import AnchorSet

OLD, NEW = EncoderContract("old:v1", dimension=8), EncoderContract("new:v2", normalisation="l2", dimension=16)
HOUR = 3_600_000_000
NOW = 1_790_000_000_000_000
COVERED = Coverage(1_000, 1_000, 0, 0, 0, 0, target_points=1_000, source_points=1_000, settle_seconds=30.0)
SHADOW = (
    PhaseChange("begin", Phase.BACKFILLING, NOW - 9 * HOUR),
    PhaseChange("backfilled", Phase.SHADOWING, NOW - 5 * HOUR),
)
CUT = (*SHADOW, PhaseChange("cutover", Phase.CUT_OVER, NOW - HOUR))
NO_CREDIT = InterleavingCredit(0, 0, 0, float("nan"), float("nan"), float("nan"), 1.0)


def serving(version: str, **changed: object) -> ServingFigures:
    """An index that is well."""
    well = ServingFigures(version, 0.99, 0.002, 0.004, 0.006, 0, 0, True, 1_000, 500)
    return replace(well, **changed)  # type: ignore[arg-type]


def view(**changed: object) -> MigrationView:
    """In shadow, with nothing wrong."""
    made = MigrationView(
        "e5",
        OLD,
        NEW,
        Phase.SHADOWING,
        SHADOW,
        NOW,
        {"chunks/0": 5_000},
        COVERED,
        Pace(1.0, 4.0, 200.0, 3.0, 0.0),
        VectorFaults(1_000, 0, 0, 0),
        (serving("old:v1"), serving("new:v2")),
        (ShadowFigures("all", "all", 10, 500, 0.4, 0.5, 0.45, 6.0),),
        AnchorSet((), np.zeros((0, 8), np.float32), np.zeros(0), ()),
        "digest",
        {},
        alias=AliasResolution("chunks", "chunks-old", "old:v1"),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def quality(verdict: str = "pass", **changed: object) -> QualityDifference:
    """A difference that is judged so."""
    made = QualityDifference(
        "ndcg", 10, "all", "all", 0.71, 0.74, 0.03, 0.01, 0.05, 0.02, 500, 500, 480, 0.02, 1e-6, 0.9
    )
    return replace(made, verdict=verdict, **changed)  # type: ignore[arg-type]


EVIDENCE = MigrationEvidence(
    quality=(quality(), quality(dimension="language", segment="de")),
    audit=BlindAudit(300, (), 0.9999),
    auditable=True,
)


def evidence(**changed: object) -> MigrationEvidence:
    """All that is needed, and all well."""
    return replace(EVIDENCE, **changed)  # type: ignore[arg-type]


def clicks(**changed: object) -> ClickFigures:
    """A log of the version in force."""
    made = ClickFigures(400, 0.05, NO_CREDIT, {"old:v1": 400})
    return replace(made, **changed)  # type: ignore[arg-type]
