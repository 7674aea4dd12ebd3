"""Runs: the ranked results of many queries, from whatever form they are handed over in. Pure: no file is read.

Forms are told by what an object has, not by its class: nothing of pandas, ranx or ir_measures is imported.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from monitor.core.model.events import Segment, segment_of
from monitor.errors import InputError

Results = tuple[tuple[str, float], ...]
"""Best first: (id, score), bigger is better; NaN where the run has no scores."""
QUERY = ("query", "query_id", "qid", "q_id")
DOCUMENT = ("id", "doc_id", "docno", "docid", "doc", "chunk_id")
SCORE = ("score",)
GRADE = ("relevance", "grade", "rel", "label", "score")
"""Names of columns and keys, as the tools of the field spell them."""
SEGMENT = "segment"
"""The dimension of segments that were given without one."""
FORMS = (
    "{query: [id, …]}, {query: [(id, score), …]}, {query: {id: score}}, rows with query_id, doc_id and score, "
    "a data frame of such columns, an object with to_dict(), or the path of a run file"
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a retriever answered to each query.

    Args:
        name: for messages.
        results: by query, in the order they came.
        scored: whether there are scores; else the order alone is known.
    """

    name: str
    results: Mapping[str, Results]
    scored: bool

    @property
    def longest(self) -> int:
        """Results of the longest list."""
        return max(map(len, self.results.values()), default=0)


def run_of(given: object, name: str) -> Run:
    """A run of any form that is understood.

    A list, of ids or of (id, score), is in rank order. Anything else is ordered by its scores as trec_eval orders
    it: the highest first, equal scores by id, the later id first.

    Args:
        given: see `FORMS`.
        name: for messages.

    Raises:
        InputError: it is no such form, has no queries, an id twice in a list, a score that is not finite, or a list
            whose scores rise.

    >>> run_of({"q": {"a": 0.5, "b": 0.9}}, "before").results
    {'q': (('b', 0.9), ('a', 0.5))}
    """
    if isinstance(given, Run):
        return given
    lists = dict(_entries(_rows(given, name), name))
    if not lists:
        message = f"{name}: no queries; expected at least one"
        raise InputError(message)
    made = {query: _results(answer, f"{name}: query {query!r}") for query, answer in lists.items()}
    forms = {query: scored for query, (_, scored) in made.items() if scored is not None}
    if len(set(forms.values())) > 1:
        with_, without = (next(query for query, scored in forms.items() if scored is want) for want in (True, False))
        message = f"{name}: query {with_!r} has scores, query {without!r} has none; expected one form in a run"
        raise InputError(message)
    return Run(name, {query: results for query, (results, _) in made.items()}, any(forms.values()))


def judgements_of(given: object, name: str = "qrels") -> dict[str, dict[str, float]]:
    """Relevance judgements: query -> id -> grade.

    Args:
        given: {query: {id: grade}}, rows with query_id, doc_id and relevance (as of ir_measures), a data frame of
            such columns, or an object with to_dict() (as of ranx).
        name: for messages.

    Raises:
        InputError: it is no such form, or a grade is no finite number.
    """
    made: dict[str, dict[str, float]] = {}
    for query, graded in _entries(_rows(given, name, GRADE), name):
        where = f"{name}: query {query!r}"
        if not isinstance(graded, Mapping):
            message = f"{where}: {_shown(graded)}; expected {{id: grade}}"
            raise InputError(message)
        made[query] = {
            identifier(one, where): finite(grade, f"{where}: grade of {one!r}") for one, grade in graded.items()
        }
    return made


def segments_of(given: object, name: str = "segments") -> dict[str, Segment]:
    """Segments: query -> attributes.

    Args:
        given: {query: {attribute: value}}, or {query: value} for one attribute, called `segment`.
        name: for messages.

    Raises:
        InputError: it is no such form.

    >>> segments_of({"q1": {"language": "de"}, "q2": "billing"})
    {'q1': (('language', 'de'),), 'q2': (('segment', 'billing'),)}
    """
    if not isinstance(given, Mapping):
        message = f"{name}: a {type(given).__name__}; expected {{query: {{attribute: value}}}} or {{query: value}}"
        raise InputError(message)
    made: dict[str, Segment] = {}
    for query, said in _entries(given, name):
        named = said if isinstance(said, Mapping) else {SEGMENT: said}
        for attribute, value in named.items():
            if not (isinstance(attribute, str) and attribute and isinstance(value, str) and value):
                message = f"{name}: query {query!r}: {attribute!r} = {value!r:.80}; expected text for both"
                raise InputError(message)
        made[query] = segment_of(named)
    return made


def identifier(given: object, where: str) -> str:
    """An id as text; whole numbers are taken as such.

    Raises:
        InputError: it is neither, or empty.
    """
    if isinstance(given, str) and given:
        if not given.isascii() and any("\ud800" <= character <= "\udfff" for character in given):
            message = f"{where}: id {given!r}: half a character; expected text"
            raise InputError(message)
        return given
    if not isinstance(given, (str, bool)) and hasattr(given, "__index__"):
        return str(int(given))  # numpy's whole numbers as well
    message = f"{where}: id {given!r:.80}; expected text that is not empty, or a whole number"
    raise InputError(message)


def finite(given: object, what: str) -> float:
    """A number; InputError where it is none, or not finite."""
    try:
        number = math.nan if isinstance(given, (str, bool)) else float(given)  # type: ignore[arg-type]  # tried
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        message = f"{what}: {given!r:.80}; expected a finite number"
        raise InputError(message)
    return number


