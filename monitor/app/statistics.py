"""Statistics of the corpus itself: the moment that a report measures, and the profile that a snapshot keeps."""

from collections.abc import Mapping, Sequence

from monitor.app.parts import Parts
from monitor.core.changes import Change
from monitor.core.drift import Drift
from monitor.core.engine import Engine
from monitor.core.statistics.measured import Measurable
from monitor.core.statistics.profile import Profile

UPSERTS, REPEATED = ("said", "upserts"), ("said", "repeated")
"""Counters of upserts applied, and of those that repeated the content of a live chunk."""


def repeated(changes: Sequence[Change]) -> dict[tuple[str, ...], int]:
    """Upserts among a batch's changes, and those of them that said what the live chunk said already."""
    upserts = [(item.before, item.chunk) for item in changes if item.chunk is not None]
    same = sum(
        before is not None and before.live and before.content_hash == chunk.content_hash for before, chunk in upserts
    )
    return {UPSERTS: len(upserts), REPEATED: same}


def measurable(engine: Engine, drift: Drift, counters: Mapping[tuple[str, ...], int]) -> Measurable:
    """The corpus as it is now, to be measured when somebody looks."""
    lexical = None if engine.lexical is None else engine.lexical.statistics()
    said = counters.get(UPSERTS, 0), counters.get(REPEATED, 0)
    return engine.statistics.at(lexical, said, cap=drift.cap)


def profile(parts: Parts, counters: Mapping[tuple[str, ...], int], name: str, deploy_id: str) -> Profile:
    """What a snapshot keeps of the corpus as it is now, its chunks included if it may become a baseline."""
    population = parts.engine.statistics.population() if parts.snapshots.comparable(name, deploy_id) else None
    return measurable(parts.engine, parts.drift, counters).profile(population)
