"""The timeline of deploys."""

from monitor.adapters.web.page.context import Document, PageContext, PageSection

DEPLOYS = 60
"""Newest deploys on the timeline."""


def _made(page: PageContext) -> Document:
    ledger = page.view.ledger
    return {"deploys": ledger[-DEPLOYS:][::-1], "earlier": max(0, len(ledger) - DEPLOYS)}


SECTION = PageSection("deploys", "Deploys", "deploys.html", _made)
