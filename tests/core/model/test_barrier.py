"""The barrier's rules, one by one; its behaviour over whole streams is tested with the intake."""

import pytest

from monitor.core.model.barrier import Barrier
from monitor.core.model.events import Deploy, Partition, Position
from tests.fakes import partition

P0, P1, P2, CONTROL = partition(0), partition(1), partition(2), partition(0, "control")


def deploy(name: str, upto: dict[Partition, int] | None = None) -> Deploy:
    return Deploy(name, 0, upto or {})


def at(part: Partition, offset: int) -> Position:
    return Position(*part, offset)


def test_nothing_open_holds_nothing_and_closes_nothing() -> None:
    barrier = Barrier()
    assert barrier.waiting == ()
    assert barrier.limit(P0) is None
    assert barrier.holding({P0: 9}) == frozenset()
    assert barrier.close({P0: 9}, [P0]) is None
    assert barrier.expire({P0: 9}, [P0]) is None
    assert barrier.missing({P0: 9}, [P0]) == ()


def test_one_partition_closes_at_its_marker() -> None:
    barrier = Barrier()
    barrier.marker(at(P0, 4), deploy("d"))
    assert barrier.limit(P0) == 4
    closed = barrier.close({P0: 4}, [P0])
    assert closed is not None
    assert (closed.deploy.deploy_id, closed.how, closed.missing, closed.release) == ("d", "complete", (), {P0: 5})
    assert barrier.waiting == ()
    assert barrier.limit(P0) is None


def test_every_partition_must_hold_its_copy() -> None:
    barrier = Barrier()
    barrier.marker(at(P1, 7), deploy("d"))
    assert barrier.close({P0: 99, P1: 7}, [P0, P1]) is None
    assert barrier.missing({P0: 99, P1: 7}, [P0, P1]) == (P0,)
    assert barrier.holding({P0: 99, P1: 7}) == {P1}
    barrier.marker(at(P0, 99), deploy("d"))
    closed = barrier.close({P0: 99, P1: 7}, [P0, P1])
    assert closed is not None
    assert closed.how == "complete"
    assert closed.release == {P0: 100, P1: 8}


@pytest.mark.parametrize(
    ("positions", "missing"),
    [
        ({P0: 4, P1: 10, P2: 20}, ()),
        ({P0: 4, P1: 11, P2: 999}, ()),
        ({P0: 4, P1: 9, P2: 20}, (P1,)),
        ({P0: 4, P1: 9, P2: 19}, (P1, P2)),
        ({P0: 4}, (P1, P2)),
    ],
)
def test_one_marker_with_offsets(positions: dict[Partition, int], missing: tuple[Partition, ...]) -> None:
    """Its own partition counts as reached at the marker, whatever it claims of itself."""
    barrier = Barrier()
    barrier.marker(at(P0, 4), deploy("d", {P0: 1_000, P1: 10, P2: 20}))
    assert barrier.missing(positions, [P0, P1, P2]) == missing
    assert barrier.limit(P1) == 10
    closed = barrier.close(positions, [P0, P1, P2])
    assert (closed is None) is bool(missing)
    if closed is not None:
        assert closed.release == {P0: 5}


def test_a_marker_on_a_control_partition_waits_for_the_named_ones_only() -> None:
    barrier = Barrier()
    barrier.marker(at(CONTROL, 0), deploy("d", {P0: 3}))
    assert barrier.close({P0: 2, P1: 0, CONTROL: 0}, [P0, P1]) is None
    closed = barrier.close({P0: 3, P1: 0, CONTROL: 0}, [P0, P1])
    assert closed is not None
    assert closed.release == {CONTROL: 1}


def test_an_unknown_partition_is_waited_for_until_somebody_gives_up() -> None:
    barrier = Barrier()
    barrier.marker(at(P0, 4), deploy("d", {partition(9): 1}))
    assert barrier.close({P0: 4}, [P0]) is None
    closed = barrier.expire({P0: 4}, [P0])
    assert closed is not None
    assert (closed.how, closed.missing, closed.release) == ("timeout", (partition(9),), {P0: 5})


def test_a_requested_barrier_needs_no_marker() -> None:
    barrier = Barrier()
    barrier.request(deploy("d", {P0: 5, P1: 0}))
    assert barrier.waiting == ("d",)
    assert barrier.holding({P0: 5, P1: 2}) == {P0, P1}
    assert barrier.close({P0: 4}, [P0, P1]) is None
    closed = barrier.close({P0: 5}, [P0, P1])
    assert closed is not None
    assert (closed.how, closed.release) == ("complete", {})


def test_offsets_that_come_with_a_later_copy_count() -> None:
    barrier = Barrier()
    barrier.marker(at(P0, 1), deploy("d"))
    barrier.marker(at(CONTROL, 0), deploy("d", {P1: 4}))
    assert barrier.close({P0: 1, P1: 3}, [P0, P1]) is None
    assert barrier.close({P0: 1, P1: 4}, [P0, P1]) is not None


def test_interleaved_deploys_close_the_one_with_most_copies() -> None:
    barrier = Barrier()
    barrier.marker(at(P0, 1), deploy("a"))
    barrier.marker(at(P1, 1), deploy("b"))
    positions = {P0: 1, P1: 1, P2: 1}
    assert barrier.close(positions, [P0, P1, P2]) is None
    barrier.marker(at(P2, 1), deploy("b"))
    closed = barrier.close(positions, [P0, P1, P2])
    assert closed is not None
    assert (closed.deploy.deploy_id, closed.how, closed.missing) == ("b", "interleaved", (P0,))
    assert closed.release == {P1: 2, P2: 2}
    assert barrier.waiting == ("a",)


@pytest.mark.parametrize("order", [(P0, P1), (P1, P0)])
def test_a_tie_goes_to_the_first_partition_whatever_was_read_first(order: tuple[Partition, Partition]) -> None:
    """A restart reads the markers again, perhaps in another order, and must arrive at the same end."""
    barrier = Barrier()
    for part in order:
        barrier.marker(at(part, 1), deploy({P0: "a", P1: "b"}[part]))
    closed = barrier.close({P0: 1, P1: 1}, [P0, P1])
    assert closed is not None
    assert (closed.deploy.deploy_id, closed.how) == ("a", "interleaved")


def test_markers_crossed_with_offsets_are_interleaved_too() -> None:
    """P0 stands at a copy of b, P1 at the offset that a names: neither can move, and neither deploy completes."""
    barrier = Barrier()
    barrier.marker(at(CONTROL, 0), deploy("a", {P0: 10, P1: 10}))
    barrier.marker(at(P0, 5), deploy("b"))
    closed = barrier.close({P0: 5, P1: 10, CONTROL: 0}, [P0, P1])
    assert closed is not None
    assert closed.how == "interleaved"


def test_giving_up_takes_the_oldest() -> None:
    barrier = Barrier()
    barrier.marker(at(P0, 1), deploy("a"))
    barrier.marker(at(P1, 1), deploy("b"))
    closed = barrier.expire({P0: 1, P1: 1}, [P0, P1, P2])
    assert closed is not None
    assert (closed.deploy.deploy_id, closed.how, closed.missing) == ("a", "timeout", (P1, P2))
    assert barrier.waiting == ("b",)
