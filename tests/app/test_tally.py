"""What became of records: the rules of too many, and the difference of two tallies."""

import doctest

import pytest

from monitor.app import tally
from monitor.app.tally import NamedCounts, Tally


@pytest.mark.parametrize(
    ("applied", "aside", "ratio", "too_many"),
    [
        (0, 0, 0.0, False),
        (0, 1, 1.0, True),  # nothing applied: no share allows that
        (1, 1, 0.1, True),
        (2, 1, 0.1, False),  # one record of a small update
        (90, 10, 0.1, False),
        (89, 11, 0.1, True),
        (100, 11, 0.1, False),
        (100, 11, 0.0, True),
        (100, 9, 0.0, False),
        (1, 99, 1.0, False),
    ],
)
def test_too_many(applied: int, aside: int, ratio: float, too_many: bool) -> None:
    assert Tally(applied, {"not_json": aside}).too_many(ratio) == too_many


def test_only_changes_count_and_what_was_refused_counts_once() -> None:
    counters = {
        ("events", "upsert", "new"): 7, ("events", "delete", "absent"): 2, ("events", "upsert", "refused"): 3,
        ("events", "event", "malformed"): 4, ("events", "deploy", "complete"): 5, ("events", "event", "ignored"): 6,
        ("quarantined", "time"): 3, ("quarantined", "not_json"): 4, ("stream", "gap"): 1, ("open_gaps",): 1,
    }  # fmt: skip
    made = Tally.of(counters)
    assert (made.applied, made.aside, made.read) == (9, 7, 16)
    assert str(made) == "16 changes read, 9 applied, 7 set aside (not_json: 4, time: 3)"
    assert str(made.since(Tally(8, {"not_json": 4}))) == "4 changes read, 1 applied, 3 set aside (time: 3)"


def test_what_was_older_than_what_is_known_is_said() -> None:
    """A version that begins anew drops every later update: the run that did it must not read as a good one."""
    counters: NamedCounts = {
        ("events", "upsert", "update"): 3,
        ("events", "upsert", "stale"): 4,
        ("events", "delete", "stale"): 1,
    }
    made = Tally.of(counters)
    assert str(made) == "8 changes read, 8 applied (5 stale: older than what is known), 0 set aside"
    assert str(Tally(1, {})) == "1 change read, 1 applied, 0 set aside"
    assert str(made.since(made)) == "0 changes read, 0 applied, 0 set aside"


def test_the_examples_in_docstrings_run() -> None:
    found = doctest.testmod(tally)
    assert (found.failed, found.attempted) == (0, 2)
