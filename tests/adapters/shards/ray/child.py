"""A coordinator that is killed: `python -m tests.adapters.shards.ray.child ADDRESS FOLDER TURNS`.

It takes as many steps of the small stream, publishes each, and sends itself SIGKILL in the next one between `stage`
and `rank`: the shards have staged what nobody will rank.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from monitor.core.shards.messages import EpochSpan
from tests.adapters.shards.ray.coordinating import Coordinator, section
from tests.adapters.shards.ray.small import ANCHORS, CONFIG, DRIFT, batches


def main(address: str, folder: Path, turns: int) -> None:
    patient = section(address, folder, timeout=120.0)  # the first steps compile
    coordinator = Coordinator(CONFIG, ANCHORS, DRIFT, patient, folder / "published")
    for turn, events in enumerate(batches(turns + 1)):
        if turn == turns:

            def killed(span: EpochSpan, totals: Any, cuts: Any) -> Any:
                os.kill(os.getpid(), signal.SIGKILL)

            coordinator.shards.rank = killed  # type: ignore[method-assign]
        coordinator.apply(events)
        coordinator.publish()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
