"""`[bootstrap]`: files that hold what a corpus was before its stream is taken up."""

from typing import Literal

from pydantic import Field

from monitor.kinds import RowFieldsSection, Section


class FilesBootstrapSection(Section):
    """Files with a row for each chunk, read once by `corpus-drift bootstrap`; then the stream goes on over them."""

    path: str = Field(min_length=1)
    """A folder, one file, or the address of either in an object store."""
    format: Literal["parquet", "lance"] = "parquet"
    topic: str = ""
    """In whose partitions the chunks are; "" where the source has one topic."""
    partitioner: Literal["murmur2", "crc32"] = "murmur2"
    """How its producers choose a partition from a key."""
    offsets: dict[str, dict[int, int]] = Field(default_factory=dict)
    """Next offset by topic and partition at which the stream is taken up; none: where the source begins."""
    fields: RowFieldsSection = RowFieldsSection()
