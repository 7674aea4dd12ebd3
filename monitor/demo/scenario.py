"""The demo's story: a documentation corpus, its anchors, and four deploys of which one is an incident."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Deploy, Segment, Upsert, text_hash
from monitor.core.selection.quotas import quotas
from monitor.core.selection.selection import normal_form
from monitor.core.text.sentences import first_sentence

Kind = Literal["module", "class", "function", "method"]
Encode = Callable[[Sequence[str]], NDArray[np.float32]]

INITIAL, ORDINARY, RECHUNKED, INCIDENT = "initial", "2-ordinary", "3-rechunked", "4-incident"
SECOND, DAY = 1_000_000, 86_400_000_000
"""In microseconds, the unit of event times."""
LEAST_WORDS = 3
"""Shorter sentences are no queries."""
BATCH = 1_024
"""Texts encoded at once."""


@dataclass(frozen=True, slots=True)
class DocumentedObject:
    """One chunk of documentation: a docstring of a module, class, function or method, or a piece of a long one.

    `doc_id` is the dotted module, `ordinal` the chunk's place in it, `part` the piece of the docstring, from 1.
    """

    chunk_id: str
    doc_id: str
    ordinal: int
    text: str
    package: str
    kind: Kind
    domain: str = "installed"
    part: int = 1

    @property
    def segment(self) -> Segment:
        """Its attributes: the package is the source."""
        return (("doc_type", self.kind), ("domain", self.domain), ("source", self.package))


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """Who is hit, and how much changes. Shares are of the whole corpus.

    Args:
        flooded: the package whose near-duplicates flood the corpus.
        lost: the package that disappears.
        rechunked: packages whose chunk ids change while their texts do not.
        edited: share of chunks that get a sentence more in the ordinary update.
        added: share that first appears there.
        removed: share that disappears there.
        flood: near-duplicates, as a share.
    """

    flooded: str = "pydantic"
    lost: str = "kafka"
    rechunked: tuple[str, ...] = ("asyncio", "jinja2")
    edited: float = 0.01
    added: float = 0.005
    removed: float = 0.003
    flood: float = 0.1

    @property
    def packages(self) -> tuple[str, ...]:
        """All packages that a deploy hits on purpose."""
        return (self.flooded, self.lost, *self.rechunked)


@dataclass(frozen=True, slots=True)
class Update:
    """One deploy: what it writes, then what it deletes."""

    deploy_id: str
    upserts: Sequence[DocumentedObject]
    deletes: Sequence[str]


def draw_anchors(
    objects: Sequence[DocumentedObject], generator: np.random.Generator, *, count: int = 1_000, watched: int = 20
) -> list[Anchor]:
    """Anchors from first sentences of three words or more; each expects its own package among its sources.

    Stratified by package: in proportion to the sentences a package offers, at least `watched` for those that offer
    five times that (so that a segment has enough anchors to be judged), the smaller ones together as one stratum.
    Sentences that several packages share are left out: they would have no one source. Vectors are the encoder's job.

    Returns:
        At most `count` anchors, in the order of strata and corpus; an anchor's id is that of its object.
    """
    strata = _strata(objects, 5 * watched)
    sizes = [len(rows) for rows in strata]
    shares = quotas(sizes, count, capacities=sizes, floor=watched)
    made: list[Anchor] = []
    for rows, quota in zip(strata, shares.tolist(), strict=True):
        drawn = np.sort(generator.choice(len(rows), size=quota, replace=False))
        made.extend(_anchor(rows[at]) for at in drawn.tolist())
    return made


def updates(
    objects: Sequence[DocumentedObject], plan: ScenarioPlan, generator: np.random.Generator
) -> Iterator[Update]:
    """The four deploys in order, each against what the ones before left.

    Args:
        objects: the corpus; a share of it is held back for the second deploy.
        plan: who is hit, and how much changes.
        generator: decides everything that is drawn.

    Raises:
        ValueError: if a package of the plan has no objects.
    """
    sizes = Counter(one.package for one in objects)
    for package in plan.packages:
        if not sizes[package]:
            message = f"package {package!r} of the scenario has no documentation here, expected one of {_some(sizes)}"
            raise ValueError(message)
    free = _spared(objects, plan)
    drawn = generator.choice(len(free), size=min(len(free), round(plan.added * len(objects))), replace=False)
    held = {free[at] for at in drawn.tolist()}
    live = {one.chunk_id: one for at, one in enumerate(objects) if at not in held}
    yield Update(INITIAL, list(live.values()), [])
    late = [objects[at] for at in sorted(held)]
    steps: tuple[Callable[[], Update], ...] = (
        lambda: ordinary(live, late, plan, generator),
        lambda: rechunked(live, plan.rechunked),
        lambda: incident(live, plan, generator),
    )
    for step in steps:
        update = step()
        for chunk_id in update.deletes:
            del live[chunk_id]
        live.update((one.chunk_id, one) for one in update.upserts)
        yield update


def ordinary(
    live: Mapping[str, DocumentedObject],
    late: Sequence[DocumentedObject],
    plan: ScenarioPlan,
    generator: np.random.Generator,
) -> Update:
    """A usual update: some texts gain the first sentence of a sibling of their package, a few come, a few go.

    Packages that a later deploy hits are left alone, so that each deploy has its own traces.
    """
    rows = list(live.values())
    siblings = _by_package(rows)
    order = generator.permutation(_spared(rows, plan))
    removed = max(1, round(plan.removed * len(rows)))
    edited = max(1, round(plan.edited * len(rows)))
    changed: list[DocumentedObject] = []
    for at in np.sort(order[removed : removed + edited]).tolist():
        family = siblings[rows[at].package]
        sibling = family[int(generator.integers(len(family)))]
        changed.append(replace(rows[at], text=f"{rows[at].text}\n\n{first_sentence(sibling.text)}."))
    gone = [rows[at].chunk_id for at in np.sort(order[:removed]).tolist()]
    return Update(ORDINARY, [*changed, *late], gone)


def rechunked(live: Mapping[str, DocumentedObject], packages: Sequence[str]) -> Update:
    """A benign update: another chunker names the chunks of some packages anew; their texts stay equal to the byte."""
    hit = [one for one in live.values() if one.package in packages]
    anew = [replace(one, chunk_id=f"{one.doc_id}/{one.ordinal:04d}") for one in hit]
    return Update(RECHUNKED, anew, [one.chunk_id for one in hit])


def incident(live: Mapping[str, DocumentedObject], plan: ScenarioPlan, generator: np.random.Generator) -> Update:
    """Two faults at once: near-duplicates of one package with planted words, and another package lost.

    A copy is one of the shorter half of the flooded package's texts (they are the most like queries, so they capture
    most) with the first three words of any other object's first sentence. Copies go round those texts until the
    flood is as large as planned.
    """
    rows = list(live.values())
    family = sorted((one for one in rows if one.package == plan.flooded), key=lambda one: len(one.text))
    source = family[: (len(family) + 1) // 2]
    flood: list[DocumentedObject] = []
    for at in range(max(1, round(plan.flood * len(rows)))):
        one, other = source[at % len(source)], rows[int(generator.integers(len(rows)))]
        planted = " ".join(first_sentence(other.text).split()[:3])
        copy_id = f"{one.chunk_id}+copy{at // len(source) + 1}"
        flood.append(replace(one, chunk_id=copy_id, text=f"{one.text} {planted}"))
    return Update(INCIDENT, flood, [one.chunk_id for one in rows if one.package == plan.lost])


def story(made: Iterable[Update], encode: Encode, *, embedding_version: str, start: int) -> Iterator[CorpusEvent]:
    """The deploys as corpus events: upserts, deletes, then the marker; one deploy a day, one event a millisecond.

    Args:
        made: the deploys.
        encode: texts to (n, d) float32 vectors.
        embedding_version: what the encoder calls itself.
        start: event time of the first event, microseconds since the Unix epoch.

    Yields:
        Events whose versions are the number of their deploy, from 1.
    """
    for number, update in enumerate(made):
        time = start + number * DAY
        for low in range(0, len(update.upserts), BATCH):
            batch = update.upserts[low : low + BATCH]
            for one, vector in zip(batch, encode([one.text for one in batch]), strict=True):
                yield Upsert(as_chunk(one, vector, embedding_version, time), number + 1)
                time += SECOND // 1_000
        for chunk_id in update.deletes:
            yield Delete(chunk_id, time, number + 1)
            time += SECOND // 1_000
        yield Deploy(update.deploy_id, time, {})


def _anchor(one: DocumentedObject) -> Anchor:
    return Anchor(one.chunk_id, first_sentence(one.text), None, one.segment, expected_sources=(one.package,))


def _strata(objects: Sequence[DocumentedObject], least: int) -> list[list[DocumentedObject]]:
    """Objects whose first sentence no other package has, one per sentence: by package, the small ones together."""
    offered: dict[str, DocumentedObject] = {}
    packages: dict[str, set[str]] = {}
    for one in objects:
        form = normal_form(first_sentence(one.text))
        if one.part == 1 and len(form.split()) >= LEAST_WORDS:
            offered.setdefault(form, one)
            packages.setdefault(form, set()).add(one.package)
    grouped = _by_package([one for form, one in offered.items() if len(packages[form]) == 1])
    large = [rows for rows in grouped.values() if len(rows) >= least]
    return [*large, [one for rows in grouped.values() if len(rows) < least for one in rows]]


def as_chunk(one: DocumentedObject, vector: NDArray[np.float32], embedding_version: str, time: int) -> Chunk:
    """An object as the chunk of an event; `time` is the event time in microseconds since the Unix epoch."""
    return Chunk(
        one.chunk_id,
        one.doc_id,
        one.ordinal,
        one.text,
        vector,
        embedding_version,
        one.segment,
        time,
        text_hash(one.text),
    )


def _spared(rows: Sequence[DocumentedObject], plan: ScenarioPlan) -> list[int]:
    return [at for at, one in enumerate(rows) if one.package not in plan.packages]


def _by_package(rows: Sequence[DocumentedObject]) -> Mapping[str, list[DocumentedObject]]:
    grouped: dict[str, list[DocumentedObject]] = {}
    for one in rows:
        grouped.setdefault(one.package, []).append(one)
    return grouped


def _some(sizes: Counter[str]) -> str:
    return ", ".join(name for name, _ in sizes.most_common(8)) + ", ..."
