"""What was deleted, looked for in what users are served: production is asked what had it, and the text itself."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from monitor.app.erasure_sources import ErasureSources
from monitor.core.erasure.index_looks import in_production
from monitor.core.erasure.model import ErasedContent, ErasedItem, LookResult
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.production import ProductionResult


class ErasureProduction:
    """Asks the retriever as users get it; `text` is what was given, "" for none."""

    def __init__(self, sources: ErasureSources, text: str) -> None:
        self._sources, self._text = sources, text

    def result(self, item: ErasedItem, content: ErasedContent, rows: NDArray[np.int64]) -> LookResult:
        """The look at production; `rows` are the anchors to ask with."""
        sources, retriever = self._sources, self._sources.production
        if retriever is None:
            if sources.overheard:
                return LookResult("production", "unknown", "production is only overheard in a log, not asked")
            return LookResult("production", "nothing", "not configured ([production])")
        failed = Counter[str]()
        results: list[tuple[str, ProductionResult]] = []
        answers = retriever.ask(sources.anchors, rows, k=sources.depth, deadline=sources.production_deadline)
        for row, answer in answers.items():
            failed.update([answer.reason] if answer.reason else [])
            results += [(sources.anchors.anchors[row].id, one) for one in answer.results]
        asked = len(rows)
        if self._text:
            question = self._question()
            answer = retriever.ask(
                question, np.zeros(1, np.int64), k=sources.depth, deadline=sources.production_deadline
            )[0]
            failed.update([answer.reason] if answer.reason else [])
            results += [("", one) for one in answer.results]
            asked += 1
        if not asked:
            said = "no anchor had it in a list that is kept: give its text (--text) to ask for"
            return LookResult("production", "unknown", said)
        return in_production(item, content, results, asked=asked, failed=failed)

    def _question(self) -> AnchorSet:
        """The text as a question; without a vector where nothing encodes it, production may need none."""
        asked = self._sources.question(self._text)
        if not isinstance(asked, str):
            return asked
        width = self._sources.anchors.vectors.shape[1]
        return AnchorSet([Anchor("", self._text)], np.zeros((1, width), np.float32), np.ones(1), [()])
