"""Known items among what is encoded anew, against a loop over all pairs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.migration.candidates import estimate_plan, estimated_items
from monitor.core.model.scoring import Distance, prepare, scores


def test_the_plan_by_hand() -> None:
    plan = estimate_plan([[[10, 11], [12]], [[11, 13], [14]]], [[11, 20], []], [30, 10])
    assert list(plan.keys) == [30, 10, 11, 20, 13]
    assert [of.tolist() for of in plan.candidates] == [[1, 2, 3, 4], []], "an anchor without items encodes nothing"
    assert plan.items == [{2: 2, 3: 0}, {}]
    assert plan.sampled.tolist() == [True, True, False, False, False]
    nothing = estimate_plan([], [], [])
    assert not len(nothing.keys)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(Distance)))
def test_counts_equal_a_loop(seed: int, distance: Distance) -> None:
    generator = np.random.default_rng(seed)
    corpus = prepare(generator.integers(-2, 3, (30, 3)).astype(np.float32), distance)
    asked = prepare(generator.standard_normal((4, 3)).astype(np.float32), distance)
    listed = [[generator.permutation(30)[:5].tolist() for _ in range(4)] for _ in range(2)]
    known = [generator.permutation(30)[: generator.integers(0, 3)].tolist() for _ in range(4)]
    sample = generator.permutation(30)[:8].tolist()
    plan = estimate_plan(listed, known, sample)
    vectors = corpus[np.array(plan.keys, np.int64)]
    found = estimated_items(plan, asked, vectors, distance, (np.ones(4), np.arange(4)))
    at = 0
    for row, wanted in enumerate(known):
        exact = scores(corpus, asked[row], distance)
        candidates = {*wanted, *listed[0][row], *listed[1][row]}
        for key in wanted:
            beats = [other for other in range(30) if exact[other] > exact[key]]
            assert found.beaters[at] == sum(other in candidates for other in beats)
            assert found.hidden[at] == sum(other in set(sample) - candidates for other in beats)
            assert found.outside[at] == len(set(sample) - candidates)
            assert found.old_ranks[at] == (listed[0][row].index(key) + 1 if key in listed[0][row] else 0)
            assert found.weights[at] == 1 / len(wanted)
            assert found.members[at] == row
            at += 1
    assert at == len(found.beaters)
