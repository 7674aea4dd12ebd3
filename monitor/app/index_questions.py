"""What the two indexes of a migration say of themselves: how many points they hold, whom the alias leads to."""

import math
from collections.abc import Callable

from monitor.app.health import Clocks
from monitor.app.migration_plan import MigrationPlan, TargetAccess
from monitor.core.migration.model import AliasResolution
from monitor.ports import IndexReader, Retriever, Unanswered

PAUSE = 1.0
"""Seconds between two questions."""


class IndexQuestions:
    """Asks both indexes now and then, and keeps what they said last.

    Args:
        plan: what is configured.
        access: the indexes.
        clocks: the monotonic one paces.
        say: takes a line about what could not be had.
    """

    def __init__(
        self, plan: MigrationPlan, access: TargetAccess, clocks: Clocks, *, say: Callable[[str], None]
    ) -> None:
        self._plan, self._access, self._clocks, self._say = plan, access, clocks, say
        self._next_question = -math.inf
        self.points: tuple[int | None, int | None] = (None, None)
        """Of the old index and of the new one; None where it does not say."""
        self.alias: AliasResolution | None = None

    def hurry(self) -> None:
        """Ask again at the next occasion."""
        self._next_question = -math.inf

    def ask(self, bare: int) -> None:
        """Count both indexes' points and look whom the alias leads to, a server not more than once a second.

        Args:
            bare: live chunks without a vector of the old version: an index that the monitor fills has zeros there.
        """
        now = self._clocks.monotonic()
        if now < self._next_question and self._access.owned is None:
            return
        self._next_question = now + PAUSE
        access = self._access
        old, new = _count(access.old_reader, access.old_retriever), _count(access.reader, access.retriever)
        if old is not None and access.old_owned:
            old -= bare
        self.points = (old, new)
        if self._plan.alias and access.reader is not None and access.old_reader is not None:
            self.alias = self._resolved(access.old_reader, access.reader)

    def _resolved(self, old: IndexReader, new: IndexReader) -> AliasResolution | None:
        plan = self._plan
        for version, reader in ((plan.old.version, old), (plan.new.version, new)):
            said = reader.aliases()
            if isinstance(said, Unanswered):
                self._say(f"alias {plan.alias!r} was not resolved: {said.reason}")
                return None
            if plan.alias in said:
                return AliasResolution(plan.alias, reader.named, version)
        return AliasResolution(plan.alias, "", "", f"alias {plan.alias!r} leads to neither index")


def _count(reader: IndexReader | None, retriever: Retriever | None) -> int | None:
    """Points of an index that hold a vector of its version, None where it does not say."""
    counting = None if retriever is None else retriever.count
    count = counting if reader is None else reader.holding
    said = None if count is None else count()
    return None if isinstance(said, Unanswered) else said
