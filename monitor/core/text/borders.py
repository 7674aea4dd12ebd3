"""Content-defined borders: where long text without structure is cut, so that an edit moves only what is around it."""

from collections.abc import Sequence
from hashlib import blake2b


def priorities(texts: Sequence[str]) -> list[int]:
    """How likely each block is a border: smaller is more likely. They depend on the block's text alone.

    Of a run of equal blocks each has its own, or all of them would be borders.
    """
    made: list[int] = []
    run = 0
    for at, text in enumerate(texts):
        run = run + 1 if at and text == texts[at - 1] else 0
        said = f"{run}\n{text}".encode("utf-8", "surrogatepass")
        made.append(int.from_bytes(blake2b(said, digest_size=8).digest(), "big"))
    return made


def borders(sizes: Sequence[int], priorities: Sequence[int], limit: int) -> list[int]:
    """The blocks that begin a piece, in order; the first always does.

    A block begins a piece when the stretch around it in which it has the smallest priority (ties: the first) is
    larger than the limit. This is cutting the text at its smallest priority, then both sides likewise, until a piece
    is small enough. Whether a block is a border depends only on the blocks within one limit of it, so an edit of a
    block changes borders nowhere else. Pieces are at most `limit` large, but for a single block that alone is larger.
    Source: treaps (Seidel, Aragon 1996, section 2); the shape of a Cartesian tree is local in the same way.

    Args:
        sizes: of the blocks, 0 or more.
        priorities: of the blocks.
        limit: the largest piece.

    >>> borders([3, 3, 3, 3], [9, 5, 2, 7], limit=6)
    [0, 2]
    >>> borders([3, 3], [1, 2], limit=6), borders([], [], limit=6)
    ([0], [])
    """
    total = [0]
    for size in sizes:
        total.append(total[-1] + size)
    begins, ends = [0] * len(sizes), [len(sizes)] * len(sizes)
    rising: list[int] = []
    for at, own in enumerate(priorities):
        while rising and priorities[rising[-1]] > own:
            ends[rising.pop()] = at
        begins[at] = rising[-1] if rising else 0
        rising.append(at)
    # The stretch reaches from the border before (its block included) to the border behind (its block excluded).
    return [at for at in range(len(sizes)) if at == 0 or total[ends[at]] - total[begins[at]] > limit]


def joined(starts: Sequence[int], sizes: Sequence[int], least: int) -> list[int]:
    """The borders without those of pieces below `least`: such a piece joins the one before it.

    It does where that one is below `least` too, or is one that no other has joined yet: so only runs of small pieces
    are packed by position.

    >>> joined([0, 2, 3], [5, 5, 1, 9], least=4)
    [0, 3]
    >>> joined([0, 1, 2, 3], [9, 1, 1, 1], least=2), joined([], [], least=2)
    ([0, 2], [])
    """
    kept: list[int] = []
    held, alone = 0, False
    for start, end in zip(starts, [*starts[1:], len(sizes)], strict=False):
        size = sum(sizes[start:end])
        if kept and size < least and (alone or held < least):
            held, alone = held + size, False
            continue
        kept.append(start)
        held, alone = size, size >= least
    return kept
