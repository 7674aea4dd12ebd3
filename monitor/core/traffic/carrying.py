"""Judgements after a corpus was cut anew: where what was judged stands now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.content_sketch import HELD, ContainmentSearch, ContentSketch, SharedContent
from monitor.core.measures.answers import stays
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import chunk_key

_AT_ONCE = 2_048


class JudgementState(StrEnum):
    """What became of a judged chunk."""

    VALID = "valid"
    """It is live under its id, and says what it said, or an edited form of it."""
    MOVED = "moved"
    """Another chunk says the same, or nearly."""
    SPLIT = "split"
    """Several chunks are parts of it, and say most of it together."""
    MERGED = "merged"
    """A longer chunk holds it."""
    GONE = "gone"
    """Nobody says it any more, or what it said is not known."""


@dataclass(frozen=True, slots=True)
class CarriedJudgement:
    """One judgement of an anchor, and where it leads now.

    Args:
        anchor_id: whose it is.
        chunk_id: the judged chunk.
        grade: of it.
        state: what became of it.
        to: chunk ids that it is carried over to, the likest first; itself where it is live, nobody where it is gone.
    """

    anchor_id: str
    chunk_id: str
    grade: float
    state: JudgementState
    to: tuple[str, ...] = ()


def judged_keys(anchors: Sequence[Anchor]) -> list[int]:
    """Keys of all judged chunks, ascending."""
    return sorted({chunk_key(chunk) for anchor in anchors for chunk in anchor.relevant})


def still_said(
    judged: Iterable[int], live: Mapping[int, NDArray[np.uint32]], said: Mapping[int, ContentSketch]
) -> set[int]:
    """Judged chunks that are live and have not become something else: ids that count places may name another part.

    Args:
        judged: chunk keys.
        live: shingles of those that are live.
        said: what they said; of others it is not known, and they stand.
    """
    return {key for key in judged if key in live and (key not in said or stays(said[key].sample, live[key]))}


def carried(
    anchors: Sequence[Anchor],
    chunks: Sequence[tuple[str, NDArray[np.uint32]]],
    said: Mapping[int, ContentSketch],
) -> tuple[CarriedJudgement, ...]:
    """Where every judgement stands: by the chunk's id, then by what it said, by shingles.

    Args:
        anchors: with their judgements.
        chunks: every live chunk's id and sorted distinct shingles.
        said: by chunk key, a sketch of what chunks said that are not live, or are something else now; of others that
            are not live nothing is known: they are gone.

    Returns:
        One for each judgement, in the order of the anchors. With `held` the share of the judged text that a chunk
        says and `taken` the share of that chunk which the judged text said (both from 0.8 on): MOVED has both,
        MERGED has `held` alone, SPLIT are chunks with `taken` alone that together hold 0.8 of it.
    """
    judged = judged_keys(anchors)
    shingles = {chunk_key(name): of for name, of in chunks}
    live = still_said(judged, shingles, said)
    keys = [key for key in judged if key not in live and key in said]
    found = _found([said[key] for key in keys], chunks)
    places = {key: _place(said[key], found.get(at, ()), chunks) for at, key in enumerate(keys)}
    gone: tuple[JudgementState, tuple[str, ...]] = (JudgementState.GONE, ())
    made: list[CarriedJudgement] = []
    for anchor in anchors:
        for chunk, grade in anchor.relevant.items():
            key = chunk_key(chunk)
            state, to = (JudgementState.VALID, (chunk,)) if key in live else places.get(key, gone)
            made.append(CarriedJudgement(anchor.id, chunk, grade, state, to))
    return tuple(made)


def by_state(judgements: Iterable[CarriedJudgement]) -> Mapping[JudgementState, int]:
    """How many are in each state, all five of them."""
    counted = Counter(of.state for of in judgements)
    return {state: counted[state] for state in JudgementState}


def _found(
    sketches: Sequence[ContentSketch], chunks: Sequence[tuple[str, NDArray[np.uint32]]]
) -> dict[int, list[SharedContent]]:
    """By sketch, the chunks that share content with it; `text` is the place among all chunks."""
    search, made = ContainmentSearch(sketches), dict[int, list[SharedContent]]()
    for at in range(0, len(chunks), _AT_ONCE) if sketches else ():
        for one in search.among([shingles for _, shingles in chunks[at : at + _AT_ONCE]]):
            made.setdefault(one.sketch, []).append(SharedContent(one.text + at, one.sketch, one.held, one.taken))
    return made


def _place(
    sketch: ContentSketch, found: Sequence[SharedContent], chunks: Sequence[tuple[str, NDArray[np.uint32]]]
) -> tuple[JudgementState, tuple[str, ...]]:
    ordered = sorted(found, key=lambda of: (-of.held, -of.taken, chunks[of.text][0]))
    same = [of for of in ordered if of.held >= HELD and of.taken >= HELD]
    around = [of for of in ordered if of.held >= HELD]
    if same or around:
        state = JudgementState.MOVED if same else JudgementState.MERGED
        return state, (chunks[(same or around)[0].text][0],)
    together = np.unique(np.concatenate([np.zeros(0, np.uint32), *(chunks[of.text][1] for of in ordered)]))
    if np.isin(sketch.sample, together).mean() >= HELD if len(sketch.sample) else False:
        return JudgementState.SPLIT, tuple(chunks[of.text][0] for of in ordered)
    return JudgementState.GONE, ()
