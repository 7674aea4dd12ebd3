"""The faults of a corpus, found by comparing what its chunks say now and then.

Everything goes by content: a chunk under another id, in another document or another segment says the same, and a text
that is cut into chunks otherwise holds the same shingles. So renames, moves and re-chunking are no losses.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import GOLDEN, mix
from monitor.core.index.duplicates.shingles import WIDTH as SHINGLE
from monitor.core.index.statistics.content_sets import (
    elsewhere,
    missing_shingles,
    often,
    said_often,
    shared_part,
    usual_echo,
    with_document,
    within,
)
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.integrity import (
    GROWN,
    LANGUAGE,
    Floats,
    Found,
    Integrity,
    IntegrityFault,
    Ints,
    Mask,
)
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.sketches import NO_SKETCH
from monitor.core.index.statistics.vector_faults import VectorComparison
from monitor.core.index.statistics.vocabularies import in_language, strange, value_codes, vocabulary
from monitor.core.model.report import ALL
from monitor.core.model.segments import SOURCE

_WORDS = 3
"""Fewer tokens than this say nothing."""
_SOME_LENGTH = 12
"""Tokens from which on a text that repeats itself is not just a short one."""
_OWN = 0.7
"""Share of the places of a text whose shingles are said there for the first time, at least."""
_GONE = 0.5
"""Share of its sampled shingles from which on a chunk's content is gone; cutting it otherwise takes about 0.05."""
_TELLING = 2
"""Sampled shingles from which on a chunk tells for itself what became of it."""
_SEVERAL = 3
"""Sampled shingles below which two chunks' likeness says nothing."""
_PREFIX = 0.2
"""Share of a chunk that is boilerplate."""
_WITHIN = 0.8
"""Share of a chunk that its document's new chunks hold, from which on it was left over."""


def compare(then: Population, now: Population, dimensions: tuple[str, ...]) -> Integrity | None:
    """What is wrong with the corpus now, compared with then; None where either's contents were not kept, or where
    segments were told apart by other dimensions then.

    A pure function of what the chunks say, in one pass over both corpora.
    """
    if then.contents is None or now.contents is None:
        return None
    values = tuple(sorted({*then.values, *now.values}))
    if any(len(of) != len(dimensions) for of in values):
        return None
    found = _Comparison(then, now, then.contents, now.contents, values, dimensions).faults()
    return Integrity(dimensions, values, dict(found))


