"""Integrity: what is wrong with a corpus by construction, seen by comparing what its chunks say now and then.

Everything goes by content: a chunk under another id, in another document or another segment says the same, and a text
that is cut into chunks otherwise holds the same shingles. So renames, moves and re-chunking are no losses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.sketches import BITS, NO_SKETCH, differing
from monitor.core.model.events import Segment
from monitor.core.model.report import Concern, Measurement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
IntegrityFault = Literal[
    "reembedded_ratio",
    "unequal_twins_ratio",
    "foreign_version_ratio",
    "lost_content_ratio",
    "boilerplate_ratio",
    "wordless_ratio",
    "implausible_time_ratio",
    "leftover_ratio",
    "copied_ratio",
]
FAULTS: tuple[IntegrityFault, ...] = get_args(IntegrityFault)

ROUNDED = 2
"""Bits in which sketches of one vector differ when it was rounded, at most."""
_TWINS = 16
"""Chunks of one text that a vector is compared with."""
_WORDS = 3
"""Fewer tokens than this say nothing."""
_GONE = 0.5
"""Share of its sampled shingles from which on a chunk's content is gone; cutting it otherwise takes about 0.05."""
_ALIKE = 0.7
"""Share of its sampled shingles that an edited chunk kept."""
_STRANGE = 0.75
"""Times the distance of two chunks that have nothing in common: farther apart than any edit puts a text."""
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
    def _at(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.dimensions)}

    def inside(self, segment: Segment) -> Mask:
        """By cell: whether it lies in a segment that is named by one or several dimensions."""
        wanted = [(self._at.get(name, -1), value) for name, value in segment]
        known = bool(wanted) and all(at >= 0 for at, _ in wanted)
        return np.array([known and all(of[at] == value for at, value in wanted) for of in self.values], np.bool_)

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

    def measurements(self, segments: Sequence[tuple[str, str]]) -> Iterator[Measurement]:
        """The share of each fault in each of these segments that has any chunks."""
        for where in segments:
            for fault in self.found:
                value, n = self.share(fault, where)
                if n:
                    yield Measurement(fault, "corpus", 0, *where, "mean", value, n, n)

    def concerns(self, segments: Sequence[tuple[str, str]], most: int) -> Iterator[Concern]:
        """The documents concerned by each fault in each segment, `most` of each at most."""
        for where in segments:
            for fault in self.found:
                documents = self.documents(fault, where)
                if documents:
                    yield Concern(fault, "corpus", *where, documents[:most], len(documents))


def compare(then: Population, now: Population, dimensions: tuple[str, ...]) -> Integrity | None:
    """What is wrong with the corpus now, compared with then; None where either's contents were not kept.

    A pure function of what the chunks say, in one pass over both corpora.
    """
    if then.contents is None or now.contents is None:
        return None
    values = tuple(sorted({*then.values, *now.values}))
    place = {of: at for at, of in enumerate(values)}
    return Integrity(dimensions, values, dict(_Comparison(then, now, then.contents, now.contents, place).faults()))


