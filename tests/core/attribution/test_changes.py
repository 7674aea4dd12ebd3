"""What changed since a baseline: compared with what was there, not with where the last event stood."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from monitor.core.attribution import Event
from monitor.core.attribution.known import CorpusView
from monitor.core.model.events import Located, Position, chunk_key
from tests.core.attribution.world import SOURCES, Said, World, initial, leg_of, questions, sentence


def world(seed: int) -> tuple[np.random.Generator, World]:
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), questions(rng)
    return rng, World(state, anchors)


def event(of: World, baseline_of: World, name: str) -> Event | None:
    return CorpusView(of.corpus, of.engine).changes(baseline_of.snapshot()).event(chunk_key(name))


def listed(of: World) -> tuple[list[str], list[str]]:
    """Chunks that stand in a list, and those that stand in none."""
    keys = {key for lists in of.lists().values() for key in lists.keys.ravel().tolist()}
    names = sorted(of.state)
    return [name for name in names if chunk_key(name) in keys], [
        name for name in names if chunk_key(name) not in keys
    ]


def written_again(of: World, names: list[str], said: Mapping[str, Said]) -> None:
    """Deleted, and written again in a batch of its own."""
    of.apply(dict.fromkeys(names))
    of.apply({name: said[name] for name in names})


def test_chunks_deleted_and_written_again_as_they_were_did_not_change() -> None:
    _, of = world(1)
    before, said = world(1)[1], dict(of.state)
    inside, outside = listed(of)
    assert outside
    written_again(of, sorted(said), said)
    assert {name: found for name in inside + outside if (found := event(of, before, name)) is not None} == {}


def test_what_became_of_a_chunk_is_told_by_what_it_was() -> None:
    rng, of = world(2)
    before, said = world(2)[1], dict(of.state)
    inside, outside = listed(of)
    vectors = {name: replace(said[name], jitter=7) for name in (*inside[:3], *outside[:3])}
    texts = {name: replace(said[name], text=sentence(rng, 1)) for name in (*inside[3:6], *outside[3:6])}
    written_again(of, sorted(vectors), vectors)
    written_again(of, sorted(texts), texts)
    of.apply({"fresh": Said(sentence(rng, 2), "red", "red/fresh"), inside[6]: None})
    found = {name: event(of, before, name) for name in (*vectors, *texts, "fresh", inside[6])}
    kinds = {name: one.kind for name, one in found.items() if one is not None}
    assert {kinds[name] for name in vectors} == {"reencode"}
    assert {kinds[name] for name in texts} == {"update"}
    assert (kinds["fresh"], kinds[inside[6]]) == ("upsert", "delete")


def test_a_record_that_was_set_aside_long_ago_is_to_blame_wherever_it_stood() -> None:
    """Given another try, it is applied now and stands before the baseline's barrier."""
    rng, of = world(3)
    before = world(3)[1]
    before.offset = of.offset = of.offset + 5
    inside, _ = listed(of)
    changed = {"late": Said(sentence(rng, 1, 5), "red", "red/late"), inside[0]: Said(sentence(rng, 3), "red", "d")}
    for at, (name, said) in enumerate(changed.items()):
        late = Located(Position("t", 1, at), of._event(name, said))
        of.engine.apply(of.corpus.delta(of.corpus.apply([late]).changes))
    baseline = replace(before.snapshot(), positions={"t/0": of.offset, "t/1": 50})
    changes = CorpusView(of.corpus, of.engine).changes(baseline)
    found = {name: changes.event(chunk_key(name)) for name in changed}
    assert {name: (one.kind, one.position.offset) for name, one in found.items() if one is not None} == {
        "late": ("upsert", 0),
        inside[0]: ("update", 1),
    }
    dense = leg_of(of.blame(baseline), "dense")
    assert len(dense.row)
    assert (dense.cause >= 0).all(), "churn of a known event is called unexplained"


@pytest.mark.parametrize("seed", range(8))
def test_a_pipeline_that_writes_everything_again_hides_no_culprit(seed: int) -> None:
    """All is deleted and inserted again; one document says something else, and it alone is to blame."""
    rng, of = world(40 + seed)
    before = of.snapshot()
    said = dict(of.state)
    guilty = f"{SOURCES[seed % 5]}/{seed % 5}"
    own = [name for name, one in said.items() if one.document == guilty]
    assert own
    other = {name: replace(said[name], text=sentence(rng, int(rng.integers(8)), 5)) for name in own}
    written_again(of, sorted(said), {**said, **other})
    for one in of.blame(before).attributions:
        assert {cause.doc_id for cause in one.causes if isinstance(cause, Event)} <= {guilty}
    dense = leg_of(of.blame(before), "dense")
    assert len(dense.row)
    assert (dense.cause >= 0).all()


def test_copies_moves_and_returns_are_named_as_what_they_are() -> None:
    rng, of = world(4)
    inside, outside = listed(of)
    long = " ".join(sentence(rng, 3) for _ in range(8))
    of.apply({"gone": Said(sentence(rng, 5), "red", "red/gone")})
    gone = of.state["gone"]
    of.apply({"gone": None})
    of.apply({inside[0]: replace(of.state[inside[0]], text=long)})
    # a list must hold it: ask for it again where the rewritten text left the lists
    inside, outside = listed(of)
    before = of.snapshot()
    moved, copied = of.state[inside[1]], of.state[outside[0]]
    of.apply({inside[1]: None, "moved": replace(moved, document="red/elsewhere")})
    of.apply({"copied": replace(copied, document="red/copy"), "new": Said(sentence(rng, 6), "red", "red/new")})
    of.apply(
        {
            "near": Said(f"{long} {long.split()[0]}", "red", "red/near"),
            "long": Said(long, "red", "red/long"),
            "gone": gone,
        }
    )
    of.apply({inside[2]: None})
    changes = CorpusView(of.corpus, of.engine).changes(before)
    wanted = {
        inside[1]: "move",
        "moved": "move",
        "copied": "copy",
        "near": "copy",
        "long": "copy",
        "new": "upsert",
        "gone": "return",
        inside[2]: "delete",
    }
    found = {name: changes.event(chunk_key(name)) for name in wanted}
    assert {name: one and one.kind for name, one in found.items()} == wanted
