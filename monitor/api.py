"""What a notebook or a pipeline calls: two runs compared, of objects or of files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from monitor.core.comparing import RunDrift
from monitor.core.runs import Run, run_of
from monitor.errors import InputError


def compare(
    before: object,
    after: object,
    k: int | Sequence[int] = 10,
    *,
    leg: Literal["dense", "lexical"] = "dense",
    settle_ties: bool = False,
) -> RunDrift:
    """How the results of one retrieval run differ from those of another, query by query.

    A run is any of these; query and document ids are text or whole numbers:

    * `{query: [id, …]}`, best first: only the order is known, and nothing is measured of scores;
    * `{query: [(id, score), …]}`, best first, scores not rising;
    * `{query: {id: score}}`: the highest score first; of equal scores the later id first, as trec_eval does;
    * rows with `query_id`, `doc_id` and `score` (ir_measures' `ScoredDoc`), ordered by score in the same way;
    * a data frame with such columns (pandas; also `qid`, `docno`), ordered by score in the same way;
    * an object with `to_dict()` (a ranx `Run`), ordered by score in the same way;
    * a path: TREC's `query Q0 id rank score tag`, or JSON Lines `{"query": …, "results": …}`; gzip is read too.

    Queries are matched by id. One that only `before` has is not measured (NaN), one that only `after` has is left
    out; `RunDrift.notes` says how many. A list shorter than k is taken as complete: what is not in it was not
    found. An empty list is allowed. Errors are a run without queries, an id twice in a list, and a score that is not
    finite.

    Args:
        before: the run compared with.
        after: the run now.
        k: the depth to measure at, or several distinct ones, each 1 or more; the arrays and the default policy use
            the first.
        leg: the leg that the lists are of, by which rows and rules name them.
        settle_ties: for the scores of a vector search, where an index may cut a tie either way: results at the end of
            a dense list that were exchanged for others with the same score (within 1e-6) count as unchanged, as they
            do for the monitor. Not for scores made of ranks, such as those of rank fusion.

    Returns:
        The differences: arrays per query, `summary()`, `judge()`.

    Raises:
        InputError: a run has none of these forms; one line says which run, where, and what was expected.

    >>> import monitor
    >>> before = {"how to rotate a key": ["auth#1", "auth#2"], "delete a user": {"users#4": 0.9, "users#1": 0.4}}
    >>> monitor.compare(before, before)
    Traceback (most recent call last):
    monitor.errors.InputError: before: query 'delete a user' has scores, query 'how to rotate a key' has none; \
expected one form in a run
    >>> before["delete a user"] = ["users#4", "users#1"]
    >>> drift = monitor.compare(before, {**before, "delete a user": ["users#4", "news#9"]}, k=2)
    >>> drift.jaccard.round(3).tolist()
    [1.0, 0.333]
    >>> drift.judge().reasons
    ('2 queries; expected at least 20 to judge (min_anchors)',)
    >>> drift.judge(min_anchors=2).verdict  # two are too few to tell
    'inconclusive'
    """
    return RunDrift(_run(before, "before"), _run(after, "after"), k, leg, settle_ties=settle_ties)


def read_run(path: str | os.PathLike[str], name: str = "") -> Run:
    r"""A run file, as `compare` reads it: TREC text or JSON Lines, plain or gzip.

    Args:
        path: the file.
        name: of the run in messages; the path where none is given.

    Raises:
        InputError: it cannot be read or used; one line with file, line, value and what was expected.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "bm25.run")
    ...     _ = file.write_text("q1 Q0 d7 1 12.5 bm25\nq1 Q0 d3 2 9.0 bm25\n")
    ...     read_run(file).results
    {'q1': (('d7', 12.5), ('d3', 9.0))}
    """
    from monitor.adapters import runs

    return runs.read_run(_path(path, "run"), name)


def read_qrels(path: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    r"""Relevance judgements from a file: TREC's `query 0 id grade`, or JSON Lines with `query` and `relevant`.

    Returns:
        query -> id -> grade, for `RunDrift.summary` and `RunDrift.judge`.

    Raises:
        InputError: it cannot be read or used.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "qrels")
    ...     _ = file.write_text("q1 0 d7 2\nq1 0 d3 0\n")
    ...     read_qrels(file)
    {'q1': {'d7': 2.0, 'd3': 0.0}}
    """
    from monitor.adapters import runs

    return runs.read_qrels(_path(path, "qrels"))


def read_segments(path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Segments of queries from a file: JSON Lines with `query` and `segment`; an anchors file is one.

    Returns:
        query -> attribute -> value, for `RunDrift.summary` and `RunDrift.judge`.

    Raises:
        InputError: it cannot be read or used.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "segments.jsonl")
    ...     _ = file.write_text('{"query": "q1", "segment": {"language": "de"}}')
    ...     read_segments(file)
    {'q1': {'language': 'de'}}
    """
    from monitor.adapters import runs

    return runs.read_segments(_path(path, "segments"))


def _path(given: str | os.PathLike[str], what: str) -> Path:
    if isinstance(given, (str, os.PathLike)) and isinstance(os.fspath(given), str):
        return Path(given)
    message = f"{what}: {given!r:.80}; expected a path as text"
    raise InputError(message)


def _run(given: object, name: str) -> Run:
    if isinstance(given, (str, os.PathLike)):
        return read_run(_path(given, name))
    return run_of(given, name)
