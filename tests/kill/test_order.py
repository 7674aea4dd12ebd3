"""What is left depends neither on how the partitions interleave nor on how the stream is cut into batches."""

from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.core.model.events import TIMESTAMP_HEADER, Position, Record
from tests.app.scripted import TOPIC, Item, ScriptedSource
from tests.kill.digest import Parts, difference, digest
from tests.kill.stage import Setting, Stage
from tests.kill.story import NO_STAMP, Plot, Story

SETTINGS = (
    Setting(3, Plot(partitions=4, chunks=70, events=50), mode="previous-deploy"),
    Setting(8, Plot(partitions=3, chunks=70, events=50, lost=2), variant="okapi", quarantine_rows=6),
)


def interleaved(story: Story, rng: Generator) -> list[Item]:
    """All records, each partition in its order, partitions taken in runs of random length."""
    queues = [
        [
            Record(Position(TOPIC, part, at), item.key, item.value, _stamped(item.stamp))
            for at, item in enumerate(items)
        ]
        for part, items in enumerate(story.partitions)
    ]
    made: list[Item] = []
    while left := [queue for queue in queues if queue]:
        queue = left[int(rng.integers(len(left)))]
        taken = int(rng.integers(1, 30))
        made += queue[:taken]
        del queue[:taken]
    return made


def _stamped(milliseconds: int) -> tuple[tuple[str, bytes], ...]:
    return () if milliseconds == NO_STAMP else ((TIMESTAMP_HEADER, b"%d" % (milliseconds * 1_000)),)


def run(folder: Path, stage: Stage, items: list[Item], batch: int) -> Parts:
    """One run of the loop over these records, in this order."""
    folder.mkdir()
    config = folder / "corpus-drift.toml"
    config.write_text(stage.configuration(batch), encoding="utf-8")
    source = ScriptedSource(items, partitions=stage.setting.plot.partitions)
    with open_monitor(load(config, {}), source=source) as monitor:
        monitor.run(until_end=True)
    return digest(folder / "corpus-drift.state")


@pytest.mark.parametrize("setting", SETTINGS, ids=["lucene", "okapi"])
def test_neither_interleaving_nor_batches_leave_a_trace(tmp_path: Path, setting: Setting) -> None:
    stage = Stage.offline(tmp_path, setting)
    found: list[Parts] = []
    for number, batch in enumerate((1_024, 1, 13, 100)):
        items = interleaved(stage.story, np.random.default_rng(number))
        found.append(run(tmp_path / str(number), stage, items, batch))
        assert difference(found[0], found[-1]) == ""
    judged = [name for name in found[0] if name.endswith("/verdict")]
    assert len(judged) == setting.plot.deploys
