"""What was deleted, looked for in a served index: by id, by content, and by the questions that had it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.app.erasure_corpus import ErasureCorpus
from monitor.app.erasure_sources import AskedIndex, ErasureSources
from monitor.core.erasure.corpus_looks import likeness
from monitor.core.erasure.index_looks import IndexListing, ServedResult, among_served, by_id, by_listing
from monitor.core.erasure.model import ErasedContent, ErasedItem, ErasureLook, FoundAs, LookOutcome, LookResult
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.scoring import Distance
from monitor.core.text.wording import count_of
from monitor.ports import Replay, Unanswered

IDS_AT_ONCE = 256
PAGE = 1_000
UNSTATED = 20
ONE = np.zeros(1, np.int64)


class ErasureIndex:
    """The served indexes; what one request answers for all items is asked once.

    Args:
        sources: what can be looked at.
        corpus: what the events know.
        contents: of its items, in their order.
        text: that was given, "" for none.
    """

    def __init__(
        self, sources: ErasureSources, corpus: ErasureCorpus, contents: Sequence[ErasedContent], text: str
    ) -> None:
        self._sources, self._corpus, self._text = sources, corpus, text
        self._listing = self._listed(frozenset().union(*(content.hashes for content in contents)))
        self._held = self._asked_by_id()

    def results(
        self, item: ErasedItem, content: ErasedContent, rows: NDArray[np.int64], copies: Mapping[str, FoundAs]
    ) -> Iterator[LookResult]:
        """Every look at an index.

        Args:
            item: what is looked for.
            content: what is known of what it said.
            rows: of the anchors to ask with.
            copies: live chunks that say the same, by id.
        """
        if self._held is None:
            yield LookResult("index", "nothing", "no index is configured (dense.engine = 'none')")
        else:
            yield by_id(item, self._held)
            yield self._by_content(item, content, copies)
            yield self._by_questions("questions", item, content, rows, copies)
        if self._sources.lexical is not None:
            yield self._by_questions("served_lexical", item, content, rows, copies)

    def _asked_by_id(self) -> Mapping[str, str] | str | None:
        """Of all ids asked about those that the index has; why it did not say; None where none is configured."""
        sources = self._sources
        if sources.retriever is None:
            return sources.closed or None
        names = sorted({name for item in self._corpus.items for name in item.named})
        held: dict[str, str] = {}
        for at in range(0, len(names), IDS_AT_ONCE):
            found = sources.retriever.content_hashes(names[at : at + IDS_AT_ONCE], deadline=sources.deadline)
            if isinstance(found, Unanswered):
                return found.reason
            held |= found
        return held

    def _listed(self, hashes: frozenset[str]) -> IndexListing | None:
        """All points of the index, looked at once for all items; None where they cannot be listed."""
        sources, reader = self._sources, self._sources.reader
        if reader is None or sources.owned:
            return None
        names = {name for item in self._corpus.items for name in item.named}
        until, after = sources.monotonic() + sources.listing, None
        points = nameless = 0
        matching: dict[str, str] = {}
        present: set[str] = set()
        unstated: list[str] = []
        stopped = ""
        sources.tell("listing the points of the index ...")
        while True:
            page = reader.page(after, PAGE)
            if isinstance(page, Unanswered):
                stopped = page.reason
                break
            points, nameless = points + len(page.points) + page.nameless, nameless + page.nameless
            for name, said in page.points.items():
                live, asked = self._corpus.is_live(chunk_key(name)), name in names
                if said and said in hashes and (asked or not live):
                    matching[name] = said
                if asked and not live:
                    present.add(name)
                elif not said and len(unstated) < UNSTATED and not live:
                    unstated.append(name)
            after = page.following
            if after is None:
                break
            if sources.monotonic() > until:
                stopped = f"after {sources.listing:g} s"
                break
        return IndexListing(points, nameless, tuple(unstated), matching, frozenset(present), stopped)

    def _by_content(self, item: ErasedItem, content: ErasedContent, copies: Mapping[str, FoundAs]) -> LookResult:
        sources, results = self._sources, []
        if sources.retriever is None:
            return LookResult("index_content", "unknown", f"the index did not answer: {sources.closed}")
        if sources.owned:
            said = "the monitor fills this index from the events alone: it says nothing that they do not"
            return LookResult("index_content", "absent", said)
        if self._listing is not None:
            results.append(by_listing(item, content, self._listing))
        if self._text:
            results.append(self._by_text(sources.retriever, item, content, copies))
        if not results:
            said = "its text is not kept and the index cannot be listed: give its text (--text)"
            return LookResult("index_content", "unknown", said)
        return _together(results)

    def _by_text(
        self, index: AskedIndex, item: ErasedItem, content: ErasedContent, copies: Mapping[str, FoundAs]
    ) -> LookResult:
        asked = self._sources.question(self._text)
        if isinstance(asked, str):
            return LookResult("index_content", "unknown", asked)
        replay = index.replay(asked, ONE, k=self._sources.depth, deadline=self._sources.deadline)
        own = float(asked.vectors[0].astype(np.float64) @ asked.vectors[0].astype(np.float64))
        euclid = self._sources.distance is Distance.EUCLID
        results = [
            replace(one, question="", alike=likeness(one.alike, own, euclid=euclid))
            for one in _results(replay, asked, scored=True)
        ]
        found = among_served(
            "index_content",
            item,
            content,
            results,
            asked=1,
            failed=Counter(replay.failures.values()),
            copies=copies,
            live=self._corpus.is_live,
        )
        foreign = sum(map(len, replay.foreign.values()))
        if foreign and found.outcome == "absent":
            said = f"{found.said}; {count_of(foreign, 'point')} without a chunk id among the results"
            return replace(found, outcome="unknown", said=said)
        return found

    def _by_questions(
        self,
        look: ErasureLook,
        item: ErasedItem,
        content: ErasedContent,
        rows: NDArray[np.int64],
        copies: Mapping[str, FoundAs],
    ) -> LookResult:
        sources = self._sources
        retriever = sources.retriever if look == "questions" else sources.lexical
        if not len(rows):
            return LookResult(look, "nothing", "no anchor had it in a list that is kept")
        if retriever is None:
            return LookResult(look, "unknown", f"the index did not answer: {sources.closed}")
        replay = retriever.replay(sources.anchors, rows, k=sources.depth, deadline=sources.deadline)
        return among_served(
            look,
            item,
            content,
            list(_results(replay, sources.anchors)),
            asked=len(rows),
            failed=Counter(replay.failures.values()),
            copies=copies,
            live=self._corpus.is_live,
        )


def _together(results: Sequence[LookResult]) -> LookResult:
    """Two ways to look at one thing: what either found is found; what either excluded is absent."""
    first = results[0]
    outcomes = {result.outcome for result in results}
    findings = tuple({of.chunk_id: of for result in results for of in result.findings}.values())
    said = "; ".join(result.said for result in results)
    order: tuple[LookOutcome, ...] = ("found", "absent", "unknown")
    outcome = next(of for of in order if of in outcomes)
    return LookResult(first.look, outcome, said, findings, len(findings))


def _results(replay: Replay, anchors: AnchorSet, *, scored: bool = False) -> Iterator[ServedResult]:
    """The results of a replay; with their scores in the place of likeness where they are wanted."""
    for at, row in enumerate(replay.rows.tolist()):
        count = int(replay.lists.lengths[at])
        keys, scores = replay.lists.keys[at, :count].tolist(), replay.lists.scores[at, :count].tolist()
        for key, score in zip(keys, scores, strict=True):
            name = replay.names.get(key, f"(key {key:x})")
            alike = score if scored else float("nan")
            yield ServedResult(name, replay.hashes.get(key, ""), anchors.anchors[row].id, alike)
