"""What to do about a verdict, in words and documents: what to restore, to take out, to embed or to extract again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.judging.policy import Finding
from monitor.core.measures.newcomers import METRIC as NEWCOMERS
from monitor.core.model.losses import Fate, Loss, LostAnswer
from monitor.core.model.report import CauseName, Share, ShareKind
from monitor.core.text.wording import count_of

CAUSES: Mapping[CauseName, str] = {
    "PIPELINE": "repair the stream first (lost events, missing markers): reload what was lost, then judge again",
    "CONFIG": "the index is configured otherwise than in the baseline: take that back, or accept the corpus as it is",
    "QUERY SIDE": "the anchors changed: accept the corpus as it is with the new ones as the baseline",
    "ENCODER": "embed the blamed chunks with the contract of the anchors, or change both and approve a new baseline",
    "INDEX": "look at the index: optimiser state, recall, deleted points; rebuild it if it stays so",
    "PRODUCTION": "look at the retriever's last change (reranker, filters, rewriting, k): both legs stand still",
    "CORPUS": "revert the blamed documents at their source, or approve the corpus as it is",
    "LEXICAL STATISTICS": "nothing to revert by chunk: the blamed sources moved word frequencies for everybody",
}
FAULTS: Mapping[str, str] = {
    "reembedded_ratio": "embed again, with the baseline's encoder",
    "rescaled_ratio": "embed again, normalised as the baseline's vectors are",
    "unequal_twins_ratio": "embed again: equal texts have unequal vectors",
    "lost_content_ratio": "restore what was lost",
    "boilerplate_ratio": "fetch and extract again: many say the same",
    "wordless_ratio": "fetch and extract again: hardly a word is left",
    "implausible_time_ratio": "correct the dates",
    "leftover_ratio": "delete the old chunks, which say what new ones say",
    "copied_ratio": "take out the copies",
    "echoed_ratio": "take out what says again what other documents say, or the old pages that should have gone",
    "relabelled_ratio": "write again with their attributes, or say in the marker that they change (`expected`)",
    "strange_words_ratio": "fetch and extract again: garbled, or in another language",
    "repetitive_ratio": "take out or extract again: they repeat themselves",
    "foreign_source_ratio": "take the new source out, or say in the marker that it comes (`expected`)",
    NEWCOMERS: "revert or take out what is new and stands in so many lists",
}
"""By measure of integrity; of any other one the documents are to be looked at."""


ADVISED = ("advice", "mend_documents", "restore_documents", "look_at_documents", "try_queries")
"""Kinds of advice, for programs."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do.

    Args:
        action: its kind, one of ADVISED.
        title: in words.
        items: the documents or queries that it is about, the heaviest first; each with a figure where there is one.
    """

    action: str
    title: str
    items: tuple[str, ...] = ()


def advice(causes: Sequence[CauseName], losses: Sequence[Loss], findings: Iterable[Finding]) -> Iterator[Advice]:
    """Things to do, general ones by cause first, then what is wrong with which documents, then which queries to try.

    Args:
        causes: classes of causes, the first ones first.
        losses: answers lost, by leg.
        findings: of the verdict; those that fail and decide are looked at.
    """
    for cause in causes:
        yield Advice("advice", f"{cause}: {CAUSES[cause]}")
    wrong: dict[str, dict[str, None]] = {}
    for one in findings:
        if one.documents and one.verdict == "fail" and one.severity == "critical":
            wrong.setdefault(one.metric, {}).update(dict.fromkeys(one.documents))
    for metric, documents in wrong.items():
        yield Advice("mend_documents", FAULTS.get(metric, f"look at what {metric} found"), tuple(documents))
    gone, displaced = _lost(losses, "gone"), [one for loss in losses for one in loss.displaced_by]
    if gone:
        counted = Counter(of.doc_id for of in gone.values() if of.doc_id)
        named = tuple(f"{name} ({count_of(count, 'answer')})" for name, count in counted.most_common())
        yield Advice("restore_documents", "restore what held answers that are gone", named)
    if displaced:
        most: dict[str, int] = {}
        for of in displaced:
            most[of.doc_id] = max(of.anchors, most.get(of.doc_id, 0))
        ranked = sorted(most, key=lambda name: (-most[name], name))
        named = tuple(f"{name} (in {count_of(most[name], 'list')})" for name in ranked)
        yield Advice("look_at_documents", "revert or take out what came before answers that are still there", named)
    queries = _lost(losses)
    if queries:
        asked = tuple(f"{name}: {of.text}" for name, of in queries.items())
        yield Advice("try_queries", "queries that lost their answer, to try again after that", asked)


def blamed_documents(blame: Sequence[Share]) -> tuple[str, ...]:
    """Names of documents, the heaviest first; what is left over and what no event explains has no document."""
    found = [one for one in blame if one.level == "document" and one.kind is ShareKind.NAMED]
    return tuple(dict.fromkeys(one.name for one in sorted(found, key=lambda one: (-one.slots, one.name))))


def _lost(losses: Sequence[Loss], fate: Fate | None = None) -> dict[str, LostAnswer]:
    """Lost answers by anchor, of any leg; the first ones first."""
    found = (of for loss in losses for of in loss.queries if fate in (None, of.fate))
    made: dict[str, LostAnswer] = {}
    for of in found:
        made.setdefault(of.anchor, of)
    return made
