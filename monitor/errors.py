"""Errors raised on purpose; apart from everything else, so that a command line loads nothing more."""


class CorpusDriftError(Exception):
    """Root of the errors this program raises on purpose; the message is one line for people."""


class ConfigurationError(CorpusDriftError):
    """The configuration, the anchors file or a command's arguments are wrong: exit code 2."""


class InputError(CorpusDriftError, ValueError):
    """What somebody handed in cannot be used: a value, a list, a file's line. The message says which, and what was
    expected. It is a ValueError too, so that code without this package can catch it.

    >>> import monitor
    >>> try:
    ...     monitor.compare({"q": ["a", "a"]}, {"q": ["a"]})
    ... except monitor.CorpusDriftError as error:
    ...     print(error)
    before: query 'q': 'a' at ranks 1 and 2; expected each result once
    """


class UnreachableError(CorpusDriftError):
    """A system that the command cannot do without does not answer: exit code 4."""
