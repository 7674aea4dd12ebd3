"""Values that many rows have, kept once each under a small number, and forgotten with the last row."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value", bound=Hashable)


class SharedValues(Generic[Value]):
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
        self._codes: dict[Value, int] = {}
        self.values: list[Value | None] = []
        """By code, this very list for ever; None where the code is free."""
        self._holders: list[int] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """Distinct values held."""
        return len(self._codes)

    def __getitem__(self, code: int) -> Value:
        """The value of a code that is held."""
        return self.values[code]  # type: ignore[return-value]  # None only where nobody holds the code

    def code(self, value: Value) -> int | None:
        """The code of a value, None where nobody holds it."""
        return self._codes.get(value)

    def hold(self, value: Value) -> int:
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

    def _admit(self, value: Value) -> int:
        if self._free:
            code = self._free.pop()
            self.values[code] = value
        else:
            code = len(self.values)
            self.values.append(value)
            self._holders.append(0)
        self._codes[value] = code
        return code
