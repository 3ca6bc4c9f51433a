"""What the settings mean once the dependencies are put together; the clients only record."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from clemta_intake import dependencies
from clemta_intake.dependencies import Dependencies
from clemta_intake.errors import NotApplied
from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.settings import Settings
from tests.support.fakes import Clock
from tests.unit.test_settings_and_deadlines import ENVIRONMENT

HOUR = 3600


@dataclass
class RecordingClients:
    """Every client is this one; it notes the queues that messages were sent to."""

    urls: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def client(self, service: str) -> "RecordingClients":
        self.services.append(service)
        return self

    def end_calls_by(self, *_: Any) -> None:
        """No call takes time here."""

    def get_secret_value(self, **request: Any) -> dict[str, str]:
        self.secrets.append(request["SecretId"])
        return {"SecretString": "secret"}

    def send_message(self, **request: Any) -> None:
        self.urls.append(request["QueueUrl"])


@pytest.mark.parametrize(("hours", "queue"), [(71.9, "retry"), (72, "dead")])
def test_p4_a_submission_that_fails_is_parked_after_give_up_hours(hours: float, queue: str) -> None:
    clock, clients = Clock(), RecordingClients()
    deps = Dependencies(Settings.read(ENVIRONMENT), clients, dict, clock)
    submission = Submission("id", "website", clock.now - hours * HOUR, b"{}")
    earlier = Envelope(submission, 9, clock.now - hours * HOUR, Failure("outage", 500, "HTTP_500", ""))
    deps.delivery.requeue_or_park(submission, NotApplied("HTTP_500"), earlier)
    assert clients.urls == [f"https://sqs.example.com/{queue}"]


def test_what_the_first_request_needs_can_be_prepared() -> None:
    clients, read = RecordingClients(), list[str]()

    def load_sources() -> dict[str, Any]:
        read.append("sources")
        return {}

    deps = Dependencies(Settings.read(ENVIRONMENT), clients, load_sources, Clock())
    deps.prepare()
    assert set(clients.services) == {"dynamodb", "secretsmanager", "sqs"}
    assert set(clients.secrets) == {
        deps.settings.clemta_secret_id,
        deps.settings.signing_secret_id,
        deps.settings.ledger_pepper_id,
    }
    assert read == ["sources"]


def test_without_an_event_bus_no_client_of_eventbridge_is_made() -> None:
    clients = RecordingClients()
    deps = Dependencies(Settings.read(ENVIRONMENT), clients, dict, Clock())
    deps.prepare()
    assert deps.contact_events is None
    assert "events" not in clients.services


def test_with_an_event_bus_its_client_is_prepared_while_the_function_loads() -> None:
    clients = RecordingClients()
    deps = Dependencies(Settings.read(ENVIRONMENT | {"EVENT_BUS": "default"}), clients, dict, Clock())
    deps.prepare()
    assert clients.services.count("events") == 1
    assert deps.contact_events


def test_p2_a_process_that_cannot_be_prepared_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    dependencies.dependencies.cache_clear()
    monkeypatch.delenv("LEDGER_TABLE", raising=False)
    dependencies.prepare()
    with pytest.raises(KeyError):
        dependencies.dependencies()
