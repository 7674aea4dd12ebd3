"""The corpus itself, per segment."""

from monitor.core.catalogue.entry import Entry

_SHIFT = "The corpus is less like the baseline's."

CORPUS = (
    Entry("chunks", "chunks", "Live chunks", "The corpus grows."),
    Entry("documents", "documents", "Live documents", "The corpus grows."),
    Entry(
        "changed_chunks_ratio",
        "ratio",
        "Chunks new (of those live), modified and deleted (of the baseline's) since the baseline",
        "The corpus was rewritten.",
    ),
    Entry(
        "changed_documents_ratio",
        "ratio",
        "Documents new (of those live), modified and deleted (of the baseline's) since the baseline",
        "The corpus was rewritten.",
    ),
    Entry("chunk_tokens", "tokens", "Length of a chunk", "Chunks get longer: another splitter?"),
    Entry("chunks_per_document", "chunks", "Chunks of a document", "Documents are longer or cut finer."),
    Entry(
        "chunk_overlap_ratio",
        "ratio",
        "Mean share of shingles that a chunk shares with its neighbour in the document",
        "The splitter overlaps more.",
    ),
    Entry(
        "noop_upsert_ratio",
        "ratio",
        "Share of upserts that did not change the content",
        "The pipeline writes again what was there.",
    ),
    Entry("duplicate_ratio", "ratio", "Share of chunks with an exact copy", "More copies."),
    Entry(
        "near_duplicate_ratio", "ratio", "Share of chunks with a near copy (Jaccard 0.8, exact ones too)", "Copies."
    ),
    Entry(
        "segment_mix_divergence",
        "bits",
        "Jensen-Shannon divergence (0..1) of the corpus' mix to the baseline's",
        _SHIFT,
    ),
    Entry("age_seconds", "seconds", "Age of chunks by event time, counted from the newest event", "Content ages."),
    Entry("embedding_shift", "squared distance", "Squared maximum mean discrepancy of the vectors", _SHIFT),
    Entry(
        "average_length_change",
        "tokens",
        "Change of the average chunk length that BM25 divides by",
        "Longer chunks: lexical scores of all chunks move.",
    ),
    Entry(
        "idf_change",
        "idf",
        "Mean and largest absolute change of the idf of anchor terms",
        "The lexical leg weighs words otherwise.",
    ),
    Entry(
        "absent_anchor_terms",
        "terms",
        "Terms of anchors that no live chunk contains",
        "Less of what is asked can be found by words.",
    ),
    Entry("vector_norm", "length", "Length of the vectors", "Vectors changed: another encoder or normalisation?"),
    Entry("embedding_density", "ratio", "How closely the vectors lie together", "The space clumps."),
    Entry(
        "embedding_version_chunks",
        "chunks",
        "Live chunks by embedding version; more than one version is a mixed space",
        "A version spreads.",
        ("embedding_version",),
    ),
)
