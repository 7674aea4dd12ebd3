"""The check of excerpts finds what it is for: a line that is printed and not shown, or shown and not printed."""

import pytest

from tests.docs.excerpts import missing

PRINTED = """FAIL  deploy d9
compared with baseline main (approved by bootstrap)
  - kept_answers_ratio mean@10 dense: 0.5
  - new_results mean@10 dense: 3
cause: CORPUS
blame, dense: docs 90% of 10 changed slots
what to do:
  CORPUS: revert the blamed documents
7 critical rules judged, 0 warnings
"""


@pytest.mark.parametrize(
    ("excerpt", "wrong"),
    [
        (PRINTED, 0),
        ("FAIL  deploy other\n...\nblame, dense: x 1% of 2 changed slots\n...\n1,204 critical rules judged", 0),
        ("  - one reason: 1\ncause: INDEX\nblame, dense: x\n", 0),
        ("  - one reason: 1\nblame, dense: x\n", 1),  # `cause:` is printed between them
        ("blame, dense: x\nblame, lexical: y\n", 1),  # printed once
        ("cause: CORPUS\n...\nFAIL  deploy d9\n", 1),  # the other way round
    ],
)
def test_parts_of_an_excerpt(excerpt: str, wrong: int) -> None:
    assert len(missing(excerpt, PRINTED)) == wrong
