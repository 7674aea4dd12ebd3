"""Integrity: what is wrong with a corpus by construction, seen by comparing what its chunks say now and then.

Everything goes by content: a chunk under another id, in another document or another segment says the same, and a text
that is cut into chunks otherwise holds the same shingles. So renames, moves and re-chunking are no losses.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.mixing import GOLDEN, mix
from monitor.core.index.duplicates.shingles import WIDTH as SHINGLE
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.sketches import BITS, NO_SKETCH, differing
from monitor.core.index.statistics.word_samples import NO_WORD
from monitor.core.model.events import Segment, chunk_key
from monitor.core.model.report import ALL, Concern, Measurement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
IntegrityFault = Literal[
    "reembedded_ratio",
    "rescaled_ratio",
    "unequal_twins_ratio",
    "foreign_version_ratio",
    "lost_content_ratio",
    "boilerplate_ratio",
    "wordless_ratio",
    "repetitive_ratio",
    "implausible_time_ratio",
    "leftover_ratio",
    "copied_ratio",
    "echoed_ratio",
    "relabelled_ratio",
    "strange_words_ratio",
    "foreign_source_ratio",
    "grown_ratio",
]
FAULTS: tuple[IntegrityFault, ...] = get_args(IntegrityFault)
GROWN: IntegrityFault = "grown_ratio"
"""No fault: what came, and replaced nothing."""
LANGUAGE = "language"
"""The dimension, where it is configured, of whose values each has words of its own."""
SOURCE = "source"
"""The dimension, where it is configured, of whose values nobody adds one by accident."""
PINNED = "pinned"
"""As the statistic of a share: since the pinned baseline, beside a moving one."""
NO_CONTENTS = "no_contents"
"""The baseline is of a time before contents were kept, or there is none."""

ROUNDED = 2
"""Bits in which sketches of one vector differ when it was rounded, at most."""
_SCALED = 1.05
"""Times another length that a vector may have: rounding to eight bits changes it by less than 1%."""
_RARE = 0.001
"""Share of the vectors at each end of the lengths then that do not say which lengths there were."""
_TWINS = 16
"""Chunks of one text that a vector is compared with."""
_WORDS = 3
"""Fewer tokens than this say nothing."""
_SOME_LENGTH = 12
"""Tokens from which on a text that repeats itself is not just a short one."""
_OWN = 0.7
"""Share of the places of a text whose shingles are said there for the first time, at least."""
_GONE = 0.5
"""Share of its sampled shingles from which on a chunk's content is gone; cutting it otherwise takes about 0.05."""
_ALIKE = 0.7
"""Share of its sampled shingles that an edited chunk kept."""
_STRANGE = 0.75
"""Times the distance of two chunks that have nothing in common: farther apart than any edit puts a text."""
_LANGUAGE = 100
"""Chunks from which on a language's words are known."""
_SEVERAL = 3
"""Sampled shingles below which two chunks' likeness says nothing."""
_OFTEN = 5
"""Documents that say the same from which on it is boilerplate, in a corpus of up to 1000; then 1 in 200."""
_PREFIX = 0.2
"""Share of a chunk that is boilerplate."""
_WITHIN = 0.8
"""Share of a chunk that its document's new chunks hold, from which on it was left over."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Chunks that something is wrong with.

    Args:
        cells: (m,) places in `Integrity.values`.
        amounts: (m,) float64, how much of each is concerned, in the unit of `whole`.
        documents: (m,) places in `names`.
        names: ids of documents.
        whole: by cell, all that could be concerned.
        counts: by cell, chunks that this rests on.
    """

    cells: Ints
    amounts: Floats
    documents: Ints
    names: Sequence[str]
    whole: Floats
    counts: Ints


