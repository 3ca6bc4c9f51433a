"""The operator's command against the deployed stack: every command, the mistakes that doctor names, a replay killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest
import requests
from typer.testing import CliRunner

from clemta_intake.dynamo.keys import list_key
from clemta_intake.live_sources import MAX_AGE
from clemta_intake.outcomes import OUTCOMES
from local.clemta import DEFAULT_COMPANY_ID
from local.processes import ROOT
from local.stack import Deployed, Stack
from ops import environments, messages
from ops.cli import app
from ops.doctor import deployment
from tests.e2e.conftest import Clemta, Queue, Redelivery, eventually

type SignUp = Callable[..., requests.Response]


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


type Command = Callable[..., Said]


@pytest.fixture
def project(stack: Deployed, stack_settings: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose local stack is the session's."""
    (tmp_path / ".local").symlink_to(stack_settings.state_dir)
    (tmp_path / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCES_FILE", raising=False)
    return tmp_path


@pytest.fixture
def command(project: Path) -> Command:
    """Runs it in this process."""

    def run(*arguments: str) -> Said:
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


def started(
    project: Path,
    *arguments: str,
    out: IO[str] | int = subprocess.PIPE,
    hidden_seconds: float = messages.HIDDEN_SECONDS,
) -> "subprocess.Popen[str]":
    """Starts it in a process of its own; the messages that it receives are visible again after `hidden_seconds`."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    program = f"from ops import messages; messages.HIDDEN_SECONDS = {hidden_seconds}; from ops.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=project,
        env=environment,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_in_a_terminal,  # noqa: PLW1509 - it only sets two signals
    )


def as_in_a_terminal() -> None:
    """A script's background job ignores Ctrl-C, and nohup's a closed terminal; what is started here does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def end_leases(dynamodb: Any, table: str) -> None:
    """As a minute later: the leases of the claims have lapsed."""
    for item in dynamodb.scan(TableName=table)["Items"]:
        if "lease_until" in item:
            dynamodb.put_item(TableName=table, Item=item | {"lease_until": {"N": str(time.time())}})


def parked(clemta: Clemta, sign_up: SignUp, *people: str) -> list[str]:
    """Dead letters of these people, and their submissions' ids; Clemta is well again."""
    clemta.fault("status", status=403, times=None)
    answers = [sign_up(email=f"{person}@example.com").json() for person in people]
    clemta.clear_faults()
    assert {answer["status"] for answer in answers} == {"parked"}
    return [answer["submission_id"] for answer in answers]


class TestDoctor:
    """Doctor reports each of ten mistakes."""

    def line(self, command: Command, name: str, *arguments: str) -> list[dict[str, str]]:
        said = command("doctor", "--json", *arguments)
        found = [check for check in said.data if check["name"] == name]
        assert (said.code == 0) == all(check["state"] != "fail" for check in said.data)
        return found

    def wrong(self, command: Command, name: str, *arguments: str) -> str:
        failed = [check for check in self.line(command, name, *arguments) if check["state"] == "fail"]
        assert failed, f"{name} is not found to be wrong"
        assert all(check["do"] for check in failed)
        return " ".join(check["says"] for check in failed)

    @contextmanager
    def secret(self, stack: Deployed, secret_id: str, text: str) -> Iterator[None]:
        client = stack.client("secretsmanager")
        before = client.get_secret_value(SecretId=secret_id)["SecretString"]
        client.put_secret_value(SecretId=secret_id, SecretString=text)
        try:
            yield
        finally:
            client.put_secret_value(SecretId=secret_id, SecretString=before)

    def test_doctor_reports_no_failure_on_a_good_stack(self, command: Command, clemta: Clemta) -> None:
        said = command("doctor", "--json")
        states = {check["name"]: check["state"] for check in said.data}
        states.pop("alarms")  # other tests make them ring
        assert set(states.values()) <= {"ok", "note"}, said.out
        assert {
            "credentials",
            "stack",
            "sources file",
            "clemta",
            "signing secrets",
            "ledger",
        } <= states.keys()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [(" ", "none"), ("{oops", "JSON"), ("clemta_wrong", "401"), ("cl\u00e9", "usable")],
    )
    def test_doctor_reports_a_wrong_clemta_key(
        self, command: Command, stack: Deployed, text: str, expected: str
    ) -> None:
        with self.secret(stack, stack.clemta_secret_id, text):
            name = "clemta" if expected == "401" else "clemta key"
            assert expected in self.wrong(command, name)

    @pytest.mark.parametrize(("change", "status"), [("companies", "404"), ("forbidden", "403")])
    def test_doctor_reports_an_unknown_or_forbidden_company(
        self, command: Command, clemta: Clemta, change: str, status: str
    ) -> None:
        company = "64b8f1a2e4b0c8d9f0123456"
        clemta.settings(**{change: [company] if change == "forbidden" else ["0" * 24]})
        assert status in self.wrong(command, "clemta")

    def test_doctor_reports_a_missing_signing_secret(self, command: Command, stack: Deployed) -> None:
        with self.secret(stack, stack.signing_secret_id, '{"typeform": "x"}'):
            assert "crm is missing" in self.wrong(command, "signing secrets")

    def test_doctor_reports_signing_secrets_that_are_not_json(
        self, command: Command, stack: Deployed
    ) -> None:
        with self.secret(stack, stack.signing_secret_id, "crm: x"):
            assert "JSON" in self.wrong(command, "signing secrets")

    def test_doctor_reports_a_malformed_signing_secret(self, command: Command, stack: Deployed) -> None:
        known = json.loads(
            stack.client("secretsmanager").get_secret_value(SecretId=stack.signing_secret_id)["SecretString"]
        )
        with self.secret(stack, stack.signing_secret_id, json.dumps(known | {"clerk": "whsec_?"})):
            assert "clerk" in self.wrong(command, "signing secrets")

    def test_doctor_reports_dead_letters(self, command: Command, clemta: Clemta, sign_up: SignUp) -> None:
        parked(clemta, sign_up, "ada")
        assert "1 of class config" in self.wrong(command, "dead letters")

    def test_doctor_reports_an_active_alarm(self, command: Command, aws: Callable[[str], Any]) -> None:
        cloudwatch = aws("cloudwatch")
        [name] = [
            alarm["AlarmName"]
            for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
            if "RedeliverThrottles" in alarm["AlarmName"]
        ]
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
        try:
            assert "RedeliverThrottlesAlarm is active" in self.wrong(command, "alarms")
        finally:
            cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")

    def test_doctor_reports_a_mistake_in_the_sources_file(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "wrong.toml"
        file.write_text('[sources.website]\nkind = "frm"\n')
        assert "wrong.toml:2" in self.wrong(command, "sources file", "--sources", str(file))

    def test_doctor_reports_a_source_that_is_not_deployed(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "more.toml"
        file.write_text('[sources.newsletter]\nkind = "form"\n')
        assert "newsletter" in self.wrong(command, "api sources", "--sources", str(file))

    def test_doctor_reports_redelivery_that_is_switched_off(
        self, command: Command, redelivery: Redelivery
    ) -> None:
        redelivery.hold()
        assert "switched off" in self.wrong(command, "redelivery")

    def test_doctor_reports_a_stack_that_does_not_exist(self, command: Command, project: Path) -> None:
        facts = json.loads((project / ".local" / "stack.json").read_text())
        other = project / "other"
        (other / ".local").mkdir(parents=True)
        (other / "samconfig.toml").touch()
        (other / ".local" / "stack.json").write_text(json.dumps(facts | {"stack_name": "elsewhere"}))
        os.chdir(other)
        assert "no stack elsewhere" in self.wrong(command, "stack")

    def test_doctor_reports_a_wrong_clock(self, stack: Deployed, project: Path) -> None:
        class Late(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(200)
                self.send_header("Date", formatdate(0, usegmt=True))
                self.send_header("Content-Length", "0")
                self.end_headers()

        with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            location = environments.StackLocation.named("local", project)
            late = replace(location, api_url=f"http://127.0.0.1:{server.server_port}")
            env = environments.Environment(late, project / ".local" / "sources.toml")
            checks = {check.name: check for check in deployment.api(env)}
            server.shutdown()
        assert checks["clock"].state == "fail"
        assert "NTP" in checks["clock"].do

    def test_doctor_reports_that_the_local_stack_is_down(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(app, ["doctor"])
        assert (result.exit_code, "make up" in result.stderr) == (1, True)


class TestStatus:
    def test_status_counts_by_source_and_outcome(self, command: Command, sign_up: SignUp) -> None:
        def created() -> int:
            return int(command("status", "--json").data["today"].get("website", {}).get("created", 0))

        before = created()
        sign_up(email="status@example.com")
        assert eventually(lambda: created() == before + 1)
        data = command("status", "--json").data
        assert data["week"]["website"]["created"] >= data["today"]["website"]["created"]
        assert data["clemta_ms"]["p95"] >= data["clemta_ms"]["p50"] > 0
        assert 0 < data["budget_left"] <= data["budget"]
        said = command("status").out
        assert "website" in said
        assert "retry" in said

    def test_status_watch_refreshes_until_it_is_interrupted(self, project: Path) -> None:
        process = started(project, "status", "--watch")
        assert process.stdout is not None
        assert "source" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in said) == (130, False)


class TestRequests:
    def test_preview_says_where_each_field_comes_from_and_sends_nothing(
        self, command: Command, clemta: Clemta
    ) -> None:
        [found] = command("preview", "--source", "website", str(ROOT / "events/form.json"), "--json").data
        phone = next(field for field in found["fields"] if field["field"] == "billing.phone")
        assert (phone["value"], phone["origin"], phone["was"]) == ("5321234567", "phone", "+90 532 123 45 67")
        assert found["request"]["email"] == "ada.form@example.com"
        assert not clemta.requests()

    def test_preview_of_a_forged_request_fails(self, command: Command, tmp_path: Path) -> None:
        sample = json.loads((ROOT / "events/sources/typeform.json").read_text())
        file = str(tmp_path / "body.json")
        Path(file).write_text(json.dumps(sample["json"]))
        said = command("preview", "--source", "typeform", file)
        assert (said.code, "not authentic" in said.out) == (1, True)
        assert command("preview", "--source", "typeform", file, "--no-secrets").code == 0

    @pytest.mark.parametrize(
        "name", ["typeform", "clerk", "stripe", "hubspot", "netlify", "jotform", "framer"]
    )
    def test_send_signs_as_the_sender_does(self, command: Command, clemta: Clemta, name: str) -> None:
        said = command("send", "--source", name, str(ROOT / f"events/sources/{name}.json"), "--json")
        assert (said.code, said.data["answer"]["status"]) == (0, "created"), said.out
        assert len(clemta.contacts()) == 1

    def test_send_signs_for_a_webhook_without_a_preset(self, command: Command, clemta: Clemta) -> None:
        said = command("send", "--source", "crm", str(ROOT / "events/webhook-hmac.json"), "--json")
        assert said.data["answer"]["status"] == "created"

    def test_send_exits_with_1_if_it_is_refused(self, command: Command, project: Path) -> None:
        (project / "empty.json").write_text("{}")
        assert command("send", "--source", "website", "empty.json").code == 1
        assert command("send", "--source", "nobody", "empty.json").code == 1
        assert command("send", "--source", "website", "absent.json").code == 1


class TestPeople:
    def test_find_shows_the_outcome_of_a_sign_up(
        self, command: Command, clemta: Clemta, sign_up: SignUp, redelivery: Redelivery
    ) -> None:
        assert command("find", "ada@example.com").code == 1
        sign_up(email="ada@example.com")
        data = command("find", "ADA@example.com", "--json").data
        assert [item["state"] for item in data["ledger"]] == ["created"]
        assert [one["id"] for one in data["contacts"]] == [one["id"] for one in clemta.contacts()]
        [letter] = parked(clemta, sign_up, "bo")
        assert letter in command("find", "bo@example.com").out
        assert command("find", letter, "--json").data["parked"][0]["class"] == "config"

    def test_find_says_that_a_delayed_sign_up_is_retried_automatically(
        self, command: Command, clemta: Clemta, sign_up: SignUp
    ) -> None:
        clemta.fault("rate_limited", seconds=60, times=None)
        assert sign_up(email="eve@example.com").json()["status"] == "queued"
        said = command("find", "eve@example.com")
        assert said.code == 0
        assert "it was tried, and there is no contact yet" in said.out
        assert "it probably waits, and is retried automatically" in said.out
        assert "Clemta was not called, because no call is left" in said.out
        assert command("find", "nobody@example.com").code == 1

    def test_find_says_that_clemta_is_down(self, command: Command, clemta: Clemta) -> None:
        clemta.fault("status", status=500, times=None)
        assert "Clemta answered 500" in command("find", "eve@example.com").out

    def test_a_submission_that_was_delivered_is_found_by_its_id(
        self, command: Command, clemta: Clemta, sign_up: SignUp
    ) -> None:
        clemta.fault("error_before")
        submission_id = sign_up(email="late@example.com").json()["submission_id"]

        def outcomes() -> list[str]:
            history = command("find", submission_id, "--json").data["history"]
            return [line["outcome"] for line in history]

        assert eventually(lambda: outcomes()[-1:] == ["created"]), outcomes()
        final = {name for name, info in OUTCOMES.items() if info.counted}
        steps = [outcome for outcome in outcomes() if outcome in final]
        assert steps == ["queued", "created"], "it may wait for its slot in between"
        assert "created, from website" in command("find", submission_id).out
        assert command("find", "0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d").code == 1

    def test_p3_erase_lets_clemtas_list_be_read_whole_again(
        self, command: Command, stack: Deployed, aws: Callable[[str], Any]
    ) -> None:
        """Without the person's mark in the ledger the list would take a contact that stays for missing."""
        secret = aws("secretsmanager").get_secret_value(SecretId=stack.ledger_pepper_id)
        key = {"pk": {"S": list_key(secret["SecretString"], DEFAULT_COMPANY_ID)}}
        state = {"complete_until": {"N": "1"}}
        aws("dynamodb").put_item(TableName=stack.ledger_table, Item=key | state)
        assert command("erase", "ada@example.com", "--yes").code == 0
        assert "Item" not in aws("dynamodb").get_item(TableName=stack.ledger_table, Key=key)

    def test_erase_deletes_everything_and_names_the_contact_that_stays(
        self,
        command: Command,
        clemta: Clemta,
        sign_up: SignUp,
        dead_letters: Queue,
    ) -> None:
        sign_up(email="ada@example.com")
        parked(clemta, sign_up, "bo", "cy")
        assert command("erase", "ada@example.com").code == 1, "it asks first"
        said = command("erase", "ada@example.com", "--yes")
        assert clemta.contacts()[0]["id"] in said.out
        assert command("erase", "bo@example.com", "--yes", "--json").data["parked"]
        assert not command("find", "bo@example.com", "--json").data["parked"]
        assert dead_letters.size() == 1
        again = sign_up(email="ada@example.com").json()["submission_id"]
        found = command("find", again, "--json").data["history"]
        assert [line["outcome"] for line in found] == ["duplicate"], "Clemta has her still"

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
    def test_terminated_erase_switches_redelivery_on_again(
        self, project: Path, clemta: Clemta, sign_up: SignUp, aws: Callable[[str], Any], number: int
    ) -> None:
        def switched_on() -> bool:
            [poller] = aws("lambda").list_event_source_mappings()["EventSourceMappings"]
            return bool(poller["State"] == "Enabled")

        clemta.fault("rate_limited", seconds=60, times=None)
        assert sign_up(email="eve@example.com").json()["status"] == "queued"
        process = started(project, "erase", "eve@example.com", "--yes")
        assert eventually(lambda: not switched_on())
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in said) == (130, False)
        assert switched_on()

    def test_an_import_can_be_interrupted_and_repeated(
        self,
        command: Command,
        clemta: Clemta,
        project: Path,
        retry_queue: Queue,
        redelivery: Redelivery,
        stack: Deployed,
        aws: Callable[[str], Any],
    ) -> None:
        rows = "".join(f"Person {number},person{number}@example.com\n" for number in range(30))
        (project / "past.csv").write_text(f"name,email\n{rows}Nobody,no address\n")
        said = command("import", "past.csv", "--source", "website", "--dry-run", "--json")
        assert (said.code, said.data) == (1, {"good": 30, "bad": 1, "sent": 0, "outcomes": {}})
        assert "past.csv:32" in said.err
        (project / "bad.csv").write_text("name,email\nNobody,no address\n")
        said = command("import", "bad.csv", "--source", "website")
        assert (said.code, "none of its 1 rows can be imported" in said.err) == (1, True)
        process = started(project, "import", "past.csv", "--source", "website")
        assert eventually((project / "past.csv.progress").exists)
        process.kill()
        process.communicate()
        end_leases(aws("dynamodb"), stack.ledger_table)
        assert command("import", "past.csv", "--source", "website", "--json").data["good"] == 30
        assert command("import", "past.csv", "--source", "website", "--json").data["sent"] == 0
        # The row in work when the import was killed was claimed: two look-ups come before a create.
        assert eventually(lambda: len(clemta.contacts()) == 30, 60)
        assert eventually(lambda: retry_queue.size() == 0, 60)
        assert len({contact["email"] for contact in clemta.contacts()}) == len(clemta.contacts()) == 30


class TestDeadLetters:
    def test_dlq_list_and_show_hide_the_payload(
        self, command: Command, clemta: Clemta, sign_up: SignUp
    ) -> None:
        [letter] = parked(clemta, sign_up, "ada")
        assert letter in command("dlq", "list").out
        assert command("dlq", "list", "--class", "data", "--json").data == []
        assert command("dlq", "list", "--source", "crm").code == 0
        for name in ("list", "export", "replay"):
            said = command("dlq", name, "--source", "webside")
            assert (said.code, "has no source webside; it has website" in said.err) == (1, True)
        [one] = command("dlq", "list", "--class", "config", "--source", "website", "--json").data
        assert (one["submission_id"], one["status"]) == (letter, 403)
        masked, revealed = command("dlq", "show", letter).out, command("dlq", "show", letter, "--reveal").out
        whole = command("dlq", "show", letter, "--reveal", "--json").data
        for hidden in ("ada@example.com", "full_name", whole["message"]):
            assert hidden not in masked, hidden
        assert "ada@example.com" in revealed
        assert command("dlq", "show", "nobody").code == 1

    def test_dlq_reports_messages_that_another_consumer_holds(
        self, command: Command, clemta: Clemta, sign_up: SignUp, aws: Callable[[str], Any], stack: Deployed
    ) -> None:
        parked(clemta, sign_up, "ada", "bo")
        sqs, url = aws("sqs"), stack.dead_letter_queue_url
        [held] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)["Messages"]
        try:
            said = command("dlq", "list", "--json")
            assert (len(said.data), "1 more could not be read" in said.err) == (1, True)
            assert "1 more" in command("dlq", "show", "nobody").err
            assert "1 more" in command("dlq", "replay", "--all", "--dry-run").err
            assert "1 could not be read" in command("doctor").out
        finally:
            handle = held["ReceiptHandle"]
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)

    def test_dlq_export_prints_every_dead_letter_whole(
        self, command: Command, clemta: Clemta, sign_up: SignUp
    ) -> None:
        letters = parked(clemta, sign_up, "ada", "bo")
        lines = [json.loads(line) for line in command("dlq", "export").out.splitlines()]
        assert sorted(line["submission_id"] for line in lines) == sorted(letters)
        assert all("example.com" in line["body"] for line in lines)

    def test_p8_export_file_is_readable_by_its_owner_only(
        self, project: Path, clemta: Clemta, sign_up: SignUp
    ) -> None:
        parked(clemta, sign_up, "ada")
        letters = project / "letters.jsonl"
        letters.touch(0o644)
        with letters.open("w") as file:
            process = started(project, "dlq", "export", out=file)
            assert process.wait(60) == 0
            process.communicate()
        assert "website" in letters.read_text()
        assert letters.stat().st_mode & 0o777 == 0o600

    def test_discard_logs_its_reason(
        self,
        command: Command,
        clemta: Clemta,
        sign_up: SignUp,
        dead_letters: Queue,
        aws: Callable[[str], Any],
    ) -> None:
        [letter] = parked(clemta, sign_up, "ada")
        assert command("dlq", "discard", letter).code == 2, "a reason is required"
        assert command("dlq", "discard", letter, "--reason", "a test").code == 0
        assert "discarded (a test), from website" in command("find", letter).out
        assert dead_letters.size() == 0
        assert command("dlq", "discard", letter, "--reason", "a test").code == 1

    def test_replay_delivers_only_the_selected_dead_letters(
        self, command: Command, clemta: Clemta, sign_up: SignUp, dead_letters: Queue
    ) -> None:
        first, second = parked(clemta, sign_up, "ada", "bo")
        assert command("dlq", "replay").code == 2, "which?"
        assert command("dlq", "replay", "--all", "--dry-run").code == 0
        assert dead_letters.size() == 2
        assert command("dlq", "replay", first).code == 0
        assert eventually(lambda: [contact["email"] for contact in clemta.contacts()] == ["ada@example.com"])
        assert command("dlq", "replay", "--class", "data").code == 1, "there are none"
        assert command("dlq", "replay", "--class", "config").code == 0
        assert eventually(lambda: len(clemta.contacts()) == 2)
        assert dead_letters.size() == 0
        assert command("dlq", "replay", second).code == 1, "it is not there any more"

    def test_replay_of_a_contact_that_clemta_has_creates_nothing(
        self, command: Command, clemta: Clemta, sign_up: SignUp, dead_letters: Queue
    ) -> None:
        parked(clemta, sign_up, "ada")
        sign_up(email="ada@example.com")
        [result] = command("dlq", "replay", "--all", "--json").data
        assert result["outcome"] == "in Clemta"
        assert dead_letters.size() == 0
        assert len(clemta.contacts()) == 1

    def test_p3_p4_a_replay_that_is_killed_and_repeated_makes_one_contact_each(
        self,
        project: Path,
        command: Command,
        clemta: Clemta,
        sign_up: SignUp,
        dead_letters: Queue,
        retry_queue: Queue,
        redelivery: Redelivery,
    ) -> None:
        people = [f"person{number}" for number in range(12)]
        parked(clemta, sign_up, *people)
        redelivery.hold()
        clemta.fault("slow_headers", on="search", seconds=0.5, times=None)  # so that there is a middle
        process = started(project, "dlq", "replay", "--all", hidden_seconds=5)
        assert eventually(lambda: retry_queue.size() >= 3)
        process.kill()
        process.communicate()
        clemta.clear_faults()
        assert dead_letters.size() > 0, "it was killed in the middle"
        assert command("dlq", "replay", "--all").code == 0
        redelivery.release()
        assert eventually(lambda: retry_queue.size() == 0, 60)
        assert dead_letters.size() == 0
        assert sorted(contact["email"] for contact in clemta.contacts()) == sorted(
            f"{person}@example.com" for person in people
        )


