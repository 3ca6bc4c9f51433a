"""find and the shortened ids: log lines, the access log, and what was refused lately."""

import io
import json
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from clemta_intake.settings import Settings
from ops import dead_letters, logs, people
from ops.cli import app
from ops.commands import monitoring
from ops.commands.session import Session
from ops.dead_letters import Selection
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.messages import Message
from ops.people import Person
from ops.status import OUTCOMES, Status
from tests.unit.test_settings_and_deadlines import ENVIRONMENT

FIRST, SECOND, OTHER = (
    "0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d",
    "0d4e6b0c-1111-4a06-8a4e-5a6f0c1b7c1d",
    "77777777-6f3c-4a06-8a4e-5a6f0c1b7c1d",
)


class Logs:
    """CloudWatch Logs, which returns every line of a group: the caller must filter them again."""

    def __init__(self) -> None:
        self.groups: dict[str, list[tuple[float, str]]] = {}
        self.asked: list[dict[str, Any]] = []

    def add(self, group: str, ago: float = 0, **line: Any) -> None:
        self.groups.setdefault(group, []).append((time.time() - ago, json.dumps(line)))

    def get_paginator(self, _: str) -> "Logs":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        found = [
            {"timestamp": int(at * 1000), "message": text, "logStreamName": "s"}
            for at, text in self.groups.get(asked["logGroupName"], [])
            if at * 1000 >= asked["startTime"]
        ]
        return [{"events": found}]


@pytest.fixture
def lines() -> Logs:
    return Logs()


@pytest.fixture
def env(lines: Logs, monkeypatch: pytest.MonkeyPatch) -> Environment:
    one = Environment(StackLocation("s", "eu-central-1"), cast(Any, None))
    one.clients = cast(Any, SimpleNamespace(client=lambda _: lines))
    one.__dict__["settings"] = Settings.read(ENVIRONMENT)
    one.__dict__["outputs"] = {
        "ReceiveLogGroup": "receive",
        "RedeliverLogGroup": "redeliver",
        "AccessLogGroup": "access",
    }
    monkeypatch.setattr(Session, "env", one)
    return one


def outcome(lines: Logs, submission_id: str, outcome: str, group: str = "receive", **facts: Any) -> None:
    line = {"message": "submission", "submission_id": submission_id, "source": "website", "outcome": outcome}
    lines.add(group, **{**line, **facts})


@pytest.mark.parametrize("asked", [FIRST, FIRST[:8], FIRST[:20]])
def test_submission_is_found_by_its_shortened_id(env: Environment, lines: Logs, asked: str) -> None:
    outcome(lines, FIRST, "queued", ago=9)
    outcome(lines, OTHER, "created")
    outcome(lines, FIRST, "created", "redeliver")
    lines.add("receive", message="submission")
    lines.groups["receive"].append((time.time(), "REPORT no JSON"))
    assert [line["outcome"] for line in logs.of_submission(env, asked)] == ["queued", "created"]
    assert lines.asked[0]["filterPattern"] == f'{{ $.submission_id = "{asked}*" }}'


def test_shortened_id_of_two_submissions_is_reported(env: Environment, lines: Logs) -> None:
    outcome(lines, FIRST, "created")
    outcome(lines, SECOND, "created")
    with pytest.raises(OpsError, match=r"0d4e6b0c is the beginning of 2 ids: 0d4e6b0c-1111.*, 0d4e6b0c-6f3c"):
        logs.of_submission(env, "0d4e6b0c")


def letters(*ids: str) -> list[Message]:
    return [Message(one, "", 0, None) for one in ids]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([FIRST], [FIRST]),
        (["0d4e6b0c-6"], [FIRST]),
        (["7777", "0d4e6b0c-1"], [OTHER, SECOND]),
        (["777"], ["777"]),
        (["99999999"], ["99999999"]),
        ([], []),
    ],
)
def test_shortened_ids_of_a_queue_are_completed(
    env: Environment, monkeypatch: pytest.MonkeyPatch, ids: list[str], expected: list[str]
) -> None:
    reads = []

    def read(_: Environment, choice: Selection, **__: Any) -> tuple[list[Message], int]:
        reads.append(choice)
        return letters(FIRST, SECOND, OTHER), 0

    monkeypatch.setattr(dead_letters, "read_letters", read)
    assert dead_letters.whole_ids(env, ids) == expected
    assert len(reads) == (0 if ids in ([FIRST], []) else 1), "a whole id costs no read"


def test_shortened_id_of_two_letters_deletes_none(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "read_letters", lambda *_, **__: (letters(FIRST, SECOND), 0))
    said = CliRunner().invoke(app, ["dlq", "discard", "0d4e", "--reason", "x"])
    assert (said.exit_code, "beginning of 2 ids" in said.stderr) == (1, True)


def nobody(*_: Any) -> Person:
    return Person()


