"""The retry queue's messages: each has its own fate, and none is lost."""

import json
import time
from typing import Any

import pytest

from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ConfigError, KeyRefused, NotApplied, OutcomeUnknown, Unavailable
from clemta_intake.model import Envelope, Failure, Outcome, Place, Submission
from clemta_intake.queue_message import encode_envelope
from clemta_intake.redeliver import Redelivery, create_handler
from tests.conftest import Lines
from tests.support.events import Context, batch
from tests.support.fakes import FakeDependencies

FORM = "application/x-www-form-urlencoded"
CRM = {
    "kind": "webhook",
    "auth": {"scheme": "token", "secret": "crm"},
    "accept": "body.event=='lead.created'",
    "contact": {"email": "body.email"},
}


@pytest.fixture
def deps() -> FakeDependencies:
    return FakeDependencies({"website": {"kind": "form"}, "crm": CRM})


def handle(deps: FakeDependencies, event: dict[str, Any], seconds: float = 60) -> list[str]:
    """The message ids that the function reports as failed."""
    result = create_handler(lambda: deps)(event, Context(seconds))  # type: ignore[arg-type, return-value]
    return [failure["itemIdentifier"] for failure in result["batchItemFailures"]]


def message(
    deps: FakeDependencies, body: bytes = b"email=ada%40example.com", source: str = "website", **changes: Any
) -> str:
    content_type = FORM if source == "website" else "application/json"
    submission = Submission("s1", source, deps.clock(), body, content_type)
    failure = Failure("outage", 500, "X", "")
    envelope: dict[str, Any] = {"attempt": 1, "first_failure_at": deps.clock(), "failure": failure}
    return encode_envelope(Envelope(submission, **(envelope | changes)))


def test_a_queued_submission_becomes_a_contact(deps: FakeDependencies, logged: Lines) -> None:
    assert handle(deps, batch(message(deps))) == []
    assert [entry["email"] for entry in deps.clemta.stored.values()] == ["ada@example.com"]
    [line] = logged()
    assert (line["outcome"], line["submission_id"], line["attempt"]) == ("created", "s1", 1)
    assert [line["contact_id"]] == [*deps.clemta.stored], "an operator gets from the line to the contact"


def test_p3_a_message_that_comes_twice_makes_one_contact(deps: FakeDependencies) -> None:
    text = message(deps)
    assert handle(deps, batch(text, text)) == []
    assert len(deps.clemta.stored) == 1
    assert not deps.queues.retried


def test_failed_submission_is_requeued_before_its_message_is_deleted(
    deps: FakeDependencies, logged: Lines
) -> None:
    deps.clemta.fail("create", OutcomeUnknown("no_answer"))
    assert handle(deps, batch(message(deps, attempt=4))) == []
    [(envelope, delay)] = deps.queues.retried
    assert envelope.attempt == 5
    assert 0 <= delay <= 30 * 2**4
    assert logged()[-1]["outcome"] == "requeued", "the sign-up was counted as queued once, when it came"


def test_p1_message_stays_in_the_queue_if_no_queue_accepts_the_new_one(
    deps: FakeDependencies, logged: Lines
) -> None:
    deps.queues.refuses = True
    deps.clemta.fail("create", NotApplied("x"))
    assert handle(deps, batch(message(deps))) == ["m0"]
    line = logged()[-1]
    assert line["error"] == "Unavailable"
    assert line["RedeliveryFailures"] == [1], "A4: one alarm counts what goes back to the queue"
    assert "UnexpectedErrors" not in line, "and another one bugs"


def test_one_message_does_not_fail_the_others(deps: FakeDependencies) -> None:
    class Broken(FakeDependencies):
        def source(self, name: str) -> Any:
            if name == "bad":
                raise RuntimeError("a bug")
            return super().source(name)

    broken = Broken({"website": {"kind": "form"}})
    texts = [message(broken, source="bad"), message(broken), message(broken, source="bad")]
    assert handle(broken, batch(*texts)) == ["m0", "m2"]
    assert len(broken.clemta.stored) == 1
    assert handle(broken, batch(texts[0])) == ["m0"], "nor does a batch of one raise"


@pytest.mark.parametrize(
    ("waited", "place"),
    [
        ({"attempt": 0, "slot": "open:4", "not_before": 9.0}, Place("open", "open:4", 9.0)),
        ({"attempt": 2, "slot": "open_late:4"}, Place("open", "open_late:4")),
        ({"attempt": 1}, Place("open", "tried")),
        ({"attempt": 0}, Place("open")),
    ],
    ids=["in line", "lost its turn", "failed at its turn", "never in line"],
)
def test_p6_redelivered_message_keeps_its_slot(
    deps: FakeDependencies, waited: dict[str, Any], place: Place
) -> None:
    handle(deps, batch(message(deps, **waited)))
    assert deps.clemta.served == [place]