@dataclass(frozen=True, eq=False)
class Integrity:
    """What was found, by fault; immutable.

    Args:
        dimensions: `all` first.
        values: by cell, one value per dimension.
        found: by fault.
    """

    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    found: Mapping[IntegrityFault, Found] = field(default_factory=dict)

    @cached_property
    def _cells(self) -> dict[tuple[str, str], Mask]:
        """By dimension and value: which cells have it."""
        made: dict[tuple[str, str], Mask] = {}
        for cell, of in enumerate(self.values):
            for where in zip(self.dimensions, of, strict=True):
                made.setdefault(where, np.zeros(len(self.values), np.bool_))[cell] = True
        return made

    @cached_property
    def _said(self) -> dict[tuple[tuple[str, str], str], tuple[Measurement, ...]]:
        """What was measured of a segment, by the statistic's name: looks between two changes ask the same."""
        return {}

    @cached_property
    def _concerned(self) -> dict[tuple[tuple[str, str], int], tuple[Concern, ...]]:
        """What a segment's faults concern, by how many are named at most."""
        return {}

    def inside(self, segment: Segment) -> Mask:
        """By cell: whether it lies in a segment that is named by one or several dimensions."""
        chosen = np.full(len(self.values), bool(segment))
        for where in segment:
            chosen &= self._cells.get(where, np.False_)
        return chosen

    def share(self, fault: IntegrityFault, where: tuple[str, str], *, without: Segment = ()) -> tuple[float, int]:
        """Share of a segment that is concerned, and how many chunks it rests on; (NaN, 0) of nothing.

        Args:
            fault: which.
            where: dimension and segment.
            without: what is left out because a deploy said that it would change.
        """
        found = self.found[fault]
        chosen = self.inside((where,)) & ~self.inside(without)
        whole, count = float(found.whole[chosen].sum()), int(found.counts[chosen].sum())
        return (float(found.amounts[chosen[found.cells]].sum()) / whole if whole else float("nan")), count

    def documents(self, fault: IntegrityFault, where: tuple[str, str], *, without: Segment = ()) -> tuple[str, ...]:
        """The documents concerned, those with the most first, ties by name."""
        found = self.found[fault]
        chosen = (self.inside((where,)) & ~self.inside(without))[found.cells]
        weights = np.bincount(found.documents[chosen], found.amounts[chosen], minlength=len(found.names))
        ranked = sorted((-float(weights[at]), found.names[at]) for at in np.flatnonzero(weights).tolist())
        return tuple(name for _, name in ranked)

    def measurements(self, segments: Sequence[tuple[str, str]], stat: str = "mean") -> Iterator[Measurement]:
        """The share of each fault in each of these segments that has any chunks, under this statistic's name."""
        for where in segments:
            said = self._said.get((where, stat))
            if said is None:
                shares = ((fault, *self.share(fault, where)) for fault in self.found)
                made = (Measurement(of, "corpus", 0, *where, stat, value, n, n) for of, value, n in shares if n)
                said = self._said[where, stat] = tuple(made)
            yield from said

    def concerns(self, segments: Sequence[tuple[str, str]], most: int) -> Iterator[Concern]:
        """The documents concerned by each fault in each segment, `most` of each at most; growth is no fault."""
        for where in segments:
            named = self._concerned.get((where, most))
            if named is None:
                found = ((fault, self.documents(fault, where)) for fault in self.found if fault != GROWN)
                made = (Concern(of, "corpus", *where, names[:most], len(names)) for of, names in found if names)
                named = self._concerned[where, most] = tuple(made)
            yield from named


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
        self.known = _within(after.texts, before.texts) & (after.texts != 0)
        """Of the chunks now: the text was there."""
        self.novel = _missing(after, ~self.known, before.shingles)
        """Of the sampled shingles now: in a text that was not there, and not there themselves."""
        self.added = ~_within(now.keys, then.keys)
        """Of the chunks now: under an id that was not there."""
        codes = np.concatenate((then.hashes, now.hashes))
        every = np.unique(codes)
        self.doc_then = np.searchsorted(every, then.hashes)[then.documents] if len(then.keys) else _none()
        self.doc_now = np.searchsorted(every, now.hashes)[now.documents] if len(now.keys) else _none()
        self.docs = len(every)

    def faults(self) -> Iterator[tuple[IntegrityFault, Found]]:
        after = self.after
        if (after.sketches != NO_SKETCH).any() and (self.before.sketches != NO_SKETCH).any():
            moved = self._same_text() | self._edited()
            yield "reembedded_ratio", self._now(moved)
            if len(self.before.lengths):
                yield "rescaled_ratio", self._now(self._rescaled() & ~moved)
            yield "unequal_twins_ratio", self._now(self._unequal() & ~moved)
        yield "foreign_version_ratio", self._now(self._foreign())
        yield "lost_content_ratio", self._lost()
        yield "boilerplate_ratio", self._boilerplate()
        yield "wordless_ratio", self._beyond(after.tokens < _WORDS, self.before.tokens < _WORDS)
        yield "repetitive_ratio", self._beyond(_repetitive(after), _repetitive(self.before))
        yield "implausible_time_ratio", self._beyond(after.implausible, self.before.implausible)
        yield "leftover_ratio", self._now(self._leftover())
        yield "copied_ratio", self._now(self._copied())
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
        was = _within(self.now.keys, self.then.keys[then])
        fresh = now & ~was
        more = int(now.sum()) - int(then.sum())
        return self._now(np.where(fresh, min(1.0, max(0, more) / max(1, int(fresh.sum()))), 0.0))

    def _same_text(self) -> Mask:
        """Chunks whose text was there, with a vector that none of its chunks had; one without direction is none.

        Where the text is the same but for its marks and white space, that is where the vector is a stranger's.
        """
        at, first, others = self._twins
        flags = np.zeros(len(self.after.texts), np.bool_)
        if not len(at):
            return flags
        count = np.diff(first, append=len(others))
        there = self.before.sketches[others]
        apart = differing(np.repeat(self.after.sketches[at], count), there)
        apart[there == NO_SKETCH] = 0
        letters = _within(self.after.said[at], self.before.said)
        flags[at] = np.minimum.reduceat(apart, first) > np.where(letters, ROUNDED, self._far)
        return flags

    def _rescaled(self) -> Mask:
        """Chunks whose vector has another length than any had that stood for the same text; of a new text, another
        one than there was at all. A vector without direction has none.
        """
        then, now = self.before.lengths.astype(np.float64), self.after.lengths.astype(np.float64)
        there = np.sort(then[then > 0])
        cut = int(_RARE * len(there))
        low, high = (there[cut], there[len(there) - 1 - cut]) if len(there) else (0.0, math.inf)
        flags = (now < low / _SCALED) | (now > high * _SCALED)
        at, first, others = self._twins
        if len(at):
            own, their = np.repeat(now[at], np.diff(first, append=len(others))), then[others]
            apart = np.maximum(own, their) / np.where(np.minimum(own, their) > 0, np.minimum(own, their), math.inf)
            flags[at] = np.minimum.reduceat(apart, first) > _SCALED
        return flags & (now > 0)

    @cached_property
    def _twins(self) -> tuple[Ints, Ints, Ints]:
        """Of the chunks whose text was there: which they are, and where theirs begin among the chunks then that said
        the same, `_TWINS` of each at most.
        """
        order = np.argsort(self.before.texts, kind="stable")
        texts = self.before.texts[order]
        at = np.flatnonzero(self.known)
        left = np.searchsorted(texts, self.after.texts[at], "left")
        count = np.minimum(np.searchsorted(texts, self.after.texts[at], "right") - left, _TWINS)
        first = np.cumsum(count) - count
        steps = np.arange(int(count.sum())) - np.repeat(first, count)
        return at, first, order[np.repeat(left, count) + steps]

    def _edited(self) -> Mask:
        """Chunks that kept most of their text, with a vector almost as far away as a stranger's."""
        before, after = self.before, self.after
        flags = np.zeros(len(after.texts), np.bool_)
        fresh = ~self.known & (after.sampled >= _SEVERAL)
        mine, theirs = after.owners(), before.owners()
        chosen = np.flatnonzero(fresh[mine])
        near = np.zeros(self.docs, np.bool_)
        near[self.doc_now[fresh]] = True
        kept = np.flatnonzero(near[self.doc_then[theirs]])
        if not len(kept) or not len(chosen):
            return flags
        asked = _paired(self.doc_now[mine[chosen]], after.shingles[chosen])
        held = _paired(self.doc_then[theirs[kept]], before.shingles[kept])
        order = np.argsort(held, kind="stable")
        at = np.minimum(np.searchsorted(held[order], asked), len(held) - 1)
        same = held[order][at] == asked
        wide = len(before.texts)
        distinct, shared = np.unique(mine[chosen][same] * wide + theirs[kept][order][at][same], return_counts=True)
        one, other = np.divmod(distinct, wide)
        likely = shared >= _ALIKE * np.maximum(after.sampled[one], before.sampled[other])
        likely &= before.sketches[other] != NO_SKETCH
        one, other = one[likely], other[likely]
        flags[one] = differing(after.sketches[one], before.sketches[other]) > self._far
        return flags

    @cached_property
    def _far(self) -> float:
        """Bits of a sketch in which no edit makes a vector differ: `_STRANGE` of those in which two chunks of then do
        that have nothing to do with each other, by their median. Chunks are paired by the order of their keys, which
        are hashes.
        """
        sketches = self.before.sketches[self.before.sketches != NO_SKETCH]
        half = len(sketches) // 2
        strangers = float(np.median(differing(sketches[:half], sketches[-half:]))) if half else BITS / 2
        return max(float(ROUNDED), _STRANGE * strangers)

    def _unequal(self) -> Mask:
        """Chunks whose text stands in the corpus several times under one embedding version, with another vector than
        the first of them; those of a text of which that was so then do not count.
        """
        now = _unlike_first(self.after)
        before = self.before.texts[_unlike_first(self.before)]
        return now & ~_within(self.after.texts, before)

    def _foreign(self) -> Mask:
        """Chunks of an embedding version that was not there, while others are of one that was."""
        then = {of[-1] for of in self.then.values}
        other = np.array([of[-1] not in then for of in self.now.values], np.bool_)
        flags: Mask = other[self.now.cells] if len(self.now.cells) else np.zeros(0, np.bool_)
        return flags & (not flags.all())

    def _lost(self) -> Found:
        """Tokens that are nowhere any more and were not replaced by others in their document."""
        before, after = self.before, self.after
        absent = ~_within(before.texts, after.texts)
        gone = self._gone(absent)
        lost = gone * before.tokens
        fresh = np.where(self.known, 0.0, after.share(self.novel, ~self.known)) * after.tokens
        by_document = np.bincount(self.doc_then, lost, minlength=self.docs)
        made = np.bincount(self.doc_now, fresh, minlength=self.docs)
        net = np.maximum(0.0, by_document - made) / np.where(by_document > 0, by_document, 1.0)
        amounts = lost * net[self.doc_then]
        at = np.flatnonzero(amounts)
        whole = np.bincount(self.cells_then, before.tokens, minlength=self.width).astype(np.float64)
        counts = np.bincount(self.cells_then, minlength=self.width)
        return Found(
            self.cells_then[at], amounts[at], self.then.documents[at].astype(np.int64), before.names, whole, counts
        )

    def _gone(self, absent: Mask) -> Floats:
        """Share of each chunk of then that stands nowhere any more.

        Where a text is cut otherwise, a shingle or two are gone at the new border: a chunk counts from half on, and
        one with less than two in the sample goes with its document.
        """
        before = self.before
        owners, missing = before.owners(), _missing(before, absent, self.after.shingles)
        share = before.share(missing, absent)
        lost, held = (
            np.bincount(self.doc_then[owners], weights, minlength=self.docs)
            for weights in (missing, np.ones(len(missing)))
        )
        with_document = np.where(held > 0, lost / np.maximum(held, 1.0), 1.0)[self.doc_then] >= _GONE
        counts = np.where(before.sampled >= 2, share >= _GONE, (share > 0) & with_document)
        return np.where(absent & counts, share, 0.0)

    def _boilerplate(self) -> Found:
        """New texts that many documents say, whole or in part, beyond the rate of that in the same segments then."""
        after, before = self.after, self.before
        often = max(_OFTEN, self.docs // 200)
        fresh = ~self.known & (after.tokens >= _WORDS)
        flags = self._alike(after, self.doc_now, fresh, self.novel, often)
        if not flags.any():
            return self._now(flags)
        then = self._alike(
            before, self.doc_then, before.tokens >= _WORDS, np.ones(len(before.shingles), np.bool_), often
        )
        return self._beyond_rate(flags, fresh, then)

    def _beyond_rate(self, flags: Mask, fresh: Mask, then: Mask) -> Found:
        """Of new chunks those that are so, beyond the rate at which chunks of the same segments were so then."""
        made = np.bincount(self.cells_now[flags], minlength=self.width)
        came = np.bincount(self.cells_now[fresh], minlength=self.width)
        beyond: Floats = np.maximum(0.0, 1.0 - self._rates(then) * came / np.maximum(made, 1))
        return self._now(np.where(flags, beyond[self.cells_now], 0.0))

    def _rates(self, then: Mask) -> Floats:
        """By cell, in which share of the chunks then this was so: the highest of the rates of its segments."""
        counts = [np.bincount(self.cells_then[of], minlength=self.width) for of in (then, then | True)]
        rates = np.zeros(self.width)
        for one in zip(*self.values, strict=True):
            _, segments = np.unique(np.array(one, object).astype(str), return_inverse=True)
            found, whole = (np.bincount(segments, of) for of in counts)
            rates = np.maximum(rates, (found / np.maximum(whole, 1))[segments])
        return rates

    def _alike(self, of: Contents, documents: Ints, chunks: Mask, shingles: Mask, often: int) -> Mask:
        """Which of these chunks say, whole or in so large a part by these shingles, what many documents say."""
        said = self._often(of.texts[chunks], documents[chunks], often)
        common = self._often(of.shingles[shingles], documents[of.owners()[shingles]], often)
        part = of.share(shingles & _within(of.shingles, common), np.zeros(len(of.texts), np.bool_)) >= _PREFIX
        found: Mask = chunks & (part | _within(of.texts, said))
        return found

    def _often(
        self, said: NDArray[np.uint64] | NDArray[np.uint32], documents: Ints, often: int
    ) -> NDArray[np.uint64]:
        """What at least so many documents say."""
        distinct, codes = np.unique(said.astype(np.uint64), return_inverse=True)
        pairs = np.unique(codes * self.docs + documents)
        counts = np.bincount(pairs // max(1, self.docs), minlength=len(distinct))
        return distinct[counts >= often]

    def _leftover(self) -> Mask:
        """Chunks as they were, in a document whose new chunks hold what they say.

        A short chunk has too few shingles in the sample to tell: it is one where its document's others are.
        """
        after = self.after
        owners = after.owners()
        fresh = self.added & ~self.known
        near = np.zeros(self.docs, np.bool_)
        near[self.doc_now[fresh]] = True
        stands = self.known & ~self.added & near[self.doc_now]
        at = np.flatnonzero(near[self.doc_now[owners]])
        paired = _paired(self.doc_now[owners[at]], after.shingles[at])
        held = np.zeros(len(owners), np.bool_)
        held[at] = _within(paired, paired[fresh[owners[at]]])
        mine = stands[owners]
        sampled, shared = (
            np.bincount(self.doc_now[owners[of]], minlength=self.docs)[self.doc_now] for of in (mine, mine & held)
        )
        others = (sampled >= _SEVERAL) & (shared >= _WITHIN * sampled)
        share = after.share(held, np.ones(len(stands), np.bool_))
        left: Mask = stands & ((share >= _WITHIN) & (after.sampled >= _SEVERAL) | (share >= _GONE) & others)
        return left

    def _copied(self) -> Mask:
        """Chunks that are new and say what others say exactly, beyond the copies that there were."""
        after = self.after
        added = self.added & (after.texts != 0)
        texts, counts = np.unique(after.texts, return_counts=True)
        earlier, before = np.unique(self.before.texts, return_counts=True)
        had = np.ones(len(texts), np.int64)
        shared = _within(texts, earlier)
        had[shared] = before[_within(earlier, texts)]
        more = counts > had
        found: Mask = added & _within(after.texts, texts[more])
        return found

    def _echoed(self) -> Floats:
        """Which part of each new chunk's text other documents say too, beyond the part that they said then.

        What was there is no echo: a chunk of a document that was cut anew is measured by its document then, another
        one by all documents. Exact copies are counted apart.
        """
        fresh = self.added & ~self.known & ~self._copied()
        echoes = _elsewhere(self.after, self.doc_now, fresh)
        if not echoes.any():
            return echoes
        then = _usual(self.then)
        chunks = np.bincount(self.doc_then, minlength=self.docs)
        usual = np.bincount(self.doc_then, then, minlength=self.docs) / np.maximum(chunks, 1)
        allowed = np.where(chunks > 0, usual, then.mean() if len(then) else 0.0)[self.doc_now]
        made: Floats = echoes * max(0.0, 1.0 - float(allowed[fresh].sum()) / float(echoes.sum()))
        return made

    def _grown(self) -> Floats:
        """Which part of each new chunk says what was said nowhere before, beyond what its segment lost meanwhile."""
        fresh = self.added & ~self.known & (self.after.tokens > 0)
        novel = _share(self.after, self.novel, fresh)
        lost = np.bincount(self.cells_then, self._gone(~_within(self.before.texts, self.after.texts)), self.width)
        made = np.bincount(self.cells_now, novel, self.width)
        net: Floats = novel * (np.maximum(0.0, made - lost) / np.where(made > 0, made, 1.0))[self.cells_now]
        return net

    def _strange_words(self) -> Found:
        """New chunks in words that the corpus, or their language's part of it, did not have: garbled, or in another
        language or script. Where a segment is new, or a language too small to know its words, nobody can tell.
        """
        known = [set(one) for one in zip(*(of[:-1] for of in self.then.values), strict=True)] or [set()]
        there = [all(value in of for value, of in zip(values, known, strict=False)) for values in self.values]
        told = np.array(there, np.bool_)[self.cells_now] & ~self.known
        flags, then = np.zeros(len(self.cells_now), np.bool_), np.zeros(len(self.cells_then), np.bool_)
        for dimension in (ALL, LANGUAGE):
            if dimension not in self.dimensions or not told.any():
                continue
            spoken = _vocabulary(self.then, self.dimensions.index(dimension))
            codes = _codes(self.values, self.dimensions.index(dimension))[self.cells_now]
            told &= _within(codes, spoken.languages)
            flags[told] |= _unknown(
                self.after.words[told], _within(_spoken(self.after.words[told], codes[told]), spoken.words)
            )
            then |= spoken.alone
        return self._beyond_rate(flags & told, told, then)

    def _relabelled(self) -> Mask:
        """Chunks as they were, in the document they were in, with a value that none of them had in its dimension."""
        labels: dict[tuple[str, ...], int] = {}
        code = np.array([labels.setdefault(of[:-1], len(labels)) for of in self.values], np.int64)

        def marks(documents: Ints, texts: NDArray[np.uint64]) -> NDArray[np.uint64]:
            made: NDArray[np.uint64] = mix(texts + documents.astype(np.uint64) * GOLDEN)
            return made

        then, now = marks(self.doc_then, self.before.texts), marks(self.doc_now, self.after.texts)
        same = self.known & _within(now, then)
        labelled = _within(
            now + code[self.cells_now].astype(np.uint64), then + code[self.cells_then].astype(np.uint64)
        )
        found: Mask = same & ~labelled
        return found


def _repetitive(of: Contents) -> Mask:
    """Texts of some length in which three of ten places say what another place of the same text says."""
    places = of.tokens - (SHINGLE - 1)
    found: Mask = (of.tokens >= _SOME_LENGTH) & (of.distinct < _OWN * places)
    return found


class _Vocabulary(NamedTuple):
    """The words of each language of a corpus.

    Args:
        languages: codes of those with chunks enough to know their words.
        words: with their language, as `_spoken` says them.
        alone: by chunk, whether its words stand in no other one, so that others would not know them either.
    """

    languages: NDArray[np.uint64]
    words: NDArray[np.uint64]
    alone: Mask


@lru_cache(maxsize=4)
def _vocabulary(of: Population, dimension: int) -> _Vocabulary:
    """Of a baseline, which is compared with many times, by the values of one dimension."""
    contents = cast("Contents", of.contents)
    codes = _codes(of.values, dimension)[of.cells] if len(of.cells) else np.zeros(0, np.uint64)
    said = _spoken(contents.words, codes)
    words, counts = np.unique(said, return_counts=True)
    languages, chunks = np.unique(codes, return_counts=True)
    alone = _unknown(contents.words, _within(said, words[counts > 1]))
    return _Vocabulary(languages[chunks >= _LANGUAGE], words, alone)


def _codes(values: Sequence[tuple[str, ...]], dimension: int) -> NDArray[np.uint64]:
    """A 32-bit hash of the value of each cell in one dimension."""
    return np.array([chunk_key(of[dimension]) & 0xFFFF_FFFF for of in values], np.uint64)


@lru_cache(maxsize=2)
def _usual(of: Population) -> Floats:
    """What other documents of a baseline say too, of each of its chunks; it is compared with many times."""
    return _elsewhere(cast("Contents", of.contents), of.documents.astype(np.int64), np.ones(len(of.keys), np.bool_))


def _elsewhere(of: Contents, documents: Ints, chunks: Mask) -> Floats:
    """Share of the sampled shingles of these chunks that other documents have too; 0 of the others."""
    owners, width = of.owners(), np.uint64(int(documents.max(initial=0)) + 1)
    asked = chunks[owners]
    looked = np.flatnonzero(asked if asked.all() else _within(of.shingles, np.unique(of.shingles[asked])))
    pairs = np.unique(of.shingles[looked].astype(np.uint64) * width + documents[owners[looked]].astype(np.uint64))
    shingles, held = np.unique(pairs // width, return_counts=True)
    marked = np.zeros(len(owners), np.bool_)
    marked[looked] = _within(of.shingles[looked], shingles[held > 1])
    return _share(of, marked, chunks & (of.tokens > 0))


def _spoken(words: NDArray[np.uint32], languages: NDArray[np.uint64]) -> NDArray[np.uint64]:
    made: NDArray[np.uint64] = (languages << np.uint64(32))[:, None] | words
    return made


def _unknown(words: NDArray[np.uint32], known: Mask) -> Mask:
    """Which texts have at least three sampled words, and three of four of them are not known."""
    there = words != NO_WORD
    count, strange = there.sum(axis=1), (there & ~known).sum(axis=1)
    found: Mask = (count >= _SEVERAL) & (strange >= 0.75 * count)
    return found


def _share(of: Contents, marked: Mask, chunks: Mask) -> Floats:
    """Share of the sampled shingles of these chunks that are marked; 0 of the others.

    A short chunk may have none in the sample: it counts as these chunks do on average.
    """
    mine = chunks[of.owners()]
    average = float((mine & marked).sum()) / max(1, int(mine.sum()))
    share: Floats = np.where(of.sampled > 0, of.share(marked, np.zeros(len(chunks), np.bool_)), average)
    return np.where(chunks, share, 0.0)


def _within(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Which values are among others, by sorting: the hashing of `numpy.isin` is slow for samples of hashes."""
    if not len(others):
        return np.zeros(values.shape, np.bool_)
    ranked = np.sort(others)
    found: Mask = ranked[np.minimum(np.searchsorted(ranked, values), len(ranked) - 1)] == values
    return found


def _missing(of: Contents, chunks: Mask, others: NDArray[np.uint32]) -> Mask:
    """Which sampled shingles of these chunks are not among others; False of the other chunks."""
    missing = chunks[of.owners()]
    missing[missing] = ~_within(of.shingles[missing], others)
    return missing


def _placed(of: Population, place: Mapping[tuple[str, ...], int]) -> Ints:
    places = np.array([place[values] for values in of.values], np.int64)
    return places[of.cells] if len(of.cells) else _none()


def _none() -> Ints:
    return np.zeros(0, np.int64)


def _paired(documents: Ints, shingles: NDArray[np.uint32]) -> NDArray[np.uint64]:
    made: NDArray[np.uint64] = (documents.astype(np.uint64) << np.uint64(32)) | shingles
    return made


def _unlike_first(of: Contents) -> Mask:
    """Chunks whose vector is another than that of the first chunk, by key, that says the same."""
    directed = (of.sketches != NO_SKETCH) & (of.texts != 0)
    _, first, group = np.unique(of.texts, return_index=True, return_inverse=True)
    leads = of.sketches[first[group]] if len(of.texts) else of.sketches
    flags: Mask = directed & (leads != NO_SKETCH) & (differing(of.sketches, leads) > ROUNDED)
    return flags
