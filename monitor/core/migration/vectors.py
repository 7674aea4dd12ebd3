"""Faults of the new version's vectors: against their contract, their equals, and their texts encoded anew."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.judging.beta import share_upper
from monitor.core.judging.bounds import ALPHA

UNIT = 1e-3
"""How far from 1 the norm of a vector may be that the contract calls normalised: float16 and quantised stores
round."""
SAME = 0.999
"""Cosine of two encodings of one text by one encoder: batches and hardware change the last digits, no more."""
NAMED = 100
"""Chunks named of each kind of fault; all are counted."""


@dataclass(frozen=True, slots=True)
class FaultyVectors:
    """One kind of fault: how many of `checked` vectors have it, and the rows of the first."""

    kind: str
    count: int
    checked: int
    rows: tuple[int, ...] = ()


def contract_faults(
    vectors: Sequence[NDArray[np.float32]], dimension: int, *, unit: bool
) -> tuple[FaultyVectors, ...]:
    """What is wrong with vectors by themselves; each vector has the first fault of this list only.

    `dimension`: another number of components; `finite`: NaN or infinity; `zero`: no direction; `norm`: further than
    `UNIT` from 1 where the contract says that vectors are normalised.

    Args:
        vectors: n vectors as they are stored.
        dimension: d of the contract.
        unit: whether the contract normalises.

    Returns:
        all four kinds, in that order; counts of 0 where nothing is wrong.
    """
    sized = np.array([np.shape(vector) == (dimension,) for vector in vectors], np.bool_)
    rows = np.flatnonzero(sized)
    wide = np.array([vectors[row] for row in rows.tolist()], np.float64).reshape(len(rows), dimension)
    finite = np.all(np.isfinite(wide), axis=1)
    norms = np.linalg.norm(np.where(finite[:, None], wide, 0.0), axis=1)
    zero = finite & (norms == 0.0)
    long = finite & ~zero & (np.abs(norms - 1.0) > UNIT) & unit
    found = (
        ("dimension", np.flatnonzero(~sized)),
        ("finite", rows[~finite]),
        ("zero", rows[zero]),
        ("norm", rows[long]),
    )
    return tuple(_named(kind, wrong, len(vectors)) for kind, wrong in found)


def unequal_twins(vectors: NDArray[np.float32], contents: Sequence[str], *, same: float = SAME) -> FaultyVectors:
    """Equal content must have equal vectors: that needs no encoder, and finds a mix, a prefix that came later, a
    shift.

    Within a group of equal content hashes each vector is compared with the group's first; below `same` cosine it is a
    fault. Vectors without direction agree with nothing.

    Args:
        vectors: (n, d) float32, finite.
        contents: n content hashes.
        same: least cosine of equal content.

    Returns:
        kind `twins`; `checked` counts the vectors that have a twin before them.
    """
    first: dict[str, int] = {}
    pairs = [(first.setdefault(content, row), row) for row, content in enumerate(contents)]
    ahead, behind = np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2).T
    unlike = ~(cosines(vectors[ahead], vectors[behind]) >= same)
    return _named("twins", behind[unlike], len(behind))


@dataclass(frozen=True, slots=True)
class BlindAudit:
    """Stored vectors against their texts encoded anew.

    Args:
        checked: n vectors.
        failed: rows whose cosine is below `SAME`.
        least: smallest cosine seen, NaN where none was checked.
    """

    checked: int
    failed: tuple[int, ...]
    least: float

    @property
    def mixed_most(self) -> float:
        """95% upper bound of the share of vectors that another encoder made; exact binomial.

        >>> round(BlindAudit(300, (), 1.0).mixed_most, 4)
        0.0099
        """
        return share_upper(len(self.failed), self.checked, ALPHA) if self.checked else 1.0


def blind_audit(stored: NDArray[np.float32], anew: NDArray[np.float32]) -> BlindAudit:
    """Compare stored vectors with what the contract's encoder makes of their texts now.

    Args:
        stored: (n, d) float32, of chunks chosen at random.
        anew: (n, d) float32, aligned.
    """
    found = cosines(stored, anew)
    wrong = np.flatnonzero(~(found >= SAME))
    least = float(np.min(np.where(np.isnan(found), -1.0, found), initial=math.inf))
    return BlindAudit(len(found), tuple(wrong.tolist()), least if len(found) else math.nan)


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) cosine of aligned rows, in [-1, 1]; NaN where a vector has no direction or is not finite."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        made = np.sum(a * b, axis=1) / np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))
    clipped: NDArray[np.float64] = np.clip(made, -1.0, 1.0)
    return clipped


def _named(kind: str, rows: NDArray[np.int64], checked: int) -> FaultyVectors:
    return FaultyVectors(kind, len(rows), checked, tuple(rows[:NAMED].tolist()))