def test_p6_webhooks_message_uses_the_proven_lane(deps: FakeDependencies) -> None:
    body = b'{"event":"lead.created","email":"ada@example.com"}'
    handle(deps, batch(message(deps, body, "crm", attempt=0)))
    assert deps.clemta.served == [Place("proven")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigError("ACCESS_DENIED", status=403), "config"),
        (KeyRefused("INVALID_API_KEY", status=401), "config"),
    ],
)
def test_p4_a_permanent_failure_is_parked(
    deps: FakeDependencies, logged: Lines, error: ConfigError, expected: str
) -> None:
    deps.clemta.fail("create", error)
    assert handle(deps, batch(message(deps))) == []
    assert deps.queues.parked[0].failure.failure_class == expected
    [line] = logged()
    assert (line["outcome"], line["code"], line["Submissions"]) == ("parked", error.code, 1)


def test_p4_message_of_a_removed_source_is_parked_as_config(deps: FakeDependencies) -> None:
    del deps.tables["website"]
    assert handle(deps, batch(message(deps))) == []
    assert deps.queues.parked[0].failure == Failure(
        "config", None, "unknown_source", "the source is no longer in sources.toml"
    )


def test_p4_message_waits_while_its_source_may_be_in_a_version_that_cannot_be_read(
    deps: FakeDependencies, monkeypatch: pytest.MonkeyPatch, logged: Lines
) -> None:
    sent = message(deps)

    def unavailable(_: str) -> None:
        raise Unavailable("sources_unavailable")

    monkeypatch.setattr(deps, "source", unavailable)
    assert handle(deps, batch(sent)) == []
    assert not deps.queues.parked
    [line] = logged()
    assert (line["outcome"], line["code"]) == ("requeued", "sources_unavailable")


def test_p4_unreadable_data_is_parked(deps: FakeDependencies) -> None:
    assert handle(deps, batch(message(deps, b"email=nobody"), message(deps, b"{", "crm"))) == []
    assert [envelope.failure.failure_class for envelope in deps.queues.parked] == ["data", "data"]


def test_redelivery_uses_the_current_mapping(deps: FakeDependencies) -> None:
    deps.tables["website"] = {"kind": "form", "contact": {"email": "body.mail2"}}
    handle(deps, batch(message(deps, b"email=old%40example.com&mail2=new%40example.com")))
    assert [entry["email"] for entry in deps.clemta.stored.values()] == ["new@example.com"]


def test_p4_acknowledged_event_that_the_source_no_longer_accepts_is_parked(
    deps: FakeDependencies,
) -> None:
    assert handle(deps, batch(message(deps, b'{"event":"other"}', "crm"))) == []
    [parked] = deps.queues.parked
    assert (parked.failure.failure_class, parked.failure.code) == ("config", "no_longer_accepted")
    assert not deps.clemta.stored


def test_early_message_is_put_back_without_an_attempt(deps: FakeDependencies) -> None:
    assert handle(deps, batch(message(deps, not_before=deps.clock() + 100))) == []
    [(envelope, delay)] = deps.queues.retried
    assert envelope.attempt == 1
    assert delay == pytest.approx(100)
    assert not deps.clemta.calls


def test_p4_message_is_parked_as_poison_at_its_eighth_receive(deps: FakeDependencies, logged: Lines) -> None:
    text = message(deps)
    assert handle(deps, batch(text, receives=8)) == []
    [envelope] = deps.queues.parked
    assert (envelope.failure.failure_class, envelope.failure.code) == ("poison", "crashed")
    assert envelope.submission.body == b"email=ada%40example.com"
    assert not deps.clemta.calls
    [line] = logged()
    assert (line["outcome"], line["code"], line["submission_id"]) == ("parked", "crashed", "s1")


def test_a7_a_message_that_lambda_throttled_six_times_is_delivered(deps: FakeDependencies) -> None:
    assert handle(deps, batch(message(deps), receives=7)) == []
    assert not deps.queues.parked
    assert len(deps.clemta.stored) == 1


@pytest.mark.parametrize("policy", ["skip", "create"])
def test_a7_a_delivered_person_leaves_no_dead_letter_when_the_message_comes_the_eighth_time(
    deps: FakeDependencies, logged: Lines, policy: str
) -> None:
    deps.tables["website"] = {"kind": "form", "on_existing": policy}
    text = message(deps)
    assert handle(deps, batch(text)) == []
    calls = [*deps.clemta.calls]
    assert handle(deps, batch(text, receives=8)) == []
    assert not deps.queues.parked
    assert len(deps.clemta.stored) == 1
    assert deps.clemta.calls == calls, "the ledger alone says it"
    assert logged()[-1]["outcome"] == "duplicate"


def test_a7_update_is_parked_at_the_eighth_receive_though_the_contact_exists(deps: FakeDependencies) -> None:
    deps.tables["website"] = {"kind": "form", "on_existing": "update"}
    handle(deps, batch(message(deps)))
    handle(deps, batch(message(deps, b"email=ada%40example.com&phone=%2B442079460018"), receives=8))
    [envelope] = deps.queues.parked
    assert envelope.failure.code == "crashed"


