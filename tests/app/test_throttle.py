"""What the lists hold is measured as often as its cost allows, and always for a deploy."""

from monitor.app.health import Clocks
from monitor.app.throttle import RefreshThrottle


def test_a_hundredth_of_the_time() -> None:
    now = [100.0]
    throttle = RefreshThrottle(Clocks(lambda: now[0], lambda: 0.0))
    assert not throttle.brief(""), "the first look is a whole one"
    now[0] = 102.0
    throttle.looked(brief=False, since=100.0)
    now[0] = 102.0 + 99 * 2.0 - 0.1
    assert throttle.brief("")
    assert not throttle.brief("d1")
    assert not throttle.owed(), "nothing was looked at briefly"
    throttle.looked(brief=True, since=now[0])
    assert not throttle.owed()
    now[0] += 0.2
    assert throttle.owed()
    assert not throttle.brief("")
    throttle.looked(brief=False, since=now[0])
    assert not throttle.owed()
