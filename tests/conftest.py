"""What all tests share."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from clemta_intake import telemetry

type Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines that the function logged since the test began."""
    telemetry._pending.clear()  # what an earlier test measured
    stream = io.StringIO()
    for handler in telemetry.log.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
