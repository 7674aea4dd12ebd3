"""A bootstrap that kills itself: `python -m tests.kill.bootstrap_child CONFIG NTH`, at about its nth commit.

With an even NTH it goes before the state's own commit, when those of the shards are done; with an odd one between the
commits of two shards, or in the middle of the state's transaction.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from monitor.adapters.stores.sqlite.shard_store import ShardStore
from monitor.adapters.stores.sqlite.store import SqliteStore
from tests.app.test_bootstrapping import bootstrap


def main(config: Path, nth: int) -> None:
    commits = count(1)
    commit, put, kept = SqliteStore.commit, SqliteStore._put_words, ShardStore.put

    def gone() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def before(self: SqliteStore, made: Any) -> None:
        if next(commits) == nth:
            gone()
        commit(self, made)

    def within(self: SqliteStore, made: Any) -> None:
        put(self, made)
        if next(commits) == nth:
            gone()

    def between(self: ShardStore, made: Any) -> None:
        if next(commits) == 3 * nth + 2:
            gone()
        kept(self, made)

    if nth % 2 == 0:
        SqliteStore.commit = before  # type: ignore[method-assign,assignment]
    elif "count = 1" in config.read_text(encoding="utf-8"):
        SqliteStore._put_words = within  # type: ignore[method-assign,assignment]
    else:
        ShardStore.put = between  # type: ignore[method-assign,assignment]
    bootstrap(config)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
