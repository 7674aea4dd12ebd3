"""What the statistics know of each live chunk, in arrays by slot."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image
from monitor.core.index.statistics.word_samples import WIDTH

DEAD = -1
_KEPT = ("cells", "tokens", "seconds", "norms", "said", "digests", "sketches", "words", "parts", "overlaps")
Ints = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class SlotColumns:
    """One entry per slot; stale where `cells` is DEAD.

    Args:
        dimensions: how many, `all` and the embedding version included.
    """

    dimensions: int
    cells: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    tokens: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    seconds: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Event time, seconds since 1970."""
    norms: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    said: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Digests of the contents, to the letter."""
    digests: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    sketches: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Where the vector points, see `Sketches`."""
    words: NDArray[np.uint32] = field(default_factory=lambda: np.zeros((0, WIDTH), np.uint32))
    """(slots, WIDTH): a few words of the text, see `word_samples`."""
    then: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Place in the baseline."""
    changed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    """(slots, D): new or modified since the baseline within the segment of each dimension."""
    parts: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """(slots, D): parts of documents."""
    overlaps: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Share of shingles in the next chunk, 2^-30; DEAD where there is none."""

    def cover(self, needed: int) -> None:
        """Make room for so many slots."""
        held = len(self.cells)
        if needed <= held:
            return
        room = max(1024, needed * 5 // 4)
        for name in ("cells", "overlaps", "then"):
            setattr(self, name, longer(getattr(self, name), room, DEAD))
        for name in ("tokens", "seconds", "norms", "said", "digests", "sketches", "words"):
            setattr(self, name, longer(getattr(self, name), room))
        wide = (held, self.dimensions)
        self.changed = longer(self.changed.reshape(wide), room)
        self.parts = longer(self.parts.reshape(wide), room)

    def image(self) -> Image:
        """See `image`: what does not depend on a baseline."""
        return {name: getattr(self, name) for name in _KEPT}

    def resume(self, image: Image) -> None:
        """Take up what was there, without a baseline."""
        for name in _KEPT:
            setattr(self, name, image[name])
        self.then = np.full(len(self.cells), DEAD, np.int64)
        self.changed = np.zeros(self.parts.shape, np.bool_)

    def live(self) -> Ints:
        """Slots in use, ascending."""
        return np.flatnonzero(self.cells != DEAD)
