"""The server's own lexical index, replayed at each full replay and held against the maintained lexical lists."""

from collections.abc import Sequence

import numpy as np

from monitor.core.measures.formulas.served_lexical import served_lexical
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Measurement
from monitor.ports import Retriever


class ServedLexical:
    """Asks all anchors' texts of the server's sparse or full-text index.

    Args:
        retriever: asks it.
        anchors: the anchors.
        depths: the depths to measure at.
        deadline: seconds that a replay may take in total.
    """

    def __init__(self, retriever: Retriever, anchors: AnchorSet, depths: Sequence[int], deadline: float) -> None:
        self._retriever, self._anchors, self._depths, self._deadline = retriever, anchors, depths, deadline
        self.measurements: Sequence[Measurement] = ()
        """Of the last look, empty before the first."""

    def start(self) -> None:
        """Open it. Raises ConfigurationError where it is not what was configured."""
        self._retriever.start()

    def reanchor(self, anchors: AnchorSet) -> None:
        """Other anchors from the next look on."""
        self._anchors, self.measurements = anchors, ()

    def look(self, maintained: RankedLists) -> None:
        """Replay all anchors, and measure how much of the maintained lists is served."""
        rows = np.arange(len(self._anchors))
        found = self._retriever.replay(self._anchors, rows, k=max(self._depths), deadline=self._deadline)
        self.measurements = tuple(served_lexical(found.lists, maintained, found.failures, self._depths))
