"""Which version of a file stands at a path, without reading it."""

from pathlib import Path


def stamp(path: Path) -> str:
    """Inode, size and time of the last change, as text; "" where nothing can be read.

    A symbolic link is followed, so a mounted configuration that is swapped as a whole is another version too.
    """
    try:
        seen = path.stat()
    except OSError:
        return ""
    return f"{seen.st_ino}:{seen.st_size}:{seen.st_mtime_ns}"
