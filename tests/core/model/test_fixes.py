"""The fix list names what mends each fault, and counts what it does not name."""

from monitor.core.model.fixes import ACTIONS, NAMED, Fix, FixList, FixReason


def test_every_fault_has_an_action() -> None:
    assert set(ACTIONS) == set(FixReason)


def test_what_is_cut_is_counted() -> None:
    fixes = [Fix.of(FixReason.MISSING, str(at)) for at in range(NAMED + 2)]
    for count in (0, 1, NAMED, NAMED + 2):
        made = FixList.cut(fixes[:count])
        assert (list(made.fixes), made.unnamed) == (fixes[: min(count, NAMED)], max(0, count - NAMED))


def test_a_line_has_one_form() -> None:
    fix = Fix.of(FixReason.DELETED, "a#1", "a", "guide", 7)
    assert FixList((fix,), 3).document() == {
        "fixes": [
            {"action": "delete", "chunk_id": "a#1", "doc_id": "a", "source": "guide", "reason": "deleted", "since": 7}
        ],
        "unnamed": 3,
    }
