"""What is wrong with the corpus by construction, described here; measured by `core.index.statistics.integrity`."""

from monitor.core.index.statistics.integrity import PINNED
from monitor.core.measures.measure import SHARE, AnyMeasure, Family, Measure

_CORPUS: Family = "The corpus itself"


def _of(name: str, help_: str, rises: str) -> AnyMeasure:
    """Since the baseline, and under the statistic `pinned` since the pinned one beside a moving baseline."""
    return Measure(
        name,
        "ratio",
        help_,
        rises,
        family=_CORPUS,
        deep=False,
        range=SHARE,
        better="lower",
        statistics=("mean", PINNED),
    )


INTEGRITY: tuple[AnyMeasure, ...] = (
    _of(
        "reembedded_ratio",
        "Share of chunks with another vector than the baseline's though their text is the same or nearly so",
        "Vectors of another encoder or setting came in: the space is mixed.",
    ),
    _of(
        "rescaled_ratio",
        "Share of chunks whose vector has another length than that of the same text then, or than any had",
        "Vectors are normalised no longer, or by another rule: dot products and thresholds on scores are off.",
    ),
    _of(
        "unequal_twins_ratio",
        "Share of chunks whose vector is another than that of an equal text, where that was not so in the baseline",
        "Equal texts are embedded by two encoders or settings.",
    ),
    _of(
        "foreign_version_ratio",
        "Share of chunks of an embedding version that the baseline does not have, beside others that it has",
        "A second embedding version spreads.",
    ),
    _of(
        "lost_content_ratio",
        "Share of the baseline's words that stand nowhere any more and that their document did not replace",
        "Content was lost: documents, pages or parts of them.",
    ),
    _of(
        "boilerplate_ratio",
        "Share of chunks whose new text, whole or in part, many documents say alike",
        "Error pages, placeholders or a repeated prefix took the place of content.",
    ),
    _of(
        "wordless_ratio",
        "Share of chunks of fewer than three words, beyond those of the baseline",
        "The extraction yields empty texts.",
    ),
    _of(
        "repetitive_ratio",
        "Share of chunks that say three of ten phrases more than once, beyond those of the baseline",
        "Texts that repeat themselves: written to be found, or a broken export.",
    ),
    _of(
        "implausible_time_ratio",
        "Share of chunks dated more than 20 years from the corpus' median, beyond those of the baseline",
        "Event times are of a wrong unit or century: freshness and time filters fail.",
    ),
    _of(
        "leftover_ratio",
        "Share of chunks as they were in the baseline whose text stands in new chunks of the same document",
        "Old chunks stay when a document is chunked again.",
    ),
    _of(
        "copied_ratio",
        "Share of chunks that are new and say exactly what other chunks say, beyond the baseline's copies",
        "A flood of copies: they take places in the lists.",
    ),
    _of(
        "echoed_ratio",
        "Share of the text of all chunks that is new and stands in other documents too, beyond the baseline's rate",
        "A flood of near copies, a mirror, or old pages that stay beside new ones.",
    ),
    _of(
        "relabelled_ratio",
        "Share of chunks as they were whose attributes in the watched dimensions are other ones, or gone",
        "Filters find other chunks, or none.",
    ),
    _of(
        "strange_words_ratio",
        "Share of chunks in words that the corpus, or their language in it, did not have, in documents that were "
        "there, beyond the rate then",
        "Texts are garbled, or come in another language or script than their segment's.",
    ),
    _of(
        "foreign_source_ratio",
        "Share of chunks that are new and of a source that the baseline does not have",
        "A source came in: another product, an internal wiki, a test folder.",
    ),
    Measure(
        "grown_ratio", "ratio",
        "Share of chunks that are new and say what was said nowhere before, beyond what was lost",
        "The corpus, or a segment, grows: so many new results are to be expected.",
        family=_CORPUS, deep=False, range=SHARE, statistics=("mean", PINNED),
    ),
    Measure(
        "new_hub_ratio", "ratio",
        "How much larger a share of the anchors finds a new document, or chunk, than found any of its size then",
        "A page captures many queries: a hub, or poisoning.",
        family="Ranking stability", range=SHARE, better="lower", statistics=("max",),
    ),
)  # fmt: skip
