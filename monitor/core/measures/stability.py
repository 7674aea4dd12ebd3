"""Ranking stability and scores: how the ranked lists moved between the baseline and now."""

from typing import TYPE_CHECKING

from monitor.core.measures.formulas import ranking, scores
from monitor.core.measures.formulas.columns import NOISE_GAP_UNKNOWN
from monitor.core.measures.measure import COUNT, SHARE, AnyMeasure, MatrixRow, Measure, MissingReason, Values
from monitor.core.measures.needs import ANSWERS, CONTENTS, DOCUMENTS, FATES, PINNED, PINNED_ANSWERS, RESULTS, SCORES

if TYPE_CHECKING:  # see `needs`
    from monitor.core.measures.answers import AnswersView, FatesView
    from monitor.core.measures.views import ListsView, SaidView


def _ranked(lists: "ListsView", k: int) -> Values:
    return lists.ranked(k)


def _scored(lists: "ListsView", k: int) -> Values:
    return lists.scored(k)


def _said(said: "SaidView", k: int) -> Values:
    return said.moved(k)


def _answered(answers: "AnswersView", k: int) -> Values:
    return answers.answered(k)


def _fates(fates: "FatesView", k: int) -> Values | MissingReason:
    return fates.fates(k)


_BETTER = "Fewer results changed than before."
_WORSE = "More of what anchors get is something else."
_SPREAD, _LOW = ("mean", "p50", "p95"), ("mean", "p05", "p50")

RANKING: tuple[AnyMeasure, ...] = (
    Measure(
        "jaccard_ratio", "ratio", "Jaccard similarity of the baseline's and the current top k", _BETTER,
        family="Ranking stability", needs=RESULTS, statistics=_LOW, range=SHARE, better="higher",
        compute=MatrixRow(_ranked, 0),
    ),
    Measure(
        "swaps", "swaps", "Results of the top k exchanged for others, per anchor", _WORSE,
        family="Ranking stability", needs=RESULTS, statistics=_SPREAD, range=COUNT, better="lower",
        compute=MatrixRow(_ranked, 1),
    ),
    Measure(
        "rbo_ratio", "ratio", "Extrapolated rank-biased overlap (p = 0.9) with the baseline's list", _BETTER,
        family="Ranking stability", needs=RESULTS, statistics=_LOW, range=SHARE, better="higher",
        compute=MatrixRow(_ranked, 2),
    ),
    Measure(
        "kendall_distance_ratio", "ratio", "Kendall distance of two top-k lists with penalty 1/2, normalised",
        "Results changed places or left.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower",
        compute=MatrixRow(_ranked, 3),
    ),
    Measure(
        "rank_churn_ratio", "ratio",
        "Footrule distance of two top-k lists, normalised; the sum of its moved, exited and entered parts",
        "Results changed places or left.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower",
        compute=MatrixRow(_ranked, 4),
    ),
    Measure(
        "rank_churn_moved_ratio", "ratio", "Part of rank churn by results that changed places", "Order changed.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower",
        compute=MatrixRow(_ranked, 5),
    ),
    Measure(
        "rank_churn_exited_ratio", "ratio", "Part of rank churn by results that left", "Results were lost.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower",
        compute=MatrixRow(_ranked, 6),
    ),
    Measure(
        "rank_churn_entered_ratio", "ratio", "Part of rank churn by results that came", "New results push in.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower",
        compute=MatrixRow(_ranked, 7),
    ),
    Measure(
        "top1_changed_ratio", "ratio", "Share of anchors whose first result is another one",
        "More readers meet another first answer.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower", deep=False, percent=True,
        compute=MatrixRow(_ranked, 8),
    ),
    Measure(
        "top1_changed_decided_ratio", "ratio",
        "Share of changed first results among anchors whose baseline gap exceeds the noise gap",
        "First results change that were not coin flips.",
        family="Ranking stability", needs=RESULTS, range=SHARE, better="lower", deep=False,
        compute=lambda lists, _: MissingReason(NOISE_GAP_UNKNOWN) if lists.settings.noise_gap is None else
        lists.ranked(0)[9],
    ),
)  # fmt: skip
"""By chunk id, per leg."""

SCORED: tuple[AnyMeasure, ...] = (
    Measure(
        "score_wasserstein", "score",
        "First Wasserstein distance of the baseline's and the current top-k scores, per anchor or `pooled`",
        "The scores moved, up or down.",
        family="Scores", needs=SCORES, statistics=("mean", "p95"), better="lower",
        compute=MatrixRow(_scored, 0),
        by_segment=lambda lists, k: lists.pooled_scores(k),
    ),
    Measure(
        "top1_score_drop", "score", "Baseline's first score minus the current one; positive is worse",
        "First results fit worse than they did.",
        family="Scores", needs=SCORES, statistics=("mean", "p05", "p50", "p95"), better="lower", deep=False,
        compute=MatrixRow(_scored, 1),
    ),
    Measure(
        "gap_drop", "score", "Fall of the gap against the baseline", "First results stand out less.",
        family="Scores", needs=SCORES, statistics=("mean", "p95"), better="lower", deep=False,
        compute=MatrixRow(_scored, 2),
    ),
    Measure(
        "top1_score", "score", "First score now", "Anchors find something that fits better.",
        family="Scores", needs=SCORES, statistics=_LOW, better="higher", deep=False,
        compute=MatrixRow(_scored, 3),
        then=MatrixRow(_scored, 5),
    ),
    Measure(
        "gap", "score", "First minus second score now", "First results stand out more.",
        family="Scores", needs=SCORES, statistics=_LOW, better="higher", deep=False,
        compute=MatrixRow(_scored, 4),
        then=MatrixRow(_scored, 6),
    ),
    Measure(
        "confidence_crossing_ratio", "ratio",
        "Share of anchors that crossed production's threshold on score or gap since the baseline",
        "Thresholds chosen for the baseline may be wrong now.",
        family="Scores", needs=SCORES, range=SHARE, better="lower", deep=False,
        only_if=lambda lists: lists.settings.watches_confidence,
        compute=lambda lists, _: scores.confidence_crossing(
            *lists.compared, score=lists.settings.score_threshold, gap_at=lists.settings.gap_threshold
        ),
    ),
)  # fmt: skip
"""Within one leg; cosine and BM25 are never pooled."""

