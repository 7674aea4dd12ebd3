"""Other anchors taken up between two turns."""

import logging

import numpy as np
from numpy.typing import NDArray

from monitor.app.parts import MonitorComponents
from monitor.core.index.engine import of_one_process
from monitor.core.model.anchors import AnchorSet
from monitor.core.traffic.panel import bridges, measured_panel

LOG = logging.getLogger(__name__)


def reanchored(parts: MonitorComponents, anchors: AnchorSet) -> NDArray[np.int64]:
    """Take up other anchors everywhere in the loop.

    Returns:
        (A,) int64: for each anchor the row that asked the same before, -1 for a new question.
    """
    before = len(parts.engine.anchors)
    then = measured_panel(parts.engine.anchors, parts.engine.lists())
    kept = parts.session.reanchor(anchors, parts.drift_of(anchors))
    if parts.served is not None:
        parts.served.reanchor(anchors, kept)
    if parts.served_lexical is not None:
        parts.served_lexical.reanchor(anchors)
    if parts.migration is not None:
        parts.migration.reanchor(anchors)
    if parts.production is not None:
        parts.production.reanchor(anchors, kept)
    if parts.traffic is not None:
        parts.traffic.reanchor(of_one_process(parts.engine))
    # Both panels by the lists of one offset: no event came between.
    parts.panel.changed(bridges(then, measured_panel(parts.engine.anchors, parts.engine.lists()), kept))
    if parts.audit is not None:
        parts.audit.reanchor(kept)
    same, gone = int((kept >= 0).sum()), before - len(np.unique(kept[kept >= 0]))
    LOG.warning("anchors: a changed file is taken up: %d stay, %d new, %d gone", same, len(kept) - same, gone)
    return kept
