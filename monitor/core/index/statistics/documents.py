"""Documents per segment: how many chunks each has there, and which changed since the baseline."""

from collections.abc import Callable, Sequence
from sys import intern

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.image import Image, unused
from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.kernels_documents import PartTable, forget_changes, step_parts
from monitor.core.model.events import chunk_key

Ints = NDArray[np.int64]
Listener = Callable[[Ints, int, Ints], None]
"""Takes handles of parts, what is counted of them (0: live chunks, 1: changed ones, 2: the baseline's), and steps."""
_ROW_BITS = 31


class _Handles(dict[int, int]):
    """A dictionary that gives a part it does not know a handle: one look-up per chunk and dimension, no branch."""

    def __init__(self, owner: "Documents") -> None:
        super().__init__()
        self._owner = owner

    def __missing__(self, part: int) -> int:
        handle = self[part] = self._owner._admit(part)
        return handle


class Documents:
    """Parts of documents: the chunks of one document in one segment value.

    A part is new, modified or deleted as its chunks say: it had none in the baseline, has none now, or some chunk of
    it is new, modified or deleted. A part that is neither live nor in the baseline is forgotten.

    Args:
        counters: where parts are counted.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.sizes: Ints = np.zeros(64, np.int64)
        """Live chunks by part."""
        self.then: Ints = np.zeros(64, np.int64)
        """Chunks in the baseline by part."""
        self.changed: Ints = np.zeros(64, np.int64)
        """Chunks new, modified or deleted since the baseline by part."""
        self.listener: Listener | None = None
        """Is told every step before it is taken: where others count what lies in several corpora."""
        self._parts: Ints = np.zeros(64, np.int64)
        self._handles = _Handles(self)
        self._free: list[int] = []
        self._used = 0
        self._codes: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self.hashes: list[int] = []
        """63-bit hash of the document's id by code; stale where the code is free."""
        self._ids: list[str] = []
        self._free_codes: list[int] = []
        self._empty: list[Ints] = []
        """Parts that had nothing after some step, until `settle`."""

    def __len__(self) -> int:
        """Documents known."""
        return len(self._codes)

    def codes(self, doc_ids: Sequence[str]) -> Ints:
        """Codes of documents by id; (n,) int64."""
        names, made = self._names, []
        for doc_id in doc_ids:
            code = names.get(doc_id)
            if code is None:
                code = names[doc_id] = self.coded(chunk_key(doc_id))
                self._ids[code] = doc_id
            made.append(code)
        return np.array(made, np.int64)

    def name(self, code: int) -> str:
        """The id of a document that has been live since it got its code, else ""."""
        return self._ids[code]

    def of(self, parts: Ints) -> Ints:
        """Codes of the documents that some parts in use belong to; (n,) int64."""
        codes: Ints = self._parts[parts] >> _ROW_BITS
        return codes

    def rows(self, parts: Ints) -> Ints:
        """Rows of some parts in use; (n,) int64."""
        rows: Ints = self._parts[parts] & ((1 << _ROW_BITS) - 1)
        return rows

    def everything(self) -> tuple[tuple[Ints, Ints], ...]:
        """All parts that have live chunks, changed ones, or some in the baseline: handles and counts of each."""
        filled = ((np.flatnonzero(of), of) for of in (self.sizes, self.changed, self.then))
        return tuple((handles, of[handles]) for handles, of in filled)

    def coded(self, hashed: int) -> int:
        """The code of a document by the hash of its id."""
        code = self._codes.get(hashed)
        if code is None:
            code = self._free_codes.pop() if self._free_codes else len(self.hashes)
            if code == len(self.hashes):
                self.hashes.append(hashed)
                self._ids.append("")
            self.hashes[code], self._ids[code] = hashed, ""
            self._codes[hashed] = code
        return code

    def parts(self, codes: Ints, rows: Ints) -> Ints:
        """Handles of the parts of n documents in their n rows per dimension; (n, D) int64, made where new."""
        flat = (codes[:, None] << _ROW_BITS | rows).ravel().tolist()
        return np.fromiter(map(self._handles.__getitem__, flat), np.int64, len(flat)).reshape(rows.shape)

    def update(self, kind: int, parts: Ints, steps: Ints) -> None:
        """Add steps to what is counted of parts (0: live chunks, 1: changed ones, 2: the baseline's); `settle` after
        the last of several such.
        """
        if len(parts):
            if self.listener is not None:
                self.listener(parts, kind, steps)
            counters = self._counters
            empty = step_parts(counters.counts, counters.dirty, self._table(), kind, parts, steps)
            if len(empty):
                self._empty.append(empty)

    def settle(self) -> None:
        """Forget the parts that are neither live nor in the baseline."""
        if self._empty:
            parts = distinct(self._empty)
            self._empty.clear()
            self._forget(parts[(self.sizes[parts] == 0) & (self.then[parts] == 0)])

    def forget(self, then: Ints) -> None:
        """Let go of a baseline's chunks, whose parts these are."""
        changed = np.flatnonzero(self.changed)
        if self.listener is not None:
            self.listener(changed, 1, -self.changed[changed])
        forget_changes(self._counters.counts, self._counters.dirty, self._table(), changed)
        self.update(2, then, np.full(len(then), np.int64(-1)))
        self.settle()

    def image(self) -> Image:
        """See `image`: of the live parts."""
        return {
            "parts": self._parts[: self._used],
            "sizes": self.sizes[: self._used],
            "hashes": np.array(self.hashes, np.int64),
            "ids": self._ids,
        }

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet; it is counted already."""
        self._parts, self.sizes = image["parts"], image["sizes"]
        self._used = len(self._parts)
        self.then, self.changed = np.zeros(self._used, np.int64), np.zeros(self._used, np.int64)
        live = np.flatnonzero(self.sizes)
        self._free = unused(live, self._used)
        self._handles.update(zip(self._parts[live].tolist(), live.tolist(), strict=True))
        self.hashes, self._ids = image["hashes"].tolist(), [intern(of) for of in image["ids"]]
        codes = np.unique(self.of(live))
        self._free_codes = unused(codes, len(self.hashes))
        for code in codes.tolist():
            self._codes[self.hashes[code]] = code
            if self._ids[code]:
                self._names[self._ids[code]] = code

    def _table(self) -> PartTable:
        return PartTable(self._parts, self.sizes, self.changed, self.then, _ROW_BITS)

    def _forget(self, parts: Ints) -> None:
        for handle, part in zip(parts.tolist(), self._parts[parts].tolist(), strict=True):
            del self._handles[part]
            self._free.append(handle)
            code = part >> _ROW_BITS
            if not part & ((1 << _ROW_BITS) - 1):  # row 0 is `all`: every chunk of the document is in it
                del self._codes[self.hashes[code]]
                self._names.pop(self._ids[code], None)
                self._free_codes.append(code)

    def _admit(self, part: int) -> int:
        if self._free:
            handle = self._free.pop()
        else:
            handle = self._used
            self._used += 1
            if handle == len(self.sizes):
                self._grow()
        self._parts[handle] = part
        return handle

    def _grow(self) -> None:
        room = np.zeros(max(64, len(self.sizes)), np.int64)
        self.sizes, self.then, self.changed, self._parts = (
            np.concatenate((of, room)) for of in (self.sizes, self.then, self.changed, self._parts)
        )
