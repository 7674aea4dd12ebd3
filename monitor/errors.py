"""Errors raised on purpose; apart from everything else, so that a command line loads nothing more."""


class CorpusDriftError(Exception):
    """Root of the errors this program raises on purpose; the message is one line for people."""


class ConfigurationError(CorpusDriftError):
    """The configuration, the anchors file or a command's arguments are wrong: exit code 2."""


class UnreachableError(CorpusDriftError):
    """A system that the command cannot do without does not answer: exit code 4."""
