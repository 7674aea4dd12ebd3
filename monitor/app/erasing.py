"""A proof of erasure: every look at what was deleted, over the committed state and what is served now."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.erasure.corpus_looks import (
    CopySearch,
    content_of,
    copies_result,
    events_result,
    items_of,
    likeness,
    past_result,
    quarantine_result,
)
from monitor.core.erasure.document import Document, erasure_document
from monitor.core.erasure.index_looks import (
    IndexListing,
    ServedResult,
    among_served,
    by_id,
    by_listing,
    in_production,
)
from monitor.core.erasure.model import (
    ErasedContent,
    ErasedItem,
    ErasureAnswer,
    ErasureFinding,
    ErasureLook,
    ErasureRequest,
    FoundAs,
    LookOutcome,
    LookResult,
)
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.production import ProductionResult
from monitor.core.model.scoring import Distance, prepare
from monitor.core.text.wording import count_of
from monitor.ports import (
    ConfigurationError,
    Encoder,
    IndexReader,
    ProductionRetriever,
    Replay,
    StateStore,
    Unanswered,
    UnreachableError,
)

CHUNKS_AT_ONCE = 4_096
RECORDS = 1_000_000
"""Records set aside that are looked at: all of them, their store is bounded."""
IDS_AT_ONCE = 256
PAGE = 1_000
MOST_IDS = 1_000
"""Ids of one request."""
UNSTATED = 20
EXPECTED = "expected ids of chunks or documents"


class AskedIndex(Protocol):
    """What is asked of a served index; a `Retriever` can do it."""

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `Retriever`."""
        ...

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """See `Retriever`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ErasureSources:
    """What can be looked at.

    Args:
        store: the committed state, opened read only.
        anchors: the anchors, with their vectors.
        distance: of the dense leg.
        depth: k of the lists.
        retriever: the served index; None where none is configured or it could not be opened.
        closed: why it could not be opened; "" where it was, or none is configured.
        owned: whether the monitor fills it from the events alone.
        reader: lists its points, None where that cannot be.
        lexical: the served lexical index, None where none is configured.
        production: the retriever as users get it, None where it is not asked.
        overheard: whether production is only overheard in a log.
        encoder: encodes a text that was given, None where nothing does.
        lists: the lists of now, by leg, in the rows of the anchors; empty where no monitor runs.
        deadline: seconds that one look at an index may take.
        production_deadline: seconds that production may take.
        listing: seconds that listing all points of an index may take.
        monotonic: seconds, for waits.
        tell: gets a line on long work.
    """

    store: StateStore
    anchors: AnchorSet
    distance: Distance
    depth: int
    retriever: AskedIndex | None = None
    closed: str = ""
    owned: bool = False
    reader: IndexReader | None = None
    lexical: AskedIndex | None = None
    production: ProductionRetriever | None = None
    overheard: bool = False
    encoder: Encoder | None = None
    lists: Mapping[ListLeg, RankedLists] = field(default_factory=dict)
    deadline: float = 30.0
    production_deadline: float = 60.0
    listing: float = 300.0
    monotonic: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = lambda _: None


def erased(sources: ErasureSources, request: ErasureRequest, now: int) -> Document:
    """Every look at every id, as `erasure_document`.

    Args:
        sources: what can be looked at.
        request: what is asked.
        now: newest event time of the committed state.

    Raises:
        ConfigurationError: no ids, too many, an empty one, or a text with more than one id.
    """
    _sensible(request)
    return _Search(sources, request).document(now)


def keys_of(store: StateStore, ids: Sequence[str]) -> list[int]:
    """Keys of the chunks that are asked about, whether the events still know them or not."""
    rows = (row for stored in store.contents(CHUNKS_AT_ONCE) for row, _ in stored)
    return sorted({key for item in items_of(ids, rows) for key in item.keys - {row.key for row in item.live}})


def _sensible(request: ErasureRequest) -> None:
    wrong = next((name for name in request.ids if not name.strip()), None)
    if not request.ids or len(request.ids) > MOST_IDS or wrong is not None:
        found = f"id {wrong!r}" if wrong is not None else count_of(len(request.ids), "id")
        message = f"{found}: {EXPECTED}, 1 to {MOST_IDS:,}"
        raise ConfigurationError(message)
    if request.text and len(set(request.ids)) > 1:
        message = f"a text with {len(set(request.ids))} ids: expected one id, the text is what it said"
        raise ConfigurationError(message)


class _Search:
    """The looks, each once for all items where it can be."""

    def __init__(self, sources: ErasureSources, request: ErasureRequest) -> None:
        self._sources, self._request = sources, request
        self._live: NDArray[np.int64] = np.zeros(0, np.int64)
        self._chunks = 0
        self._snapshots = _kept(sources.store)
        self._rows = {anchor.id: row for row, anchor in enumerate(sources.anchors.anchors)}

    def document(self, now: int) -> Document:
        items = self._items()
        contents = [self._content(item) for item in items]
        copies = self._copies(items, contents)
        listing = self._listing(items, contents)
        held = self._held(items)
        answers = [
            ErasureAnswer(
                item,
                tuple(self._looks(item, content, copies.findings(at), listing, held)),
                self._request.accept_copies,
            )
            for at, (item, content) in enumerate(zip(items, contents, strict=True))
        ]
        return erasure_document(answers, now)

    def _looks(
        self,
        item: ErasedItem,
        content: ErasedContent,
        copies: Sequence[ErasureFinding],
        listing: IndexListing | None,
        held: Mapping[str, str] | str | None,
    ) -> Iterator[LookResult]:
        yield events_result(item)
        yield quarantine_result(item, self._sources.store.quarantine(RECORDS))
        yield copies_result(item, content, copies)
        kinds = {of.chunk_id: of.found_as for of in copies}
        if held is None:
            yield LookResult("index", "nothing", "no index is configured (dense.engine = 'none')")
        else:
            yield by_id(item, held)
            yield self._by_content(item, content, listing, kinds)
            yield self._by_questions("questions", item, content, kinds)
        if self._sources.lexical is not None:
            yield self._by_questions("served_lexical", item, content, kinds)
        yield self._of_production(item, content)
        yield self._in_lists(item)
        kept = {name: self._texts_kept(chunk_key(name)) for name in item.named}
        yield past_result(item, kept)

    def _texts_kept(self, key: int) -> int:
        return sum(version.text is not None for version in self._sources.store.versions(key))

    # ---------------------------------------------------------------- the corpus

    def _items(self) -> list[ErasedItem]:
        live: list[int] = []

        def rows() -> Iterator[object]:
            for stored in self._sources.store.contents(CHUNKS_AT_ONCE):
                for row, _ in stored:
                    if row.live:
                        live.append(row.key)
                    yield row

        self._sources.tell("looking through the chunk table ...")
        items = items_of(self._request.ids, rows())  # type: ignore[arg-type]  # they are rows
        self._live = np.array(live, np.int64)
        return items

    def _is_live(self, key: int) -> bool:
        at = int(np.searchsorted(self._live, key))
        return at < len(self._live) and int(self._live[at]) == key

    def _content(self, item: ErasedItem) -> ErasedContent:
        remembered = {
            key: (snapshot.members[key].content_hash, snapshot.shingles[key])
            for snapshot in self._snapshots
            for key in item.keys
            if key in snapshot.shingles and key in snapshot.members
        }
        keys = [row.key for row in item.gone]
        return content_of(item, self._sources.store.sketches(keys), remembered, self._request.text)

    def _copies(self, items: Sequence[ErasedItem], contents: Sequence[ErasedContent]) -> CopySearch:
        search = CopySearch(items, contents)
        if not any(content.hashes or content.sketches for content in contents):
            return search
        self._sources.tell(f"looking for copies among {count_of(len(self._live), 'live chunk')} ...")
        for stored in self._sources.store.contents(CHUNKS_AT_ONCE):
            pairs = [(row, text) for row, text in stored if row.live]
            nothing = [np.zeros(0, np.uint32)] * len(pairs)
            shingles = text_shingles([text for _, text in pairs]) if search.by_words else nothing
            search.feed([row for row, _ in pairs], shingles)
        return search

    # ---------------------------------------------------------------- the served index

    def _held(self, items: Sequence[ErasedItem]) -> Mapping[str, str] | str | None:
        """Of all ids asked about those that the index has; why it did not say; None where none is configured."""
        sources = self._sources
        if sources.retriever is None:
            return sources.closed or None
        names = sorted({name for item in items for name in item.named})
        held: dict[str, str] = {}
        for at in range(0, len(names), IDS_AT_ONCE):
            found = sources.retriever.content_hashes(names[at : at + IDS_AT_ONCE], deadline=sources.deadline)
            if isinstance(found, Unanswered):
                return found.reason
            held |= found
        return held

    def _listing(self, items: Sequence[ErasedItem], contents: Sequence[ErasedContent]) -> IndexListing | None:
        """All points of the index, looked at once for all items; None where they cannot be listed."""
        sources, reader = self._sources, self._sources.reader
        hashes = frozenset().union(*(content.hashes for content in contents))
        if reader is None or sources.owned:
            return None
        names = {name for item in items for name in item.named}
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
                if said and said in hashes and not (self._is_live(chunk_key(name)) and name not in names):
                    matching[name] = said
                if name in names and not self._is_live(chunk_key(name)):
                    present.add(name)
                elif not said and len(unstated) < UNSTATED and not self._is_live(chunk_key(name)):
                    unstated.append(name)
            after = page.following
            if after is None:
                break
            if sources.monotonic() > until:
                stopped = f"after {sources.listing:g} s"
                break
        return IndexListing(points, nameless, tuple(unstated), matching, frozenset(present), stopped)

    def _by_content(
        self,
        item: ErasedItem,
        content: ErasedContent,
        listing: IndexListing | None,
        copies: Mapping[str, FoundAs],
    ) -> LookResult:
        sources, results = self._sources, []
        if sources.retriever is None:
            return LookResult("index_content", "unknown", f"the index did not answer: {sources.closed}")
        if sources.owned:
            said = "the monitor fills this index from the events alone: it says nothing that they do not"
            return LookResult("index_content", "absent", said)
        if listing is not None:
            results.append(by_listing(item, content, listing))
        if self._request.text:
            results.append(self._by_text(item, content, copies))
        if not results:
            said = "its text is not kept and the index cannot be listed: give its text (--text)"
            return LookResult("index_content", "unknown", said)
        return _together(results)

    def _by_text(self, item: ErasedItem, content: ErasedContent, copies: Mapping[str, FoundAs]) -> LookResult:
        asked = self._text_anchor()
        if isinstance(asked, str):
            return LookResult("index_content", "unknown", asked)
        replay = self._replayed(asked, np.zeros(1, np.int64))
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
            live=self._is_live,
        )
        foreign = sum(map(len, replay.foreign.values()))
        if foreign and found.outcome == "absent":
            said = f"{found.said}; {count_of(foreign, 'point')} without a chunk id among the results"
            return replace(found, outcome="unknown", said=said)
        return found

    def _text_anchor(self) -> AnchorSet | str:
        """The text as a question, or why it cannot be one."""
        encoder = self._sources.encoder
        if encoder is None:
            return "the text cannot be searched for: no encoder is configured"
        try:
            vector = encoder.encode([self._request.text])
        except (UnreachableError, ConfigurationError) as error:
            return f"the text cannot be searched for: {error}"
        prepared = prepare(vector.astype(np.float32), self._sources.distance)
        anchor = Anchor("", self._request.text, prepared[0])
        return AnchorSet([anchor], prepared, np.ones(1), [()])

    def _replayed(self, anchors: AnchorSet, rows: NDArray[np.int64]) -> Replay:
        retriever = self._sources.retriever
        if retriever is None:  # whoever asks looked before
            message = "no index is open"
            raise ConfigurationError(message)
        return retriever.replay(anchors, rows, k=self._sources.depth, deadline=self._sources.deadline)

    def _by_questions(
        self, look: ErasureLook, item: ErasedItem, content: ErasedContent, copies: Mapping[str, FoundAs]
    ) -> LookResult:
        sources = self._sources
        rows = self._asking(item)
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
            live=self._is_live,
        )

    # ---------------------------------------------------------------- lists and production

    def _asking(self, item: ErasedItem) -> NDArray[np.int64]:
        """Rows of the anchors that had it in a list that is kept, or have it now."""
        keys = np.array(sorted(item.keys), np.int64)
        names = {
            name
            for snapshot in self._snapshots
            for lists in snapshot.lists.values()
            for name, had in zip(snapshot.anchors, _with(lists, keys).tolist(), strict=True)
            if had
        }
        rows = {self._rows[name] for name in names if name in self._rows}
        for lists in self._sources.lists.values():
            rows.update(np.flatnonzero(_with(lists, keys)).tolist())
        return np.array(sorted(rows), np.int64)

    def _of_production(self, item: ErasedItem, content: ErasedContent) -> LookResult:
        sources, retriever = self._sources, self._sources.production
        if retriever is None:
            if sources.overheard:
                return LookResult("production", "unknown", "production is only overheard in a log, not asked")
            return LookResult("production", "nothing", "not configured ([production])")
        rows, failed = self._asking(item), Counter[str]()
        results: list[tuple[str, ProductionResult]] = []
        answers = retriever.ask(sources.anchors, rows, k=sources.depth, deadline=sources.production_deadline)
        for row, answer in answers.items():
            failed.update([answer.reason] if answer.reason else [])
            results += [(sources.anchors.anchors[row].id, one) for one in answer.results]
        asked = len(rows)
        if self._request.text:
            question = self._text_question()
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

    def _text_question(self) -> AnchorSet:
        asked = self._text_anchor()
        if not isinstance(asked, str):
            return asked
        width = self._sources.anchors.vectors.shape[1]
        return AnchorSet([Anchor("", self._request.text)], np.zeros((1, width), np.float32), np.ones(1), [()])

    def _in_lists(self, item: ErasedItem) -> LookResult:
        """Whether the lists of now have it; what is kept of the past is only said."""
        gone = item.keys - {row.key for row in item.live}
        keys = np.array(sorted(gone), np.int64)
        past = {
            snapshot.name: count
            for snapshot in self._snapshots
            if (count := _anchors_with(snapshot.lists, keys)) and snapshot.name
        }
        said = ", ".join(f"{name} ({count_of(count, 'anchor')})" for name, count in past.items())
        remembered = f"remembered in {said}, as they were then" if said else "in no list that is kept"
        if not self._sources.lists:
            return LookResult("lists", "nothing", f"no monitor runs, so there are no lists of now; {remembered}")
        names = {chunk_key(name): name for name in item.named}
        findings = [
            ErasureFinding(names[int(key)], "chunk", said=f"in lists of the {leg} leg")
            for leg, lists in self._sources.lists.items()
            for key in np.intersect1d(lists.keys.ravel(), keys)
            if key != NO_CHUNK
        ]
        return LookResult.of("lists", findings, remembered)


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


def _kept(store: StateStore) -> list[Snapshot]:
    """The baselines, and the newest deploy's own lists."""
    ledger = store.ledger()
    record = store.deploy(ledger[-1].deploy_id) if ledger else None
    return [*store.baselines(), *(() if record is None else (record.snapshot,))]


def _anchors_with(lists: Mapping[ListLeg, RankedLists], keys: NDArray[np.int64]) -> int:
    rows = [np.flatnonzero(_with(of, keys)) for of in lists.values()]
    return len(np.unique(np.concatenate(rows))) if rows else 0


def _with(lists: RankedLists, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(A,) bool: rows that hold any of the keys."""
    found: NDArray[np.bool_] = np.logical_or.reduce(np.isin(lists.keys, keys), axis=1)
    return found
