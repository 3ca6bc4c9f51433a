"""The console's desk on the emulator's queues and the stand-in: groups, deeds, masks, and the log of what was shown."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.deadlines import Deadline
from clemta_intake.model import Envelope, Failure, Submission
from ops import logs, people
from ops.console import desk as desk_module
from ops.console.desk import Desk
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.status import Status

from .conftest import Aws

SOURCES = '[sources.website]\nkind = "form"\n'
CRM = """
[sources.crm]
kind = "webhook"
auth = { scheme = "hmac", header = "x-signature", encoding = "hex", secret = "crm" }
[sources.crm.contact]
full_name = "body.name"
email = "body.email"
"""


class Page:
    """A desk for this test's own queues, with what it said to the operator's log."""

    def __init__(self, aws: Aws, env: Environment) -> None:
        self.aws, self.env = aws, env
        self.said: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self.desk = Desk(env, self.said.append)

    def state(self) -> dict[str, Any]:
        return self.desk.state()

    def act(self, action: str, **given: Any) -> dict[str, Any]:
        return self.desk.actions[f"/{action}"](given)

    def put(self, one: str, name: str = "Ada", *, spam: bool = False, code: str = "INVALID_API_KEY") -> None:
        body = f"full_name={name}+Example&email={name.lower()}%40example.com".encode()
        kept = Submission(one, "website", time.time(), body, "application/x-www-form-urlencoded")
        failure = (
            Failure("spam", None, "honeypot", "") if spam else Failure("config", 401, code, "ada is bad")
        )
        envelope = Envelope(kept, 0, time.time(), failure)
        (self.env.deps.queues.hold if spam else self.env.deps.queues.park)(envelope)

    def line(self, one: str, outcome: str, **facts: Any) -> None:
        line = {
            "submission_id": one,
            "source": "website",
            "outcome": outcome,
            "at": time.time(),
            "stream": "s",
        }
        self.lines.append({**line, **facts})


@pytest.fixture
def page(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """Without a stack there are no log groups and metrics: the tests give the lines."""
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES)
    env = Environment(StackLocation("t", "us-east-1", aws.url, f"{aws.url}/v1"), sources)
    group = f"/t/{aws.settings.ledger_table}"
    vars(env).update(settings=aws.settings, outputs={"RedeliverLogGroup": group})
    env.client("logs").create_log_group(logGroupName=group)
    found = Page(aws, env)
    monkeypatch.setattr(logs, "lines", lambda env, pattern, since, until=None: [*found.lines])
    monkeypatch.setattr(desk_module, "status", lambda env: Status())
    monkeypatch.setattr(desk_module, "by_day", lambda env, days: [])
    return found


def items(state: dict[str, Any], store: str) -> list[str]:
    return [one["id"] for group in state["review"][store] for one in group["items"]]


def test_dead_letters_and_held_ones_are_grouped_by_cause_and_masked(page: Page) -> None:
    page.put("d-1")
    page.put("d-2", "Grace")
    page.put("d-3", code="COMPANY_NOT_FOUND")
    page.put("h-1", spam=True)
    found = page.state()
    assert found["counts"] == {"retry": 0, "dead": 3, "held": 1}
    first, second = found["review"]["dead"]
    assert (first["code"], first["status"], first["class"]) == ("INVALID_API_KEY", 401, "config")
    assert second["code"] == "COMPANY_NOT_FOUND"
    assert {one["who"] for one in first["items"]} == {"a…(15)", "g…(17)"}
    [held] = found["review"]["held"]
    assert held["code"] == "honeypot"
    assert "ada" not in json.dumps(found).casefold()


def test_one_a_group_and_all_since_a_time_are_delivered(page: Page) -> None:
    for one in ("d-1", "d-2", "d-3"):
        page.put(one)
    page.state()
    assert page.act("settle", store="dead", deed="deliver", ids=["d-2"])["ends"] == {"replayed": 1}
    left = page.state()
    assert sorted(items(left, "dead")) == ["d-1", "d-3"]
    assert left["counts"]["retry"] == 1
    with pytest.raises(OpsError, match="nothing chosen in the dead-letter queue"):
        page.act("settle", store="dead", deed="deliver", since=time.time() + 60)
    assert page.act("settle", store="dead", deed="deliver", since=time.time() - 60)["ends"] == {"replayed": 2}
    assert page.state()["counts"] == {"retry": 3, "dead": 0, "held": 0}


def test_held_one_is_released_and_another_discarded_with_its_reason_in_the_log(page: Page) -> None:
    page.put("h-1", spam=True)
    page.put("h-2", spam=True)
    page.state()
    assert page.act("settle", store="held", deed="deliver", ids=["h-1"])["ends"] == {"released": 1}
    assert page.act("settle", store="held", deed="discard", ids=["h-2"], reason="a test")["ends"] == {
        "discarded": 1
    }
    assert page.state()["counts"] == {"retry": 1, "dead": 0, "held": 0}
    group = page.env.outputs["RedeliverLogGroup"]
    [event] = page.env.client("logs").filter_log_events(logGroupName=group)["events"]
    line = json.loads(event["message"])
    assert (line["submission_id"], line["outcome"], line["reason"]) == ("h-2", "discarded", "a test")


def test_what_would_be_parked_again_is_kept_and_says_why(page: Page) -> None:
    page.put("d-1")
    page.env.sources_file.write_text(CRM)
    page.state()
    said = page.act("settle", store="dead", deed="deliver", ids=["d-1"])
    assert said == {"ends": {"kept": 1}, "kept": ["sources.toml has no source website"]}


def test_queue_is_not_read_again_while_nothing_happens(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read counts as a receive, and hides the messages from others for a moment."""
    page.put("d-1")
    page.state()
    reads: list[str] = []
    for review in page.desk._reviews.values():
        monkeypatch.setattr(review, "read", lambda env, name=review.store.name: reads.append(name))
    page.state()
    assert reads == []
    page.line("d-2", "parked", code="x")
    page.state()
    assert len(reads) == 2
    page.act("refresh")
    page.state()
    assert len(reads) == 4


