"""The sections of the page, in the order in which they stand. A new one is a module of its own and a line here."""

from monitor.adapters.web.page import baseline, card, deploys, detail, heat, pipeline, production, shares, why
from monitor.adapters.web.page.context import PageSection

SECTIONS: tuple[PageSection, ...] = (
    detail.SECTION,
    card.OF_ANCHOR,
    why.SECTION,
    card.SECTION,
    heat.SECTION,
    production.SECTION,
    deploys.SECTION,
    shares.SECTION,
    baseline.SECTION,
    pipeline.SECTION,
)
