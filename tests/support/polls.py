"""Reads of a queue that do not wait."""

import pytest

from ops import messages


@pytest.fixture(autouse=True)
def short_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's last receive of a queue finds nothing and waits; the emulator's answer is complete at once."""
    monkeypatch.setattr(messages, "_LONGEST_POLL", 0)
