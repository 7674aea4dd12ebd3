"""Slow and obvious versions of the ranking measurements, straight from the papers' definitions."""

from collections.abc import Sequence
from itertools import combinations

List = Sequence[int]


def jaccard(b: List, c: List) -> float:
    union = set(b) | set(c)
    return len(set(b) & set(c)) / len(union) if union else 1.0


def swaps(b: List, c: List) -> int:
    return max(len(b), len(c)) - len(set(b) & set(c))


def rbo_ext(b: List, c: List, p: float) -> float:
    """Webber, Moffat, Zobel 2010, equation 32, term by term."""
    short, long = sorted((list(b), list(c)), key=len)
    s, n = len(short), len(long)
    if n == 0:
        return 1.0
    if s == 0:
        return 0.0
    x = {d: len(set(short[:d]) & set(long[:d])) for d in range(1, n + 1)}
    seen = sum(x[d] / d * p**d for d in range(1, n + 1))
    assumed = sum(x[s] * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    return (1 - p) / p * (seen + assumed) + ((x[n] - x[s]) / n + x[s] / s) * p**n


def kendall_cost(b: List, c: List) -> float:
    """Fagin, Kumar, Sivakumar 2003, section 3.1: the four cases, pair by pair, with penalty 1/2."""
    return sum(_pair_cost(i, j, b, c) for i, j in combinations(sorted(set(b) | set(c)), 2))


def _pair_cost(i: int, j: int, b: List, c: List) -> float:
    in_b, in_c = [x for x in (i, j) if x in b], [x for x in (i, j) if x in c]
    if len(in_b) == len(in_c) == 2:  # case 1
        return float((b.index(i) < b.index(j)) != (c.index(i) < c.index(j)))
    for both, one in ((b, in_c), (c, in_b)):
        holds_both = i in both and j in both
        if holds_both and len(one) == 1:  # case 2: the list that holds one of them implies that it is ahead
            other = j if one[0] == i else i
            return float(both.index(other) < both.index(one[0]))
        if holds_both and not one:  # case 4
            return 0.5
    return 1.0  # case 3: one only in b, the other only in c


def kendall_distance(b: List, c: List) -> float:
    worst = len(b) * len(c) + (len(b) * (len(b) - 1) + len(c) * (len(c) - 1)) / 4
    return kendall_cost(b, c) / worst if worst else 0.0


def footrule(b: List, c: List, depth: int) -> tuple[float, float, float]:
    """Section 3.2 with location depth + 1: the moved, exited and entered sums over the worst case."""
    edge = depth + 1
    worst = sum(edge - r for r in range(1, len(b) + 1)) + sum(edge - r for r in range(1, len(c) + 1))
    moved = sum(abs(b.index(x) - c.index(x)) for x in b if x in c)
    exited = sum(edge - (b.index(x) + 1) for x in b if x not in c)
    entered = sum(edge - (c.index(x) + 1) for x in c if x not in b)
    return (moved / worst, exited / worst, entered / worst) if worst else (0.0, 0.0, 0.0)
