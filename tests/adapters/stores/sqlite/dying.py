"""Run as a program: commits in children that kill themselves before a given statement; says what was left.

`python -m tests.adapters.stores.sqlite.dying FOLDER SEED`: prints one line per point of death, `before` or `after`.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from monitor.adapters.stores.sqlite.store import SqliteStore
from tests.contracts.stores import History, contents

FIRST_TURNS = 6
MOST_STATEMENTS = 200


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path, keep_deploys=2, quarantine_rows=6, quarantine_bytes=64)


def left(path: Path) -> tuple[object, ...]:
    store = opened(path)
    found = contents(store, store.start(), 100)
    store.close()
    return found


def dying(path: Path, seed: int, statement: int) -> bool:
    """Whether the child was killed; it dies before its statement of that number within the last commit."""
    child = os.fork()
    if child == 0:
        history, store, seen = History(seed), opened(path), 0
        store.start()
        for _ in range(FIRST_TURNS):
            store.commit(history.turn())

        def count(_: str) -> None:
            nonlocal seen
            seen += 1
            if seen > statement:
                os.kill(os.getpid(), signal.SIGKILL)

        store._db.set_trace_callback(count)
        store.commit(history.turn())
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(folder: Path, seed: int) -> None:
    history, store = History(seed), opened(folder / "whole")
    store.start()
    states = []
    for at in range(FIRST_TURNS + 1):
        store.commit(history.turn())
        if at >= FIRST_TURNS - 1:
            states.append(contents(store, store.start(), 100))
    store.close()
    for statement in range(MOST_STATEMENTS):
        shutil.rmtree(folder / "dying", ignore_errors=True)
        (folder / "dying").mkdir()
        killed = dying(folder / "dying" / "state", seed, statement)
        found = left(folder / "dying" / "state")
        where = "before" if found == states[0] else "after" if found == states[1] else "between"
        sys.stdout.write(f"{statement} {'killed' if killed else 'lived'} {where}\n")
        if not killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
