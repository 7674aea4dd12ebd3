"""What stands in another corpus, by hash tables: against definitions that look at each number by itself."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.statistics.content_sets import (
    elsewhere,
    missing_shingles,
    often,
    said_often,
    shared_part,
    within,
)
from monitor.core.index.statistics.vector_faults import _TWINS, VectorComparison
from tests.core.index.statistics.test_integrity import Said, population

LAST = 2**64 - 1
numbers = st.lists(st.sampled_from([0, 1, 2, 2**31, 2**32 - 1, 2**32, 2**63, LAST, LAST - 1, 77]), max_size=30)


@settings(max_examples=300, deadline=None)
@given(numbers, numbers)
def test_within_is_membership(values: list[int], others: list[int]) -> None:
    """With 0, which is no number of a table, the greatest one, repeats and nothing at all."""
    for kind in (np.uint64, np.uint32, np.int64):
        one, other = (np.array(of, np.uint64).astype(kind) for of in (values, others))
        expected = [value in set(other.tolist()) for value in one.tolist()]
        assert within(one, other).tolist() == expected
        assert within(np.stack((one, one), axis=1), other).tolist() == [[of, of] for of in expected]
        assert within(one[::-2], other[::-1]).tolist() == expected[::-2]
    short = np.array(values, np.uint64).astype(np.uint32)
    assert within(short, np.array(others, np.uint64)).tolist() == [of in set(others) for of in short.tolist()]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("few", "many"), [(10, 5_000), (5_000, 10), (4_000, 4_000)])
def test_within_of_many(seed: int, few: int, many: int) -> None:
    generator = np.random.default_rng(seed)
    values, others = (generator.integers(0, 9_000, count).astype(np.uint64) << np.uint64(40) for count in (few, many))
    assert np.array_equal(within(values, others), np.isin(values, others))


def texts(generator: np.random.Generator, count: int) -> list[Said]:
    """Chunks of few shingles and fewer texts, so that much meets; some without any shingle."""
    return [
        Said(
            f"c{generator.integers(40)}-{at}",
            f"d{generator.integers(6)}",
            int(generator.integers(0, 12)),
            tuple(generator.choice(60, int(generator.integers(0, 7)), replace=False).tolist()),
            int(generator.integers(0, 2**63)) * int(generator.random() < 0.9),
            "docs",
        )
        for at in range(count)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_shares_of_sampled_shingles(seed: int) -> None:
    generator = np.random.default_rng(seed)
    then, now = (population(texts(generator, int(generator.integers(0, 30)))) for _ in range(2))
    of, others = now.contents, then.contents
    assert of is not None
    assert others is not None
    ends = np.cumsum(of.sampled)
    sets = [of.shingles[end - size : end].tolist() for end, size in zip(ends, of.sampled, strict=True)]
    chunks = generator.random(len(sets)) < 0.5
    there, documents = set(others.shingles.tolist()), now.documents.astype(np.int64)
    asked = [
        value not in there and bool(one) for shingles, one in zip(sets, chunks, strict=True) for value in shingles
    ]
    missing = missing_shingles(of, chunks, others.shingles)
    assert missing.tolist() == asked
    counts = [sum(asked[end - size : end]) for end, size in zip(ends, of.sampled, strict=True)]
    assert of.counted(missing).tolist() == counts
    assert of.owners().tolist() == [at for at, shingles in enumerate(sets) for _ in shingles]
    shares = [count / len(own) if own else 1.0 for count, own in zip(counts, sets, strict=True)]
    assert of.share(missing, np.ones(len(sets), np.bool_)).tolist() == shares

    def part(marked: list[list[bool]], some: list[bool]) -> list[float]:
        mine = [one for own, chosen in zip(marked, some, strict=True) if chosen for one in own]
        average = sum(mine) / max(1, len(mine))
        return [
            (sum(own) / len(own) if own else average) if chosen else 0.0
            for own, chosen in zip(marked, some, strict=True)
        ]

    flags = [asked[end - size : end] for end, size in zip(ends, of.sampled, strict=True)]
    assert shared_part(of, missing, chunks).tolist() == part(flags, chunks.tolist())
    said = {(value, document) for own, document in zip(sets, documents.tolist(), strict=True) for value in own}
    common = [[sum(value == of for of, _ in said) > 1 for value in own] for own in sets]
    # only what these chunks say is looked for elsewhere; they alone have a share
    assert elsewhere(of, documents, chunks).tolist() == part(common, (chunks & (of.tokens > 0)).tolist())


@pytest.mark.parametrize("seed", range(10))
def test_what_many_documents_say_is_counted_by_document(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pages = [
        Said(f"c{at}", f"d{generator.integers(9)}", at + 1, tuple(generator.choice(12, 4, replace=False).tolist()))
        for at in range(int(generator.integers(0, 40)))
    ]
    said = {(value, one.doc) for one in pages for value in one.shingles}
    counts = Counter(value for value, _ in said)
    assert said_often(population(pages)).tolist() == sorted(value for value, many in counts.items() if many >= 5)
    assert (often(0), often(1000), often(1200)) == (5, 5, 6)


@pytest.mark.parametrize("seed", range(30))
def test_twins_are_the_first_that_said_the_same(seed: int) -> None:
    generator = np.random.default_rng(100 + seed)
    then, now = (population(texts(generator, int(generator.integers(1, 400)))) for _ in range(2))
    before, after = then.contents, now.contents
    assert before is not None
    assert after is not None
    known = within(after.texts, before.texts) & (after.texts != 0)
    at, first, others = VectorComparison(
        before, after, known, then.documents.astype(np.int64), now.documents.astype(np.int64)
    )._twins
    expected = [np.flatnonzero(before.texts == text)[:_TWINS].tolist() for text in after.texts[known]]
    assert at.tolist() == np.flatnonzero(known).tolist()
    found = np.split(others, first[1:]) if len(at) else []
    assert [of.tolist() for of in found] == expected
