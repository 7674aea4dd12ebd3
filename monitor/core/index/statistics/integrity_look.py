"""When the corpus is compared chunk by chunk with its baselines: that takes a pass over all of them."""

from collections.abc import Callable

from monitor.core.index.statistics.faults import compare
from monitor.core.index.statistics.integrity import Integrity
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile

_NEVER = -1


class IntegrityLook:
    """What is wrong by construction, against a baseline and a pinned one beside it; looked at only after a change.

    Args:
        dimensions: of the segments, `all` first, the embedding version last.
    """

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self._dimensions = dimensions
        self._then: Population | None = None
        self._pinned: Population | None = None
        self._integrity: tuple[Integrity | None, Integrity | None] = (None, None)
        self._looked_at = _NEVER

    def rebase(self, profile: Profile | None, pinned: Profile | None) -> None:
        """Compare with these from here on; the pinned one is None, or the same object, where there is no other."""
        self._then = None if profile is None else profile.population
        self._pinned = None if pinned is None or pinned is profile else pinned.population
        self._integrity, self._looked_at = (None, None), _NEVER

    def at(
        self, batch: int, population: Callable[[], Population], *, brief: bool
    ) -> tuple[Integrity | None, Integrity | None]:
        """What is wrong now; None without a baseline that knows its chunks.

        Args:
            batch: the number of the last batch that changed the corpus.
            population: the chunks as they are now.
            brief: whether it may be shown as it was last looked at.
        """
        if self._then is None:
            return None, None
        if self._looked_at != batch and not (brief and self._integrity[0] is not None):
            now = population()
            beside = None if self._pinned is None else compare(self._pinned, now, self._dimensions)
            self._integrity = compare(self._then, now, self._dimensions), beside
            self._looked_at = batch
        return self._integrity
