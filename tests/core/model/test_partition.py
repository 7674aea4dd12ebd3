"""The name of a partition, and back: what reports are keyed by."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model import events
from monitor.core.model.events import Partition


@given(st.text(min_size=1, max_size=9), st.integers(0, 2**31 - 1))
def test_a_name_gives_its_partition_back_whatever_the_topic_is_called(topic: str, number: int) -> None:
    assert Partition.of(Partition(topic, number).name) == Partition(topic, number)


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(events).attempted >= 2
