"""Wire forms of corpus events: bytes that nobody has trusted yet to corpus events, or a named reason why not."""

from monitor.adapters.codecs.forms import FORMS, FormOptions, decoder
from monitor.adapters.codecs.limits import Limits
from monitor.adapters.codecs.paths import FieldPaths
from monitor.adapters.codecs.reasons import REASONS
from monitor.adapters.codecs.times import STAMP_HEADER

__all__ = ["FORMS", "REASONS", "STAMP_HEADER", "FieldPaths", "FormOptions", "Limits", "decoder"]
