"""A coordinator over shards of a Ray cluster, as far as a store of its own would have it."""

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from monitor.adapters.shards.ray.local_cluster import NODE_FOLDER
from monitor.adapters.shards.ray.section import RaySection
from monitor.adapters.shards.ray.shards import RayShards
from monitor.core.index.baseline import Snapshot
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Located
from monitor.core.reporting.drift import Drift
from monitor.core.session import Ingested, Session
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from monitor.errors import UnreachableError

T = TypeVar("T")
PATIENCE = 90.0
"""Seconds to wait for a shard that is away."""


def section(address: str, folder: Path, **keys: Any) -> RaySection:
    """Shards that are small, and give up soon."""
    given = {"cpus": 0.3, "timeout": 4.0, "start_timeout": 60.0, "archive": str(folder / "archive"), **keys}
    return RaySection(address=address, folder=f"${NODE_FOLDER}/shards", **given)


class Coordinator:
    """Steps, commits, publications, over shards.

    Args:
        config, anchors, drift: of the corpus.
        section: of the shards.
        kept: the file that stands for the coordinator's own state.
        name: of the shards' files.
    """

    def __init__(
        self,
        config: ShardConfig,
        anchors: AnchorSet,
        drift: Drift,
        of: RaySection,
        kept: Path,
        name: str = "test",
    ) -> None:
        self._kept = kept
        self.away: list[str] = []
        """Why a call had to be made again."""
        self.shards = RayShards(config, anchors, of, name=name, stream="events", space=f"{config.dimension}")
        published, counters, baseline = self._read()
        at, loaded = self.waited(lambda: self.shards.start(published))
        self.corpus = ShardedCorpus(config.dimension, self.shards)
        state = ShardedState(config, anchors, self.shards, self.corpus)
        self.waited(lambda: state.resume(at, loaded))
        self.session = Session.of(self.corpus, state, drift, index=False)
        self.session.counters.update(counters)
        self.waited(lambda: self.session.compare_with(baseline))

    def waited(self, action: Callable[[], T]) -> T:
        """Make a call until it is answered, as the loop does."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return action()
            except UnreachableError as error:
                if time.monotonic() > until:
                    raise
                self.away.append(str(error))
                time.sleep(0.2)

    def apply(self, events: Sequence[Located]) -> Ingested:
        """A step."""
        return self.waited(lambda: self.session.apply(events))

    def publish(self) -> None:
        """Commit the shards, then what a store would have."""
        self.waited(lambda: self.shards.commit(self.corpus.epoch))
        kept = (self.corpus.epoch, dict(self.session.counters), self.session.baseline)
        part = self._kept.with_suffix(".part")
        part.write_bytes(pickle.dumps(kept))
        part.replace(self._kept)

    def _read(self) -> tuple[int, Mapping[Any, int], Snapshot | None]:
        if not self._kept.exists():
            return 0, {}, None
        kept: tuple[int, Mapping[Any, int], Snapshot | None] = pickle.loads(self._kept.read_bytes())  # noqa: S301 - our own
        return kept
