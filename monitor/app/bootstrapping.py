"""A bootstrap from files: an empty state is filled with the rows of all files, step by step, each committed."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from monitor.app.tally import Tally
from monitor.core.model.changes import Refused
from monitor.core.model.events import BOOTSTRAP, Partition, Position, bootstrapped, of_stream
from monitor.core.model.plausibility import DOUBTFUL
from monitor.core.records.committed import Commit, Quarantined, Resumed
from monitor.core.records.files_mark import FilesMark
from monitor.core.records.filled import FilePiece, FilledRows
from monitor.core.session import REPEATED, UPSERTS
from monitor.core.shards.messages import EpochSpan
from monitor.core.text.wording import count_of
from monitor.ports import ConfigurationError, CorpusFiller, StateStore, UnreachableError

AGAIN = ("modified", "noop", "stale", "duplicate")
"""Outcomes of an upsert of a chunk that another row had said already."""
PLACES_SHOWN = 3
"""Partitions that a line names."""


class RowPlan(Protocol):
    """All rows of all files, numbered."""

    @property
    def total(self) -> int:
        """How many there are."""
        ...

    def digest(self) -> str:
        """Of the files and of how they are read."""
        ...

    def pieces(self, rows: int = 0) -> Iterator[FilePiece]:
        """The pieces behind so many rows."""
        ...

    def place(self, offset: int) -> tuple[str, int]:
        """The file of a row, and its number in it."""
        ...


@dataclass(frozen=True, slots=True)
class StreamStart:
    """Where the stream is taken up.

    Args:
        positions: next offset by partition.
        upto: its end now: what stands before may be in the files already, in part.
    """

    positions: Mapping[Partition, int]
    upto: Mapping[Partition, int]


class Bootstrapping:
    """Reads what is left of the files into a state.

    Where the stream is taken up is committed before the first row, and how far the files are read with each step: a
    kill at any moment leaves a state that goes on where it was, and that nobody else opens before it is whole.

    Args:
        store: of the state, started; it lets a part of a corpus pass.
        filler: of all parts of the corpus.
        plan: of the files.
        resumed: where the state left off.
        begin: where the stream is taken up, asked for at the very first start only.
        shards: how many parts there are, 0 where the corpus is whole.
        step: pieces that are committed at once.
    """

    def __init__(
        self,
        store: StateStore,
        filler: CorpusFiller,
        plan: RowPlan,
        resumed: Resumed,
        begin: Callable[[], StreamStart],
        *,
        shards: int,
        step: int,
    ) -> None:
        self._store, self._filler, self._plan = store, filler, plan
        self._begin, self._shards, self._step = begin, shards, step
        self._epoch, self._positions = resumed.epoch, dict(resumed.positions)
        self._mark, self._newest = resumed.files, resumed.newest_event_time
        self._counters = Counter(resumed.counters)
        self._before = Tally.of(resumed.counters)

    @property
    def total(self) -> int:
        """Rows of all files."""
        return self._plan.total

    @property
    def rows(self) -> int:
        """Rows that were read, ever."""
        return 0 if self._mark is None else self._mark.rows

    @property
    def read(self) -> Tally:
        """What became of the rows, of all starts."""
        return Tally.of(self._counters)

    @property
    def again(self) -> int:
        """Rows of chunks that another row had said already."""
        return sum(self._counters["events", "upsert", outcome] for outcome in AGAIN)

    @property
    def late(self) -> Mapping[Partition, int]:
        """Where the stream is taken up behind its very beginning, by partition."""
        return {part: at for part, at in sorted(of_stream(self._positions).items()) if at}

    def run(self, stopping: threading.Event, turned: Callable[[], None] = lambda: None) -> None:
        """Read to the end.

        Args:
            stopping: ends it behind a step.
            turned: is called after each step.

        Raises:
            ConfigurationError: the files, or how they are read, are not those with which it began.
            UnreachableError: a file or a part of the corpus cannot be had now, or it was told to stop: the same call
                goes on.
        """
        mark = self._mark or self._begun()
        if mark.plan != self._plan.digest():
            message = (
                f"bootstrap: began with other files, or read otherwise, and stands at row {mark.rows:,}; expected "
                "them as they were, or another state.path"
            )
            raise ConfigurationError(message)
        pieces = self._plan.pieces(mark.rows)
        following = list(islice(pieces, self._step))
        while following:
            if stopping.is_set():
                message = f"stopped at row {self.rows:,} of {self.total:,}; the same command goes on"
                raise UnreachableError(message)
            now, following = following, list(islice(pieces, self._step))
            self._filler.expect([*now, *following])
            self._take(now)
            turned()

    def _begun(self) -> FilesMark:
        """Take up the stream's positions, and nothing else."""
        found = self._begin()
        filled = {bootstrapped(part): 0 for part in found.positions}
        mark = FilesMark(self._plan.digest(), 0, self.total, found.upto)
        span = EpochSpan(self._epoch + 1, {}, {**found.positions, **filled})
        self._filler.fill(span, [])
        self._commit(span, Commit({}, files=mark))
        return mark

    def _take(self, pieces: Sequence[FilePiece]) -> None:
        assert self._mark is not None, "the stream's positions come first"  # noqa: S101 - `run` begins so
        end = pieces[-1].offset + pieces[-1].rows
        stream = of_stream(self._positions)
        upto = {part: stream.get(part, end) for part in self._positions}
        span = EpochSpan(self._epoch + 1, dict(self._positions), upto)
        filled = self._filler.fill(span, pieces)
        aside = [*filled.aside, *(self._refused(one) for one in filled.sums.refused)]
        self._count(filled, aside)
        self._newest = max(self._newest, filled.sums.newest_event_time)
        mark, sums = replace(self._mark, rows=end), filled.sums
        made = Commit({}, filled.changes, sums.sketches, said=sums.said, quarantined=aside, files=mark)
        self._commit(span, made)

    def _commit(self, span: EpochSpan, made: Commit) -> None:
        self._filler.commit()
        self._store.commit(
            replace(
                made,
                positions=span.upto,
                counters=dict(self._counters),
                newest_event_time=self._newest,
                epoch=span.epoch if self._shards else 0,
            )
        )
        self._epoch, self._positions, self._mark = span.epoch, dict(span.upto), made.files

    def _refused(self, refused: Refused) -> Quarantined:
        """A row whose event the rules of order refuse, as the quarantine keeps it."""
        located, error = refused.located, refused.error
        file, row = self._plan.place(located.position.offset)
        return Quarantined(Position(f"{BOOTSTRAP}/{file}", 0, row), error.reason, error.detail, None, None, 0)

    def _count(self, filled: FilledRows, aside: Sequence[Quarantined]) -> None:
        """As the loop counts events."""
        counters = self._counters
        counters.update({("events", *outcome): n for outcome, n in filled.sums.outcomes.items()})
        counters.update(dict(zip((UPSERTS, REPEATED), filled.sums.upserts, strict=True)))
        counters.update({(DOUBTFUL, kind.value): n for kind, n in filled.doubts.items() if n})
        counters.update(("quarantined", item.reason) for item in aside)
        if filled.aside:
            counters["events", "event", "malformed"] += len(filled.aside)


def closing(made: Bootstrapping) -> Iterator[str]:
    """What it came to."""
    yield str(made.read)
    if made.again:
        yield f"{count_of(made.again, 'row')} said a chunk again: the greater version counts, else the later row"
    if made.late:
        first, more = [f"{part.name} at {at:,}" for part, at in made.late.items()], len(made.late) - PLACES_SHOWN
        places = ", ".join(first[:PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield f"the stream is taken up in {places}: what changed before has to be in the files"