def test_a7_lookup_at_the_eighth_receive_releases_the_claim_for_the_replay(deps: FakeDependencies) -> None:
    handle(deps, batch(message(deps), receives=8))
    assert len(deps.queues.parked) == 1
    handle(deps, batch(message(deps)))
    assert len(deps.clemta.stored) == 1, "nobody holds the claim"


def test_p3_lookup_at_the_eighth_receive_keeps_a_claim_with_unknown_outcome(
    deps: FakeDependencies,
) -> None:
    deps.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
    handle(deps, batch(message(deps)))
    handle(deps, batch(message(deps), receives=8))
    handle(deps, batch(message(deps)))
    assert len(deps.queues.parked) == 1
    assert len(deps.clemta.stored) == 1, "it was looked up before a second create"


@pytest.mark.parametrize("trouble", [NotApplied("ledger_unavailable"), RuntimeError("a bug")])
def test_a7_message_whose_lookup_fails_is_parked_at_its_ninth_receive(
    deps: FakeDependencies, trouble: Exception
) -> None:
    def claim(*_: Any) -> Any:
        raise trouble

    deps.ledger.claim = claim  # type: ignore[assignment, method-assign]
    handle(deps, batch(message(deps), receives=8))
    handle(deps, batch(message(deps), receives=9))
    assert [envelope.failure.code for envelope in deps.queues.parked][-1] == "crashed"


@pytest.mark.parametrize(
    ("body", "source"),
    [(b"{", "crm"), (b'{"event":"other"}', "crm"), (b"email=nobody", "website"), (b"", "gone")],
)
def test_a7_message_without_a_contact_is_parked_at_its_eighth_receive(
    deps: FakeDependencies, body: bytes, source: str
) -> None:
    assert handle(deps, batch(message(deps, body, source), receives=8)) == []
    [envelope] = deps.queues.parked
    assert (envelope.failure.code, envelope.submission.body) == ("crashed", body)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense \ud800", json.dumps({"version": 0})])
def test_p4_foreign_message_is_parked_whole(deps: FakeDependencies, logged: Lines, text: str) -> None:
    assert handle(deps, batch(text)) == []
    [envelope] = deps.queues.parked
    assert envelope.failure == Failure("poison", None, "not_a_submission", "")
    [line] = logged()
    assert (line["outcome"], line["code"], line["source"]) == ("parked", "not_a_submission", "unknown")
    assert envelope.submission.body == text.encode("utf-8", "surrogatepass")


def test_p4_a_message_of_a_newer_release_is_parked_byte_for_byte(
    deps: FakeDependencies, logged: Lines
) -> None:
    text = message(deps).replace('"version": 1', '"version": 2,  "more": "\u00e7"')
    assert handle(deps, batch(text, receives=8)) == []
    assert deps.queues.newer == [text]
    assert not deps.queues.parked
    [line] = logged()
    assert (line["outcome"], line["code"]) == ("parked", "newer_version")
    assert (line["submission_id"], line["source"]) == ("s1", "website")


def test_p8_message_of_a_newer_release_logs_only_ids(deps: FakeDependencies, logged: Lines) -> None:
    handle(deps, batch(json.dumps({"version": 9, "submission_id": "Ada Example", "source": ["website"]})))
    [line] = logged()
    assert (line["submission_id"], line["source"]) == ("m0", "unknown")


def test_p1_message_of_a_newer_release_stays_if_no_queue_accepts_it(deps: FakeDependencies) -> None:
    deps.queues.refuses = True
    assert handle(deps, batch('{"version": 2}')) == ["m0"]


def test_the_messages_of_a_batch_share_the_time_that_is_left(deps: FakeDependencies) -> None:
    deadlines: list[float] = []

    def deliver(*given: Any) -> Outcome:
        deadlines.append(given[2].remaining())
        return Outcome("created", "c1")

    deps.delivery.deliver = deliver  # type: ignore[assignment, method-assign]
    handle(deps, batch(message(deps), message(deps)), seconds=8)
    handle(deps, batch(message(deps)), seconds=60)
    assert deadlines[0] < 4 < deadlines[1] < 8
    assert 9 < deadlines[2] <= 10


def test_log_line_of_a_message_has_its_milliseconds(
    deps: FakeDependencies, logged: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(1_000))
    text = message(deps)
    redelivery = Redelivery(deps)  # type: ignore[arg-type]
    monkeypatch.setattr(time, "monotonic", lambda: 5_000 + next(ticks) / 1_000)
    redelivery.message("m0", text, 1, Deadline.after(60))
    monkeypatch.undo()
    [line] = logged()
    assert 1 <= line["ms"] < 1_000, "each look at the clock is a millisecond"
