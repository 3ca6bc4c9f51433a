"""Files that hold secrets or people: nobody but their owner may read them."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TextIO

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """An opener for `open`: the file is its owner's alone, also one that was there already."""
    descriptor = os.open(path, flags, OWNER_ONLY)
    os.fchmod(descriptor, OWNER_ONLY)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Writes the whole file."""
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)


def make_private(stream: TextIO) -> None:
    """The file that a stream was redirected to becomes its owner's alone; a pipe or a terminal stays as it is."""
    with suppress(OSError):  # it has no descriptor, or the file is somebody else's
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            os.fchmod(stream.fileno(), OWNER_ONLY)
