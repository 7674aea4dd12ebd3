"""A small corpus for the lab's tests: two languages, four sources, and an encoder that needs no fitting."""

import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from benchmarks.lab.corpus import Anchor, Chunk, Stream, Vector, Write, unit
from benchmarks.lab.kinds import Setting
from benchmarks.lab.plants_template import with_pages
from benchmarks.lab.truth import words

DIMENSION = 8
LETTERS = "bdfgklmnprst"
WORDS = tuple(f"{a}{vowel}{b}ing" for a in LETTERS for vowel in "ao" for b in LETTERS[::4])


def encode(texts: Sequence[str]) -> Vector:
    """Sums of a fixed random vector for each word, of unit length; no words, no vector."""
    made = np.zeros((len(texts), DIMENSION), np.float32)
    for row, text in enumerate(texts):
        for word in words(text):
            made[row] += _direction(word)
    return unit(made)


@cache
def _direction(word: str) -> Vector:
    made: Vector = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSION).astype(np.float32)
    return made


def text(number: int) -> str:
    """Eight to seventy words that no other number has in this order; every third text has two lines."""
    drawn = np.random.default_rng(number).choice(WORDS, 8 + 7 * (number % 10)).tolist()
    half = len(drawn) // 2
    line = "\n" if number % 3 == 0 else " "
    return f'Entry n{number} is {" ".join(drawn[:half])}.{line}It\'s "{" ".join(drawn[half:])}".'


def chunks(count: int = 120) -> list[Chunk]:
    """Documents of five chunks; a quarter is of the smaller language."""
    texts = [text(number) for number in range(count)]
    vectors = encode(texts)
    return [
        Chunk(
            f"d{number // 5}#{number % 5}",
            f"d{number // 5}",
            number % 5,
            texts[number],
            vectors[number],
            (
                ("doc_type", ("guide", "api", "blog")[number % 3]),
                ("language", "xx" if number // 5 % 4 == 0 else "en"),
                ("source", f"s{number // 5 % 6}"),
            ),
        )
        for number in range(count)
    ]


def anchors(corpus: Sequence[Chunk], every: int = 2) -> list[Anchor]:
    """The first sentence of every other chunk."""
    chosen = list(corpus)[::every]
    texts = [chunk.text.split(".")[0] for chunk in chosen]
    made = zip(chosen, texts, encode(texts), strict=True)
    return [Anchor(f"q{at}", said, vector, one.segment, one.chunk_id) for at, (one, said, vector) in enumerate(made)]


def setting(share: float = 0.2, seed: int = 3, count: int = 120, *, pages: bool = False) -> Setting:
    """What a plant sees; with pages of templates where it needs them."""
    made = chunks(count)
    of = Stream("small", ("source",), "small:v1", tuple(made), tuple(anchors(made)), (), encode)
    of = with_pages(of, 36) if pages else of
    return Setting(of.corpus, of.anchors, share, np.random.default_rng(seed), encode)


def stream(deploys: int = 2) -> Stream:
    """A stream whose ordinary deploys each change one text."""
    made = chunks()
    changed = [
        (
            f"ordinary-{at + 1}",
            (
                Write(
                    Chunk(
                        made[at].chunk_id,
                        made[at].doc_id,
                        at,
                        f"{made[at].text} More.",
                        made[at].vector,
                        made[at].segment,
                    )
                ),
            ),
        )
        for at in range(deploys)
    ]
    return Stream("small", ("source",), "small:v1", tuple(made), tuple(anchors(made)), tuple(changed), encode)
