"""setup and remove against the emulator, from a clone of its own: a person at a terminal, a kill, a failed create."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID
from local.clients import KEYS, REGION
from local.processes import ROOT
from local.stack import Deployed
from ops.setup.permissions import permissions
from ops.setup.trial import PERSON
from tests.e2e.conftest import Clemta

STACK = "clemta-intake-staging"
FILES = ("template.yaml", "Makefile", "samconfig.toml", "pyproject.toml", "uv.lock", ".python-version")
BROKEN = """\

  Broken:
    Type: Custom::Broken
    Properties:
      ServiceToken: !Sub "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:no-such-function"

Outputs:
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with this session's tools."""
    folder = tmp_path_factory.mktemp("clone")
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    for name in ("functions", "local", "ops"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def environment(stack: Deployed, clone: Path) -> dict[str, str]:
    """A person's environment, in which the emulator is AWS and the stand-in is Clemta."""
    return KEYS | {
        "PATH": os.environ["PATH"],
        "HOME": str(clone),
        "PYTHONPATH": f"{clone / 'functions'}{os.pathsep}{clone}",
        "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CLEMTA_BASE_URL": stack.clemta_url,
        "SAM_CLI_POLL_DELAY": "1",
    }


@pytest.fixture(autouse=True)
def _clemta_is_well(clemta: Clemta) -> None:
    """No fault of an earlier test is left in the stand-in."""


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left(stack: Deployed) -> Iterator[None]:
    yield
    stack.client("cloudformation").delete_stack(StackName=STACK)


class Person:
    """Somebody who types at a terminal; `seen` is everything that the terminal showed."""

    def __init__(self, clone: Path, environment: dict[str, str], *arguments: str) -> None:
        self._terminal, inner = pty.openpty()
        self.seen, self._read = "", 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli", *arguments],
            cwd=clone,
            env=environment | {"TERM": "xterm", "COLUMNS": "160"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - for getpass
        )
        os.close(inner)

    def read_until(self, text: str, seconds: float = 300) -> None:
        """Reads until the terminal shows the text after what was read for before."""
        deadline = time.monotonic() + seconds
        while (found := self.seen.find(text, self._read)) < 0:
            assert select.select([self._terminal], [], [], max(0, deadline - time.monotonic()))[0], self.seen
            read = self._shown()
            assert read, self.seen
            self.seen += read
        self._read = found + len(text)

    def _shown(self) -> str:
        """What the terminal shows next; "" once the other side is closed."""
        try:
            return os.read(self._terminal, 4096).decode(errors="replace")
        except OSError:
            return ""

    def type(self, question: str, answer: str) -> None:
        """Waits for the question, and types the answer."""
        self.read_until(question, 60)
        os.write(self._terminal, f"{answer}\n".encode())

    def end(self) -> int:
        """Reads the rest; returns the exit code."""
        while read := self._shown():
            self.seen += read
        os.close(self._terminal)
        return self.process.wait(60)


def command(clone: Path, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "ops.cli", *arguments]
    return subprocess.run(
        words,
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def status(stack: Deployed) -> str:
    found = stack.client("cloudformation").list_stacks()["StackSummaries"]
    return next((one["StackStatus"] for one in found if one["StackName"] == STACK), "none")


def variables(**more: str) -> dict[str, str]:
    given = {"AWS_REGION": REGION, "CLEMTA_COMPANY_ID": DEFAULT_COMPANY_ID, "CLEMTA_API_KEY": DEFAULT_API_KEY}
    return given | {"ALARM_EMAIL": ""} | more


def until(true: Callable[[], Any], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_iam_itself_finds_the_documented_policy_sufficient_and_a_smaller_one_not(stack: Deployed) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.S)]
    [policy] = [one for one in policies if "Resource" in one["Statement"][0]]
    iam, clients = stack.client("iam"), cast(Any, SimpleNamespace(client=stack.client))
    arn = iam.create_user(UserName="deployer")["User"]["Arn"]
    text = json.dumps(policy).replace("ACCOUNT", arn.split(":")[4])
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=text)
    [whole] = permissions(clients, arn, REGION, STACK)
    assert whole.state == "ok", whole.says
    without_queues = text.replace('"sqs:*"', '"sqs:ListQueues"')
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=without_queues)
    [less] = permissions(clients, arn, REGION, STACK)
    iam.delete_user_policy(UserName="deployer", PolicyName="deploy")
    iam.delete_user(UserName="deployer")
    missing = "sqs:CreateQueue, sqs:GetQueueAttributes, sqs:SetQueueAttributes, sqs:DeleteQueue"
    assert (less.state, less.says) == ("fail", f"IAM refuses you {missing}")


