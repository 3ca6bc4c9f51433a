"""What all tests share."""

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from clemta_intake import telemetry

if "PYTEST_XDIST_WORKER" in os.environ:  # its coverage is being measured, that of what it starts is not
    os.environ.pop("COVERAGE_PROCESS_START", None)

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as in a script's background job; the tests send Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Time is not what property tests are about. `quick` tries a tenth of the examples: tests.support.examples.
settings.register_profile("full", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("full")

type Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """The command handles signals until its process ends; here the process goes on with the next test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines that the function logged since the test began."""
    telemetry._pending.clear()  # what an earlier test measured
    stream = io.StringIO()
    for handler in telemetry.log.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