class TestHeld:
    """Submissions held as spam are listed, released or discarded."""

    def held(self, sign_up: SignUp, *people: str) -> list[str]:
        answers = [sign_up(email=f"{person}@example.com", _leave_empty="x").json() for person in people]
        assert {answer["status"] for answer in answers} == {"created"}, "it is answered as a success is"
        return [answer["submission_id"] for answer in answers]

    def test_p1_submission_held_by_mistake_is_released_and_becomes_a_contact(
        self, command: Command, clemta: Clemta, sign_up: SignUp, held_queue: Queue, dead_letters: Queue
    ) -> None:
        [one] = self.held(sign_up, "ada")
        assert not clemta.requests()
        [message] = held_queue.messages()
        assert message["attributes"] == {"source": "website", "class": "spam", "status": "0"}
        [listed] = command("held", "list", "--json").data
        assert (listed["submission_id"], listed["class"], listed["code"]) == (one, "spam", "honeypot")
        assert "honeypot" in command("held", "list").out
        masked, revealed = command("held", "show", one).out, command("held", "show", one, "--reveal").out
        assert "ada@example.com" not in masked
        assert "ada@example.com" in revealed
        assert "is held as spam" in command("find", "ada@example.com").out
        assert [line["outcome"] for line in command("find", one, "--json").data["history"]] == ["held"]
        assert "1 held as spam" in command("doctor").out
        assert command("held", "release").code == 2, "which?"
        [result] = command("held", "release", "--all", "--dry-run", "--json").data
        assert (result["submission_id"], result["outcome"], held_queue.size()) == (one, "released", 1)
        assert command("held", "release", one).code == 0
        assert eventually(lambda: [contact["email"] for contact in clemta.contacts()] == ["ada@example.com"])
        assert held_queue.size() == dead_letters.size() == 0
        assert command("held", "release", one).code == 1, "it is not there any more"

    def test_discard_and_erase_delete_held_submissions(
        self, command: Command, clemta: Clemta, sign_up: SignUp, held_queue: Queue
    ) -> None:
        spam, _ = self.held(sign_up, "machine", "bo")
        assert command("held", "discard", spam, "--reason", "spam").code == 0
        assert "discarded (spam), from website" in command("find", spam).out
        assert len(command("erase", "bo@example.com", "--yes", "--json").data["held"]) == 1
        assert held_queue.size() == 0
        assert command("held", "list", "--json").data == []
        assert not clemta.contacts()

    def test_status_counts_held_submissions(self, command: Command, sign_up: SignUp) -> None:
        def counted() -> int:
            return int(command("status", "--json").data["today"].get("website", {}).get("held", 0))

        before = counted()
        self.held(sign_up, "ada")
        assert eventually(lambda: counted() == before + 1)
        said = command("status")
        assert "held          1" in said.out


