"""What a set-up found: sections of a configuration, lines for people, and a sample of the chunks."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.core.model.events import Chunk

FEW = 20
"""The most values of an attribute that makes a dimension of segments."""
DIMENSIONS = 2
"""So many dimensions are proposed."""
USUAL = ("language", "lang", "source", "doc_type", "type", "category", "domain", "product", "tenant")
"""Attributes that people tell results apart by, in this order."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found where a corpus comes from.

    Args:
        content: keys and values by the heading of their table.
        lines: what was found, for people.
        sample: chunks as they were read, with texts, and vectors where there are any.
        deploys: ids of the markers that were seen, oldest first; empty where a deploy ends with a run.
    """

    content: Mapping[str, Mapping[str, Any]]
    lines: Sequence[str]
    sample: Sequence[Chunk]
    deploys: Sequence[str] = ()


def proposed(values: Mapping[str, Counter[str]], total: int) -> dict[str, int]:
    """Attributes worth telling results apart by: nearly every chunk has one of 2 to FEW values. Name -> values."""
    fitting = {
        name: len(counted)
        for name, counted in values.items()
        if 2 <= len(counted) <= FEW and counted.total() >= 0.9 * total and total >= 2 * len(counted)
    }
    order = sorted(fitting, key=lambda name: (USUAL.index(name) if name in USUAL else len(USUAL), name))
    return {name: fitting[name] for name in order[:DIMENSIONS]}


def corpus_name(name: str) -> str:
    """A name as `corpus.name` may be.

    >>> corpus_name("my docs/v2")
    'my-docs-v2'
    """
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-._")[:64]
    return kept or "corpus"


def segments_line(found: Mapping[str, int]) -> str:
    """The proposed dimensions, for people."""
    named = ", ".join(f"{name} ({count} values)" for name, count in found.items())
    return f"segments: {named or 'no attribute with 2 to 20 values: results are judged together'}"


def duplicates_line(sample: Iterable[Chunk]) -> str:
    """How many texts stand under several ids, for people; "" where none does."""
    counted = Counter(chunk.content_hash for chunk in sample)
    several = sum(count > 1 for count in counted.values())
    return f"duplicates: {several} of {len(counted)} texts stand under several ids" if several else ""


def refusals_line(refused: Mapping[str, int]) -> str:
    """What could not be read, by reason, for people; "" for nothing."""
    return ", ".join(f"{count} x {reason}" for reason, count in sorted(refused.items()))
