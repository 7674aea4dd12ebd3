"""The corpus itself, per segment, and how much of it the index has, described here.

Measured by `core.index.statistics`, `core.measures.content` and `core.index.index_sample`.
"""

from monitor.core.measures.measure import SHARE, AnyMeasure, Family, Measure

_CORPUS: Family = "The corpus itself"

CORPUS: tuple[AnyMeasure, ...] = (
    Measure("chunks", "chunks", "Live chunks", "The corpus grows.", family=_CORPUS, deep=False),
    Measure("documents", "documents", "Live documents", "The corpus grows.", family=_CORPUS, deep=False),
    Measure(
        "changed_chunks_ratio", "ratio",
        "Chunks new (of those live), modified and deleted (of the baseline's) since the baseline",
        "The corpus was rewritten.",
        family=_CORPUS, deep=False, range=SHARE,
    ),
    Measure(
        "changed_documents_ratio", "ratio",
        "Documents new (of those live), modified and deleted (of the baseline's) since the baseline",
        "The corpus was rewritten.",
        family=_CORPUS, deep=False, range=SHARE,
    ),
    Measure(
        "chunk_tokens", "tokens", "Length of a chunk", "Chunks get longer: another splitter?",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "chunks_per_document", "chunks", "Chunks of a document", "Documents are longer or cut finer.",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "chunk_overlap_ratio", "ratio",
        "Mean share of shingles that a chunk shares with its neighbour in the document",
        "The splitter overlaps more.",
        family=_CORPUS, deep=False, range=SHARE,
    ),
    Measure(
        "noop_upsert_ratio", "ratio", "Share of upserts that did not change the content",
        "The pipeline writes again what was there.",
        family=_CORPUS, deep=False, range=SHARE, better="lower",
    ),
    Measure(
        "duplicate_ratio", "ratio", "Share of chunks with an exact copy", "More copies.",
        family=_CORPUS, deep=False, range=SHARE, better="lower",
    ),
    Measure(
        "near_duplicate_ratio", "ratio", "Share of chunks with a near copy (Jaccard 0.8, exact ones too)", "Copies.",
        family=_CORPUS, deep=False, range=SHARE, better="lower",
    ),
    Measure(
        "segment_mix_divergence", "bits", "Jensen-Shannon divergence (0..1) of the corpus' mix to the baseline's",
        "The corpus is less like the baseline's.",
        family=_CORPUS, deep=False, better="lower",
    ),
    Measure(
        "age_seconds", "seconds", "Age of chunks by event time, counted from the newest event", "Content ages.",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "embedding_shift", "squared distance", "Squared maximum mean discrepancy of the vectors",
        "The corpus is less like the baseline's.",
        family=_CORPUS, deep=False, better="lower",
    ),
    Measure(
        "average_length_change", "tokens", "Change of the average chunk length that BM25 divides by",
        "Longer chunks: lexical scores of all chunks move.",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "idf_change", "idf", "Mean and largest absolute change of the idf of anchor terms",
        "The lexical leg weighs words otherwise.",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "absent_anchor_terms", "terms", "Terms of anchors that no live chunk contains",
        "Less of what is asked can be found by words.",
        family=_CORPUS, deep=False, better="lower",
    ),
    Measure(
        "vector_norm", "length", "Length of the vectors", "Vectors changed: another encoder or normalisation?",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "embedding_density", "ratio", "How closely the vectors lie together", "The space clumps.",
        family=_CORPUS, deep=False,
    ),
    Measure(
        "embedding_version_chunks", "chunks",
        "Live chunks by embedding version; more than one version is a mixed space",
        "A version spreads.",
        family=_CORPUS, deep=False, labels=("embedding_version",),
    ),
)  # fmt: skip

IN_INDEX: tuple[AnyMeasure, ...] = (
    Measure(
        "index_points_difference", "chunks", "Live chunks by the events minus points counted in the index",
        "The index lacks points, or has too many where it is negative.",
        family="Index against corpus", deep=False,
    ),
    Measure(
        "index_hidden_points", "points", "Points that the index hides from reads until it has optimised them",
        "The index optimises more slowly than it is written to, or not at all.",
        family="Index against corpus", deep=False, better="lower",
    ),
    Measure(
        "lexical_served_recall_ratio", "ratio",
        "Share of the maintained lexical list that the server's own sparse or full-text index serves",
        "The server's lexical index finds more of what the events say it should.",
        family="Index against corpus", range=SHARE, better="higher",
    ),
    Measure(
        "index_config_changes", "parameters", "Parameters of the served index that differ from the baseline's",
        "Somebody configured the index otherwise: a cause beside what moved.",
        family="Index against corpus", deep=False, better="lower",
    ),
    Measure(
        "index_missing_ratio", "ratio", "Share of sampled live chunks that the index does not have",
        "Writes to the index are lost.",
        family="Index against corpus", deep=False, range=SHARE, better="lower",
    ),
)  # fmt: skip
