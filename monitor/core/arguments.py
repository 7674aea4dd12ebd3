"""Arguments of the public API, checked: whoever has no type checker is told in one line what was expected."""

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from monitor.core.judging.policy import Rule
from monitor.core.measures.formulas.overlap import DEEPEST
from monitor.errors import InputError


def listed(given: object, name: str, expected: str) -> Sequence[object]:
    """What is in a list or another iterable; InputError where it is none, or a text, whose letters nobody means.

    >>> listed(range(2), "depths", "whole numbers")
    (0, 1)
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        message = f"{name} = {given!r:.80}: expected a list of {expected}"
        raise InputError(message)
    return tuple(given)


def whole_number(given: object) -> int | None:
    """A whole number of Python or numpy; None where it is something else.

    >>> whole_number(3), whole_number(3.0), whole_number(True)
    (3, None, None)
    """
    return int(given) if isinstance(given, SupportsIndex) and not isinstance(given, bool) else None


def depths_of(given: object, name: str) -> tuple[int, ...]:
    """Depths k: one whole number, or several distinct ones.

    >>> depths_of(10, "k"), depths_of([10, 3], "k")
    ((10,), (10, 3))
    """
    depths = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    whole = tuple(k for each in depths if (k := whole_number(each)) is not None and 1 <= k <= DEEPEST)
    if not depths or len(whole) < len(depths) or len(set(whole)) < len(whole):
        message = f"{name} = {given!r:.80}: expected one or more distinct whole numbers from 1 to {DEEPEST}"
        raise InputError(message)
    return whole


def rules_of(given: object) -> tuple[Rule, ...]:
    """The rules of a policy, each with a limit."""
    rules = listed(given, "policy", "monitor.Rule")
    made = tuple(of for of in rules if isinstance(of, Rule))
    if len(made) < len(rules):
        wrong = next(of for of in rules if not isinstance(of, Rule))
        message = f"policy: {wrong!r:.80} is no rule; expected a list of monitor.Rule"
        raise InputError(message)
    unlimited = next((of for of in made if of.min is None and of.max is None), None)
    if unlimited is not None:
        message = f"rule {unlimited.name!r} has neither min nor max; expected a limit"
        raise InputError(message)
    return made