def test_sources_are_listed_and_checked(command: Command, project: Path) -> None:
    found = {one["source"]: one for one in command("sources", "list", "--json").data}
    assert found["website"]["url"].endswith("/v1/signups/website")
    assert command("sources", "check").code == 0
    (project / "wrong.toml").write_text('[sources.website]\nkind = "frm"\n')
    said = command("sources", "check", "wrong.toml")
    assert (said.code, "wrong.toml:2" in said.out) == (1, True)


def test_command_prints_an_error_in_one_line_without_a_stack_trace(command: Command) -> None:
    for arguments in (["doctor", "--env", "nowhere"], ["find", "x", "--stack", "s", "--region", "us-east-1"]):
        said = command(*arguments)
        assert said.code == 1
        assert "Traceback" not in said.out + said.err


class TestSecrets:
    def test_one_secret_is_set_and_the_others_stay(
        self, command: Command, stack: Deployed, project: Path
    ) -> None:
        client = stack.client("secretsmanager")

        def stored() -> dict[str, Any]:
            text = client.get_secret_value(SecretId=stack.signing_secret_id)["SecretString"]
            return dict(json.loads(text))

        before = stored()
        try:
            said = subprocess.run(
                [sys.executable, "-m", "ops.cli", "secrets", "set", "crm"],
                cwd=project,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"},
                input="another\n",
                capture_output=True,
                text=True,
                check=True,
            )
            assert "another" not in said.stdout + said.stderr
            assert stored() == before | {"crm": ["another", before["crm"]]}
            listed = {one["name"]: one for one in command("secrets", "list", "--json").data}
            assert (listed["crm"]["values"], listed["crm"]["state"]) == (2, "ok")
            assert command("secrets", "set", "crm", "--drop-old").code == 0
            assert stored() == before | {"crm": "another"}
            labels = client.describe_secret(SecretId=stack.signing_secret_id)["VersionIdsToStages"].values()
            assert {label for some in labels for label in some} == {"AWSCURRENT", "AWSPREVIOUS"}
        finally:
            client.put_secret_value(SecretId=stack.signing_secret_id, SecretString=json.dumps(before))


