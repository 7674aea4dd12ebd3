"""What a page shows of a command's output, held against what the command prints.

Figures, names and reasons are those of one machine and one day: a line is known by what it begins with. Where an
excerpt leaves lines out, it says so with a line of dots.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

LEFT_OUT = "..."
_VERDICTS = ("PASS", "FAIL", "UNKNOWN", "INCONCLUSIVE")


def head(line: str) -> str:
    """What kind of line it is.

    >>> head("FAIL  deploy 4-incident"), head("  - kept_answers_ratio mean@10"), head("cause: CORPUS, INDEX")
    ('FAIL deploy', 'reason', 'cause:')
    >>> head("lost answers, dense: about 2 of 100"), head("911 critical rules judged, 0 warnings")
    ('lost answers, dense:', 'N critical rules judged')
    """
    words = line.split()
    if line.startswith("  - "):
        return "reason"
    if line.startswith("  "):
        return "detail"
    if words[0] in _VERDICTS:
        return " ".join(words[:2])
    if words[0] in ("lexical", "dense", "leg"):
        return "table"
    known, colon, _ = line.partition(":")
    return (
        known + colon if colon else " ".join(re.sub(r"^[\d,.]+$", "N", word) for word in line.split(", ")[0].split())
    )


def heads(lines: Sequence[str]) -> list[str]:
    """The kinds of lines, those that repeat once."""
    return [kind for kind, _ in groupby(head(line) for line in lines if line.strip())]


def parts(excerpt: str) -> Iterator[list[str]]:
    """The kinds of lines between dots."""
    for dotted, lines in groupby(excerpt.splitlines(), key=LEFT_OUT.__eq__):
        if not dotted:
            yield heads(list(lines))


def missing(excerpt: str, printed: str) -> list[list[str]]:
    """The parts of an excerpt that are not printed like this, in this order and without a line between."""
    said, at, wrong = heads([line for line in printed.splitlines() if line != LEFT_OUT]), 0, []
    for part in parts(excerpt):
        found = next((of for of in range(at, len(said) - len(part) + 1) if said[of : of + len(part)] == part), None)
        if found is None:
            wrong.append(part)
        else:
            at = found + len(part)
    return wrong