class _Comparison:
    def __init__(
        self,
        then: Population,
        now: Population,
        before: Contents,
        after: Contents,
        place: Mapping[tuple[str, ...], int],
    ) -> None:
        self.then, self.now, self.before, self.after, self.width = then, now, before, after, len(place)
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
            yield "unequal_twins_ratio", self._now(self._unequal() & ~moved)
        yield "foreign_version_ratio", self._now(self._foreign())
        yield "lost_content_ratio", self._lost()
        yield "boilerplate_ratio", self._now(self._boilerplate())
        yield "wordless_ratio", self._beyond(after.tokens < _WORDS, self.before.tokens < _WORDS)
        yield "implausible_time_ratio", self._beyond(after.implausible, self.before.implausible)
        yield "leftover_ratio", self._now(self._leftover())
        yield "copied_ratio", self._now(self._copied())

    def _now(self, flags: Mask, weight: float = 1.0) -> Found:
        """Chunks of now, each whole."""
        at = np.flatnonzero(flags)
        amounts = np.full(len(at), weight)
        names, live = self.after.names, self.live
        return Found(
            self.cells_now[at], amounts, self.now.documents[at].astype(np.int64), names, live.astype(np.float64), live
        )

    def _beyond(self, now: Mask, then: Mask) -> Found:
        """Chunks of now that are so, less as many as were so then: by key, and the rest by their number."""
        was = _within(self.now.keys, self.then.keys[then])
        fresh = now & ~was
        more = int(now.sum()) - int(then.sum())
        count = int(fresh.sum()) if more > 0 else 0
        return self._now(fresh & (count > 0), min(1.0, more / max(1, count)))

    def _same_text(self) -> Mask:
        """Chunks whose text was there, with a vector that none of its chunks had."""
        before, after = self.before, self.after
        order = np.argsort(before.texts, kind="stable")
        texts = before.texts[order]
        at = np.flatnonzero(self.known & (after.sketches != NO_SKETCH))
        left = np.searchsorted(texts, after.texts[at], "left")
        count = np.minimum(np.searchsorted(texts, after.texts[at], "right") - left, _TWINS)
        steps = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        others = before.sketches[order[np.repeat(left, count) + steps]]
        apart = differing(np.repeat(after.sketches[at], count), others)
        apart[others == NO_SKETCH] = 0
        flags = np.zeros(len(after.texts), np.bool_)
        if len(at):
            flags[at] = np.minimum.reduceat(apart, np.cumsum(count) - count) > ROUNDED
        return flags

    def _edited(self) -> Mask:
        """Chunks that kept most of their text, with a vector almost as far away as a stranger's."""
        before, after = self.before, self.after
        flags = np.zeros(len(after.texts), np.bool_)
        fresh = ~self.known & (after.sketches != NO_SKETCH) & (after.sampled >= _SEVERAL)
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
        flags[one] = differing(after.sketches[one], before.sketches[other]) > max(
            ROUNDED, _STRANGE * self._strangers()
        )
        return flags

    def _strangers(self) -> float:
        """Bits in which the sketches of two chunks of then differ that have nothing to do with each other: their
        median. Chunks are paired by the order of their keys, which are hashes.
        """
        sketches = self.before.sketches[self.before.sketches != NO_SKETCH]
        half = len(sketches) // 2
        return float(np.median(differing(sketches[:half], sketches[-half:]))) if half else BITS / 2

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

    def _boilerplate(self) -> Mask:
        """New texts that many documents say, whole or in part."""
        after = self.after
        often = max(_OFTEN, self.docs // 200)
        fresh = ~self.known & (after.tokens >= _WORDS)
        said = self._often(after.texts[fresh], self.doc_now[fresh], often)
        whole = fresh & _within(after.texts, said)
        owners = after.owners()
        common = self._often(after.shingles[self.novel], self.doc_now[owners[self.novel]], often)
        part = (
            after.share(self.novel & _within(after.shingles, common), np.zeros(len(after.texts), np.bool_)) >= _PREFIX
        )
        found: Mask = whole | (fresh & part)
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
        """Chunks as they were, in a document whose new chunks hold what they say."""
        after = self.after
        owners = after.owners()
        stands = self.known & ~self.added & (after.sampled >= _SEVERAL)
        fresh = self.added & ~self.known
        near = np.zeros(self.docs, np.bool_)
        near[self.doc_now[fresh]] = True
        at = np.flatnonzero(near[self.doc_now[owners]])
        paired = _paired(self.doc_now[owners[at]], after.shingles[at])
        held = np.zeros(len(owners), np.bool_)
        held[at] = _within(paired, paired[fresh[owners[at]]])
        left: Mask = stands & (after.share(held, np.zeros(len(stands), np.bool_)) >= _WITHIN)
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


def _within(values: NDArray[Any], others: NDArray[Any]) -> Mask:
    """Which values are among others, by sorting: the hashing of `numpy.isin` is slow for samples of hashes."""
    if not len(others):
        return np.zeros(len(values), np.bool_)
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
