"""What a few chunks are is what they are among many."""

from monitor.core.measures.comparison.facts import CorpusFacts
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Delete, Upsert, chunk_key, text_hash
from monitor.core.session import Session


def _upsert(at: int) -> Upsert:
    segment = (("source", "wiki"),) if at % 3 else ()
    text = f"text {at}"
    return Upsert(Chunk(f"c{at}", f"doc {at % 5}", 0, text, None, "", segment, 0, text_hash(text)))


def test_origins_of_few_and_of_many() -> None:
    session = Session([Anchor("a", "text")])
    session.apply([*map(_upsert, range(20)), Delete("c3", 1), Delete("c4", 1)])
    facts = CorpusFacts(session.corpus, session.engine.duplicates)
    keys = [chunk_key(name) for name in (*(f"c{at}" for at in range(20)), "nobody")]
    many = facts.origins(keys)
    assert many == [found for key in keys for found in facts.origins([key])]
    assert many[:5] == [("", "doc 0"), ("wiki", "doc 1"), ("wiki", "doc 2"), ("", ""), ("", "")]
    assert many[-1] == ("", "")
    assert facts.origins([]) == []
