"""Would another retriever answer the same? Two runs compared, per query, per segment, and judged.

Run it: `python examples/compare_retrievers.py`. The runs are generated here; yours come from anything that ranks:
dictionaries, TREC run files, ir_measures, ranx or pandas.
"""

import random

import monitor


def retrieved(seed: int, lost: float) -> dict[str, dict[str, float]]:
    """Ten results for each of 200 queries, some of which another retriever does not find."""
    chance = random.Random(seed)  # noqa: S311 - made-up results, the same each time
    return {
        f"q{query}": {
            f"doc{query}-{rank if chance.random() > lost else 100 + rank}": 1.0 / (1 + rank) for rank in range(10)
        }
        for query in range(200)
    }


def main() -> None:
    before, after = retrieved(1, lost=0.0), retrieved(2, lost=0.3)
    segments = {query: {"language": "de" if int(query[1:]) % 4 == 0 else "en"} for query in before}
    qrels = {query: {f"doc{query[1:]}-0": 1, f"doc{query[1:]}-3": 1} for query in list(before)[:120]}

    drift = monitor.compare(before, after, k=10)
    worst = sorted(zip(drift.swaps.tolist(), drift.queries, strict=True), reverse=True)[:3]
    print("most changed:", ", ".join(f"{query} ({swaps:.0f} of 10)" for swaps, query in worst))
    print(drift.summary(segments, qrels))

    verdict = drift.judge(segments=segments)
    print("\nverdict:", verdict.verdict)
    for reason in verdict.reasons:
        print(" *", reason)


if __name__ == "__main__":
    main()