def test_find_lists_what_was_refused_lately_if_nothing_is_found(
    env: Environment, lines: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "find", nobody)
    outcome(lines, FIRST, "created")
    outcome(lines, FIRST, "refused", code="invalid_fields", ago=60)
    outcome(lines, OTHER, "refused", code="invalid_fields")
    outcome(lines, SECOND, "unauthentic", code="signature_mismatch", ago=3600)
    outcome(lines, SECOND, "unavailable", code="queue_unavailable", ago=90_000)
    lines.add("access", requestId="r1", status="429", responseType="THROTTLED", path="/v1/signups/website")
    lines.add("access", requestId="r2", status="200", responseType="-", path="/v1/signups/website")
    said = CliRunner().invoke(app, ["find", "ada@example.com"])
    assert said.exit_code == 1
    assert "2 refused (invalid_fields) to website" in said.stdout
    assert "1 unauthentic (signature_mismatch) to website" in said.stdout
    assert "1 429 (THROTTLED) by API Gateway itself" in said.stdout
    assert "queue_unavailable" not in said.stdout, "it is older than a day"
    assert "AccessLog=true" not in said.stdout
    data = json.loads(CliRunner().invoke(app, ["find", "ada@example.com", "--json"]).stdout)
    assert {(one["outcome"], one["count"]) for one in data["refusals"]} == {
        ("refused", 2),
        ("unauthentic", 1),
        ("429", 1),
    }


def test_find_says_that_the_access_log_is_off(
    env: Environment, lines: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "find", nobody)
    del env.outputs["AccessLogGroup"]
    said = CliRunner().invoke(app, ["find", "ada@example.com"])
    assert "nothing was refused" in said.stdout
    assert "AccessLog=true" in said.stdout


def test_request_that_api_gateway_answered_itself_is_found_by_its_id(env: Environment, lines: Logs) -> None:
    asked: dict[str, Any] = {"method": "POST", "path": "/v1/signups/website"}
    lines.add("access", requestId=OTHER, status="413", responseType="REQUEST_TOO_LARGE", **asked)
    lines.add("access", requestId=FIRST, status="200", responseType="-", **asked)
    lines.add("access", no="id")
    [refused] = logs.of_request(env, OTHER[:8])
    assert refused["responseType"] == "REQUEST_TOO_LARGE"
    assert lines.asked[0]["filterPattern"] == f'{{ $.requestId = "{OTHER[:8]}*" }}'


@pytest.mark.parametrize(
    ("kind", "by"), [("REQUEST_TOO_LARGE", "API Gateway itself (REQUEST_TOO_LARGE)"), ("-", "the function")]
)
def test_find_shows_a_request_of_the_access_log(
    env: Environment, monkeypatch: pytest.MonkeyPatch, kind: str, by: str
) -> None:
    line = {"at": 1.0, "method": "POST", "path": "/v1/signups/website", "status": "413", "responseType": kind}
    monkeypatch.setattr(people, "find", lambda *_: Person(requests=[line]))
    said = CliRunner().invoke(app, ["find", OTHER])
    assert said.exit_code == 0
    assert f"POST /v1/signups/website: 413 from {by}" in said.stdout
    assert json.loads(CliRunner().invoke(app, ["find", OTHER, "--json"]).stdout)["requests"] == [line]


class TestNarrow:
    """A terminal with 60 columns."""

    @pytest.fixture
    def session(self) -> Session:
        one = Session("local", None, None, None, False)
        one.out = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None, markup=False)
        return one

    def test_id_is_shortened_in_a_narrow_terminal_only(self, session: Session) -> None:
        assert session.short(FIRST) == "0d4e6b0c"
        assert Session("local", None, None, None, False).short(FIRST) == FIRST
        session.out = Console(file=io.StringIO(), width=120, force_terminal=True)
        assert session.short(FIRST) == FIRST

    def test_status_leaves_out_outcomes_that_nothing_had(self, session: Session) -> None:
        counts = dict.fromkeys(OUTCOMES, 0) | {"created": 12, "parked": 1, "refused": 3}
        found = Status(today={}, week={"website": counts}, budget_left=100, budget=100)
        session.say(monitoring._status_report(found, narrow=True), {})
        text = cast(io.StringIO, session.out.file).getvalue()
        assert "created  parked  refused" in re.sub("\x1b.*?m", "", text)
        assert "duplicate" not in text
        assert max(map(len, text.splitlines())) < 100
        wide = Console(file=io.StringIO(), width=120, markup=False)
        wide.print(monitoring._status_report(found, narrow=False))
        assert "duplicate" in cast(io.StringIO, wide.file).getvalue()


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ({"retry queue": 0, "held queue": 0}, ""),
        (
            {"retry queue": 3, "held queue": 0},
            "3 in the retry queue, for 16 min at most; redelivery is paused",
        ),
        ({"retry queue": 0, "dead-letter queue": 2}, "2 in the dead-letter queue, for 1 min at most"),
    ],
)
def test_erase_says_what_it_waits_for(
    env: Environment, monkeypatch: pytest.MonkeyPatch, hidden: dict[str, int], expected: str
) -> None:
    monkeypatch.setattr(people, "hidden_messages", lambda _: hidden)
    monkeypatch.setattr(people, "erase", nobody)
    said = CliRunner().invoke(app, ["erase", "ada@example.com", "--yes"])
    assert said.exit_code == 0
    assert expected in said.stderr
    assert bool(said.stderr) == bool(expected)


def test_hidden_messages_are_those_that_are_delayed_or_in_work(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "depth", lambda *_: {"ready": 5, "delayed": 2, "in work": 1})
    assert people.hidden_messages(env) == {"retry queue": 3, "dead-letter queue": 3, "held queue": 3}
