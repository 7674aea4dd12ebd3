"""Anchors changed while the monitor runs: the file is watched, a valid new version is read once it stands still."""

import logging
from collections.abc import Callable

from monitor.core.model.anchors import AnchorSet
from monitor.core.records.published import AnchorsTaken
from monitor.ports import ConfigurationError, UnreachableError

LOG = logging.getLogger(__name__)
PATIENCE = 12
"""Looks to let pass after an encoder did not answer: each try may keep the loop waiting for its timeout."""


class AnchorsWatch:
    """Looks at the anchors file now and then; no signal is needed, so a mounted file that is swapped is seen too.

    A version is read once it stood unchanged between two looks, so a file that is being written is left alone. One
    that is not valid is refused: one line in the log, `refused` until another version comes, the old anchors stay.

    Args:
        stamp: which version of the file is there, "" for none.
        load: reads the file whole; raises ConfigurationError, or UnreachableError where an encoder is down.
        clock: monotonic seconds.
        every: seconds between two looks; 0 never looks.
    """

    def __init__(
        self, stamp: Callable[[], str], load: Callable[[], AnchorSet], clock: Callable[[], float], *, every: float
    ) -> None:
        self._stamp, self._load, self._clock, self._every = stamp, load, clock, every
        self._seen = self._settled = stamp()
        self._next = clock() + every
        self._refused, self._refused_version, self._taken = "", "", 0

    def state(self, anchors: int) -> AnchorsTaken:
        """What the outside may know."""
        return AnchorsTaken(anchors, self._taken, self._refused)

    def look(self) -> AnchorSet | None:
        """The anchors of a new valid version of the file, once; None where there is nothing to take up."""
        now = self._clock()
        if not self._every or now < self._next:
            return None
        self._next = now + self._every
        found = self._stamp()
        if found == self._settled:
            self._seen = found
            if found != self._refused_version:  # the version in use is back
                self._refused = ""
            return None
        if found != self._seen:  # it may still be being written
            self._seen = found
            return None
        return self._read(found)

    def _read(self, found: str) -> AnchorSet | None:
        try:
            anchors = self._load()
        except UnreachableError as error:
            self._next += PATIENCE * self._every
            self._refuse(found, str(error))
            return None
        except ConfigurationError as error:
            self._settled = found
            self._refuse(found, str(error).partition("\n")[0])
            return None
        if self._stamp() != found:  # changed while it was read
            return None
        self._settled, self._refused = found, ""
        self._taken += 1
        return anchors

    def _refuse(self, found: str, reason: str) -> None:
        if reason != self._refused:
            LOG.warning("anchors: the changed file is refused and the old anchors stay: %s", reason)
        self._refused, self._refused_version = reason, found
