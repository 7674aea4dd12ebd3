"""The product over shards: report, gate, cards, metrics and state of one process, to the bit, restarts included."""

from pathlib import Path
from typing import Any

import pytest

from monitor.app.loop import Monitor
from monitor.core.index.baseline import Approval
from tests.app.sharding import Hands, Said, left, opening, shown, stream, write_case

COUNTS = (2, 4)
BY = Approval("ana", "looked at", "2026-01-01T00:00:00+00:00")


def looked(monitor: Monitor) -> dict[str, Any]:
    monitor.measuring.replay(full=True)
    monitor.measuring.refresh()
    return shown(monitor)


def played(config: Path, *, restarts: int = 0) -> tuple[list[dict[str, Any]], Said]:
    """The whole stream, with what is shown now and then; the process ends after every `restarts` turns."""
    items, seen, over, turns, hands = stream(), list[dict[str, Any]](), False, 0, Hands()
    while not over:
        with opening(config, items, hands) as monitor:
            while not over and (not restarts or turns % restarts or not turns):
                over = not monitor.turn(0.0) and monitor.ended()
                turns, hands.now = turns + 1, hands.now + 60.0
                if turns % 7 == 0:
                    seen.append(looked(monitor))
                if turns == 20:
                    monitor.operations.capture("other")
                    monitor.operations.approve("other", BY)
                if turns == 30:
                    monitor.operations.retry()
            turns += 1
            seen.append(looked(monitor))
    return seen, left(config)


@pytest.mark.parametrize(
    ("index", "mode", "restarts"),
    [("following", "pinned", 0), ("following", "previous-deploy", 9), ("frozen", "pinned", 9), ("none", "pinned", 5)],
)
def test_what_is_said_does_not_depend_on_shards(tmp_path: Path, index: str, mode: str, restarts: int) -> None:
    said = f'[baseline]\nbootstrap = "first-deploy"\nmode = "{mode}"\n'
    expected, one = played(case(tmp_path, 1, index=index, baseline=said), restarts=restarts)
    assert len(one.gates) == 5
    assert {of["verdict"] for of in one.gates} >= ({"unknown"} if index == "frozen" else {"fail"})
    for count in COUNTS:
        seen, found = played(case(tmp_path, count, index=index, baseline=said), restarts=restarts)
        same(seen, expected)
        for name in Said.__dataclass_fields__:
            assert getattr(found, name) == getattr(one, name), name


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected) > 3
    for at, (one, other) in enumerate(zip(found, expected, strict=True)):
        for name, value in other.items():
            assert repr(one[name]) == repr(value), (at, name)


def case(folder: Path, count: int, *, index: str = "following", baseline: str = "", extra: str = "") -> Path:
    made = write_case(folder / str(count), count, index=index, extra=extra)
    if baseline:
        text = made.read_text(encoding="utf-8")
        made.write_text(text.replace('[baseline]\nbootstrap = "first-deploy"\n', baseline), encoding="utf-8")
    return made
