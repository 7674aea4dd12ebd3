"""Which words changed between two texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MOST_WORDS = 2_000
"""Of each text that are compared, behind what both begin with and before what both end with: the time grows with the
product of both."""
CONTEXT = 12
"""Words shown on each side of a change."""
SPARE = 3
"""Words that are not worth leaving out."""


class WordRun(NamedTuple):
    """Some words in a row: in both texts, only before, only after; or `skipped`, in both and not shown.

    `words` says how many; the text of skipped ones is "".
    """

    kind: Literal["same", "gone", "new", "skipped"]
    text: str
    words: int


@dataclass(frozen=True, slots=True)
class WordDiff:
    """What became of a text.

    Args:
        runs: words in the order of both texts.
        gone: words that are only in the one before.
        new: words that are only in the one after.
        uncompared: words before and after that were too many to compare; they stand between the last two runs.
    """

    runs: tuple[WordRun, ...]
    gone: int
    new: int
    uncompared: tuple[int, int] = (0, 0)

    @property
    def same(self) -> bool:
        """Whether both say the same words in the same order."""
        return not (self.gone or self.new or any(self.uncompared))


def word_diff(before: str, after: str, *, most: int = MOST_WORDS, context: int = CONTEXT) -> WordDiff:
    """The words that changed, by `difflib` on words; white space is no word.

    What both texts begin and end with is taken off first, so that a small change of a long text costs nothing. The
    result is a valid way from one text to the other, not always the shortest (Ratcliff and Obershelp's, whose junk
    heuristic leaves frequent words of long texts out of the matching).

    Args:
        before: a text.
        after: another one.
        most: words of each that are compared.
        context: unchanged words that are shown beside a change.

    >>> diff = word_diff("pay within 30 days by card", "pay within 14 days by card")
    >>> [tuple(run[:2]) for run in diff.runs]
    [('same', 'pay within'), ('gone', '30'), ('new', '14'), ('same', 'days by card')]
    >>> diff.gone, diff.new, word_diff("a  b", "a b").same, word_diff("", "").runs
    (1, 1, True, ())
    """
    old, new = before.split(), after.split()
    first = _shared(old, new)
    last = _shared(old[first:][::-1], new[first:][::-1])
    middle = old[first : len(old) - last], new[first : len(new) - last]
    runs = [("same", old[:first]), *_changes(middle[0][:most], middle[1][:most]), ("same", old[len(old) - last :])]
    left = tuple(max(0, len(of) - most) for of in middle)
    made = tuple(_shown(runs, context))
    counts = {kind: sum(len(words) for of, words in runs if of == kind) for kind in ("gone", "new")}
    return WordDiff(made, counts["gone"], counts["new"], (left[0], left[1]))


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    for at, (word, same) in enumerate(zip(one, other, strict=False)):
        if word != same:
            return at
    return min(len(one), len(other))


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield "same", old[a:b]
            continue
        yield "gone", old[a:b]
        yield "new", new[c:d]


def _shown(runs: Sequence[tuple[str, Sequence[str]]], context: int) -> Iterator[WordRun]:
    """The runs that hold a word, long unchanged ones cut to what stands beside a change."""
    there = [(kind, words) for kind, words in runs if words]
    for at, (kind, words) in enumerate(there):
        head = context if at or len(there) == 1 else 0
        tail = context if at < len(there) - 1 or len(there) == 1 else 0
        if kind != "same" or len(words) <= head + tail + SPARE:
            yield WordRun(kind, " ".join(words), len(words))  # type: ignore[arg-type]  # one of ours
            continue
        if head:
            yield WordRun("same", " ".join(words[:head]), head)
        yield WordRun("skipped", "", len(words) - head - tail)
        if tail:
            yield WordRun("same", " ".join(words[len(words) - tail :]), tail)
