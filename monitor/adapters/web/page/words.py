"""How names, numbers and times are written on the page: bounded, escaped later, never a calm word for the unknown."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from monitor.core.measures.registry import REGISTRY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAME_CHARACTERS = 96
"""Of a name from outside, before it is cut."""
VERDICT_SIGNS: Mapping[str, str] = {
    "pass": "✓", "fail": "✕", "unknown": "?", "inconclusive": "≈", "warning": "!", "not watched": "-",
}  # fmt: skip
"""Beside the colour of a verdict: colour alone says nothing to many."""
# Controls, and what turns the direction of the text around it: they would let a name rewrite its neighbours.
_UNSEEN = dict.fromkeys(
    (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"
)
PARTS: Mapping[str, str] = {
    "anchor": "anchor",
    "explain": "incident",
    "chunk": "chunk",
    "find": "find",
    "segment": "segment",
    "measure": "over-time",
}
"""What is asked for, and the part of the page that answers."""
_PLACES: Mapping[str, int] = {"swaps": 2, "results": 2, "ratio": 3}
"""Digits after the point, by a metric's unit."""
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def shown(text: str, most: int = NAME_CHARACTERS) -> str:
    """A text from outside: controls made visible, cut at `most` characters.

    >>> shown("abcdefgh", 6)
    'abcde…'
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.translate(_UNSEEN)


def moment(microseconds: int) -> str:
    """An event time.

    >>> moment(1_780_000_000_000_000)
    '2026-05-28 20:26 UTC'
    """
    return (EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M UTC")


def clock(seconds: float) -> str:
    """A wall-clock stamp, to the second.

    >>> clock(1.7e9)
    '2023-11-14 22:13:20 UTC'
    """
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S UTC")


def size(count: int) -> str:
    """Bytes in binary units.

    >>> size(1_572_864), size(12)
    ('1.5 MiB', '12 B')
    """
    for unit, name in _SIZES:
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} B"


def number(value: float | None, metric: str = "") -> str:
    """A measured value as its measure is read: shares of anchors in per cent, the rest by its unit; unknown stays so.

    >>> number(4.364, "swaps"), number(0.8617, "rbo_ratio"), number(float("nan")), number(12345.6)
    ('4.36', '0.862', 'unknown', '12,346')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    measure, entry = REGISTRY.by_name.get(metric), REGISTRY.entries.get(metric)
    if measure is not None and measure.percent:
        return percent(value)
    if entry is not None and entry.unit in _PLACES:
        return f"{value:.{_PLACES[entry.unit]}f}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share.

    >>> percent(0.103), percent(0.004), percent(None)
    ('10%', '0.4%', 'unknown')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"{value:.1%}" if 0.0 < value < 0.01 else f"{value:.0%}"


def place(dimension: str, segment: str) -> str:
    """A segment as people and links name it.

    >>> place("all", "all"), place("language", "de")
    ('all', 'language=de')
    """
    return segment if dimension == "all" else f"{dimension}={segment}"


def link(**asked: str) -> str:
    """The address of a view of this page, with its part in view.

    >>> link(deploy="2026/8", segment="")
    '/?deploy=2026%2F8'
    """
    given = {name: value for name, value in asked.items() if value}
    query = urlencode(given, quote_via=quote, safe="", errors="replace")
    part = next((PARTS[name] for name in PARTS if name in given), "")
    return f"/?{query}{'#' if part else ''}{part}" if query else "/"
