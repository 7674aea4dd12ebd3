"""What is kept of a text that is gone, so that texts which still say it are found: a sample of its shingles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ragged import ragged
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.changes import Change

SAMPLE = 64
"""Shingles kept of a text, 256 bytes: of a text of up to 66 words all, of a longer one an even sample; the share of
them that another text has is then within 0.1 of the truth in 19 of 20 cases."""
HELD = 0.8
"""From this share on, a text says what another said (`copy`), or is taken from it (`part`)."""
FEWEST = 4
"""Sampled shingles that a part has at least: fewer are an idiom."""


@dataclass(frozen=True, slots=True, eq=False)
class ContentSketch:
    """A bottom-k sample of a text's shingles.

    Shingles are hashes, so the least ones are an even sample, and the same text has the same one in every run.

    Args:
        sample: at most `SAMPLE` shingles (or all of a text that is at hand), ascending, distinct, uint32.
        total: shingles of the text; 0 for one in which nothing is seen.

    Source: Broder, "On the resemblance and containment of documents", 1997, section 4.
    """

    sample: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    total: int = 0

    @classmethod
    def of(cls, shingles: NDArray[np.uint32]) -> "ContentSketch":
        """Of a text's sorted distinct shingles.

        >>> one = ContentSketch.of(np.arange(100, dtype=np.uint32))
        >>> len(one.sample), one.total
        (64, 100)
        """
        return cls(shingles[:SAMPLE].copy(), len(shingles))


def sketches_of_deleted(
    changes: Sequence[Change], shingles: Callable[[int], NDArray[np.uint32]]
) -> Mapping[int, ContentSketch]:
    """Of what each chunk said last that a batch deleted and left deleted, by chunk key.

    Args:
        changes: of the batch, in order.
        shingles: of the chunk in a slot, as before the batch.
    """
    if all(change.chunk is not None for change in changes):
        return {}
    texts: dict[int, str] = {}
    found: dict[int, NDArray[np.uint32]] = {}
    for change in changes:
        key = change.after.key
        if change.chunk is not None:
            found.pop(key, None)
            if change.kind != "noop":  # which says what is known already
                texts[key] = change.chunk.text
        elif (before := change.before) is not None and before.live:
            found[key] = text_shingles([texts[key]])[0] if key in texts else shingles(before.slot)
    return {key: ContentSketch.of(of) for key, of in found.items()}


@dataclass(frozen=True, slots=True)
class SharedContent:
    """A text that shares content with a sketch.

    Args:
        text: its place among the texts asked.
        sketch: place of the sketch.
        held: share of the sketch's text that it says, in [0, 1].
        taken: share of it that the sketch's text said, in [0, 1]; estimated where the sketch is a sample.
    """

    text: int
    sketch: int
    held: float
    taken: float


class ContainmentSearch:
    """Tells which texts say what some texts said that are gone, whole or in part.

    With A the sample of a sketch of n shingles and T the shingles of a text: `held` = |A n T| / |A|, an unbiased
    estimate of the share of the n; `taken` = min(1, held n / |T|). A text is found where `held` >= HELD, or where
    `taken` >= HELD and |A n T| >= FEWEST.

    Args:
        sketches: of the texts that are gone; one without shingles is never found.

    >>> from monitor.core.index.duplicates.foreign_texts import text_shingles
    >>> said = ["rotate the key every 90 days", "delete a user", "Rotate the key every 90 days!"]
    >>> gone, other, copy = text_shingles(said)
    >>> [(one.text, one.held) for one in ContainmentSearch([ContentSketch.of(gone)]).among([other, copy])]
    [(1, 1.0)]
    """

    def __init__(self, sketches: Sequence[ContentSketch]) -> None:
        self._sizes = np.array([len(one.sample) for one in sketches], np.int64)
        self._totals = np.array([one.total for one in sketches], np.int64)
        flat = np.concatenate([np.zeros(0, np.uint32), *(one.sample for one in sketches)])
        owners = np.repeat(np.arange(len(sketches)), self._sizes)
        order = np.argsort(flat, kind="stable")
        self._flat, self._owners = flat[order], owners[order]

    def among(self, texts: Sequence[NDArray[np.uint32]]) -> Iterator[SharedContent]:
        """Those of some texts that are found, in order.

        Args:
            texts: n sorted sets of distinct shingles.
        """
        lengths = np.array([len(one) for one in texts], np.int64)
        if not len(self._flat) or not lengths.any():
            return
        shingles = np.concatenate(texts)
        first = np.searchsorted(self._flat, shingles, "left")
        counts = np.searchsorted(self._flat, shingles, "right") - first
        met = np.flatnonzero(counts)
        numbers = np.repeat(np.arange(len(texts)), lengths)[met]
        width = len(self._sizes)
        pairs = np.repeat(numbers, counts[met]) * width + self._owners[ragged(first[met], counts[met])]
        found, shared = np.unique(pairs, return_counts=True)
        for pair, count in zip(found.tolist(), shared.tolist(), strict=True):
            text, sketch = divmod(pair, width)
            held = count / int(self._sizes[sketch])
            taken = min(1.0, held * int(self._totals[sketch]) / int(lengths[text]))
            if held >= HELD or (taken >= HELD and count >= FEWEST):
                yield SharedContent(text, sketch, held, taken)