def _shown(given: object) -> str:
    return f"{given!r:.60} is a {type(given).__name__}"


def _entries(given: Mapping[Any, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Queries as text; two that read the same are refused."""
    seen: set[str] = set()
    for query, said in given.items():
        named = identifier(query, f"{name}: query")
        if named in seen:
            message = f"{name}: query {named!r} twice, as text and as a number; expected once"
            raise InputError(message)
        seen.add(named)
        yield named, said


def _rows(given: object, name: str, values: Sequence[str] = SCORE) -> Mapping[Any, Any]:
    """Any form as query -> answer."""
    if isinstance(given, Mapping):
        return given
    if hasattr(given, "columns"):
        return _grouped(_frame_rows(given, name, values), name)
    if hasattr(given, "to_dict"):
        made = given.to_dict()
        if isinstance(made, Mapping):
            return made
    elif isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        return _grouped(_objects(given, name, values), name)
    message = f"{name}: a {type(given).__name__}; expected {FORMS}"
    raise InputError(message)


def _frame_rows(frame: Any, name: str, values: Sequence[str]) -> Iterator[tuple[object, object, object]]:
    columns = [str(column) for column in frame.columns]
    found = []
    for wanted in (QUERY, DOCUMENT, values):
        column = next((one for one in wanted if one in columns), None)
        if column is None:
            message = f"{name}: columns {', '.join(columns)[:200]}; expected one of {', '.join(wanted)} among them"
            raise InputError(message)
        found.append(column)
    return zip(*(list(frame[column]) for column in found), strict=True)


def _objects(rows: Iterable[Any], name: str, values: Sequence[str]) -> Iterator[tuple[object, object, object]]:
    for at, row in enumerate(rows):
        found = []
        for wanted in (QUERY, DOCUMENT, values):
            attribute = next((one for one in wanted if hasattr(row, one)), None)
            if attribute is None:
                message = f"{name}: row {at}: {_shown(row)}; expected query_id, doc_id and {values[0]} on it"
                raise InputError(message)
            found.append(getattr(row, attribute))
        yield found[0], found[1], found[2]


def _grouped(rows: Iterable[tuple[object, object, object]], name: str) -> dict[str, dict[str, object]]:
    made: dict[str, dict[str, object]] = {}
    for query, document, value in rows:
        named = identifier(query, f"{name}: query")
        of = made.setdefault(named, {})
        one = identifier(document, f"{name}: query {named!r}")
        if one in of:
            message = f"{name}: query {named!r}: {one!r} twice; expected each result once"
            raise InputError(message)
        of[one] = value
    return made


def _results(answer: object, where: str) -> tuple[Results, bool | None]:
    """A query's results, and whether they have scores; None: it has no results that could tell."""
    if isinstance(answer, Mapping):
        scored = {
            identifier(one, where): finite(score, f"{where}: score of {one!r}") for one, score in answer.items()
        }
        if len(scored) < len(answer):
            message = f"{where}: an id twice, as text and as a number; expected each result once"
            raise InputError(message)
        # trec_eval's order: by falling score, equal ones by falling id
        by_id = sorted(scored.items(), reverse=True)
        return tuple(sorted(by_id, key=lambda pair: -pair[1])), True if scored else None
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        message = f"{where}: {_shown(answer)}; expected [id, …], [(id, score), …] or {{id: score}}"
        raise InputError(message)
    pairs = [_ranked(one, f"{where}: rank {rank}") for rank, one in enumerate(answer, 1)]
    _once([one for one, _ in pairs], where)
    forms = {score is None for _, score in pairs}
    if len(forms) > 1:
        rank = next(rank for rank, (_, score) in enumerate(pairs, 1) if (score is None) != (pairs[0][1] is None))
        message = f"{where}: rank 1 has {'no' if pairs[0][1] is None else 'a'} score, rank {rank} is otherwise; "
        raise InputError(message + "expected one form in a list")
    if not pairs:
        return (), None
    if True in forms:
        return tuple((one, math.nan) for one, _ in pairs), False
    listed = tuple((one, score) for one, score in pairs if score is not None)
    for rank, ((_, above), (one, score)) in enumerate(pairwise(listed), 2):
        if score > above:
            message = f"{where}: {one!r} at rank {rank} has score {score:g}, above {above:g} before it; expected "
            raise InputError(message + "falling scores, best first (negate a distance), or a mapping {id: score}")
    return listed, True


def _ranked(given: object, where: str) -> tuple[str, float | None]:
    """One result of a list: an id, a pair, or an object with an id and maybe a score."""
    if isinstance(given, Mapping):
        one = next((given[name] for name in DOCUMENT if name in given), None)
        score = given.get("score")
        return identifier(one, where), None if score is None else finite(score, f"{where}: score of {one!r}")
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        if len(given) != 2:
            message = f"{where}: {given!r:.80}; expected an id, or (id, score)"
            raise InputError(message)
        return identifier(given[0], where), finite(given[1], f"{where}: score of {given[0]!r}")
    return identifier(given, where), None


def _once(ids: Sequence[str], where: str) -> None:
    seen: dict[str, int] = {}
    for rank, one in enumerate(ids, 1):
        if one in seen:
            message = f"{where}: {one!r} at ranks {seen[one]} and {rank}; expected each result once"
            raise InputError(message)
        seen[one] = rank
