"""What the lists hold is measured as often as its cost allows, and always for a deploy."""

from monitor.app.health import Clocks
from monitor.app.looking import Looking


def test_a_twentieth_of_the_time() -> None:
    now = [100.0]
    looking = Looking(Clocks(lambda: now[0], lambda: 0.0))
    assert not looking.brief(""), "the first look is a whole one"
    now[0] = 102.0
    looking.looked(brief=False, since=100.0)
    now[0] = 102.0 + 19 * 2.0 - 0.1
    assert looking.brief("")
    assert not looking.brief("d1")
    assert not looking.owed(), "nothing was looked at briefly"
    looking.looked(brief=True, since=now[0])
    assert not looking.owed()
    now[0] += 0.2
    assert looking.owed()
    assert not looking.brief("")
    looking.looked(brief=False, since=now[0])
    assert not looking.owed()