BY_CONTENT: tuple[AnyMeasure, ...] = (
    Measure(
        "collapsed_swaps", "swaps",
        "Results exchanged for others that say something else; copies under another id count as the same",
        "Content changed, not only ids: what the default policy judges.",
        family="Ranking stability", needs=CONTENTS, statistics=_SPREAD, range=COUNT, better="lower",
        compute=MatrixRow(_said, 0),
    ),
    Measure(
        "collapsed_jaccard_ratio", "ratio", "Jaccard similarity of the two top k by content", _BETTER,
        family="Ranking stability", needs=CONTENTS, range=SHARE, better="higher",
        compute=MatrixRow(_said, 1),
    ),
    Measure(
        "collapsed_top1_changed_ratio", "ratio", "Share of anchors whose first result says something else",
        "More readers meet another first answer, not only another id.",
        family="Ranking stability", needs=CONTENTS, range=SHARE, better="lower", percent=True,
        compute=MatrixRow(_said, 2),
    ),
)  # fmt: skip
"""By content: what the chunks say, under whatever id."""

ANSWERED: tuple[AnyMeasure, ...] = (
    Measure(
        "kept_answers_ratio", "ratio",
        "Share of anchors whose first result in the baseline is still in the top k, as it was or edited",
        "Answers stay: what readers were given first is still found.",
        family="Ranking stability", needs=ANSWERS, range=SHARE, better="higher", percent=True,
        compute=MatrixRow(_answered, 0),
    ),
    Measure(
        "kept_top3_ratio", "ratio", "Share of the baseline's first three results that are still in the top k",
        "More of the best results stay.",
        family="Ranking stability", needs=ANSWERS, range=SHARE, better="higher",
        compute=MatrixRow(_answered, 1),
    ),
    Measure(
        "gone_answers_ratio", "ratio",
        "Share of anchors whose first result in the baseline is not kept and stands nowhere in the corpus",
        "Answers were deleted, emptied, garbled or replaced.",
        family="Ranking stability", needs=FATES, range=SHARE, better="lower", percent=True,
        compute=MatrixRow(_fates, 0),
    ),
    Measure(
        "displaced_answers_ratio", "ratio",
        "Share of anchors whose first result in the baseline is not kept although the corpus still has it",
        "Other results push answers out.",
        family="Ranking stability", needs=FATES, range=SHARE, better="lower", percent=True,
        compute=MatrixRow(_fates, 1),
    ),
    Measure(
        "new_results", "results",
        "Results of the top k that say what no result then said, not even in other words, cuts or under other ids",
        "Other texts push in; re-chunked, renamed and edited ones do not count.",
        family="Ranking stability", needs=ANSWERS, range=COUNT, better="lower",
        compute=MatrixRow(_answered, 2),
    ),
    Measure(
        "new_first_ratio", "ratio", "Share of anchors whose first result says what none of the results then did",
        "More readers meet a new first answer, not one that stood lower, or was edited or re-chunked.",
        family="Ranking stability", needs=ANSWERS, range=SHARE, better="lower", deep=False, percent=True,
        compute=MatrixRow(_answered, 3),
    ),
)  # fmt: skip
"""What became of the baseline's first results: pseudo-known items, told by what they say."""

BY_DOCUMENT: tuple[AnyMeasure, ...] = (
    Measure(
        "collapsed_document_swaps", "results", "Documents of the top k exchanged for others",
        "Answers come from other documents.",
        family="Ranking stability", needs=DOCUMENTS, range=COUNT, better="lower",
        compute=lambda held, k: ranking.swaps(*held.documents(k)),
    ),
    Measure(
        "collapsed_document_jaccard_ratio", "ratio", "Jaccard similarity of the two top k by document", _BETTER,
        family="Ranking stability", needs=DOCUMENTS, range=SHARE, better="higher",
        compute=lambda held, k: ranking.jaccard(*held.documents(k)),
    ),
)  # fmt: skip

AGAINST_PINNED: tuple[AnyMeasure, ...] = (
    Measure(
        "pinned_swaps", "swaps", "Results exchanged since the pinned baseline, beside a moving one", _WORSE,
        family="Ranking stability", needs=PINNED, range=COUNT, better="lower",
        compute=lambda lists, k: ranking.swaps(lists.matched(k), k),
    ),
    Measure(
        "pinned_jaccard_ratio", "ratio", "Jaccard similarity with the pinned baseline", _BETTER,
        family="Ranking stability", needs=PINNED, range=SHARE, better="higher",
        compute=lambda lists, k: ranking.jaccard(lists.matched(k), k),
    ),
    Measure(
        "pinned_kept_answers_ratio", "ratio",
        "Share of anchors whose first result in the pinned baseline is still in the top k, beside a moving one",
        "Less was lost since the pinned baseline, slow erosion included.",
        family="Ranking stability", needs=PINNED_ANSWERS, range=SHARE, better="higher",
        compute=MatrixRow(_answered, 0),
    ),
)  # fmt: skip
