"""MDX: Markdown in which `import` and `export` are code and `{/* */}` is a comment, whatever they look like."""

from collections.abc import Sequence

from monitor.adapters.documents.markdown import front_matter, laid_out
from monitor.core.text.layout import DocumentLayout

_MOST_LINES = 500
"""Of an `export` whose brackets are never closed: it is text then."""
_OPENED, _CLOSED = frozenset("([{"), frozenset(")]}")


def mdx(text: str) -> DocumentLayout:
    """An MDX page: its text stays, only its structure is looked for without code and comments."""
    lines = text.split("\n")
    start, title = front_matter(lines)
    return laid_out(lines, _masked(lines, start), start, title)


def _masked(lines: Sequence[str], start: int) -> list[str]:
    """The lines with code and comments blanked; fences of Markdown are left to its parser."""
    masked = [*lines]
    at, fence = start, ""
    while at < len(lines):
        body = lines[at].strip()
        end = at + 1
        if body.startswith(("```", "~~~")):
            run = body[: len(body) - len(body.lstrip(body[0]))]
            closes = bool(fence) and body.strip(fence[0]) == "" and len(body) >= len(fence)
            fence = ("" if closes else fence) if fence else run
        elif not fence and body.startswith("{/*"):
            end = _end_of_comment(lines, at)
        elif not fence and _is_code(lines, at, start):
            end = _end_of_code(lines, at)
        else:
            at = end
            continue
        if not body.startswith(("```", "~~~")):
            masked[at:end] = [""] * (end - at)
        at = end
    return masked


def _is_code(lines: Sequence[str], at: int, start: int) -> bool:
    """Whether a paragraph begins here with one of the two words."""
    return lines[at].startswith(("import ", "export ")) and not (at > start and lines[at - 1].strip())


def _end_of_comment(lines: Sequence[str], at: int) -> int:
    return next((index + 1 for index in range(at, len(lines)) if "*/}" in lines[index]), at + 1)


def _end_of_code(lines: Sequence[str], at: int) -> int:
    """Behind the first blank line outside of brackets; behind the paragraph where they are not balanced."""
    depth = 0
    for index in range(at, min(len(lines), at + _MOST_LINES)):
        if depth <= 0 and not lines[index].strip():
            return index
        depth += sum((sign in _OPENED) - (sign in _CLOSED) for sign in lines[index])
    if depth <= 0:
        return min(len(lines), at + _MOST_LINES)
    return next((index for index in range(at, len(lines)) if not lines[index].strip()), len(lines))
