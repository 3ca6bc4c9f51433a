"""Files that hold secrets or people: only their owner may read them."""

import os
from pathlib import Path

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """An opener for `open` that gives a new or an existing file this mode."""
    descriptor = os.open(path, flags, OWNER_ONLY)
    os.fchmod(descriptor, OWNER_ONLY)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Writes the whole file, readable by its owner only."""
    with open(path, "w", encoding="utf-8", opener=private) as file:
        file.write(text)
