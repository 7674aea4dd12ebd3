"""Segment drill-down: both legs side by side, scores, copies, and what the segment's chunks are like."""

from dashboards.board import Board, Variable
from dashboards.specs import SEGMENT, TARGET, Graph, Heading, Query, about, metric

_DEPTH = 'k="$k"'
_CHANGES = ("new", "modified", "deleted")
_CHURN = (("moved", "places changed"), ("exited", "left"), ("entered", "came"))


def _of(name: str, *matchers: str, stat: str = "mean", **labels: str) -> str:
    return metric(name, SEGMENT, *matchers, stat=stat, **labels)


def _legs(title: str, name: str, unit: str, *matchers: str) -> Graph:
    """One metric, a line per leg."""
    return Graph(title, about(name), unit, (Query(_of(name, *matchers), "{{leg}}"),))


def _spread(title: str, name: str, leg: str, stats: tuple[str, ...]) -> Graph:
    """Statistics of one leg: scores of two legs are never in one graph."""
    queries = tuple(Query(_of(name, stat=stat, leg=leg), stat) for stat in stats)
    return Graph(f"{title}, {leg}", about(name), "none", queries)


def _churn(leg: str) -> Graph:
    queries = tuple(Query(_of(f"rank_churn_{part}_ratio", _DEPTH, leg=leg), said) for part, said in _CHURN)
    return Graph(f"Rank churn, {leg}", about("rank_churn_ratio"), "percentunit", queries, stacked=True)


def _chunks(title: str, name: str, unit: str, *stats: str) -> Graph:
    """Statistics of one measurement of the chunks themselves."""
    return Graph(title, about(name), unit, tuple(Query(_of(name, leg="corpus", stat=stat), stat) for stat in stats))


def _whole(title: str, name: str, unit: str, *stats: str) -> Graph:
    """Statistics of a measurement that there is of the whole corpus only."""
    queries = tuple(Query(metric(name, dimension="all", stat=stat), stat) for stat in stats)
    return Graph(title, about(name, "Of the whole corpus."), unit, queries)


def _corpus(title: str, unit: str, *names: str) -> Graph:
    """Measurements of the chunks themselves."""
    queries = tuple(Query(_of(name, leg="corpus"), name.replace("_", " ")) for name in names)
    return Graph(title, " ".join(about(name) for name in names), unit, queries)


