"""setup and remove: real files, processes and HTTP; AWS in memory, whose stack the `sam` of the test changes."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from ops.aws import OperatorClients
from ops.cli import app
from ops.commands import setup as commands
from ops.doctor.check import Check
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.project import default_sources_file
from ops.setup import access_log, flow, removal, stacks, trial
from ops.setup.answers import FILE, Answers, environment_names, read_answers, write_answers
from ops.setup.deployment import Deployment, StepFailed
from ops.setup.permissions import NEEDED, permissions
from ops.setup.preconditions import concurrency, require_checkout, tools
from tests.unit.test_ops_secrets import SecretsManager

ROOT = Path(__file__).parents[2]
COMPANY, KEY = "64b8f1a2e4b0c8d9f0123456", "clemta_right"
ROOT_USER = "arn:aws:iam::111122223333:root"
SAM = """#!/bin/sh
echo "$@" >> "$PWD/sam.txt"
echo "deploying" && cat "$PWD/outcome" 2>/dev/null
cat "$PWD/after" > "$PWD/status"
test ! -e "$PWD/outcome"
"""


class Web(BaseHTTPRequestHandler):
    """Clemta, which knows one key and one company, and the API of the deployed stack."""

    posted: list[str]
    sign_up_status = 200
    answer: bytes = b'{"status": "created", "submission_id": "s1"}'
    health: list[int]
    clemta_status = 0

    def log_message(self, *_: object) -> None:
        """Prints nothing."""

    def do_GET(self) -> None:
        if self.path.endswith("/health"):
            self._send(self.health.pop(0) if len(self.health) > 1 else self.health[0], b"{}")
            return
        known = f"company_id={COMPANY}" in self.path
        status = self.clemta_status or (
            401
            if self.headers["X-API-Key"] != KEY
            else 403
            if "f" * 24 in self.path
            else 200
            if known
            else 404
        )
        self._send(status, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append(f"{self.path} {body}")
        self._send(self.sign_up_status, self.answer)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Pages:
    """A paginator with one page."""

    def __init__(self, page: dict[str, Any]) -> None:
        self._page = page

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [self._page]


@dataclass
class Aws:
    """The calls that setup and remove make; the file `status` has the stack's states in lines, the last one stays."""

    project: Path
    arn: str = ROOT_USER
    quota: int = 1000
    role: str | None = "arn:aws:iam::111122223333:role/logs"
    parameters: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    delete_ends: str = ""
    refused: dict[str, list[str]] = field(default_factory=dict)
    secrets: SecretsManager = field(default_factory=SecretsManager)
    may_simulate: bool = True
    not_yet: int = 0
    dead: str = "1"
    roles: set[str] = field(default_factory=set)
    simulated: list[tuple[str, str]] = field(default_factory=list)

    class BadRequestException(Exception):
        """API Gateway's."""

    class EntityAlreadyExistsException(Exception):
        """IAM's."""

    exceptions = SimpleNamespace(
        BadRequestException=BadRequestException, EntityAlreadyExistsException=EntityAlreadyExistsException
    )

    def client(self, service: str) -> Any:
        return self.secrets if service == "secretsmanager" else self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333", "Arn": self.arn}

    def get_account_settings(self) -> dict[str, Any]:
        return {
            "AccountLimit": {"ConcurrentExecutions": self.quota, "UnreservedConcurrentExecutions": self.quota}
        }

    def get_account(self) -> dict[str, Any]:
        return {"cloudwatchRoleArn": self.role} if self.role else {}

    def update_account(self, patchOperations: list[dict[str, str]]) -> None:
        if self.not_yet:
            self.not_yet -= 1
            raise self.BadRequestException("The role ARN does not have required permissions")
        [change] = patchOperations
        assert (change["op"], change["path"]) == ("replace", "/cloudwatchRoleArn")
        self.role = change["value"]

    def create_role(self, RoleName: str, AssumeRolePolicyDocument: str, Description: str) -> dict[str, Any]:
        assert "apigateway.amazonaws.com" in AssumeRolePolicyDocument
        if RoleName in self.roles:
            raise self.EntityAlreadyExistsException
        self.roles.add(RoleName)
        return self.get_role(RoleName)

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::111122223333:role/path/{RoleName}"}}

    def attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        assert PolicyArn == "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        file = self.project / "status"
        lines = file.read_text().split() if file.exists() else []
        if not lines:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        if len(lines) > 1:
            file.write_text("\n".join(lines[1:]))
        names = ["ClemtaSecretId", "SigningSecretId", "LedgerTableName", "LedgerPepperId", "RetryQueueUrl"]
        names += ["DeadLetterQueueUrl", "HeldQueueUrl"]
        outputs = {name: name for name in names} | {"ApiId": "a1", "ApiUrl": "https://a1.example.com/v1"}
        if lines[0] == "CREATE_IN_PROGRESS":
            outputs = {}
        numbers = ("RetryBaseSeconds", "GiveUpHours", "SearchLagSeconds", "RecheckSeconds", "ProvenEvery")
        given = dict.fromkeys((*numbers, "ClemtaRequestsPerMinute"), "5") | {
            "ClemtaBaseUrl": "https://api.clemta.com",
            "DefaultCompanyId": COMPANY,
        }
        stack = {
            "StackName": StackName,
            "StackId": "arn:stack/1",
            "StackStatus": lines[0],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in (given | self.parameters).items()
            ],
        }
        return {"Stacks": [stack]}

    def delete_stack(self, StackName: str) -> None:
        self.deleted.append(StackName)
        (self.project / "status").write_text(self.delete_ends)

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        return {"Attributes": dict.fromkeys(AttributeNames, self.dead if "Dead" in QueueUrl else "0")}

    def get_paginator(self, name: str) -> Any:
        if name == "describe_stack_events":
            keys = ("LogicalResourceId", "ResourceStatus", "ResourceStatusReason", "Timestamp")
            found = [
                {**dict(zip(keys, one, strict=True)), "PhysicalResourceId": f"id-{one[0]}"}
                for one in self.events
            ]
            return Pages({"StackEvents": found})
        assert name == "simulate_principal_policy"
        return SimpleNamespace(paginate=self._simulate)

    def _simulate(
        self, PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str]
    ) -> Iterator[Any]:
        if not self.may_simulate:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "SimulatePrincipalPolicy")
        self.simulated += [(PolicySourceArn, action) for action in ActionNames]
        results = [
            {
                "EvalActionName": action,
                "EvalDecision": "implicitDeny" if action in self.refused else "allowed",
                "MissingContextValues": self.refused.get(action, []),
            }
            for action in ActionNames
        ]
        yield {"EvaluationResults": results}


