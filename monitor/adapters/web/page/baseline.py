"""Which baseline the page compares with, or what to do to have one."""

from shlex import quote

from monitor.adapters.web.page.context import Document, PageContext, PageSection


def _made(page: PageContext) -> Document:
    return {"config": quote(page.config)}


SECTION = PageSection("baseline", "Baseline", "baseline.html", _made)
