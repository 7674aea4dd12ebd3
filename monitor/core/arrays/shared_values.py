"""Values that many rows have, kept once each under a small number, and forgotten with the last row."""

from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Held = TypeVar("Held", bound=Hashable)


class SharedValues(Generic[Held]):
    """A code per distinct value that is held; the code of one that nobody holds is given again.

    So there are never more codes than distinct values were held at one time.

    >>> shared = SharedValues[str]()
    >>> guide, again = shared.hold("guide.md"), shared.hold("guide.md")
    >>> guide == again, shared[guide], len(shared)
    (True, 'guide.md', 1)
    >>> shared.release(guide), shared.release(guide), len(shared)
    (None, None, 0)
    """

    def __init__(self) -> None:
        self._codes: dict[Held, int] = {}
        self.values: list[Held | None] = []
        """By code, this very list for ever; None where the code is free."""
        self._holders: list[int] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """Distinct values held."""
        return len(self._codes)

    def __getitem__(self, code: int) -> Held:
        """The value of a code that is held."""
        return self.values[code]  # type: ignore[return-value]  # None only where nobody holds the code

    def code(self, value: Held) -> int | None:
        """The code of a value, None where nobody holds it."""
        return self._codes.get(value)

    def hold(self, value: Held) -> int:
        """The code of a value, which has one more holder now."""
        code = self._codes.get(value)
        if code is None:
            code = self._admit(value)
        self._holders[code] += 1
        return code

    def release(self, code: int) -> None:
        """One holder less; the last one takes the value with it."""
        self._holders[code] -= 1
        if not self._holders[code]:
            del self._codes[self.values[code]]  # type: ignore[arg-type]  # it is held until here
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
        self._codes = {value: code for code, value in enumerate(values) if value is not None}
        self._free = [code for code, value in enumerate(values) if value is None]

    def _admit(self, value: Held) -> int:
        if self._free:
            code = self._free.pop()
            self.values[code] = value
        else:
            code = len(self.values)
            self.values.append(value)
            self._holders.append(0)
        self._codes[value] = code
        return code
