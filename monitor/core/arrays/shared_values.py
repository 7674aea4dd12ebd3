"""Values that many rows have, kept once each under a small number, and forgotten with the last row."""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import repeat
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

NOTHING = -1
"""The code of a holder of nothing."""
_UNKNOWN = -2
Held = TypeVar("Held", bound=Hashable)


class SharedValues(Generic[Held]):
    """A code per distinct value that is held; the code of one that nobody holds is given again.

    So there are never more codes than distinct values were held at one time.

    >>> shared = SharedValues[str]()
    >>> codes = shared.exchange(["guide.md", "guide.md", None], np.full(3, NOTHING))
    >>> codes.tolist(), shared[0], len(shared)
    ([0, 0, -1], 'guide.md', 1)
    >>> shared.exchange([None, "api.md", None], codes).tolist(), len(shared)
    ([-1, 1, -1], 1)
    """

    def __init__(self) -> None:
        self._codes: dict[Held | None, int] = {None: NOTHING}
        self.values: list[Held | None] = []
        """By code, this very list for ever; None where the code is free."""
        self._holders: list[int] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """Distinct values held."""
        return len(self._codes) - 1

    def __getitem__(self, code: int) -> Held:
        """The value of a code that is held."""
        return self.values[code]  # type: ignore[return-value]  # None only where nobody holds the code

    def code(self, value: Held) -> int | None:
        """The code of a value, None where nobody holds it."""
        return self._codes.get(value)

    def exchange(
        self, values: Sequence[Held | None], codes: NDArray[Any], had: dict[int, Held] | None = None
    ) -> NDArray[np.int64]:
        """The codes of values, each of which has one more holder; of what the holders had before, each one less.

        Args:
            values: n, None for a holder of nothing from now on.
            codes: (n,) integers, NOTHING for a holder of nothing until now.
            had: gets, by place, what holders had that have something else now.

        Returns:
            (n,) int64, NOTHING for a holder of nothing.
        """
        made = np.fromiter(map(self._codes.get, values, repeat(_UNKNOWN)), np.int64, len(values))
        moved = np.flatnonzero(made != codes)
        if len(moved):
            if had is not None:
                had.update((at, self[code]) for at in moved.tolist() if (code := codes[at]) != NOTHING)
            others = [values[at] for at in moved.tolist()]
            for value, holders in Counter(others).items():
                if value is not None:
                    self._holders[self._admitted(value)] += holders
            made[moved] = [self._codes[value] for value in others]
            self.release(codes[moved])
        return made

    def release(self, codes: NDArray[Any]) -> None:
        """One holder less of each code, NOTHING passed over; the last one takes the value with it."""
        for code, holders in Counter(codes.tolist()).items():
            if code == NOTHING:
                continue
            self._holders[code] -= holders
            if not self._holders[code]:
                del self._codes[self.values[code]]
                self.values[code] = None
                self._free.append(code)

    def resume(self, values: list[Held | None], codes: NDArray[np.int64]) -> None:
        """Take up what was there.

        Args:
            values: by code.
            codes: (n,) of all holders.
        """
        self.values[:] = values
        self._holders = np.bincount(codes, minlength=len(values)).tolist()
        self._codes = {None: NOTHING, **{value: code for code, value in enumerate(values) if value is not None}}
        self._free = [code for code, value in enumerate(values) if value is None]

    def _admitted(self, value: Held) -> int:
        """The code of a value, which somebody is going to hold."""
        code = self._codes.get(value)
        if code is None:
            if self._free:
                code = self._free.pop()
                self.values[code] = value
            else:
                code = len(self.values)
                self.values.append(value)
                self._holders.append(0)
            self._codes[value] = code
        return code
