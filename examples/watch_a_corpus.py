# %% [markdown]
# # A corpus, its anchor queries, and what a change does to them
#
# Each cell runs on its own in a notebook (percent format), or all of it as a script:
# `python examples/watch_a_corpus.py`. Vectors are made up here; yours come from your encoder.

# %%
import numpy as np

from monitor import Anchor, Chunk, Delete, Session, Upsert

DIMENSION = 32
chance = np.random.default_rng(7)
topics = chance.standard_normal((40, DIMENSION))


def near(topic: int) -> list[float]:
    """A vector about a topic."""
    return [mean + 0.3 * noise for mean, noise in zip(topics[topic], chance.standard_normal(DIMENSION), strict=True)]


# %% [markdown]
# Eighty questions in two languages, and a corpus of 400 chunks.

# %%
anchors = [
    Anchor.of(
        f"a{at}", f"question about topic {at % 40}", near(at % 40), segment={"language": "de" if at % 2 else "en"}
    )
    for at in range(80)
]
session = Session(anchors, dimension=DIMENSION, depths=(5,), dimensions=("language",))
session.apply(
    Upsert(Chunk.of(f"c{at}", f"topic {at % 40}, paragraph {at}", near(at % 40), doc_id=f"page {at % 40}"))
    for at in range(400)
)
session.compare_with(session.snapshot("before the clean-up"))

# %% [markdown]
# A clean-up deletes what looked outdated. What did that do to the answers?

# %%
session.apply(Delete(f"c{at}") for at in range(400) if at % 40 < 20 and at >= 120)
report = session.report()
for one in report.measurements:
    if (one.metric, one.leg, one.stat) == ("swaps", "dense", "mean"):
        print(f"swaps per anchor, {one.dimension}={one.segment}: {one.value:.2f} of 5")
for cause in report.causes:
    print(f"cause {cause.cause}: {cause.slots:.0f} slots in {cause.anchors} lists")

# %%
verdict = session.judge()
print("verdict:", verdict.verdict)
print("\n".join(verdict.reasons[:3]))
