"""`[source.git]`: a documentation repository's history."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from monitor.kinds import Section, SourceContext, SourceKind
from monitor.ports import ConfigurationError

if TYPE_CHECKING:
    from monitor.adapters.sources.git.source import GitHistorySource


class GitSection(Section):
    """A documentation repository's history."""

    path: str
    globs: tuple[str, ...] = ("**/*.md", "**/*.mdx", "**/*.rst", "**/*.adoc", "**/*.ipynb")
    since: str = ""
    deploys: Literal["tags", "daily", "weekly"] = "tags"


def build_git(section: GitSection, context: SourceContext) -> "GitHistorySource":
    """A repository's history.

    Raises:
        ConfigurationError: `since` is no date.
    """
    from monitor.adapters.sources.git.history import HistorySelection
    from monitor.adapters.sources.git.source import GitHistorySource

    since = _moment(section.since) if section.since else None
    selection = HistorySelection(glob=section.globs, since=since, deploys=section.deploys)
    return GitHistorySource(context.located(section.path), selection)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"source.git.since = {text!r}: expected an ISO date or time such as 2026-01-31"
        raise ConfigurationError(message) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


GIT = SourceKind("git", GitSection, build_git, bounded=True)