def test_setup_with_a_wrong_key_makes_nothing(
    clone: Path, environment: dict[str, str], stack: Deployed
) -> None:
    said = command(
        clone, environment | variables(CLEMTA_API_KEY="wrong"), "setup", "--env", "staging", "--yes"
    )
    assert said.returncode == 1
    assert "Clemta refuses the key (401)" in said.stdout
    assert "nothing was made" in said.stderr
    assert status(stack) == "none"
    assert not (clone / "environments.toml").exists()


def test_failed_first_create_leaves_no_stack_and_says_why(
    clone: Path, environment: dict[str, str], stack: Deployed
) -> None:
    template = clone / "template.yaml"
    whole = template.read_text()
    template.write_text(whole.replace("\nOutputs:\n", BROKEN))
    try:
        said = command(clone, environment | variables(), "setup", "--env", "staging", "--yes")
    finally:
        template.write_text(whole)
    assert said.returncode == 1
    assert "✕ Broken: " in said.stdout
    assert f"deleting what the failed create of {STACK} left" in said.stdout
    assert "nothing remains of it" in said.stderr
    assert status(stack) in ("none", "DELETE_COMPLETE")


def test_setup_that_is_killed_and_repeated_by_a_person_ends_in_one_contact(
    clone: Path, environment: dict[str, str], stack: Deployed, clemta: Clemta
) -> None:
    (clone / "environments.toml").unlink(missing_ok=True)
    first = Person(clone, environment, "setup", "--env", "staging")
    first.type("1/4", "Frankfurt")
    first.read_until("is not an AWS region")
    first.type("1/4", REGION)
    first.type("2/4", "12")
    first.read_until("is not a company id")
    first.type("2/4", DEFAULT_COMPANY_ID)
    first.type("3/4", "wrong")
    first.read_until("refuses the key (401)")
    first.type("3/4", DEFAULT_API_KEY)
    first.type("4/4", "ops@example.com")
    first.type("Make the role, and log?", "n")
    first.read_until("deploying", 600)
    until(lambda: status(stack) in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "CREATE_COMPLETE"))
    first.process.kill()
    first.end()
    assert DEFAULT_API_KEY not in first.seen, "it was typed without echo"

    second = Person(clone, environment, "setup", "--env", "staging")
    second.type("3/4", DEFAULT_API_KEY)
    assert second.end() == 0, second.seen
    assert "1/4" not in second.seen
    assert "test sign-up through website: created" in second.seen
    assert len(clemta.contacts(PERSON["email"])) == 1

    third = command(clone, environment, "setup", "--env", "staging", "--json")
    assert third.returncode == 0, third.stderr
    result = json.loads(third.stdout)
    assert (result["created"], result["sign_up"], result["good"]) == (False, None, True)
    assert len(clemta.contacts(PERSON["email"])) == 1


def test_removed_stack_leaves_what_holds_sign_ups_and_says_so(
    clone: Path, environment: dict[str, str], stack: Deployed
) -> None:
    said = command(clone, environment, "remove", "--env", "staging", "--yes", "--json")
    assert said.returncode == 0, said.stderr
    left = {one["resource"]: one for one in json.loads(said.stdout)["stays"]}
    assert left.keys() == {"RetryQueue", "DeadLetterQueue", "HeldQueue", "LedgerTable", "LedgerPepper"}
    assert status(stack) in ("none", "DELETE_COMPLETE")
    tables = stack.client("dynamodb").list_tables()["TableNames"]
    assert left["LedgerTable"]["id"] in tables
