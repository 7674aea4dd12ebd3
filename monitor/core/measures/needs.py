"""What a measure can be computed from: the inputs that the comparison keeps up to date, each with its view."""

from typing import TYPE_CHECKING

from monitor.core.measures.measure import Need

if TYPE_CHECKING:  # the views bring kernels along that a description does not need
    from monitor.core.measures.answers import AnswersView, FatesView
    from monitor.core.measures.views import (
        HeldView,
        IndexView,
        JudgedView,
        LegsView,
        ListsView,
        RewritesView,
        SaidView,
    )

RESULTS: "Need[ListsView]" = Need("results", "lists")
"""Which results a leg's lists hold, in which order, then and now; where scores settle ties, also the scores."""
SCORES: "Need[ListsView]" = Need("scores", "lists")
"""The scores of a leg's lists, then and now."""
CONTENTS: "Need[SaidView]" = Need("contents", "said")
"""What a leg's results say, then and now, under whatever id; near copies say the same."""
ANSWERS: "Need[AnswersView]" = Need("answers", "answers")
"""The baseline's first results, and what a leg's results say now."""
FATES: "Need[FatesView]" = Need("fates", "fates")
"""Which first results of the baseline a leg's lists lost, and whether the corpus has them."""
LEGS: "Need[LegsView]" = Need("both legs", "legs")
"""The dense and the lexical lists beside each other, then and now."""
INDEX: "Need[IndexView]" = Need("index", "index")
"""What the real index serves against the exact lists, of anchors whose chunks had time to arrive in it."""
CHUNKS: "Need[HeldView]" = Need("chunks", "held")
"""What the chunks in a leg's lists are: source, content, vector, whether changed since the baseline."""
DOCUMENTS: "Need[HeldView]" = Need("documents", "documents")
"""Which documents the chunks in a leg's lists belong to, then and now."""
EXPECTED: "Need[HeldView]" = Need("expected sources", "coverage")
"""The sources that anchors expect, of those that expect any."""
JUDGEMENTS: "Need[HeldView]" = Need("judgements", "labels")
"""Relevance judgements, of the anchors that have any."""
STATED: "Need[HeldView]" = Need("stated contents", "ghosts")
"""What the index states of the results it serves, of anchors whose chunks had time to arrive in it."""
JUDGED_CHUNKS: "Need[JudgedView]" = Need("judged chunks", "dead")
"""The judged chunks themselves, whatever the lists hold."""
REWRITES: "Need[RewritesView]" = Need("rewrites", "rewrites")
"""The exact lists of an anchor and of its rewrites."""
PINNED: "Need[ListsView]" = Need("pinned lists", "pinned")
"""Which results a leg's lists hold against those of the pinned baseline, where another one moves beside it."""
PINNED_ANSWERS: "Need[AnswersView]" = Need("pinned answers", "pinned")
"""The pinned baseline's first results against a leg's lists, where another baseline moves beside it."""