class TestLiveSources:
    """Push, rollback and pull, with submissions that wait meanwhile."""

    WRONG = '[sources.website]\nkind = "form"\n[sources.website.contact]\nemail = "body.mail2"\n'
    RIGHT = '[sources.website]\nkind = "form"\n'

    def push(self, command: Command, project: Path, text: str) -> int:
        file = project / "edited.toml"
        file.write_text(text)
        said = command("sources", "push", str(file), "--json")
        assert said.code == 0, said.err
        return int(said.data["version"])

    @pytest.fixture
    def served(self, project: Path, clemta: Clemta) -> Iterator[None]:
        """Keeps the copy of what the session's stack serves; the ledger's items are deleted before each test."""
        copy = project / ".local" / "sources.toml"
        before = copy.read_text()
        yield
        copy.write_text(before)

    def test_mended_mapping_is_pushed_and_the_parked_submission_replayed(
        self, command: Command, clemta: Clemta, sign_up: SignUp, project: Path, served: None
    ) -> None:
        crm = '[sources.crm]\nkind = "webhook"\nauth = { scheme = "token", secret = "crm" }\n'
        version = self.push(command, project, crm + '[sources.crm.contact]\nemail = "body.wrong"\n')
        token = {"Authorization": "Bearer local-crm-secret"}
        where = f"{command('sources', 'list', '--json').data[0]['url']}"
        person = {"name": "Ada Example", "mail": "ada@example.com"}
        answer = requests.post(where, json=person, headers=token, timeout=30)
        assert answer.json()["status"] == "parked"
        mended = crm + '[sources.crm.contact]\nemail = "body.mail"\nfull_name = "body.name"\n'
        assert self.push(command, project, mended) == version + 1
        said = command("dlq", "replay", answer.json()["submission_id"], "--json")
        assert [one["outcome"] for one in said.data] == ["replayed"]
        assert eventually(lambda: [one["email"] for one in clemta.contacts()] == ["ada@example.com"])

    def test_waiting_submission_is_mapped_by_the_live_version(
        self,
        command: Command,
        clemta: Clemta,
        sign_up: SignUp,
        redelivery: Redelivery,
        project: Path,
        served: None,
    ) -> None:
        redelivery.hold()
        clemta.fault("status", status=500, times=None)
        assert sign_up(email="ada@example.com", mail2="eve@example.com").json()["status"] == "queued"
        clemta.clear_faults()
        self.push(command, project, self.WRONG)
        redelivery.release()
        assert eventually(lambda: [one["email"] for one in clemta.contacts()] == ["eve@example.com"])

    def test_p1_source_that_answers_from_the_queue_does_not_wait_for_clemta(
        self,
        command: Command,
        clemta: Clemta,
        sign_up: SignUp,
        redelivery: Redelivery,
        project: Path,
        served: None,
    ) -> None:
        self.push(command, project, f'{self.RIGHT}answer = "queued"\n')
        redelivery.hold()
        assert [sign_up().json()["status"] for _ in range(2)] == ["queued", "queued"]
        assert not clemta.requests()
        redelivery.release()
        assert eventually(lambda: [one["email"] for one in clemta.contacts()] == ["ada@example.com"])

    def test_rollback_returns_to_the_deployed_file_and_pull_shows_what_is_live(
        self, command: Command, sign_up: SignUp, project: Path, served: None
    ) -> None:
        assert command("sources", "pull", "-").code == 1
        self.push(command, project, self.RIGHT.replace("website", "news"))
        assert (sign_up().status_code, sign_up("news").status_code) == (404, 200)
        assert "news" in command("sources", "pull", "-").out
        assert "version 1" in command("doctor").out
        assert command("sources", "rollback", "--json").data["version"] == 0
        assert (sign_up().status_code, sign_up("news").status_code) == (200, 404)

    def test_p2_broken_live_version_takes_nothing_down(
        self,
        command: Command,
        sign_up: SignUp,
        aws: Callable[[str], Any],
        stack: Deployed,
        project: Path,
        served: None,
    ) -> None:
        self.push(command, project, self.RIGHT)
        broken = {"pk": {"S": "sources"}, "version": {"N": "2"}, "text": {"S": "["}}
        aws("dynamodb").put_item(TableName=stack.ledger_table, Item=broken)
        time.sleep(MAX_AGE)
        assert sign_up().status_code == 200
        assert sign_up("news").status_code == 503

        def counted() -> float:
            found = aws("cloudwatch").get_metric_statistics(
                Namespace="ClemtaIntake",
                MetricName="SourcesBroken",
                Dimensions=[{"Name": "service", "Value": stack.stack_name}],
                StartTime=time.time() - 600,
                EndTime=time.time() + 60,
                Period=60,
                Statistics=["Sum"],
            )
            return float(sum(point["Sum"] for point in found["Datapoints"]))

        assert eventually(lambda: counted() > 0)