SEGMENT_DRILL_DOWN = Board(
    "corpus-drift-segment",
    "Corpus drift / Segment",
    "One segment: dense against lexical, scores, copies, the index, and the chunks themselves.",
    (
        Heading("Dense against lexical"),
        _legs("Swaps by content", "collapsed_swaps", "none", _DEPTH),
        _legs("Swaps by id", "swaps", "none", _DEPTH),
        _legs("Rank-biased overlap", "rbo_ratio", "percentunit", _DEPTH),
        _legs("First result changed, by content", "collapsed_top1_changed_ratio", "percentunit", _DEPTH),
        _churn("dense"),
        _churn("lexical"),
        Graph(
            "Disagreement of the legs",
            about("disagreement_ratio"),
            "percentunit",
            (
                Query(_of("disagreement_ratio", _DEPTH), "disagreement"),
                Query(_of("disagreement_change", _DEPTH), "change since the baseline"),
            ),
        ),
        Graph(
            "Which leg moved",
            "How far each leg went from its own baseline: says which side a disagreement comes from.",
            "percentunit",
            (
                Query(_of("dense_shift_ratio", _DEPTH), "dense"),
                Query(_of("lexical_shift_ratio", _DEPTH), "lexical"),
            ),
        ),
        Heading("Scores"),
        _spread("First score", "top1_score", "dense", ("p05", "p50")),
        _spread("First score", "top1_score", "lexical", ("p05", "p50")),
        _spread("Fall of the first score", "top1_score_drop", "dense", ("mean", "p95")),
        _spread("Fall of the first score", "top1_score_drop", "lexical", ("mean", "p95")),
        _spread("Gap to the second", "gap", "dense", ("p05", "p50")),
        _spread("Gap to the second", "gap", "lexical", ("p05", "p50")),
        Heading("Index"),
        _legs("Recall of the index", "ann_recall_ratio", "percentunit", _DEPTH),
        _legs("Churn that no event explains", "unexplained_churn_ratio", "percentunit"),
        _legs("Ghosts", "ghost_ratio", "percentunit", _DEPTH),
        _legs("Largest hub", "hub_share_ratio", "percentunit", _DEPTH),
        Heading("Production, as users get it (where it is configured)"),
        _legs("Answers kept", "kept_answers_ratio", "percentunit", _DEPTH),
        Graph(
            "Movement beside the retriever's own noise",
            about("production_noise_swaps"),
            "none",
            (
                Query(_of("collapsed_swaps", _DEPTH, leg="production"), "since the baseline"),
                Query(_of("production_noise_swaps", _DEPTH), "between two calls"),
            ),
        ),
        Graph(
            "What production serves of the legs",
            about("production_explained_ratio"),
            "percentunit",
            (
                Query(_of("production_explained_ratio", _DEPTH), "either leg"),
                Query(_of("production_dense_ratio", _DEPTH), "dense"),
                Query(_of("production_lexical_ratio", _DEPTH), "lexical"),
            ),
        ),
        Graph(
            "What production should not serve",
            about("production_unmapped_ratio"),
            "percentunit",
            (
                Query(_of("production_unmapped_ratio", _DEPTH), "no known chunk"),
                Query(_of("production_ghost_ratio", _DEPTH), "deleted"),
                Query(_of("production_empty_ratio"), "answered with nothing"),
            ),
        ),
        Heading("Results"),
        _legs("Diversity of results", "diversity_ratio", "percentunit", _DEPTH),
        _legs("Results changed since the baseline", "changed_slot_ratio", "percentunit", _DEPTH),
        _legs("Sources of results", "distinct_sources", "none", _DEPTH),
        _legs("Mix of sources of results", "source_mix_divergence", "none", _DEPTH),
        Heading("Chunks and copies"),
        _corpus("Live chunks", "short", "chunks"),
        _chunks("Chunks changed since the baseline", "changed_chunks_ratio", "percentunit", *_CHANGES),
        _corpus("Copies", "percentunit", "duplicate_ratio", "near_duplicate_ratio"),
        _legs("Copies within results", "topk_duplicate_ratio", "percentunit", _DEPTH),
        Graph(
            "Anchors",
            about("measured_anchors"),
            "short",
            (Query(metric("measured_anchors", SEGMENT), "{{leg}}"),),
        ),
        _chunks("Length of chunks", "chunk_tokens", "short", "p05", "p50", "p95"),
        _chunks("Chunks of a document", "chunks_per_document", "short", "mean"),
        _chunks("Age of chunks", "age_seconds", "s", "p50", "p95"),
        Graph(
            "Shift of the chunks' distributions",
            "Population stability index against the baseline: above 0.1 is a change, above 0.25 a large one.",
            "none",
            tuple(
                Query(_of(name, leg="corpus", stat="psi"), said)
                for name, said in (
                    ("chunk_tokens", "length"),
                    ("chunks_per_document", "chunks"),
                    ("age_seconds", "age"),
                )
            ),
        ),
        Heading("Embedding space"),
        Graph(
            "Shift of the embeddings",
            about("embedding_shift", "Beside it what chance gives, for the whole corpus."),
            "none",
            (
                Query(_of("embedding_shift", leg="corpus", stat="squared"), "this segment"),
                Query(metric("embedding_shift", dimension="all", stat="squared"), "whole corpus"),
                Query(metric("embedding_shift", dimension="all", stat="null_p95"), "chance, 95%"),
            ),
        ),
        _chunks("How closely the vectors lie together", "embedding_density", "none", "resultant"),
        Graph(
            "Embedding versions",
            about("embedding_version_chunks"),
            "short",
            (Query(metric("embedding_version_chunks"), "{{embedding_version}}"),),
            stacked=True,
        ),
        Graph(
            "Length of vectors",
            about("vector_norm"),
            "none",
            (Query(metric("vector_norm"), "{{segment}} {{stat}}"),),
        ),
        Heading("Lexical statistics"),
        _whole("Change of the weight of anchors' words", "idf_change", "none", "mean", "max"),
        _whole("Change of the average length", "average_length_change", "none", "mean"),
    ),
    (
        Variable(
            "dimension",
            "Dimension",
            "By what the segments are told apart; all is every anchor.",
            f"label_values(corpus_drift_measured_anchors{{{TARGET}}}, dimension)",
        ),
        Variable(
            "segment",
            "Segment",
            "A value of the dimension.",
            f'label_values(corpus_drift_measured_anchors{{{TARGET},dimension="$dimension"}}, segment)',
        ),
        Variable(
            "k",
            "Depth",
            "How many results of a list are compared.",
            f"label_values(corpus_drift_swaps{{{TARGET}}}, k)",
        ),
    ),
)