@pytest.fixture
def web() -> Iterator[type[Web]]:
    class Fresh(Web):
        posted: list[str] = []  # noqa: RUF012 - of this test's server
        health: list[int] = [200]  # noqa: RUF012

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    Fresh.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield Fresh
    server.shutdown()
    server.server_close()


def url_of(web: type[Web]) -> str:
    found: str = web.url  # type: ignore[attr-defined]
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose `make build` and `sam deploy` do nothing but say so."""
    (tmp_path / "functions").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "functions" / "sources.toml").write_text((ROOT / "functions" / "sources.toml").read_text())
    for name in ("template.yaml", "functions/Makefile"):
        (tmp_path / name).touch()
    (tmp_path / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    (tmp_path / "Makefile").write_text('build:\n\t@echo "$$SOURCES_FILE" >> builds.txt; test ! -e broken\n')
    (tmp_path / "after").write_text("CREATE_COMPLETE")
    sam = tmp_path / ".venv" / "bin" / "sam"
    sam.write_text(SAM)
    sam.chmod(sam.stat().st_mode | stat.S_IXUSR)
    for name in (*flow.VARIABLES, "SOURCES_FILE", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def aws(project: Path, web: type[Web], monkeypatch: pytest.MonkeyPatch) -> Aws:
    """AWS in memory; doctor finds nothing wrong."""
    found = Aws(project)
    monkeypatch.setattr(OperatorClients, "client", lambda _, service: found.client(service))
    monkeypatch.setattr(stacks, "_POLL", 0.01)
    monkeypatch.setattr(stacks.settled, "__defaults__", (0.01,))
    monkeypatch.setattr(stacks.delete, "__defaults__", (0.01,))
    monkeypatch.setattr(flow, "examine", lambda _: iter([Check("api", "ok", "answers")]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", url_of(web))
    monkeypatch.setenv("CLEMTA_BASE_URL", url_of(web))
    return found


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def run(*arguments: str, typed: str = "") -> Said:
    result = CliRunner().invoke(app, arguments, input=typed, env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


ANSWERS = f"eu-central-1\n{COMPANY}\n{KEY}\nops@example.com\n"


def deploys(project: Path) -> list[str]:
    file = project / "sam.txt"
    return file.read_text().splitlines() if file.exists() else []


# ---- setup ----------------------------------------------------------------------------------------------------------


def test_setup_from_an_empty_clone_asks_four_questions_and_ends_with_a_sign_up(
    project: Path, aws: Aws, web: type[Web]
) -> None:
    said = run("setup", typed=ANSWERS)
    assert said.code == 0, said.err
    assert [question[0] for question in re.findall(r"(\d)/4", said.err)] == ["1", "2", "3", "4"]
    assert f"address  {url_of(web)}/_aws/execute-api/a1/v1" in said.out
    assert f'<form method="post" action="{url_of(web)}/_aws/execute-api/a1/v1/signups/website">' in said.out
    assert 'name="_leave_empty" hidden' in said.out
    assert "test sign-up through website: created" in said.out
    [posted] = web.posted
    assert posted.startswith("/_aws/execute-api/a1/v1/signups/website full_name=Test")
    assert aws.secrets.text("ClemtaSecretId") == KEY
    [deploy] = deploys(project)
    for words in (
        "--stack-name clemta-intake --region eu-central-1",
        "--config-env production",
        "--no-confirm-changeset",
        f'DefaultCompanyId="{COMPANY}"',
        'AlarmEmail="ops@example.com"',
        'AccessLog="true"',
    ):
        assert words in deploy


def test_setup_keeps_its_answers_in_a_file_without_the_key(project: Path, aws: Aws, web: type[Web]) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    kept = read_answers(project, "production")
    assert kept == Answers(
        "clemta-intake",
        "eu-central-1",
        {
            "ClemtaBaseUrl": url_of(web),
            "DefaultCompanyId": COMPANY,
            "AlarmEmail": "ops@example.com",
            "AccessLog": "true",
        },
        tried=True,
    )
    texts = [file.read_text() for file in project.rglob("*") if file.is_file()]
    assert not any(KEY in text for text in texts)


def test_second_setup_asks_nothing_and_sends_no_second_test_sign_up(
    project: Path, aws: Aws, web: type[Web]
) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    again = run("setup")
    assert (again.code, "/4" in again.err) == (0, False)
    assert (len(deploys(project)), len(web.posted)) == (2, 1)
    assert "will be updated" in again.out


def test_kept_address_of_another_clemta_is_used_again(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    monkeypatch.delenv("CLEMTA_BASE_URL")
    said = run("setup")
    assert (said.code, "accepts the key" in said.out) == (0, True)


def test_a_parameter_edited_in_the_answers_file_is_deployed(project: Path, aws: Aws) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    text = (project / FILE).read_text()
    (project / FILE).write_text(f'{text}MemorySize = 512\nWafSources = ["website", "shop"]\n')
    assert run("setup").code == 0
    assert 'MemorySize="512" WafSources="website,shop"' in deploys(project)[-1]


def test_wrong_answers_are_asked_again_with_the_reason(project: Path, aws: Aws) -> None:
    wrong = f"Frankfurt\neu-central-1\n12\n{'0' * 24}\ntwo words\nbad\n{KEY}\n{COMPANY}\nnobody\n\n"
    said = run("setup", typed=wrong)
    assert said.code == 0, said.err
    for reason in (
        "Frankfurt is not an AWS region",
        "12 is not a company id",
        "that is no API key",
        "Clemta refuses the key (401)",
        f"Clemta does not know company {'0' * 24} (404)",
        "nobody is not an e-mail address",
    ):
        assert reason in said.out
    assert aws.secrets.text("ClemtaSecretId") == KEY
    assert 'AlarmEmail=""' in deploys(project)[0]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "there is no answer"),
        ("a\nb\nc\n", "that answer is missing"),
        (f"eu-central-1\n{COMPANY}\n\n\n\n", "there is no API key"),
        (f"eu-central-1\n{COMPANY}\na\nb\nc\n", "does not accept the key for this company"),
        (f"eu-central-1\n{'f' * 24}\n{KEY}\n", "there is no answer"),
    ],
)
def test_setup_without_usable_answers_makes_nothing(project: Path, aws: Aws, typed: str, says: str) -> None:
    said = run("setup", typed=typed)
    assert said.code == 1
    assert "nothing was made" in said.err
    assert says in said.err
    assert not (project / FILE).exists()
    assert not (project / "sources.toml").exists()
    assert not (project / "builds.txt").exists()


def test_variables_answer_every_question(project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "AWS_REGION": "eu-west-1",
        "CLEMTA_COMPANY_ID": COMPANY,
        "CLEMTA_API_KEY": KEY,
        "ACCESS_LOG": "true",
    }
    for name, value in {**given, "ALARM_EMAIL": "ops@example.com"}.items():
        monkeypatch.setenv(name, value)
    aws.role = None
    said = run("setup", "--env", "staging", "--yes", "--json")
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert (result["stack"], result["region"], result["good"]) == ("clemta-intake-staging", "eu-west-1", True)
    assert (result["created"], result["sign_up"]["answer"]["status"]) == (True, "created")
    assert KEY not in said.out + said.err + " ".join(deploys(project))
    assert aws.role == f"arn:aws:iam::111122223333:role/path/{access_log.ROLE}"


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("AWS_REGION", "set the variable AWS_REGION"),
        ("CLEMTA_COMPANY_ID", "set the variable CLEMTA_COMPANY_ID"),
        ("CLEMTA_API_KEY", "set the variable CLEMTA_API_KEY"),
    ],
)
def test_setup_that_may_not_ask_names_the_missing_variable(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch, missing: str, says: str
) -> None:
    given = {"AWS_REGION": "eu-west-1", "CLEMTA_COMPANY_ID": COMPANY, "CLEMTA_API_KEY": KEY}
    for name, value in given.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    said = run("setup", "--yes")
    assert (said.code, says in said.err, deploys(project)) == (1, True, [])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AWS_REGION", "frankfurt", "no AWS region"),
        ("CLEMTA_COMPANY_ID", "12", "24 hexadecimal"),
        ("CLEMTA_COMPANY_ID", "f" * 24, "may not use company"),
        ("CLEMTA_API_KEY", "wrong", "refuses the key"),
        ("ALARM_EMAIL", "nobody", "no e-mail address"),
    ],
)
def test_wrong_variable_makes_nothing(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    given = {"AWS_REGION": "eu-west-1", "CLEMTA_COMPANY_ID": COMPANY, "CLEMTA_API_KEY": KEY}
    for one, right in given.items():
        monkeypatch.setenv(one, right)
    monkeypatch.setenv(name, value)
    said = run("setup", "--yes")
    assert (said.code, says in said.out + said.err, deploys(project)) == (1, True, [])


def test_a_wrong_key_in_a_variable_is_not_asked_again(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEMTA_API_KEY", "wrong")
    said = run("setup", typed=f"eu-central-1\n{COMPANY}\n")
    assert (said.code, "3/4" in said.err, "does not accept the key" in said.err) == (1, False, True)


def test_stored_key_that_clemta_refuses_is_asked_anew(project: Path, aws: Aws) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    aws.secrets.put_secret_value("ClemtaSecretId", "revoked")
    said = run("setup", typed=f"{KEY}\n")
    assert (said.code, "refuses the key" in said.out) == (0, True)
    assert aws.secrets.text("ClemtaSecretId") == KEY


@pytest.mark.parametrize("status", [500, 302])
def test_unexpected_answer_of_clemta_makes_nothing(
    project: Path, aws: Aws, web: type[Web], status: int
) -> None:
    web.clemta_status = status
    said = run("setup", typed=ANSWERS)
    assert (said.code, f"Clemta answers {status}" in said.err, deploys(project)) == (1, True, [])


def test_used_up_rate_limit_of_clemta_does_not_stop_setup(project: Path, aws: Aws, web: type[Web]) -> None:
    web.clemta_status = 429
    said = run("setup", typed=ANSWERS)
    assert (said.code, "the key is not checked" in said.out) == (0, True)


def test_silent_clemta_makes_nothing(project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEMTA_BASE_URL", "http://127.0.0.1:9")
    said = run("setup", typed=ANSWERS)
    assert (said.code, "Clemta does not answer at http://127.0.0.1:9" in said.err) == (1, True)


def test_dry_run_checks_and_makes_nothing(project: Path, aws: Aws) -> None:
    said = run("setup", "--dry-run", typed=ANSWERS)
    assert (said.code, "a dry run: nothing was made" in said.out) == (0, True)
    assert "accepts the key" in said.out
    assert not any((project / name).exists() for name in (FILE, "sources.toml", "builds.txt", "sam.txt"))


def test_region_of_a_stack_that_is_there_is_not_changed_by_an_option(project: Path, aws: Aws) -> None:
    assert run("setup", "--region", "eu-central-1", typed=ANSWERS.partition("\n")[2]).code == 0
    said = run("setup", "--region", "us-east-1")
    assert (said.code, "production is in eu-central-1" in said.err) == (1, True)


def test_stack_that_was_deployed_without_setup_keeps_its_parameters(project: Path, aws: Aws) -> None:
    (project / "status").write_text("UPDATE_COMPLETE")
    aws.secrets.put_secret_value("ClemtaSecretId", KEY)
    said = run("setup", "--region", "eu-central-1")
    assert (said.code, "/4" in said.err) == (0, False)
    assert "AlarmEmail" not in deploys(project)[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--env", "local"), "on this machine: make up"),
        (("--stack", "s", "--region", "eu-west-1"), "setup takes --env"),
        (("--env", "No Name"), "an environment's name is"),
    ],
)
def test_setup_refuses_what_is_no_environment_on_aws(
    project: Path, aws: Aws, arguments: tuple[str, ...], says: str
) -> None:
    said = run("setup", *arguments)
    assert (said.code, says in said.err) == (1, True)


def test_another_environment_gets_a_stack_of_its_own(project: Path, aws: Aws) -> None:
    assert run("setup", "--env", "berlin", typed=ANSWERS).code == 0
    assert "--stack-name clemta-intake-berlin" in deploys(project)[0]
    assert StackLocation.named("berlin", project).stack_name == "clemta-intake-berlin"
    assert environment_names(project) == ["berlin"]


def test_setup_outside_a_clone_says_where_to_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("setup")
    assert (said.code, "is no clone of clemta-intake" in said.err) == (1, True)
    with pytest.raises(OpsError, match=r"no template.yaml"):
        require_checkout(tmp_path)


def test_wrong_sources_file_makes_nothing(project: Path, aws: Aws) -> None:
    (project / "functions" / "sources.toml").write_text('[sources.website]\nkind = "from"\n')
    said = run("setup", typed=ANSWERS)
    assert (said.code, "sources.toml:2" in said.err, said.out) == (1, True, "")


# ---- the owner's own files ------------------------------------------------------------------------------------------


def test_setup_makes_a_sources_file_of_ones_own_without_the_example_sender(project: Path, aws: Aws) -> None:
    shipped = (project / "functions" / "sources.toml").read_text()
    assert run("setup", typed=ANSWERS).code == 0
    own = (project / "sources.toml").read_text()
    assert tomllib.loads(own)["sources"].keys() == {"website"}
    assert own.replace("# ", "") == shipped.replace("# ", "")
    assert (project / "functions" / "sources.toml").read_text() == shipped
    assert (project / "builds.txt").read_text() == f"{project / 'sources.toml'}\n"


def test_own_sources_file_is_used_and_never_overwritten(project: Path, aws: Aws) -> None:
    own = project / "sources.toml"
    own.write_text('[sources.shop]\nkind = "form"\n')
    assert run("setup", typed=ANSWERS).code == 0
    assert own.read_text() == '[sources.shop]\nkind = "form"\n'
    assert default_sources_file(project) == own


def test_variable_names_another_sources_file(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = project / "deploy.toml"
    other.write_text('[sources.shop]\nkind = "form"\n')
    monkeypatch.setenv("SOURCES_FILE", "deploy.toml")
    assert run("setup", typed=ANSWERS).code == 0
    assert (project / "builds.txt").read_text() == f"{other}\n"
    assert not (project / "sources.toml").exists()


def test_edited_example_and_deployed_sources_stay_in_ones_own_file(project: Path, aws: Aws) -> None:
    shipped = (ROOT / "functions" / "sources.toml").read_text()
    edited = shipped.replace("lead.created", "lead.updated")
    assert flow.without_example(edited) == edited
    assert flow.without_example(shipped) != shipped
    (project / "status").write_text("UPDATE_COMPLETE")
    aws.secrets.put_secret_value("ClemtaSecretId", KEY)
    assert run("setup", "--region", "eu-central-1").code == 0
    assert (project / "sources.toml").read_text() == shipped


def test_git_ignores_the_files_that_setup_makes() -> None:
    git = shutil.which("git") or pytest.skip("needs git")
    made = [FILE, "sources.toml", ".local/logs/setup-production.log"]
    done = subprocess.run([git, "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == made
    shipped = ["functions/sources.toml", "samconfig.toml"]
    assert (
        subprocess.run([git, "check-ignore", *shipped], cwd=ROOT, capture_output=True, check=False).returncode
        == 1
    )


def test_answers_of_other_environments_stay(tmp_path: Path) -> None:
    write_answers(tmp_path, "staging", Answers("s", "eu-west-1"))
    write_answers(tmp_path, "production", Answers("p", "eu-central-1", {"AlarmEmail": 'a"b\\c'}, tried=True))
    write_answers(tmp_path, "staging", None)
    assert read_answers(tmp_path, "production") == Answers(
        "p", "eu-central-1", {"AlarmEmail": 'a"b\\c'}, tried=True
    )
    assert read_answers(tmp_path, "staging") is None


@pytest.mark.parametrize(
    "text",
    [
        "[production",
        'production = "x"',
        '[production]\nstack = "s"',
        '[production]\nstack="s"\nregion="r"\nparameters=1',
    ],
)
def test_damaged_answers_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(OpsError, match=FILE):
        read_answers(tmp_path, "production")


def test_parameters_are_read_as_cloudformation_takes_them(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[p]\nstack="s"\nregion="r"\n[p.parameters]\nAccessLog = true\nGiveUpHours = 5\n'
    )
    read = read_answers(tmp_path, "p")
    assert read
    assert read.parameters == {"AccessLog": "true", "GiveUpHours": "5"}


# ---- checks before anything is made ---------------------------------------------------------------------------------


def granted(aws: Aws) -> list[Check]:
    found: Any = aws
    return [*permissions(found, aws.arn, "eu-central-1", "clemta-intake")]


def test_iam_is_asked_about_every_needed_action_of_the_role(project: Path) -> None:
    aws = Aws(project, arn="arn:aws:sts::111122223333:assumed-role/deployer/session")
    [check] = granted(aws)
    assert check.state == "ok"
    assert {who for who, _ in aws.simulated} == {"arn:aws:iam::111122223333:role/path/deployer"}
    assert ("arn:aws:iam::111122223333:role/path/deployer", "lambda:CreateFunction") in aws.simulated


def test_missing_permission_is_named_before_anything_is_made(project: Path, aws: Aws) -> None:
    aws.arn = "arn:aws:iam::111122223333:user/ada"
    aws.refused = {"sqs:CreateQueue": [], "sns:Subscribe": ["aws:MultiFactorAuthPresent"]}
    said = run("setup", typed=ANSWERS)
    assert said.code == 1
    assert "IAM refuses you sqs:CreateQueue" in said.out
    assert "sns:Subscribe" not in said.out
    assert "nothing was made" in said.err
    assert deploys(project) == []


def test_caller_who_may_not_simulate_is_told_so(project: Path) -> None:
    [check] = granted(Aws(project, arn="arn:aws:iam::111122223333:user/ada", may_simulate=False))
    assert (check.state, "cannot be checked" in check.says) == ("note", True)


def test_policy_in_the_documentation_allows_every_needed_action() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.S)]
    [policy] = [one for one in policies if "Resource" in one["Statement"][0]]
    names = {
        "partition": "aws",
        "region": "eu-central-1",
        "account": "ACCOUNT",
        "stack": "clemta-intake-staging",
    }

    def listed(value: str | list[str]) -> list[str]:
        return value if isinstance(value, list) else [value]

    for service, (pattern, actions) in NEEDED.items():
        resource = pattern.format(**names)
        for action in (f"{service.partition(' ')[0]}:{name}" for name in actions):
            assert any(
                any(fnmatchcase(action, one) for one in listed(statement["Action"]))
                and any(fnmatchcase(resource, one) for one in listed(statement["Resource"]))
                for statement in policy["Statement"]
            ), f"{action} on {resource}"


@pytest.mark.parametrize(
    ("quota", "reserved", "state"),
    [(1000, "0", "ok"), (10, "", "note"), (10, "5", "fail"), (1000, "100", "ok")],
)
def test_a8_small_concurrency_quota_is_said_before_anything_is_made(
    project: Path, quota: int, reserved: str, state: str
) -> None:
    aws: Any = Aws(project, quota=quota)
    [check] = concurrency(aws, {"ReceiveReservedConcurrency": reserved})
    assert check.state == state


def test_missing_tools_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.state for check in tools(project)] == ["ok", "ok"]
    monkeypatch.setenv("PATH", str(project))
    (project / ".venv" / "bin" / "sam").unlink()
    checks = {check.name: check for check in tools(project)}
    assert (checks["make"].state, checks["SAM CLI"].says) == ("fail", "will be installed in .venv by make")


@pytest.mark.parametrize(
    ("answer", "role", "log"), [("y", access_log.ROLE, "true"), ("n", "", "false"), ("", "", "false")]
)
def test_a21_role_for_access_logs_is_made_only_on_consent(
    project: Path, aws: Aws, answer: str, role: str, log: str
) -> None:
    aws.role = None
    said = run("setup", typed=f"{ANSWERS}{answer}\n")
    assert said.code == 0, said.err
    assert (aws.role or "").rpartition("/")[2] == role
    assert f'AccessLog="{log}"' in deploys(project)[0]
    again = run("setup")
    assert (again.code, "Make the role" in again.err) == (0, False)


def test_a21_role_that_is_gone_is_not_made_again_without_consent(project: Path, aws: Aws) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    aws.role = None
    said = run("setup", "--yes")
    assert (said.code, "has no role for API Gateway's logs" in said.err, aws.role) == (1, True, None)
    assert run("setup", typed="n\n").code == 0
    assert 'AccessLog="false"' in deploys(project)[-1]


def test_setup_without_questions_leaves_the_access_log_off_where_no_role_is(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"AWS_REGION": "eu-west-1", "CLEMTA_COMPANY_ID": COMPANY, "CLEMTA_API_KEY": KEY}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    aws.role = None
    assert run("setup", "--yes").code == 0
    assert 'AccessLog="false"' in deploys(project)[0]


def test_a21_new_role_is_put_in_when_api_gateway_accepts_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_POLL", 0.01)
    aws: Any = Aws(project, role=None, not_yet=2, roles={access_log.ROLE})
    access_log.make_role(aws, "aws")
    assert aws.role == f"arn:aws:iam::111122223333:role/path/{access_log.ROLE}"
    aws.not_yet = 2
    with pytest.raises(OpsError, match="does not accept the role"):
        access_log.make_role(aws, "aws", seconds=0)


# ---- failures and interruptions -------------------------------------------------------------------------------------


def test_failed_first_create_is_deleted_and_says_why(project: Path, aws: Aws) -> None:
    (project / "outcome").write_text("Error: Failed to create/update the stack")
    (project / "after").write_text("ROLLBACK_IN_PROGRESS\nROLLBACK_COMPLETE")
    later = datetime(2100, 1, 1, tzinfo=UTC)
    aws.events = [
        ("Topic", "CREATE_FAILED", "Resource creation cancelled", later),
        ("RetryQueue", "CREATE_FAILED", "not authorized to perform: sqs:CreateQueue", later),
        ("Api", "CREATE_COMPLETE", "", later),
        ("Old", "CREATE_FAILED", "of an earlier try", datetime(2000, 1, 1, tzinfo=UTC)),
    ]
    said = run("setup", typed=ANSWERS)
    assert said.code == 1
    assert "✕ RetryQueue: not authorized to perform: sqs:CreateQueue" in said.out
    assert "cancelled" not in said.out
    assert "earlier try" not in said.out
    assert "deleting what the failed create of clemta-intake left (ROLLBACK_COMPLETE)" in said.out
    assert "nothing remains of it" in said.err
    assert aws.deleted == ["arn:stack/1"]
    (project / "outcome").unlink()
    (project / "after").write_text("CREATE_COMPLETE")
    assert run("setup", typed=f"{KEY}\n").code == 0


def test_what_an_earlier_failed_create_left_is_deleted_first(project: Path, aws: Aws) -> None:
    (project / "status").write_text("ROLLBACK_COMPLETE")
    said = run("setup", typed=ANSWERS)
    assert (said.code, "will be made" in said.out, aws.deleted) == (0, True, ["arn:stack/1"])


def test_failed_update_says_that_the_stack_is_as_before(project: Path, aws: Aws) -> None:
    assert run("setup", typed=ANSWERS).code == 0
    (project / "outcome").write_text("Error: no")
    (project / "after").write_text("UPDATE_ROLLBACK_COMPLETE")
    said = run("setup")
    assert (said.code, "is as before (UPDATE_ROLLBACK_COMPLETE)" in said.err, aws.deleted) == (1, True, [])


def test_deploy_that_fails_before_cloudformation_shows_its_output(project: Path, aws: Aws) -> None:
    (project / "outcome").write_text("Error: bucket is missing")
    (project / "after").write_text("")
    said = run("setup", typed=ANSWERS)
    assert said.code == 1
    assert "sam deploy failed:" in said.err
    assert "Error: bucket is missing" in said.err
    assert "setup-production.log" in said.err


def test_failed_build_deploys_nothing(project: Path, aws: Aws) -> None:
    (project / "broken").touch()
    said = run("setup", typed=ANSWERS)
    assert (said.code, "make --no-print-directory failed:" in said.err, deploys(project)) == (1, True, [])


def test_setup_waits_for_a_deploy_that_an_earlier_one_left(project: Path, aws: Aws) -> None:
    write_answers(
        project, "production", Answers("clemta-intake", "eu-central-1", {"DefaultCompanyId": COMPANY})
    )
    (project / "status").write_text("\n".join(["CREATE_IN_PROGRESS"] * 8 + ["CREATE_COMPLETE"]))
    said = run("setup", typed=f"{KEY}\nops@example.com\n")
    assert said.code == 0, said.err
    assert said.out.count("CloudFormation works on clemta-intake: CREATE_IN_PROGRESS") == 1
    assert "test sign-up through website: created" in said.out


def test_endless_work_of_cloudformation_is_reported(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_LONGEST", 0.02)
    (project / "status").write_text("UPDATE_IN_PROGRESS")
    with pytest.raises(OpsError, match="still works"):
        stacks.settled(Aws(project), "s", print, 0.01)


def test_other_refusals_of_cloudformation_are_no_missing_stack() -> None:
    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeStacks")

    with pytest.raises(ClientError):
        stacks.describe(SimpleNamespace(describe_stacks=refuse), "s")


def test_second_setup_waits_for_the_step_of_one_that_was_killed(project: Path) -> None:
    (project / "Makefile").write_text(
        "build:\n\t@touch started; while [ ! -e go ]; do sleep 0.02; done; touch ended\n"
    )
    program = (
        "from pathlib import Path; from ops.setup.deployment import Deployment; from ops.setup.answers import Answers\n"
        "d = Deployment(Path.cwd(), 'production', Answers('s', 'r'), Path('sources.toml'))\n"
        "with d.alone(print) as lock: d.build(lock)\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    killed = subprocess.Popen([sys.executable, "-c", program], cwd=project, env=environment)
    wait_for((project / "started").exists)
    killed.kill()
    killed.wait()
    told: list[str] = []
    threading.Timer(0.2, (project / "go").touch).start()
    with Deployment(project, "production", Answers("s", "r"), project / "sources.toml").alone(told.append):
        assert (project / "ended").exists()
    assert told == ["another setup of production still works: waiting for its end"]


@pytest.mark.parametrize("stubborn", [False, True])
def test_ctrl_c_ends_the_step_with_its_children(
    project: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    trap = "trap '' TERM; " if stubborn else ""
    (project / "Makefile").write_text(f"build:\n\t@{trap}echo $$$$ > pid; while :; do sleep 0.05; done\n")
    monkeypatch.setattr("ops.setup.deployment._KILL_AFTER", 0.3)

    def interrupt() -> None:
        wait_for(lambda: (project / "pid").exists() and (project / "pid").read_text().strip() != "")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    one = Deployment(project, "production", Answers("s", "r"), project / "sources.toml")
    with pytest.raises(KeyboardInterrupt), one.alone(print) as lock:
        one.build(lock)
    child = int((project / "pid").read_text())
    wait_for(
        lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()
    )


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_step_inherits_no_setting_of_the_make_that_started_setup(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", "SOURCES_FILE=other.toml")
    one = Deployment(project, "production", Answers("s", "r"), project / "mine.toml")
    with one.alone(print) as lock:
        one.build(lock)
    assert (project / "builds.txt").read_text() == f"{project / 'mine.toml'}\n"


def test_failed_step_is_an_error_of_the_command() -> None:
    assert issubclass(StepFailed, OpsError)


# ---- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "good"),
    [
        (200, b'{"status": "created"}', True),
        (200, b'{"status": "parked"}', False),
        (503, b"no JSON", False),
        (200, b"[]", False),
    ],
)
def test_setup_succeeds_only_if_the_test_sign_up_became_a_contact(
    project: Path, aws: Aws, web: type[Web], status: int, answer: bytes, good: bool
) -> None:
    web.sign_up_status, web.answer = status, answer
    said = run("setup", typed=ANSWERS)
    assert (said.code == 0, "✓ test sign-up" in said.out) == (good, good)
    web.sign_up_status, web.answer = 200, Web.answer
    assert run("setup").code == 0
    assert len(web.posted) == (1 if good else 2)


@pytest.mark.parametrize(("answer", "code"), [("queued", 0), ("contact", 1)])
def test_queued_test_sign_up_is_good_only_where_the_source_answers_so(
    project: Path, aws: Aws, web: type[Web], answer: str, code: int
) -> None:
    (project / "sources.toml").write_text(f'[sources.website]\nkind = "form"\nanswer = "{answer}"\n')
    web.answer = b'{"status": "queued"}'
    assert run("setup", typed=ANSWERS).code == code


@pytest.mark.parametrize(("name", "code"), [("api", 1), ("alarm mail", 0), ("signing secrets", 0)])
def test_setup_fails_on_a_check_of_doctor_unless_a_person_settles_it_later(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    monkeypatch.setattr(flow, "examine", lambda _: iter([Check(name, "fail", "is wrong", "do this")]))
    said = run("setup", typed=ANSWERS)
    assert (said.code, "do this" in said.out) == (code, True)


def test_no_test_sign_up_is_sent_without_a_form_that_a_program_may_fill_in(
    project: Path, aws: Aws, web: type[Web]
) -> None:
    captcha = '[sources.a]\nkind = "form"\n[sources.a.spam]\nturnstile = "t"\n'
    text = f'{captcha}[sources.b]\nkind = "form"\nconsent = "body.x"\n'
    (project / "sources.toml").write_text(text)
    said = run("setup", typed=ANSWERS)
    assert (said.code, "no test sign-up was sent" in said.out, web.posted) == (0, True, [])


def test_form_without_a_honeypot_has_no_hidden_field(project: Path, aws: Aws) -> None:
    (project / "sources.toml").write_text('[sources.website]\nkind = "form"\n')
    assert "hidden" not in run("setup", typed=ANSWERS).out.partition("<form")[2]


def test_new_api_is_waited_for(
    project: Path, aws: Aws, web: type[Web], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_POLL", 0.01)
    web.health[:] = [403, 503, 200]
    env = Environment(StackLocation("s", "eu-central-1"), project / "sources.toml")
    (project / "status").write_text("CREATE_COMPLETE")
    trial.wait_until_up(env)
    assert web.health == [200]
    web.health[:] = [503]
    trial.wait_until_up(env, seconds=0.05)


def test_silent_api_is_a_failed_sign_up(project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "status").write_text("CREATE_COMPLETE")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    env = Environment(StackLocation("s", "eu-central-1"), ROOT / "functions" / "sources.toml")
    trial.wait_until_up(env, seconds=0)
    form = trial.form_to_try(env.sources)
    assert form
    found = trial.sign_up(env, form)
    assert (found.status, found.good) == (0, False)


def test_only_an_emulator_on_this_machine_changes_the_address(
    project: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "status").write_text("CREATE_COMPLETE")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://vpce.example.com")
    env = Environment(StackLocation("s", "eu-central-1"), project / "sources.toml")
    assert env.api_url == "https://a1.example.com/v1"


def test_key_in_a_terminal_is_typed_without_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def getpass(text: str) -> str:
        shown.append(text)
        return KEY

    monkeypatch.setattr(commands, "getpass", getpass)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    session: Any = SimpleNamespace(as_json=False, out=None, err=None)
    assert commands.Conversation(session).ask("Key", hidden=True) == KEY
    assert shown == ["Key: "]


# ---- remove ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def deployed(project: Path, aws: Aws) -> Aws:
    (project / "status").write_text("CREATE_COMPLETE")
    write_answers(project, "staging", Answers("clemta-intake-staging", "eu-central-1", {}, tried=True))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    kept = ("RetryQueue", "LedgerTable", "Bucket")
    aws.events = [(name, "DELETE_SKIPPED", "", moment) for name in kept] + [
        ("Api", "DELETE_COMPLETE", "", moment)
    ]
    return aws


def test_remove_deletes_the_stack_and_says_what_stays_and_why(project: Path, deployed: Aws) -> None:
    deployed.delete_ends = "DELETE_IN_PROGRESS\nDELETE_COMPLETE"
    said = run("remove", "--env", "staging", typed="y\n")
    assert said.code == 0, said.err
    assert "3 dead letters: they stay in their queues" in said.out
    assert re.search(r"LedgerTable +who is a contact already", said.out)
    assert "aws sqs delete-queue --queue-url id-RetryQueue --region eu-central-1" in said.out
    assert re.search(r"Bucket +its deletion policy keeps it", said.out)
    assert deployed.deleted == ["arn:stack/1"]
    answers = read_answers(project, "staging")
    assert answers
    assert answers.tried is False


def test_remove_of_a_stack_by_name_says_when_nothing_stays(project: Path, deployed: Aws) -> None:
    deployed.events, deployed.dead = [], "0"
    said = run("remove", "--stack", "s", "--region", "eu-central-1", "--yes", "--json")
    assert (said.code, json.loads(said.out)["stays"]) == (0, [])


@pytest.mark.parametrize(("arguments", "typed", "code"), [(("--dry-run",), "", 0), ((), "n\n", 1)])
def test_remove_without_consent_removes_nothing(
    deployed: Aws, arguments: tuple[str, ...], typed: str, code: int
) -> None:
    assert run("remove", "--env", "staging", *arguments, typed=typed).code == code
    assert deployed.deleted == []


def test_remove_says_what_could_not_be_deleted(project: Path, deployed: Aws) -> None:
    deployed.delete_ends = "DELETE_FAILED"
    deployed.events = [("Api", "DELETE_FAILED", "is in use", datetime(2026, 1, 1, tzinfo=UTC))]
    said = run("remove", "--env", "staging", "--yes")
    assert (said.code, "could not be deleted (DELETE_FAILED): Api: is in use" in said.err) == (1, True)


def test_remove_does_not_touch_the_local_stack(project: Path) -> None:
    said = run("remove")
    assert (said.code, "make down" in said.err) == (1, True)


def test_every_resource_that_the_template_keeps_has_a_reason_in_remove() -> None:
    text = (ROOT / "template.yaml").read_text()
    kept = re.findall(r"^  (\w+):.*\n    Type: .*\n    DeletionPolicy: Retain", text, re.M)
    assert set(kept) == removal._WHY.keys()


# ---- documentation --------------------------------------------------------------------------------------------------


def test_deploy_page_names_every_variable_and_no_other() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    table = page.partition("| variable | answer |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` ", table, re.M)) == set(flow.VARIABLES)


def test_workflow_in_the_documentation_deploys_by_setup_without_stored_keys_of_aws() -> None:
    from samcli.yamlhelper import yaml_parse

    page = (ROOT / "docs" / "deploy.md").read_text()
    [text] = re.findall(r"```yaml\n(.*?)```", page, re.S)
    workflow = yaml_parse(text)
    assert workflow["permissions"]["id-token"] == "write"
    steps = workflow["jobs"]["deploy"]["steps"]
    [deploy] = [step for step in steps if "setup" in step.get("run", "")]
    assert deploy["run"].startswith(".venv/bin/clemta-intake setup --env production --yes")
    assert deploy["env"].keys() - {"SOURCES_FILE"} <= set(flow.VARIABLES)
    assert "AWS_SECRET_ACCESS_KEY" not in text
