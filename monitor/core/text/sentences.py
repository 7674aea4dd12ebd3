"""Sentences of plain text."""

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\s*\n|::")


def first_sentence(text: str, most_words: int = 24) -> str:
    r"""The first sentence in one line without its full stop, cut at some words: what someone would search for.

    >>> first_sentence("Return the sum\n  of two numbers. Raises nothing.")
    'Return the sum of two numbers'
    """
    return " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split()[:most_words]).rstrip(".:")
