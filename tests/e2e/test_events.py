"""Every sample event works on the local stack, through `sam remote invoke`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.processes import ROOT
from local.stack import Deployed

from .conftest import Clemta

EVENTS = sorted((ROOT / "events").glob("*.json"))


def invoke(stack: Deployed, function: str, event: Path) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": stack.region,
        "SAM_CLI_TELEMETRY": "0",
    }
    sam = Path(sys.executable).with_name("sam")
    command = [
        str(sam),
        "remote",
        "invoke",
        function,
        "--stack-name",
        stack.stack_name,
        "--event-file",
        str(event),
    ]
    done = subprocess.run(
        [*command, "--region", stack.region],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_kind_of_source_has_a_sample_event() -> None:
    assert {event.stem for event in EVENTS} == {
        "form",
        "form-json",
        "form-multipart",
        "webhook-hmac",
        "retry-batch",
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stem)
def test_sample_event_becomes_contacts(stack: Deployed, clemta: Clemta, event: Path) -> None:
    records = json.loads(event.read_text()).get("Records")
    answer = invoke(stack, "RedeliverFunction" if records else "ReceiveFunction", event)
    if records:
        assert answer == {"batchItemFailures": []}
    else:
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["status"] == "created"
    assert len(clemta.contacts()) == (len(records) if records else 1)
