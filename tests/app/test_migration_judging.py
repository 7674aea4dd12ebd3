"""Evidence is gathered anew when what it rests on is another one, and only then."""

from dataclasses import replace

from monitor.app.migration_judging import _same
from monitor.core.model.lists import RankedLists

LISTS = RankedLists.of([[("a", 2.0), ("b", 1.0)], None, []], 3)
LOG = ("an impression",)


def test_lists_are_told_apart_by_what_is_in_them() -> None:
    again = RankedLists.of([[("a", 2.0), ("b", 1.0)], None, []], 3)
    assert _same((LISTS, LOG), (again, LOG))
    assert not _same((LISTS, LOG), (RankedLists.of([[("a", 2.0), ("c", 1.0)], None, []], 3), LOG))
    assert not _same((LISTS, LOG), (RankedLists.of([[("a", 2.5), ("b", 1.0)], None, []], 3), LOG))
    assert not _same((LISTS, LOG), (replace(LISTS, known=~LISTS.known), LOG))
    assert not _same((LISTS, LOG), (LISTS,))
    assert not _same((LISTS, LOG), (LISTS, ("another", "log")))
    assert not _same((LISTS, None), (None, None))
