"""Shards as actors of a Ray cluster: the port, and how all begin anew where one of them was away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain, count, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.shards.ray.cluster import ActorAwayError, Actors
from monitor.adapters.shards.ray.host import Greeting, Settled, ShardsPlace, packed, unpacked
from monitor.adapters.shards.ray.section import RaySection
from monitor.adapters.stores.sqlite.shard_files import CHUNKS_AT_ONCE
from monitor.core.index.baseline import ListLeg
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.lexical.sources import StatisticsSums, TermOccurrences, Totals
from monitor.core.index.maintained import ListWork
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import replaced
from monitor.core.model.events import Located
from monitor.core.shards.messages import (
    ChunkFacts,
    Cuts,
    EpochSpan,
    LikestTexts,
    LiveSample,
    SettledSums,
    ShardAwayError,
    ShardLists,
    ShardPosition,
    ShardStatus,
    StageSums,
    StoredContent,
    of_shard,
    shard_of,
    spans,
)
from monitor.core.shards.populations import BaselinePart, PopulationPart
from monitor.core.shards.routing import delivered
from monitor.core.shards.shard import LoadedChunk, ShardConfig

T = TypeVar("T")
Given = Sequence[Sequence[object]]
"""Arguments of a call, by shard."""


@dataclass(slots=True)
class _Seen:
    """What the coordinator saw of a shard since it started."""

    process: int = 0
    restarts: int = 0
    chunks: int = 0
    stage: float = 0.0
    rank: float = 0.0
    steps: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """A call that changed the shards and is not committed yet: made again where they begin anew."""

    call: str
    given: Given


class RayShards:
    """One actor a shard, each with a file on the disk of its node; implements `DurableShards`.

    A call goes to all actors at once. Where one is away (its node is gone, it was born again and empty, no answer in
    time), the call raises, and the next one first has all shards begin anew: each from its file as of the last
    commit, and what was done since is done again. To go on with the others as they are would save nothing: a step
    waits for the slowest, and that one has to load.

    In `settle` messages go from actor to actor; the coordinator has references to them only.

    Args:
        config: of all shards.
        anchors: the anchors, with prepared vectors.
        section: the configuration.
        name: of the corpus; with it actors and files are named.
        stream: what is read, such as the topics.
        space: what the vectors are.
    """

    def __init__(
        self, config: ShardConfig, anchors: AnchorSet, section: RaySection, *, name: str, stream: str, space: str
    ) -> None:
        self._config, self._section = config, section
        self._where = ShardsPlace(name, section.folder, section.archive, stream, space)
        self._actors = Actors(name, config.shards, section)
        self._seen = [_Seen() for _ in range(config.shards)]
        self._incarnation = 0
        self._away: ActorAwayError | None = None
        self._waiting: Callable[[Callable[[], Any]], Any] = lambda action: action()
        self._bytes = 0
        self._anew = False
        self._last = ShardPosition(0, {}, 0, 0)
        self._published = self._last
        """What all shards committed last."""
        self._anchors, self._begun_with = anchors, anchors
        """What is asked now, and what was at the last commit."""
        self._behind: list[_Step] = []
        """What makes of loaded shards those of the last commit: the ranking, and their parts of a baseline."""
        self._steps: list[_Step] = []
        """What was done since."""
        self._answers: dict[str, tuple[object, list[Any]]] = {}
        """Of the step of now, by call: what was asked, and the answers."""

    @property
    def count(self) -> int:
        """See `Shards`."""
        return self._config.shards

    def start(self, published: int, run: str = "") -> tuple[ShardPosition, Sequence[StageSums]]:
        """See `DurableShards`."""
        self._where = self._where._replace(run=run)
        at, loaded = self._begin(published)
        self._published = self._last = at
        self._begun_with, self._behind, self._steps = self._anchors, [], []
        return at, loaded

    def stage(self, span: EpochSpan, events: Sequence[Located]) -> list[StageSums]:
        """See `Shards`."""
        routed: list[list[Located]] = [[] for _ in range(self.count)]
        for located in events:
            routed[shard_of(located.position.source, self.count)].append(located)
        told = [*zip(spans(span, self.count), routed, strict=True)]
        sums: list[StageSums] = self._step("stage", told, span)
        self._last = self._last._replace(epoch=span.epoch, positions=span.upto)
        for seen, of in zip(self._seen, sums, strict=True):
            seen.chunks = of.chunks
        return sums

    def rank(self, span: EpochSpan, totals: Totals | None, cuts: Cuts) -> list[ShardLists]:
        """See `Shards`."""
        return self._step("rank", [(span, totals, cuts)] * self.count, span)

    def ask(self, epoch: int, anchors: AnchorSet) -> list[StageSums]:
        """See `Shards`."""
        sums: list[StageSums] = self._step("ask", [(epoch, anchors)] * self.count, epoch)
        self._anchors, self._last = anchors, self._last._replace(epoch=epoch)
        return sums

    def barrier(self, epoch: int, newest_event_time: int) -> list[list[int]]:
        """See `Shards`."""
        return self._step("barrier", [(epoch, newest_event_time)] * self.count)

    def rebase(self, epoch: int, parts: Sequence[BaselinePart | None]) -> None:
        """See `Shards`."""
        self._step("rebase", [(epoch, part) for part in parts])

    def settle(self, epoch: int, now: int) -> SettledSums:
        """See `Shards`; five rounds from actor to actor, see `owners.settle`."""
        made = self._try(lambda: self._settled(epoch, now))
        for seen, of in zip(self._seen, made, strict=True):
            seen.received += of.sent
        anew, self._anew = self._anew, False
        return SettledSums(
            statistics={number: of.statistics for number, of in enumerate(made)},
            documents=[of.documents for of in made],
            copies=[of.copies[part] for part in (0, 1) for of in made],
            anew=anew,
        )

    def rest(self, epoch: int, rows: Mapping[ListLeg, NDArray[np.int64]]) -> list[ShardLists]:
        """See `Shards`."""
        return self._ask("rest", epoch, rows)

    def population(self, epoch: int) -> list[PopulationPart]:
        """See `Shards`."""
        return self._ask("population", epoch)

    def look(self, epoch: int, keys: Sequence[int]) -> list[ChunkFacts]:
        """See `Shards`."""
        return self._ask("look", epoch, keys)

    def names(self, epoch: int, keys: Sequence[int]) -> list[dict[int, str]]:
        """See `Shards`."""
        return self._ask("names", epoch, keys)

    def holds(self, epoch: int, asked: AskedSets, places: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
        """See `Shards`."""
        return self._ask("holds", epoch, asked, places)

    def copied(self, epoch: int, keys: Sequence[int]) -> list[NDArray[np.bool_]]:
        """See `Shards`."""
        return self._ask("copied", epoch, keys)

    def nearest(self, epoch: int, sets: Sequence[NDArray[np.uint32]]) -> list[LikestTexts]:
        """See `Shards`."""
        return self._ask("nearest", epoch, sets)

    def saying(self, epoch: int, hashes: Sequence[str]) -> list[dict[str, int]]:
        """See `Shards`."""
        return self._ask("saying", epoch, hashes)

    def tokens(
        self, epoch: int, question: int, keys: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], TermOccurrences]]:
        """See `Shards`."""
        return self._ask("tokens", epoch, question, keys)

    def sources(self, epoch: int) -> list[Mapping[str, int]]:
        """See `Shards`."""
        return self._ask("sources", epoch)

    def by_source(self, epoch: int, kept: frozenset[str]) -> list[StatisticsSums]:
        """See `Shards`."""
        return self._ask("by_source", epoch, kept)

    def changed(self, epoch: int, since: Mapping[str, int]) -> list[ChangedChunks]:
        """See `Shards`."""
        return self._ask("changed", epoch, since)

    def behind(self, epoch: int, since: Mapping[str, int]) -> list[NDArray[np.int64]]:
        """See `Shards`."""
        return self._ask("behind", epoch, since)

    def sample(self, epoch: int, recent: NDArray[np.int64], salt: int, count: int) -> list[LiveSample]:
        """See `Shards`."""
        return self._ask("sample", epoch, recent, salt, count)

    def work(self, epoch: int) -> list[ListWork]:
        """See `Shards`."""
        return self._ask("work", epoch)

    def exact(self, epoch: int, rows: NDArray[np.int64]) -> list[ShardLists]:
        """See `Shards`."""
        return self._ask("exact", epoch, rows)

    def commit(self, epoch: int) -> None:
        """See `DurableShards`."""
        self._try(lambda: self._call("commit", [(epoch,)] * self.count))
        kept: dict[str, _Step] = {step.call: step for step in (*self._behind, *self._steps)}
        rank, rebase = kept.get("rank"), kept.get("rebase")
        at = self._last
        self._behind = []
        if rank is not None:  # under the same weights, all of it, from where it stands now
            totals = rank.given[0][1]
            span = EpochSpan(at.epoch, at.positions, at.positions)
            self._behind.append(_Step("rank", [(span, totals, {})] * self.count))
        if rebase is not None:
            self._behind.append(_Step("rebase", [(at.epoch, of[1]) for of in rebase.given]))
        self._published, self._begun_with, self._steps = at, self._anchors, []

    def contents(self, keys: Sequence[int]) -> Mapping[int, StoredContent]:
        """See `DurableShards`."""
        found = self._try(lambda: self._call("contents", [(packed(list(keys)),)] * self.count))
        return {key: of for part in found for key, of in unpacked(part).items()}

    def chunks(self, batch: int) -> Iterator[Sequence[LoadedChunk]]:
        """See `DurableShards`; one that goes away meanwhile raises."""
        slots, every = count(), merge(*map(self._read, range(self.count)), key=lambda stored: stored[0].key)
        while part := list(islice(every, batch)):
            yield [(replaced(row, slot=next(slots)) if row.live else row, text, vector) for row, text, vector in part]

    def size(self) -> int:
        """See `DurableShards`; while one is away, as it was before.

        That is no reason to begin anew, which waits long: whoever asks next is told that a shard is away.
        """
        if self._away is None:
            with suppress(ShardAwayError):
                self._bytes = sum(self._call("size", [()] * self.count))
        return self._bytes

    def insist(self, waiting: Callable[[Callable[[], Any]], Any]) -> None:
        """See `DurableShards`."""
        self._waiting = waiting

    def status(self) -> list[ShardStatus]:
        """See `DurableShards`."""
        return [
            ShardStatus(
                number,
                self._last.epoch,
                of_shard(self._last.positions, number, self.count),
                seen.chunks,
                away=self._away.why if self._away is not None and self._away.number == number else "",
                restarts=seen.restarts,
                stage_seconds=seen.stage,
                rank_seconds=seen.rank,
                steps=seen.steps,
                sent=seen.sent,
                received=seen.received,
            )
            for number, seen in enumerate(self._seen)
        ]

    def close(self) -> None:
        """See `DurableShards`: the actors end, their files stay."""
        self._actors.close()

    def _step(self, call: str, given: Given, asked: object = None) -> list[Any]:
        """A call that changes the shards; one that was answered already is answered as it was."""
        taken = self._answers.get(call)
        if asked is not None and taken is not None and taken[0] == asked:
            return taken[1]
        answers = self._try(lambda: self._asked(call, given))
        self._steps.append(_Step(call, given))
        if call in {"stage", "ask"}:
            self._answers = {}
        self._answers[call] = (asked, answers)
        return answers

    def _ask(self, call: str, *given: object) -> list[Any]:
        """A question, the same to every shard."""
        return self._try(lambda: self._asked(call, [given] * self.count))

    def _try(self, attempt: Callable[[], T]) -> T:
        """Make a call, as often as whoever waits for it wants."""
        made: T = self._waiting(lambda: self._once(attempt))
        return made

    def _once(self, attempt: Callable[[], T]) -> T:
        """Make a call; the first after one that was not answered begins anew."""
        try:
            if self._away is not None:
                self._again()
            return attempt()
        except ActorAwayError as error:
            self._away = error
            raise

    def _asked(self, call: str, given: Given) -> list[Any]:
        """The answers of the shards' engines."""
        same = all(of is given[0] for of in given)
        message = [packed(given[0])] * self.count if same else [packed(of) for of in given]
        replies = self._call("ask", [(call, of) for of in message])
        answers = []
        for seen, sent, reply in zip(self._seen, message, replies, strict=True):
            answer, seconds = unpacked(reply)
            seen.sent, seen.received = seen.sent + len(sent), seen.received + len(reply)
            if call == "stage":
                seen.stage, seen.steps = seen.stage + seconds, seen.steps + 1
            elif call == "rank":
                seen.rank += seconds
            answers.append(answer)
        return answers

    def _call(self, method: str, given: Given, *, seconds: float | None = None) -> list[Any]:
        """Call the hosts as what they were begun with."""
        return self._actors.ask(method, [(self._incarnation, *of) for of in given], seconds)

    def _settled(self, epoch: int, now: int) -> list[Settled]:
        number, actors = self.count, self._actors
        own = [(self._incarnation,)] * number
        counted = [(self._incarnation, number)] * number

        def after(first: Given, *received: list[list[Any]]) -> Given:
            return [(*of, *chain(*inboxes)) for of, *inboxes in zip(first, *received, strict=True)]

        def halves(of: list[Any]) -> tuple[list[list[Any]], list[list[Any]]]:
            return delivered([one[:number] for one in of]), delivered([one[number:] for one in of])

        def each(of: list[Any]) -> list[Any]:
            return [one if isinstance(one, list) else [one] for one in of]

        told = each(actors.begin("told", [(self._incarnation, epoch, number)] * number, results=number))
        banded = each(actors.begin("banded", after(own, delivered(told)), results=2 * number))
        bands, documents = halves(banded)
        wanted = each(actors.begin("wanted", after(counted, documents, bands), results=2 * number))
        following, sets = halves(wanted)
        fetched = each(actors.begin("fetched", after(counted, following, sets), results=number))
        matched = each(actors.begin("matched", after(counted, delivered(fetched)), results=number))
        last = actors.begin("settled", after([(self._incarnation, now)] * number, delivered(matched)))
        rounds = [told, banded, wanted, fetched, matched, last]
        replies = actors.answers(rounds)
        for seen, reply in zip(self._seen, replies, strict=True):
            seen.received += len(reply)
        return [unpacked(reply) for reply in replies]

    def _begin(self, published: int) -> tuple[ShardPosition, list[StageSums]]:
        """Have every shard begin as of its commit of an epoch."""
        seconds, actors = self._section.start_timeout, self._actors
        actors.connect()
        greetings: list[Greeting] = [unpacked(of) for of in actors.hire(packed(self._where), seconds)]
        for seen, of in zip(self._seen, greetings, strict=True):
            seen.restarts += seen.process not in {0, of.process}
            seen.process = of.process
        self._incarnation = 1 + max(self._incarnation, *(of.incarnation for of in greetings))
        given = packed((self._where, self._config, self._begun_with))
        stood: list[ShardPosition] = [
            unpacked(of) for of in self._call("begin", [(published, given)] * self.count, seconds=seconds)
        ]
        at = ShardPosition(
            published,
            {part: offset for of in stood for part, offset in of.positions.items()},
            max(of.newest_event_time for of in stood),
            max(of.barrier_time for of in stood),
        )
        loaded = self._call("load", [(packed(at),)] * self.count, seconds=seconds)
        sums: list[StageSums] = [unpacked(of) for of in loaded]
        for seen, one in zip(self._seen, sums, strict=True):
            seen.chunks = one.chunks
        return at, sums

    def _again(self) -> None:
        """All begin anew from their last commit, and what was done since is done again."""
        self._anew = True
        self._begin(self._published.epoch)
        for step in (*self._behind, *self._steps):
            self._asked(step.call, step.given)
        self._away = None

    def _read(self, number: int) -> Iterator[LoadedChunk]:
        """Every chunk of one shard, in key order; one reader at a time."""
        first = True
        while part := unpacked(self._actors.one(number, "read", self._incarnation, CHUNKS_AT_ONCE, first)):
            first = False
            yield from part
