"""Files that hold secrets or personal data: only their owner may read them."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TextIO

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """An opener for `open`: only the owner may read the file, also one that existed before."""
    descriptor = os.open(path, flags, OWNER_ONLY)
    os.fchmod(descriptor, OWNER_ONLY)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Writes the whole file."""
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)


def make_private(stream: TextIO) -> None:
    """Lets only the owner read the file that a stream is redirected to; a pipe or a terminal stays as it is."""
    with suppress(OSError):  # it has no descriptor, or another user owns the file
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            os.fchmod(stream.fileno(), OWNER_ONLY)
