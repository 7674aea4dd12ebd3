"""Two result files of any retriever compared, without a configuration, a stream or an index."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from monitor.cli.common import need_file
from monitor.cli.gating import AnswerFormat, AnswerPath, GateFormat, OnInconclusive, Undecided


class CompareLeg(StrEnum):
    """What the lists are called."""

    DENSE = "dense"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class _Settings:
    depths: tuple[int, ...]
    leg: Literal["dense", "lexical"]
    settle_ties: bool
    qrels: Path | None
    segments: Path | None
    min_anchors: int


def compare(
    before: Annotated[Path, typer.Argument(help="The run compared with: TREC text or JSON Lines, gzip too.")],
    after: Annotated[Path, typer.Argument(help="The run now.")],
    qrels: Annotated[
        Path | None, typer.Option(help='Judgements: TREC qrels, or JSON Lines with "query" and "relevant".')
    ] = None,
    segments: Annotated[
        Path | None, typer.Option(help='JSON Lines with "query" and "segment": {attribute: value}.')
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option("--k", help="Depth; once per depth, the first is judged. 10 if none is named.")
    ] = None,
    leg: Annotated[CompareLeg, typer.Option(help="What the lists are called in the answer.")] = CompareLeg.DENSE,
    settle_ties: Annotated[
        bool, typer.Option("--settle-ties", help="Dense results exchanged at the cut within 1e-6 are no change.")
    ] = False,
    min_anchors: Annotated[
        int, typer.Option(min=1, help="The fewest queries that are judged, in all and of a segment.")
    ] = 20,
    form: AnswerFormat = GateFormat.TEXT,
    output: AnswerPath = None,
    on_inconclusive: Undecided = OnInconclusive.ERROR,
) -> int:
    """Compare two result files of any retriever and judge the difference: 0 pass, 1 fail, 2 usage, 3 undecided.

    A run is TREC text ("query Q0 id rank score tag", the scores decide) or JSON Lines {"query": "q1", "results": R}:
    R is [id, …], [[id, score], …] or [{"id": …, "score": …}, …], best first, or {id: score}.
    """
    from monitor.cli.answer_file import deploy_answer

    inputs = [path for path in (before, after, qrels, segments) if path is not None]
    answer = deploy_answer(f"{after} against {before}", output, form)
    answer.refuse_overwriting(inputs)
    with answer.answering():
        for path in inputs:
            need_file(path)
        document = _document(
            before, after, _Settings(tuple(k or [10]), leg.value, settle_ties, qrels, segments, min_anchors)
        )
    return answer.give(document, on_inconclusive)


def _document(before: Path, after: Path, settings: _Settings) -> dict[str, Any]:
    from monitor.api import compare as compare_runs
    from monitor.api import read_qrels, read_segments
    from monitor.core.comparing import compared_document

    drift = compare_runs(before, after, settings.depths, leg=settings.leg, settle_ties=settings.settle_ties)
    qrels = None if settings.qrels is None else read_qrels(settings.qrels)
    segments = None if settings.segments is None else read_segments(settings.segments)
    _, verdict = drift.judged(None, qrels, segments, min_anchors=settings.min_anchors)
    table = drift.summary(segments, qrels, min_anchors=settings.min_anchors)
    return compared_document((str(before), str(after)), drift, verdict, table)