class _Comparison:
    def __init__(
        self,
        then: Population,
        now: Population,
        before: Contents,
        after: Contents,
        values: tuple[tuple[str, ...], ...],
        dimensions: tuple[str, ...],
    ) -> None:
        self.then, self.now, self.before, self.after, self.dimensions = then, now, before, after, dimensions
        self.values, self.width = values, len(values)
        place = {of: at for at, of in enumerate(values)}
        self.cells_then = _placed(then, place)
        self.cells_now = _placed(now, place)
        self.live = np.bincount(self.cells_now, minlength=self.width)
        self.known = within(after.texts, before.texts) & (after.texts != 0)
        """Of the chunks now: the text was there."""
        self.novel = missing_shingles(after, ~self.known, before.shingles)
        """Of the sampled shingles now: in a text that was not there, and not there themselves."""
        self.added = ~within(now.keys, then.keys)
        """Of the chunks now: under an id that was not there."""
        codes = np.concatenate((then.hashes, now.hashes))
        every = np.unique(codes)
        self.doc_then = np.searchsorted(every, then.hashes)[then.documents] if len(then.keys) else _none()
        self.doc_now = np.searchsorted(every, now.hashes)[now.documents] if len(now.keys) else _none()
        self.docs = len(every)

    def faults(self) -> Iterator[tuple[IntegrityFault, Found]]:
        after = self.after
        if (after.sketches != NO_SKETCH).any() and (self.before.sketches != NO_SKETCH).any():
            vectors = VectorComparison(self.before, after, self.known, self.doc_then, self.doc_now)
            moved = vectors.same_text() | vectors.edited()
            yield "reembedded_ratio", self._now(moved)
            if len(self.before.lengths):
                yield "rescaled_ratio", self._now(vectors.rescaled() & ~moved)
            yield "unequal_twins_ratio", self._now(vectors.unequal() & ~moved)
        yield "foreign_version_ratio", self._now(self._foreign())
        yield "lost_content_ratio", self._lost()
        yield "boilerplate_ratio", self._boilerplate()
        yield "wordless_ratio", self._beyond(after.tokens < _WORDS, self.before.tokens < _WORDS)
        yield "repetitive_ratio", self._beyond(_repetitive(after), _repetitive(self.before))
        yield "implausible_time_ratio", self._beyond(after.implausible, self.before.implausible)
        yield "leftover_ratio", self._now(self._leftover())
        yield "copied_ratio", self._now(self._copied)
        yield "echoed_ratio", self._now(self._echoed())
        yield "relabelled_ratio", self._now(self._relabelled())
        yield "strange_words_ratio", self._strange_words()
        growth = self._grown()
        if SOURCE in self.dimensions:
            known = {of[self.dimensions.index(SOURCE)] for of in self.then.values}
            foreign = np.array([of[self.dimensions.index(SOURCE)] not in known for of in self.values], np.bool_)
            yield "foreign_source_ratio", self._now(np.where(foreign[self.cells_now], growth, 0.0))
        yield GROWN, self._now(growth)

    def _now(self, amounts: Mask | Floats) -> Found:
        """Chunks of now, each by this part of it."""
        at = np.flatnonzero(amounts)
        names, live, documents = self.after.names, self.live, self.now.documents[at].astype(np.int64)
        concerned = amounts[at].astype(np.float64)
        return Found(self.cells_now[at], concerned, documents, names, live.astype(np.float64), live)

    def _beyond(self, now: Mask, then: Mask) -> Found:
        """Chunks of now that are so, less as many as were so then: by key, and the rest by their number."""
        was = within(self.now.keys, self.then.keys[then])
        fresh = now & ~was
        more = int(now.sum()) - int(then.sum())
        return self._now(np.where(fresh, min(1.0, max(0, more) / max(1, int(fresh.sum()))), 0.0))

    def _foreign(self) -> Mask:
        """Chunks of an embedding version that was not there, while others are of one that was."""
        then = {of[-1] for of in self.then.values}
        other = np.array([of[-1] not in then for of in self.now.values], np.bool_)
        flags: Mask = other[self.now.cells] if len(self.now.cells) else np.zeros(0, np.bool_)
        return flags & (not flags.all())

    def _lost(self) -> Found:
        """Tokens that are nowhere any more and were not replaced by others in their document.

        Not replaced is what a document became shorter by, which is counted and not estimated: samples of what went
        and of what came differ by chance, and a page that was reworded as long as it was would seem to have lost
        something wherever more of the one was sampled. What moved elsewhere is no loss, but for what many documents
        said, and what came from elsewhere replaces nothing; those two are estimated.
        """
        before, after = self.before, self.after
        lost = self._gone() * before.tokens
        by_document = np.bincount(self.doc_then, lost, minlength=self.docs)
        concerned = by_document > 0
        moved = _foreign_tokens(before, self.doc_then, after, self.doc_now, concerned, self._own)
        brought = _foreign_tokens(
            after, self.doc_now, before, self.doc_then, concerned, np.ones(len(after.shingles), np.bool_)
        )
        was, made = (
            np.bincount(documents, tokens, minlength=self.docs)
            for documents, tokens in ((self.doc_then, before.tokens - moved), (self.doc_now, after.tokens - brought))
        )
        net = np.clip(was - made, 0.0, by_document) / np.where(concerned, by_document, 1.0)
        amounts = lost * net[self.doc_then]
        at = np.flatnonzero(amounts)
        whole = np.bincount(self.cells_then, before.tokens, minlength=self.width).astype(np.float64)
        counts = np.bincount(self.cells_then, minlength=self.width)
        return Found(
            self.cells_then[at], amounts[at], self.then.documents[at].astype(np.int64), before.names, whole, counts
        )

    def _gone(self) -> Floats:
        """Share of each chunk of then that stands nowhere any more, told by what it has of its own.

        What many documents say, as pages of one template do, stands on others still, and tells of none whether it is
        gone; of a chunk that has nothing else in the sample, all of it tells.
        """
        before = self.before
        sampled = before.counted(self._own)
        share = before.counted(self._missing & self._own) / np.maximum(sampled, 1)
        return self._counting(np.where(sampled > 0, share, before.share(self._missing, self._absent)))

    @cached_property
    def _own(self) -> Mask:
        """Of the sampled shingles of then: which few documents said."""
        return ~within(self.before.shingles, said_often(self.then))

    @cached_property
    def _absent(self) -> Mask:
        """Chunks of then whose text is not there as it was."""
        return ~within(self.before.texts, self.after.texts)

    @cached_property
    def _missing(self) -> Mask:
        """Of the sampled shingles of those: which stand nowhere."""
        return missing_shingles(self.before, self._absent, self.after.shingles)

    def _counting(self, share: Floats) -> Floats:
        """The shares gone that count.

        Where a text is cut otherwise, a shingle or two are gone at the new border: a chunk counts from half on, and
        one with less than two in the sample goes with its document.
        """
        before = self.before
        lost, held = (
            np.bincount(self.doc_then, of, minlength=self.docs)
            for of in (before.counted(self._missing), before.sampled)
        )
        goes_with = np.where(held > 0, lost / np.maximum(held, 1.0), 1.0)[self.doc_then] >= _GONE
        counts = np.where(before.sampled >= _TELLING, share >= _GONE, (share > 0) & goes_with)
        return np.where(self._absent & counts, share, 0.0)

    def _boilerplate(self) -> Found:
        """New texts that many documents say, whole or in part, beyond the rate of that in the same segments then."""
        after, before = self.after, self.before
        many = often(self.docs)
        fresh = ~self.known & (after.tokens >= _WORDS)
        flags = self._alike(after, self.doc_now, fresh, self.novel, many)
        if not flags.any():
            return self._now(flags)
        then = self._alike(
            before, self.doc_then, before.tokens >= _WORDS, np.ones(len(before.shingles), np.bool_), many
        )
        return self._beyond_rate(flags, fresh, then)

    def _beyond_rate(self, flags: Mask, fresh: Mask, then: Mask) -> Found:
        """Of new chunks those that are so, beyond the rate at which chunks of the same segments were so then."""
        made = np.bincount(self.cells_now[flags], minlength=self.width)
        came = np.bincount(self.cells_now[fresh], minlength=self.width)
        beyond: Floats = np.maximum(0.0, 1.0 - self._rates(then.astype(np.float64)) * came / np.maximum(made, 1))
        return self._now(np.where(flags, beyond[self.cells_now], 0.0))

    def _rates(self, then: Floats) -> Floats:
        """By cell, how much of the chunks then was so: the highest of the rates of its segments."""
        there = np.bincount(self.cells_then, then, minlength=self.width)
        every = np.bincount(self.cells_then, minlength=self.width)
        rates = np.zeros(self.width)
        for one in zip(*self.values, strict=True):
            _, segments = np.unique(np.array(one, object).astype(str), return_inverse=True)
            found, whole = (np.bincount(segments, of) for of in (there, every))
            rates = np.maximum(rates, (found / np.maximum(whole, 1))[segments])
        return rates

    def _alike(self, of: Contents, documents: Ints, chunks: Mask, shingles: Mask, many: int) -> Mask:
        """Which of these chunks say, whole or in so large a part by these shingles, what many documents say."""
        said = self._often(of.texts[chunks], documents[chunks], many)
        common = self._often(of.shingles[shingles], of.spread(documents)[shingles], many)
        part = of.share(shingles & within(of.shingles, common), np.zeros(len(of.texts), np.bool_)) >= _PREFIX
        found: Mask = chunks & (part | within(of.texts, said))
        return found

    def _often(self, said: NDArray[np.uint64] | NDArray[np.uint32], documents: Ints, many: int) -> NDArray[np.uint64]:
        """What at least so many documents say."""
        distinct, codes = np.unique(said.astype(np.uint64), return_inverse=True)
        pairs = np.unique(codes * self.docs + documents)
        counts = np.bincount(pairs // max(1, self.docs), minlength=len(distinct))
        return distinct[counts >= many]

    def _leftover(self) -> Mask:
        """Chunks as they were, in a document whose new chunks hold what they say.

        Only what a single chunk of the document said then tells: where several say nearly the same, any of them is in
        any new one. A short chunk has too few such shingles in the sample: it is one where its document's others are.
        """
        after = self.after
        fresh = self.added & ~self.known
        near = np.zeros(self.docs, np.bool_)
        near[self.doc_now[fresh]] = True
        if not near.any():
            return near[self.doc_now]
        owners = after.owners()
        stands = self.known & ~self.added & near[self.doc_now]
        at = np.flatnonzero(near[self.doc_now[owners]])
        paired = with_document(self.doc_now[owners[at]], after.shingles[at])
        held, tells = np.zeros(len(owners), np.bool_), np.zeros(len(owners), np.bool_)
        tells[at] = ~within(paired, self._said_often(near))
        held[at] = within(paired, paired[fresh[owners[at]]])
        held &= tells
        mine = stands[owners] & tells
        sampled, shared = (
            np.bincount(self.doc_now[owners[of]], minlength=self.docs)[self.doc_now] for of in (mine, mine & held)
        )
        others = (sampled >= _SEVERAL) & (shared >= _WITHIN * sampled)
        telling, found = (np.bincount(owners[of], minlength=len(stands)) for of in (tells, held))
        share = np.where(telling > 0, found / np.maximum(telling, 1), 1.0)
        left: Mask = stands & ((share >= _WITHIN) & (telling >= _SEVERAL) | (share >= _GONE) & others)
        return left

    def _said_often(self, documents: Mask) -> NDArray[np.uint64]:
        """Shingles of these documents, each with its document, that several of its chunks said then."""
        owners = self.before.owners()
        at = np.flatnonzero(documents[self.doc_then[owners]])
        paired = with_document(self.doc_then[owners[at]], self.before.shingles[at])
        distinct, chunks = np.unique(paired, return_counts=True)
        return distinct[chunks > 1]

    @cached_property
    def _copied(self) -> Mask:
        """Chunks that are new and say what others say exactly, beyond the copies that there were."""
        after = self.after
        added = self.added & (after.texts != 0)
        texts, counts = np.unique(after.texts, return_counts=True)
        earlier, before = np.unique(self.before.texts, return_counts=True)
        had = np.ones(len(texts), np.int64)
        shared = within(texts, earlier)
        had[shared] = before[within(earlier, texts)]
        more = counts > had
        found: Mask = added & within(after.texts, texts[more])
        return found

    def _echoed(self) -> Floats:
        """Which part of each new chunk's text other documents say too, beyond the part that they said then.

        What was there is no echo: a chunk of a document that was cut anew is measured by its document then, another
        one by its segments then, where pages of a template echo each other. Exact copies are counted apart.
        """
        fresh = self.added & ~self.known & ~self._copied
        echoes = elsewhere(self.after, self.doc_now, fresh)
        if not echoes.any():
            return echoes
        then = usual_echo(self.then)
        chunks = np.bincount(self.doc_then, minlength=self.docs)
        usual = np.bincount(self.doc_then, then, minlength=self.docs) / np.maximum(chunks, 1)
        allowed = np.where((chunks > 0)[self.doc_now], usual[self.doc_now], self._rates(then)[self.cells_now])
        made: Floats = echoes * max(0.0, 1.0 - float(allowed[fresh].sum()) / float(echoes.sum()))
        return made

    def _grown(self) -> Floats:
        """Which part of each new chunk says what was said nowhere before, beyond what its segment lost meanwhile."""
        fresh = self.added & ~self.known & (self.after.tokens > 0)
        novel = shared_part(self.after, self.novel, fresh)
        gone = self._counting(self.before.share(self._missing, self._absent))
        lost = np.bincount(self.cells_then, gone, self.width)
        made = np.bincount(self.cells_now, novel, self.width)
        net: Floats = novel * (np.maximum(0.0, made - lost) / np.where(made > 0, made, 1.0))[self.cells_now]
        return net

    def _strange_words(self) -> Found:
        """New chunks of documents that were there, in words that the corpus, or their language's part of it, did not
        have: garbled, or in another language or script. A document that was not there takes nothing away: a
        translation is what the lists say it is. Where a segment is new, or a language too small to know its words,
        nobody can tell.
        """
        known = [set(one) for one in zip(*(of[:-1] for of in self.then.values), strict=True)] or [set()]
        there = [all(value in of for value, of in zip(values, known, strict=False)) for values in self.values]
        told = np.array(there, np.bool_)[self.cells_now] & ~self.known & np.isin(self.doc_now, self.doc_then)
        flags, then = np.zeros(len(self.cells_now), np.bool_), np.zeros(len(self.cells_then), np.bool_)
        for dimension in (ALL, LANGUAGE):
            if dimension not in self.dimensions or not told.any():
                continue
            spoken = vocabulary(self.then, self.dimensions.index(dimension))
            codes = value_codes(self.values, self.dimensions.index(dimension))[self.cells_now]
            told &= within(codes, spoken.languages)
            flags[told] |= strange(
                self.after.words[told], within(in_language(self.after.words[told], codes[told]), spoken.words)
            )
            then |= spoken.alone
        return self._beyond_rate(flags & told, told, then)

    def _relabelled(self) -> Mask:
        """Chunks as they were, in the document they were in, with a value that none of them had in its dimension."""
        labels: dict[tuple[str, ...], int] = {}
        code = np.array([labels.setdefault(of[:-1], len(labels)) for of in self.values], np.int64)

        then, now = _marks(self.doc_then, self.before.texts), _marks(self.doc_now, self.after.texts)
        same = self.known & within(now, then)
        labelled = within(
            now + code[self.cells_now].astype(np.uint64), then + code[self.cells_then].astype(np.uint64)
        )
        found: Mask = same & ~labelled
        return found


def _foreign_tokens(
    of: Contents, documents: Ints, others: Contents, theirs: Ints, concerned: Mask, told: Mask
) -> Floats:
    """Tokens of each chunk that the other corpus says too, and not in the same document; 0 where nobody asks.

    A text that stands there whole, in other documents alone, counts whole, whatever else those documents share.

    Args:
        of: what the chunks say.
        documents: of the chunks.
        others: what those of the other corpus say.
        theirs: the documents of those.
        concerned: by document, whether anybody asks.
        told: by sampled shingle of the chunks, whether it counts.
    """
    asked = concerned[documents]
    if not asked.any():
        return np.zeros(len(asked))
    there = concerned[theirs]

    def abroad(said: NDArray[np.uint64], here: Ints, other: NDArray[np.uint64], beside: Ints) -> Mask:
        found = within(said, other)
        home = there[beside]
        found &= ~within(_marks(here, said), _marks(theirs[beside[home]], other[home]))
        return found

    texts = np.zeros(len(asked), np.bool_)
    texts[asked] = abroad(of.texts[asked], documents[asked], others.texts, np.arange(len(theirs)))
    texts &= of.texts != 0
    marked = of.spread(asked) & told
    marked[marked] = abroad(
        of.shingles[marked].astype(np.uint64), of.spread(documents)[marked],
        others.shingles.astype(np.uint64), others.owners(),
    )  # fmt: skip
    made: Floats = np.where(texts, 1.0, of.share(marked, 0.0)) * of.tokens
    return made


def _marks(documents: Ints, said: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """What is said, with the document that says it."""
    made: NDArray[np.uint64] = mix(said + documents.astype(np.uint64) * GOLDEN)
    return made


def _repetitive(of: Contents) -> Mask:
    """Texts of some length in which three of ten places say what another place of the same text says."""
    places = of.tokens - (SHINGLE - 1)
    found: Mask = (of.tokens >= _SOME_LENGTH) & (of.distinct < _OWN * places)
    return found


def _placed(of: Population, place: Mapping[tuple[str, ...], int]) -> Ints:
    places = np.array([place[values] for values in of.values], np.int64)
    return places[of.cells] if len(of.cells) else _none()


def _none() -> Ints:
    return np.zeros(0, np.int64)
