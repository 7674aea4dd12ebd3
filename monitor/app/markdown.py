"""Markdown for step summaries of pipelines."""

from collections.abc import Sequence

from monitor.app.junit import printable

LIMIT = 64 << 10
"""Bytes: step summaries of pipelines drop what is longer."""


def cell(text: str) -> str:
    r"""Text of anybody's, which may stand in a table's cell and is no markup.

    >>> print(cell("a|b <i> [c](d) `e`"))
    a\|b &lt;i> \[c](d) 'e'
    """
    flat = printable(text).replace("|", "\\|").replace("`", "'")
    return flat.replace("<", "&lt;").replace("[", "\\[")


def bounded(lines: Sequence[str]) -> str:
    """The lines as one text that no pipeline drops: the last ones go."""
    kept, made = list(lines), "\n".join(lines) + "\n"
    while len(made.encode()) > LIMIT:
        kept.pop()
        made = "\n".join([*kept, "", "... cut; see `--format json`"]) + "\n"
    return made
