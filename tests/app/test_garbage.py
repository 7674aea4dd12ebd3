"""Turns, looks and deploys leave no circles of objects behind: the collector, which stops the loop, has no work."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from tests.app.loops import to_end
from tests.app.rounds import Fed, Ticking
from tests.corpora import Shape, events, write_case

SHAPE = Shape(chunks=60, deploys=6)


@contextmanager
def kept() -> Iterator[list[object]]:
    """All that only the collector frees meanwhile; it is filled at the end."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.garbage.clear()
    try:
        yield found
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.collect()


def test_turns_looks_and_deploys_leave_no_circles(tmp_path: Path) -> None:
    config, source, time = write_case(tmp_path, shape=SHAPE), Fed(), Ticking()
    made = events(7, SHAPE)
    with open_monitor(load(config, {}), source=source, clocks=time.clocks) as monitor:
        source.give(made[:90])
        assert to_end(monitor)
        with kept() as garbage:
            for at in range(90, len(made), 5):
                source.give(made[at : at + 5])
                while monitor.turn(0.0):
                    assert monitor.published is not None
        assert len(monitor.ledger) > 2
    left = Counter(f"{type(of).__module__}.{type(of).__qualname__}" for of in garbage)
    assert not {name: count for name, count in left.items() if name.startswith("monitor.")}, left
    assert not left["builtins.function"], [of for of in garbage if type(of).__name__ == "function"][:5]
