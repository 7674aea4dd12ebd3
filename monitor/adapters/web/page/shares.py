"""Who caused it, by the report's own shares; the incident card has more, so with it they are not shown twice."""

from monitor.adapters.web.page.bars import Blamed, blamed
from monitor.adapters.web.page.context import Document, PageContext, PageSection


def blame_of(page: PageContext) -> tuple[Blamed, ...]:
    """The shares of the report that is shown."""
    return blamed(page.subject.report.blame)


def _made(page: PageContext) -> Document | None:
    shares = page.once(blame_of)
    return {"blame": shares} if shares and page.found.card is None else None


SECTION = PageSection("blame", "Blame", "blame.html", _made)
