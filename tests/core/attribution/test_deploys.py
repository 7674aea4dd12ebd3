"""Events and the deploys that brought them, against a look through the whole ledger."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.attribution.deploys import NO_DEPLOY, UNKNOWN_DEPLOY, DeployTimeline
from monitor.core.index.baseline import Judged
from monitor.core.model.events import Position

STEPS = st.lists(st.dictionaries(st.sampled_from(["t/0", "t/1", "u/0"]), st.integers(0, 4)), max_size=8)


def ledger(steps: list[dict[str, int]]) -> list[Judged]:
    """Barriers that only move forward; a partition may not be named by the first ones."""
    at: dict[str, int] = {}
    made = []
    for number, step in enumerate(steps):
        at = {name: at.get(name, 0) + step.get(name, 0) for name in {*at, *step}}
        made.append(Judged(f"d{number}", number, "pass", dict(at)))
    return made


@given(STEPS, st.sampled_from(["t/0", "t/1", "u/0"]), st.integers(0, 40))
def test_the_first_barrier_behind_an_event_is_its_deploy(
    steps: list[dict[str, int]], where: str, offset: int
) -> None:
    judged = ledger(steps)
    topic, partition = where.split("/")
    slow = next((one.deploy_id for one in judged if one.positions.get(where, 0) > offset), "now")
    assert DeployTimeline(judged, "now").of(Position(topic, int(partition), offset)) == slow


def test_nobody_knows_the_deploy_of_a_forgotten_event_and_what_comes_last_has_none_yet() -> None:
    line = DeployTimeline([Judged("d0", 0, "pass", {"t/0": 5})])
    assert line.of(Position("", 0, -1)) == UNKNOWN_DEPLOY
    assert line.of(Position("t", 0, 5)) == NO_DEPLOY
    assert line.of(Position("t", 0, 4)) == "d0"
    assert line.of(Position("new", 0, 0)) == NO_DEPLOY


def test_nobody_knows_the_deploy_of_a_change_that_stood_before_the_baseline() -> None:
    """It was set aside then, and given another try since."""
    line = DeployTimeline(
        [Judged("d0", 0, "pass", {"t/0": 5}), Judged("d1", 0, "pass", {"t/0": 9})], "d2", {"t/0": 5}
    )
    found = [line.of(Position("t", 0, offset)) for offset in (0, 4, 5, 8, 9)]
    assert found == [UNKNOWN_DEPLOY, UNKNOWN_DEPLOY, "d1", "d1", "d2"]
    assert line.of(Position("t", 1, 0)) == "d2", "a partition that the baseline did not know"


def test_statistics_belong_to_a_deploy_only_where_it_is_the_only_one() -> None:
    line = DeployTimeline([Judged("d0", 0, "pass", {"t/0": 5}), Judged("d1", 0, "pass", {"t/0": 9})], "d2")
    assert line.only_since([("t/0", 9)]) == "d2"
    assert line.only_since([("t/0", 5)]) == ""
    assert line.only_since([]) == ""
