"""The oracle of blame: without the blamed events the lists are what they were, with them alone they are as now."""

import numpy as np
import pytest

from tests.core.attribution.world import (
    SOURCES,
    Said,
    World,
    blamed_chunks,
    contents,
    initial,
    leg_of,
    plant,
    questions,
)

SEEDS = 25
PASSES = 8


def planted(seed: int) -> tuple[World, World, dict[str, Said | None]]:
    """A world before and after one to three sources changed."""
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), questions(rng)
    before, after = World(state, anchors), World(state, anchors)
    culprits = rng.choice(SOURCES, 1 + seed % 3, replace=False).tolist()
    changed = plant(rng, after, culprits)
    after.apply(changed)
    return before, after, dict(changed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_taking_back_what_is_blamed_restores_the_lists(seed: int) -> None:
    """Masked culprits show once those before them are gone, so it may take several looks; nothing else is touched."""
    before, after, changed = planted(seed)
    baseline = before.snapshot()
    left = dict(changed)
    for _ in range(PASSES):
        culprits = after.blame(baseline)
        if not any(len(one.row) for one in culprits.attributions):
            break
        names = blamed_chunks(culprits.attributions, left, before.state)
        assert names <= set(left), "somebody is blamed who changed nothing"
        assert names, "churn that nobody is blamed for"
        after.apply({name: before.state.get(name) for name in sorted(names)})
        left = {name: said for name, said in left.items() if name not in names}
    for leg in ("dense", "lexical"):
        assert contents(after, after.lists()[leg]) == contents(before, before.lists()[leg])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_blamed_events_alone_make_the_dense_lists(seed: int) -> None:
    """What was not blamed may as well not have happened, but for what lists cannot show: chunks that stood in none,
    then or now, and would have come in had they not changed.
    """
    before, after, changed = planted(seed)
    culprits = after.blame(before.snapshot())
    names = blamed_chunks([leg_of(culprits, "dense")], changed, before.state)
    alone = World(before.state, before.anchors)
    alone.apply({name: after.state.get(name) for name in sorted(names)})
    shown = {said for world in (before, after) for row in contents(world, world.lists()["dense"]) for said in row}
    for made, found in zip(
        contents(alone, alone.lists()["dense"]), contents(after, after.lists()["dense"]), strict=True
    ):
        assert made == found or made - shown, "a list that the blamed events do not make"
