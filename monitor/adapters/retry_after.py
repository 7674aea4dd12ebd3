"""How long a server that refuses for now asks to be left alone."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], *, most: float = math.inf, now: datetime | None = None) -> float | None:
    """Seconds that Retry-After asks to wait, 0 to `most`; None where there is none that can be read.

    Args:
        headers: of the answer. A date is held against the server's own clock, where it says it.
        most: more is not believed.
        now: our clock, for where it does not; None: asked.
    """
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return min(float(given[:9]), most)
    try:
        clock = parsedate_to_datetime(headers["Date"]) if "Date" in headers else now or datetime.now(UTC)
        seconds = (parsedate_to_datetime(given) - clock).total_seconds()
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return min(max(0.0, seconds), most)
