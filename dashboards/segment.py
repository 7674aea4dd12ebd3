"""Segment drill-down: both legs side by side, scores, copies, and what the segment's chunks are like."""

from dashboards.board import Board, Variable
from dashboards.specs import SEGMENT, TARGET, Graph, Heading, Query, about, metric

_DEPTH = 'k="$k"'
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
        _legs("Diversity of results", "diversity_ratio", "percentunit", _DEPTH),
        Heading("Chunks and copies"),
        _corpus("Live chunks", "short", "chunks"),
        _corpus("Copies", "percentunit", "duplicate_ratio", "near_duplicate_ratio"),
        _legs("Copies within results", "topk_duplicate_ratio", "percentunit", _DEPTH),
        Graph(
            "Anchors",
            about("measured_anchors"),
            "short",
            (Query(metric("measured_anchors", SEGMENT), "{{leg}}"),),
        ),
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
