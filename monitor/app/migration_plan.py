"""What is configured of a migration, and how its two indexes are reached."""

from dataclasses import dataclass

from monitor.core.migration.model import EncoderContract
from monitor.ports import Encoder, IndexReader, OwnedIndex, Retriever


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What is configured of a migration.

    Args:
        migration_id: as its markers say.
        old: contract of the version in production.
        new: contract of the target.
        depths: that lists are compared at, the judged one first.
        dimensions: by whose segments figures are told apart.
        cap: the most segments of a dimension.
        settle: seconds of event time before a difference is a fault.
        alias: that production asks, "" for none.
        read: whether vectors are read from the target's index because no event brings them.
        scan_seconds: between two lists of all of its points.
        fill: whether the encoder makes the vectors of chunks that nothing else brings.
    """

    migration_id: str
    old: EncoderContract
    new: EncoderContract
    depths: tuple[int, ...]
    dimensions: tuple[str, ...] = ()
    cap: int = 50
    settle: float = 30.0
    alias: str = ""
    read: bool = False
    scan_seconds: float = 3_600.0
    fill: bool = False


@dataclass(frozen=True, slots=True)
class TargetAccess:
    """How the two indexes are reached.

    Args:
        retriever: answers the anchors in the new version; None where nobody serves it.
        owned: the same where the monitor fills it.
        reader: lists and reads the points of the new index.
        old_reader: the same of the index in production.
        old_retriever: answers the anchors in the old version.
        encoder: makes the new version's vectors of chunks.
        deadline: seconds a replay may take.
        old_owned: whether the monitor fills the index in production itself.
    """

    retriever: Retriever | None = None
    owned: OwnedIndex | None = None
    reader: IndexReader | None = None
    old_reader: IndexReader | None = None
    old_retriever: Retriever | None = None
    encoder: Encoder | None = None
    deadline: float = 120.0
    old_owned: bool = False
