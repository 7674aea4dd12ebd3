"""Jupyter notebooks: Markdown cells as they are, code cells as code. Outputs are no text: each run changes them."""

import json
from collections.abc import Iterator
from typing import Any

from monitor.adapters.documents.markdown import laid_out
from monitor.adapters.documents.plain import plain
from monitor.core.text.layout import DocumentLayout


def notebook(text: str) -> DocumentLayout:
    """The cells of a notebook (format 3 or 4), one below the other; what is none is plain text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return plain(text)
    lines: list[str] = []
    code: list[tuple[int, int]] = []
    for kind, source in _cells(found):
        lines += [""] if lines else []
        at = len(lines)
        lines += source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if kind != "markdown":
            code.append((at, len(lines)))
    masked = [*lines]
    for at, end in code:
        masked[at:end] = [""] * (end - at)
    made = laid_out(lines, masked, 0, "")
    return DocumentLayout(lines, made.headings, {**made.solid, **dict(code)})


def _cells(found: Any) -> Iterator[tuple[str, str]]:
    """(kind, source) of each cell that has one."""
    sheets = _list(found, "worksheets")  # format 3
    for sheet in sheets or [found]:
        for cell in _list(sheet, "cells"):
            if not isinstance(cell, dict):
                continue
            source = cell.get("source", cell.get("input"))
            if isinstance(source, list):
                source = "".join(part for part in source if isinstance(part, str))
            if isinstance(source, str) and source.strip():
                yield str(cell.get("cell_type")), source


def _list(found: Any, name: str) -> list[Any]:
    inner = found.get(name) if isinstance(found, dict) else None
    return inner if isinstance(inner, list) else []
