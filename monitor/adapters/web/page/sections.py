"""The sections of the page, in the order in which they stand. A new one is a module of its own and a line here."""

from monitor.adapters.web.page import (
    alarms,
    anchor_past,
    baseline,
    card,
    chunk,
    deploys,
    detail,
    heat,
    over_time,
    pipeline,
    production,
    search,
    segment_past,
    shares,
    traffic,
    why,
)
from monitor.adapters.web.page.context import PageSection

SECTIONS: tuple[PageSection, ...] = (
    detail.SECTION,
    segment_past.SECTION,
    card.OF_ANCHOR,
    anchor_past.SECTION,
    why.SECTION,
    card.SECTION,
    heat.SECTION,
    over_time.SECTION,
    production.SECTION,
    alarms.SECTION,
    traffic.SECTION,
    deploys.SECTION,
    shares.SECTION,
    baseline.SECTION,
    pipeline.SECTION,
)
APART: tuple[PageSection, ...] = (search.SECTION, chunk.SECTION)
"""What is shown alone where it was asked for: what was found, or a chunk's texts."""