def test_message_that_is_no_submission_is_shown_without_a_mapping(page: Page) -> None:
    page.aws.client("sqs").send_message(
        QueueUrl=page.aws.settings.dead_letter_queue_url, MessageBody="ada: hello"
    )
    [group] = page.state()["review"]["dead"]
    one = group["items"][0]["id"]
    assert (group["class"], group["code"], group["source"]) == ("poison", "not_a_submission", "unknown")
    page.desk.env.sources_file.write_text(SOURCES.replace("website", "unknown"))
    hidden, shown = page.act("signup", id=one), page.act("signup", id=one, reveal=True)
    assert (hidden["mapping"], hidden["message"]["payload"], shown["message"]["payload"]) == (
        None,
        None,
        "ada: hello",
    )


def test_unknown_deed_changes_nothing(page: Page) -> None:
    page.put("d-1")
    page.state()
    with pytest.raises(ValueError, match="burn"):
        page.act("settle", store="dead", deed="burn", ids=["d-1"])
    assert items(page.state(), "dead") == ["d-1"]


def test_state_is_told_while_an_action_works_on_the_queue(page: Page) -> None:
    page.put("d-1")
    review = page.desk._reviews["dead"]
    with review._lock:
        busy = page.state()
    assert (busy["counts"]["dead"], items(busy, "dead")) == (1, [])
    assert items(page.state(), "dead") == ["d-1"]


def test_history_is_masked_until_asked_for_and_asking_is_logged(page: Page) -> None:
    page.put("d-1")
    page.line("d-1", "parked", code="INVALID_API_KEY", failure="KeyRefused", clemta_status=401, ms=120)
    page.state()
    hidden = page.act("signup", id="d-1")
    assert hidden["where"] == "dead"
    [attempt] = hidden["attempts"]
    assert (attempt["outcome"], attempt["clemta_status"], attempt["ms"]) == ("parked", 401, 120)
    assert {one["field"]: one["value"] for one in hidden["mapping"]["fields"]}["email"] == "a…(15)"
    assert hidden["mapping"]["answers"] == []
    text = json.dumps(hidden)
    assert "ada" not in text.casefold()
    assert page.said == []
    shown = page.act("signup", id="d-1", reveal=True)
    assert shown["message"]["message"] == "ada is bad"
    assert {one["field"]: one["value"] for one in shown["mapping"]["fields"]}["email"] == "ada@example.com"
    assert {one["goes_to"] for one in shown["mapping"]["answers"]} == {"full_name", "email"}
    assert page.said == ["personal data shown: submission d-1"]
    with pytest.raises(OpsError, match="no sign-up nobody in the last 14 days"):
        page.act("signup", id="nobody", reveal=True)


def test_row_leads_to_the_contact_in_clemta(page: Page) -> None:
    page.put("d-1")
    [contact] = people.as_contacts(page.env, "ada@example.com")
    made = page.env.deps.clemta.create(contact, Deadline.after(10))
    page.line("s-1", "created", contact_id=made)
    page.state()
    assert page.act("signup", id="s-1")["contact"] is None
    shown = page.act("signup", id="s-1", reveal=True)
    assert (shown["contact_id"], shown["contact"]["email"]) == (made, "ada@example.com")
    assert page.said == ["personal data shown: submission s-1"]
    assert [row["id"] for row in page.act("signups", text="ada@example.com")["rows"]] == ["s-1"]
    assert page.act("signups", text="grace@example.com")["rows"] == []


def test_waiting_sign_up_is_found_by_its_e_mail(page: Page) -> None:
    page.put("d-1")
    page.put("d-2", "Grace")
    for one in ("d-1", "d-2"):
        page.line(one, "parked", code="INVALID_API_KEY")
    page.state()
    assert [row["id"] for row in page.act("signups", text="grace@example.com")["rows"]] == ["d-2"]
    assert page.act("signups", outcome="parked", shown=1)["total"] == 2


def test_pasted_payload_is_tried_without_a_trace(page: Page) -> None:
    page.env.sources_file.write_text(SOURCES + CRM)
    os.utime(page.env.sources_file, (1, 1))
    body = '{"name": "Ada Example", "email": "ada@example.com"}'
    [found] = page.act("try", source="crm", body=body, headers="x-signature: 00\n")["found"]
    assert (found["authentic"], found["status"]) == (False, "contact")
    assert {one["field"]: one["value"] for one in found["fields"]}["email"] == "ada@example.com"
    [form] = page.act("try", source="website", body="email=ada%40example.com")["found"]
    assert (form["authentic"], form["status"]) == (None, "contact")
    with pytest.raises(OpsError, match="has no source nobody"):
        page.act("try", source="nobody", body="")
    assert page.state()["counts"] == {"retry": 0, "dead": 0, "held": 0}


def test_sources_say_which_secret_is_missing(page: Page) -> None:
    page.env.sources_file.write_text(SOURCES + CRM + CRM.replace("crm", "shop"))
    os.utime(page.env.sources_file, (1, 1))
    found = page.act("sources")
    assert [(one["source"], one["secret_is_there"]) for one in found["rows"]] == [
        ("website", None),
        ("crm", True),
        ("shop", False),
    ]
    assert found["version"] == 0


def test_health_shows_doctors_lines(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = page.act("doctor")["checks"]
    assert [(check["name"], check["state"]) for check in checks] == [("credentials", "ok"), ("stack", "fail")]
    assert checks[1]["do"]
