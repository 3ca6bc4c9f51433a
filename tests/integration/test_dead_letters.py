"""Dead letters of the emulator's queue, as the operator's command sees them."""

import json
from base64 import b64encode
from copy import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.queue_message import NewerVersion, decode_envelope
from clemta_intake.redeliver import create_handler
from ops import dead_letters, message_views, people
from ops.console.review import Review
from ops.dead_letters import Selection
from ops.environments import Environment, StackLocation
from tests.support.events import Context, batch

from .conftest import Aws

BODY = b"full_name=Ada+Example&email=ada%40example.com"
NEWER = json.dumps(
    {
        "version": 2,
        "submission_id": "s-newer",
        "source": "website",
        "payload": {"kept": "in another way"},
        "body_base64": b64encode(BODY).decode(),
    },
    indent=1,
)


@pytest.fixture
def env(aws: Aws, tmp_path: Path) -> Environment:
    """The stack of this test's own queues."""
    sources = tmp_path / "sources.toml"
    # "create": a replay asks Clemta nothing beforehand
    sources.write_text('[sources.website]\nkind = "form"\non_existing = "create"\n')
    env = Environment(StackLocation("t", "us-east-1", aws.url), sources)
    vars(env)["settings"] = aws.settings
    return env


@pytest.fixture
def newer(aws: Aws, env: Environment) -> Aws:
    """A message of a newer release came to the redelivering function, and was parked."""
    assert create_handler(lambda: env.deps)(batch(NEWER), Context()) == {"batchItemFailures": []}  # type: ignore[arg-type]
    return aws


def letters(aws: Aws, url: str) -> list[dict[str, Any]]:
    """The queue's messages as they are, hidden from nobody."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def test_p4_a_message_of_a_newer_release_waits_byte_for_byte_and_is_replayed_unchanged(
    newer: Aws, env: Environment
) -> None:
    [parked] = letters(newer, newer.settings.dead_letter_queue_url)
    assert parked["Body"] == NEWER
    assert attributes(parked) == {"source": "website", "class": "outage", "status": "0"}
    [result] = dead_letters.replay(env, Selection(["s-newer"]))
    assert result.outcome == "replayed"
    [again] = letters(newer, newer.settings.retry_queue_url)
    assert again["Body"] == NEWER
    assert attributes(again) == attributes(parked)
    assert not letters(newer, newer.settings.dead_letter_queue_url)


def test_p4_replay_ends_though_each_letter_is_parked_again(
    aws: Aws, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = env.deps.queues
    for number in range(2):
        submission = Submission(f"s{number}", "website", 1.0, BODY, "application/x-www-form-urlencoded")
        queues.park(Envelope(submission, 1, 1.0, Failure("config", 403, "FORBIDDEN", "")))

    def still_forbidden(envelope: Envelope, _: float) -> None:
        queues.park(replace(envelope, failure=Failure("config", 404, "COMPANY_NOT_FOUND", "")))

    monkeypatch.setattr(queues, "retry", still_forbidden)
    results = list(islice(dead_letters.replay(env, Selection((), "config")), 10))
    assert sorted((result.message.submission_id, result.outcome, result.why) for result in results) == [
        ("s0", "kept", "it was parked again: COMPANY_NOT_FOUND"),
        ("s0", "replayed", ""),
        ("s1", "kept", "it was parked again: COMPANY_NOT_FOUND"),
        ("s1", "replayed", ""),
    ]
    assert len(letters(aws, aws.settings.dead_letter_queue_url)) == 2


def test_p4_the_command_knows_a_message_of_a_newer_release(newer: Aws, env: Environment) -> None:
    [letter], _ = dead_letters.read_letters(env, Selection((), "outage", "website"))
    said = message_views.summary(letter)
    assert (said["submission_id"], said["source"]) == ("s-newer", "website")
    assert (said["class"], said["code"]) == ("outage", "newer_version")
    assert message_views.exported(letter) == json.loads(NEWER)
    hidden = message_views.details(letter, reveal=False)
    assert "another way" not in json.dumps(hidden)
    assert message_views.details(letter, reveal=True)["payload"] == NEWER
    review = Review(dead_letters.DEAD)
    review.read(env)
    [group] = review.groups(env)
    assert (group["code"], group["items"][0]["who"]) == ("newer_version", "")


def test_a_person_in_a_message_of_a_newer_release_is_found(newer: Aws, env: Environment) -> None:
    [letter], _ = dead_letters.read_letters(env, Selection())
    assert people.mentions(env, letter, "ada@example.com")
    assert people.mentions(env, letter, "s-newer")
    assert not people.mentions(env, letter, "da@example.com")


def test_message_of_a_newer_release_without_ids_is_listed_under_its_sqs_id(
    aws: Aws, env: Environment
) -> None:
    text = '{"version": 2, "source": "no name of a source"}'
    with pytest.raises(NewerVersion) as caught:
        decode_envelope(text)
    env.deps.queues.park_newer(text, caught.value)
    [letter], _ = dead_letters.read_letters(env, Selection((), "outage", "unknown"))
    assert letter.submission_id == letter.id
    assert not people.mentions(env, letter, "ada@example.com")


def test_p8_dead_letter_shows_no_user_text_unless_revealed(aws: Aws, env: Environment) -> None:
    body = json.dumps({"email": "ada@example.com", "What is wrong with Bo Example?": "much"}).encode()
    submission = Submission("s1", "website", 1.0, body, "application/json", {"x-id": "Cy"}, {"q": "Di"})
    failure = Failure("data", 400, "VALIDATION_FAILED", "email of Ada Example is not valid")
    env.deps.queues.park(Envelope(submission, 1, 1.0, failure))
    [letter], _ = dead_letters.read_letters(env, Selection())
    hidden = json.dumps(message_views.details(letter, reveal=False))
    assert "VALIDATION_FAILED" in hidden
    for said in ("ada", "Ada", "Bo Example", "email", "much", "is not valid", "Cy", "Di"):
        assert said not in hidden, said
    revealed = message_views.details(letter, reveal=True)
    assert revealed["message"] == failure.message
    assert revealed["payload"] == json.loads(body)
