"""Whether there is anything to judge: a corpus, lists that hold something, anchors with words.

Nothing moves in an empty list, so lists of nothing would pass every rule there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from monitor.core.index.baseline import ListLeg
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.text.tokens import tokenize

WORDLESS_SHARE = 0.05
"""Of the anchors: more without a word, and a mean over all of them is not what readers see."""


@dataclass(frozen=True, slots=True)
class Substance:
    """What the lists were made from.

    Args:
        chunks: live chunks.
        depth: results of a list that the rules judge; 0 = no rule judges lists.
        listed: results in all lists of all legs.
        anchors: anchors in use.
        wordless: those of them without a word, which no lexical list can answer; 0 where that leg is off.
        silent: whether production answered, and listed nothing for anybody.
    """

    chunks: int
    depth: int
    listed: int
    anchors: int
    wordless: int
    silent: bool = False

    def problems(self) -> tuple[Problem, ...]:
        """Why nothing may be concluded; empty where something may."""
        return tuple(Problem(ProblemKind.HOLLOW, text) for text in self._reasons())

    def _reasons(self) -> tuple[str, ...]:
        if not self.chunks:
            return ("the corpus is empty: there is nothing to find; expected live chunks",)
        if not self.listed:
            return (
                f"no anchor finds anything in {self.chunks} chunk(s); expected texts that share words with anchors",
            )
        found = []
        if self.silent:
            found.append(
                "production answers every anchor with nothing; expected results (production.url, production.results)"
            )
        if self.chunks < self.depth:
            said = (
                f"the corpus has {self.chunks} chunk(s), and lists of {self.depth} hold all of them whatever changes"
            )
            found.append(f"{said}; expected at least {self.depth}")
        if self.wordless > WORDLESS_SHARE * self.anchors:
            said = f"{self.wordless} of {self.anchors} anchors hold no word, so their lexical lists are always empty"
            found.append(f"{said}; expected at most {WORDLESS_SHARE:.0%}")
        return tuple(found)


def results(lists: Mapping[ListLeg, RankedLists]) -> int:
    """Results in all the lists."""
    return sum(int(of.lengths.sum()) for of in lists.values())


def answers_nothing(lists: RankedLists) -> bool:
    """Whether there are answers and none holds a result: nothing would ever move in them."""
    return bool(lists.known.any()) and not lists.lengths.any()


@lru_cache(maxsize=2)
def wordless(anchors: AnchorSet) -> int:
    """Anchors whose text holds no token."""
    return sum(not tokenize(anchor.text) for anchor in anchors.anchors)
