"""An A/A run of the program itself: events, rounds, an approval; nothing is meant to harm and nothing pages.

`python -m benchmarks.alarms --loop 2` runs whole months.
"""

from benchmarks.alarms.loop import counted


def test_harmless_edits_page_nobody() -> None:
    found = counted(0.1, edits=0.5, learnt=72, dense=False, extra="[alerts]\nhours = {}\n")
    assert (found.rounds, found.alarms) == (72, 0)
    assert 0.0 < found.churn < 0.05
    assert found.churn < found.normal
