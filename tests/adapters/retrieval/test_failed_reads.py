"""Failures of reads: said once by reason, taken back when reads succeed, and a reason not to send more."""

import logging
import time

import pytest

from monitor.adapters.retrieval.failed_reads import STRIKES, FailedRead, FailureLog, ReadOutlook
from monitor.adapters.retrieval.reasons import FailureReason

LATE, DOWN = FailedRead(FailureReason.DEADLINE, "slow"), FailedRead(FailureReason.UNREACHABLE, "no route")


def test_a_reason_is_said_once_until_such_reads_succeed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    said = FailureLog("store http://h")
    calls: list[list[object]] = [[1, LATE], [LATE, LATE], [LATE, DOWN, 1], [], [1, 2], [3], [LATE]]
    for results in calls:
        said.say("search", results)
    said.say("count", [DOWN])
    assert [record.getMessage() for record in caplog.records] == [
        "store http://h: search: deadline in 1 of 2 reads: slow",
        "store http://h: search: unreachable in 1 of 3 reads: no route",
        "store http://h: search: answered again",
        "store http://h: search: deadline in 1 of 1 reads: slow",
        "store http://h: count: unreachable in 1 of 1 reads: no route",
    ]


def test_what_is_hopeless_and_what_ran_out_of_time_too_often_ends_the_reads() -> None:
    outlook = ReadOutlook(time.monotonic() + 600)
    for _ in range(STRIKES - 1):
        outlook.note(LATE)
    outlook.note(FailedRead(FailureReason.INVALID, "no such field"))
    assert outlook.verdict() is None
    outlook.note(LATE)
    assert outlook.verdict() is LATE
    outlook.note(DOWN)
    assert outlook.verdict() is DOWN
    over = ReadOutlook(time.monotonic() - 1).verdict()
    assert over is not None
    assert over.reason is FailureReason.DEADLINE
