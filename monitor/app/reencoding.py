"""A sample of stored vectors against their texts encoded anew: does the encoder still say what the corpus holds?"""

from collections.abc import Sequence

import numpy as np

from monitor.core.attribution import Attribution
from monitor.core.index.baseline import Snapshot
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.report import CauseEvidence
from monitor.ports import CorpusDriftError, Encoder, StateStore

SAMPLE = 32
"""Texts encoded anew for one card."""
LEAST_COSINE = 0.99
"""Two runs of one model on other hardware differ by less."""


def reencoded(
    store: StateStore, after: Snapshot, attributions: Sequence[Attribution], encoder: Encoder | None
) -> CauseEvidence | str:
    """Encode a bounded sample of the listed chunks anew, those that entered lists first.

    Returns:
        Evidence of cause ENCODER where stored vectors differ; else why nothing was compared, "" where all agree.
    """
    if encoder is None or "dense" not in after.lists:
        return ""
    found = [one for one in store.said(_sample(after, attributions)).values() if one.vector is not None and one.text]
    if not found:
        return "no text of a listed chunk is stored: no vector was encoded anew"
    try:
        made = encoder.encode([one.text for one in found])
    except CorpusDriftError as error:
        return f"no vector was encoded anew: {error}"
    stored = np.array([one.vector for one in found], np.float64)
    if made.shape != stored.shape:
        return f"no vector was compared: the encoder makes {made.shape[1:]} numbers, {stored.shape[1:]} are stored"
    lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(made, axis=1)
    cosine = (stored * made).sum(axis=1) / np.where(lengths > 0.0, lengths, 1.0)
    differ = int((cosine < LEAST_COSINE).sum())
    if not differ:
        return ""
    lowest = f"cosine below {LEAST_COSINE:g}, lowest {cosine.min():.3f}"
    return CauseEvidence(
        "ENCODER", f"{differ} of {len(found)} sampled vectors differ from their text encoded now ({lowest})"
    )


def _sample(after: Snapshot, attributions: Sequence[Attribution]) -> list[int]:
    """Keys that entered dense lists, then others of these lists, each once."""
    entered = [one.key[one.entered] for one in attributions if one.leg == "dense"]
    keys = np.concatenate([*entered, after.lists["dense"].keys.ravel()])
    listed = dict.fromkeys(key for key in keys.tolist() if key != NO_CHUNK)
    return list(listed)[:SAMPLE]
