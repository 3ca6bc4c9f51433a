"""The sample events: sign-ups and retry batches that work on any day."""

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.errors import NotApplied
from clemta_intake.receive import create_app
from clemta_intake.redeliver import create_handler
from local.invoke import function_of
from local.sources import SOURCES
from tests.support.events import CRM_SECRET, Context
from tests.support.fakes import FakeDependencies

ROOT = Path(__file__).parents[2]
EVENTS = sorted((ROOT / "events").glob("*.json"))
YEARS = 10 * 365 * 86400


def loaded(event: Path) -> Any:
    return json.loads(event.read_text())


@pytest.fixture
def later() -> FakeDependencies:
    """The shipped sources in ten years."""
    deps = FakeDependencies(tomllib.loads(SOURCES.read_text())["sources"], crm=CRM_SECRET)
    deps.clock.now = time.time() + YEARS
    return deps


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stem)
def test_a_sample_event_is_a_sign_up_or_a_retry_batch_as_its_name_says(event: Path) -> None:
    expected = "RedeliverFunction" if "retry" in event.stem else "ReceiveFunction"
    assert function_of(loaded(event)) == expected


@pytest.mark.parametrize(
    "event", [one for one in EVENTS if "retry" not in one.stem], ids=lambda one: one.stem
)
def test_a_sample_sign_up_becomes_a_contact_on_any_day(event: Path, later: FakeDependencies) -> None:
    answer = create_app(lambda: later)(loaded(event), Context())  # type: ignore[arg-type, return-value]
    assert json.loads(answer["body"])["status"] == "created"
    assert "requestTime" not in event.read_text(), "a time that ages"


@pytest.mark.parametrize("event", [one for one in EVENTS if "retry" in one.stem], ids=lambda one: one.stem)
def test_a_sample_retry_batch_never_gives_up_on_its_first_failure(
    event: Path, later: FakeDependencies
) -> None:
    records = loaded(event)["Records"]
    handle = create_handler(lambda: later)  # type: ignore[arg-type, return-value]
    later.clemta.fail("create", NotApplied("status_500"))
    assert handle(loaded(event), Context()) == {"batchItemFailures": []}  # type: ignore[arg-type]
    assert later.queues.retried
    assert not later.queues.parked
    assert len(later.clemta.stored) + len(later.queues.retried) == len(records)
