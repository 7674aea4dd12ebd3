"""A shard that is away for some turns: UNKNOWN with its name, no event taken, and then the bits of a calm run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.registry import REGISTERED
from monitor.adapters.stores.sqlite.shards_kind import LocalShardsSection
from monitor.adapters.stores.sqlite.stored_shards import StoredShards
from monitor.adapters.web.page.pipeline import pipeline
from monitor.app.configuration import Configuration, load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor
from monitor.core.model.events import Located
from monitor.core.records.published import Published
from monitor.core.shards.messages import Cuts, EpochSpan, ShardAwayError, ShardLists, ShardStatus, StageSums
from monitor.kinds import ShardsContext, ShardsKind
from tests.app.scripted import ScriptedSource
from tests.app.sharding import FOLLOWING, PARTITIONS, Following, Hands, left, stream, write_case

WHY = "shard 1 of 3: away for 7 s (node lost); expected it back"


class LeavingShards(StoredShards):
    """Shard 1 leaves before or after it took a call, and is back a few tries later."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.away, self.gone = 0, False
        self.lost: str = ""
        self._staged: tuple[int, list[StageSums]] = (-1, [])
        self._ranked: tuple[int, list[ShardLists]] = (-1, [])

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> list[StageSums]:
        self._there("stage")
        if self._staged[0] != span.epoch:
            self._staged = (span.epoch, super().stage(span, events))
        self._there("staged")
        return self._staged[1]

    def rank(self, span: EpochSpan, totals: Any, cuts: Cuts) -> list[ShardLists]:
        self._there("rank")
        if self._ranked[0] != span.epoch:
            self._ranked = (span.epoch, super().rank(span, totals, cuts))
        self._there("ranked")
        return self._ranked[1]

    def _there(self, where: str) -> None:
        self.gone = self.lost == where and self.away > 0
        if self.gone:
            self.away -= 1
            raise ShardAwayError(WHY)

    def status(self) -> list[ShardStatus]:
        made = super().status()
        if self.gone:
            made[1] = ShardStatus(1, made[1].epoch, made[1].positions, made[1].chunks, away="node lost")
        return made


def _build(section: LocalShardsSection, context: ShardsContext) -> LeavingShards:
    del section
    given = (context.config, context.anchors, context.state)
    return LeavingShards(*given, stream=context.stream, space=context.space)


LOCAL = REGISTERED.shards[0]
LEAVING = ShardsKind("leaving", LocalShardsSection, _build, LOCAL.filler, LOCAL.reader, flat=True)
MODEL = Configuration.of(REGISTERED.extended(retrievers=[FOLLOWING], shards=[LEAVING]))


@pytest.mark.parametrize("where", ["stage", "staged", "rank", "ranked"])
def test_while_a_shard_is_away_nothing_is_known(tmp_path: Path, where: str) -> None:
    calm, _ = run(tmp_path / "calm", "")
    found, seen = run(tmp_path / "away", where)
    assert found == calm
    assert len(seen) >= 3
    for view in seen:
        assert view.verdict.verdict == "unknown"
        assert view.verdict.reasons == (WHY,)
        lines = {line.name: line for line in pipeline(view)}
        assert (lines["Shard 1 of 3"].value, lines["Shard 1 of 3"].note) == ("away", "node lost")


def run(folder: Path, where: str) -> tuple[object, list[Published]]:
    config = write_case(folder, 3, extra='engine = "leaving"\n')
    seen, hands = list[Published](), Hands()
    source = ScriptedSource(stream(), partitions=PARTITIONS)
    with open_monitor(load(config, {}, MODEL), source=source, clocks=hands.clocks) as monitor:
        assert isinstance(monitor.parts.retriever, Following)
        monitor.parts.retriever.read = lambda: monitor.intake.positions
        shards = monitor.parts.shards
        assert isinstance(shards, LeavingShards)
        shards.lost = where
        watch(monitor, seen)
        for turn in range(1_000):
            if turn in (3, 12):
                shards.away = 2
            hands.now += 60.0
            if not monitor.turn(0.0) and monitor.ended():
                break
        assert monitor.ended()
    return left(config, MODEL), seen


def watch(monitor: Monitor, seen: list[Published]) -> None:
    """What is published while the loop waits; it does not wait long here."""

    def wait(timeout: float | None = None) -> bool:
        del timeout
        assert monitor.published is not None
        seen.append(monitor.published)
        return False

    monitor.stopping.wait = wait  # type: ignore[method-assign]  # the test's clock
