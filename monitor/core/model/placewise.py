"""Sequences that are compared with those of the time before, place by place and by identity: in passes of C."""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import is_not, itemgetter
from typing import TypeVar

T = TypeVar("T")


def taking(places: Sequence[int]) -> Callable[[Sequence[T]], tuple[T, ...]]:
    """Takes out of a sequence what stands at these places, in their order.

    >>> taking([2, 0])("abc"), taking([1])("abc"), taking([])("abc")
    (('c', 'a'), ('b',), ())
    """
    if len(places) > 1:
        return itemgetter(*places)
    return lambda items: tuple(items[at] for at in places)


def others(now: Sequence[object], before: Sequence[object]) -> list[int]:
    """At which places of two sequences of one length another object stands, whether or not it is equal.

    >>> one, other = (1.0,), (2.0,)
    >>> others([one, one, other], [one, other, (2.0,)])
    [1, 2]
    """
    return list(compress(range(len(now)), map(is_not, now, before)))
