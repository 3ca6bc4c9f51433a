"""Files that hold secrets or personal data: only their owner may read them."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TextIO

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """An opener for `open`: makes the file readable by its owner only, even if it existed before."""
    descriptor = os.open(path, flags, OWNER_ONLY)
    os.fchmod(descriptor, OWNER_ONLY)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Writes the text to a file that only its owner can read."""
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)


def make_private(stream: TextIO) -> None:
    """If the stream is redirected to a file, makes the file readable by its owner only."""
    with suppress(OSError):  # the stream has no descriptor, or another user owns the file
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            os.fchmod(stream.fileno(), OWNER_ONLY)
