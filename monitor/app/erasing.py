"""A proof of erasure: every look at what was deleted, over the committed state and what is served now."""

from collections.abc import Iterator

from monitor.app.erasure_corpus import ErasureCorpus
from monitor.app.erasure_index import ErasureIndex
from monitor.app.erasure_lists import ErasureLists
from monitor.app.erasure_production import ErasureProduction
from monitor.app.erasure_sources import ErasureSources
from monitor.core.erasure.corpus_looks import copies_result, events_result, past_result, quarantine_result
from monitor.core.erasure.document import Document, erasure_document
from monitor.core.erasure.model import ErasureAnswer, ErasureRequest, LookResult
from monitor.core.text.wording import count_of
from monitor.ports import ConfigurationError

RECORDS = 1_000_000
"""Records set aside that are looked at: all of them, their store is bounded."""
MOST_IDS = 1_000
"""Ids of one request."""
EXPECTED = "expected ids of chunks or documents"


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
    lists, corpus = ErasureLists(sources), ErasureCorpus(sources, request.ids)
    contents = [corpus.content(item, lists.snapshots, request.text) for item in corpus.items]
    copies = corpus.copies(contents)
    index, production = (
        ErasureIndex(sources, corpus, contents, request.text),
        ErasureProduction(sources, request.text),
    )

    def looks(at: int) -> Iterator[LookResult]:
        item, content, found = corpus.items[at], contents[at], copies.findings(at)
        rows = lists.asking(item)
        yield events_result(item)
        yield quarantine_result(item, sources.store.quarantine(RECORDS))
        yield copies_result(item, content, found)
        yield from index.results(item, content, rows, {of.chunk_id: of.found_as for of in found})
        yield production.result(item, content, rows)
        yield lists.result(item)
        yield past_result(item, corpus.texts_kept(item))

    answers = [ErasureAnswer(item, tuple(looks(at)), request.accept_copies) for at, item in enumerate(corpus.items)]
    return erasure_document(answers, now)


def _sensible(request: ErasureRequest) -> None:
    wrong = next((name for name in request.ids if not name.strip()), None)
    if not request.ids or len(request.ids) > MOST_IDS or wrong is not None:
        found = f"id {wrong!r}" if wrong is not None else count_of(len(request.ids), "id")
        message = f"{found}: {EXPECTED}, 1 to {MOST_IDS:,}"
        raise ConfigurationError(message)
    if request.text and len(set(request.ids)) > 1:
        message = f"a text with {len(set(request.ids))} ids: expected one id, the text is what it said"
        raise ConfigurationError(message)
