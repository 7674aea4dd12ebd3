"""Versions of the Qdrant server: which ones the adapter was made for."""

import re

TRIED = "1.18.0"
"""The version that was run."""
OLDEST, NEWEST = (1, 15), (1, 19)
"""Minor versions whose source was read: endpoints, statuses and descriptions are those the adapter relies on."""
RANGE = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"


def remark(version: str) -> str:
    """What is to be known of a server of this version; "" where it is in the supported range."""
    parsed = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\D|$)", version)
    if not version:
        return f"the server does not say its version, expected {RANGE} (tried: {TRIED})"
    if parsed is None or not OLDEST <= (int(parsed[1]), int(parsed[2])) <= NEWEST:
        return f"the server is Qdrant {version:.40}, expected {RANGE} (tried: {TRIED})"
    return ""
