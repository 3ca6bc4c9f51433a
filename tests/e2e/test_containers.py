"""The functions in containers: `make invoke`, and `sam local start-api` beside the emulator, where an engine starts."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from local import bridge
from local.clients import KEYS
from local.processes import HOST, ROOT, free_port
from local.sam import TOOLS
from local.sam_local import CONTAINERS_HOST, ensure_template
from local.stack import Deployed, Stack
from tests.support import container_engine as engines
from tests.support.events import CRM_SECRET, FORM, crm

from .conftest import Clemta, eventually

EVENTS = sorted((ROOT / "events").glob("*.json"))


@pytest.fixture(scope="module")
def engine(stack: Deployed, stack_settings: Stack) -> Iterator[Any]:
    """A container engine with Lambda's image: the one that answers, else one of the tests' own."""
    with ExitStack() as ends, pytest.MonkeyPatch.context() as patch:
        client = engines.client()
        if client is None:
            if reason := engines.unavailable():
                pytest.skip(f"no container engine answers, and none can be started: {reason}")
            socket = ends.enter_context(engines.started())
            if socket is None:
                pytest.skip("no container engine answers, and dockerd does not start on this machine")
            patch.setenv("DOCKER_HOST", socket)
            client = engines.client()
            engines.import_lambda_image(client, stack_settings.build.resolve() / "ReceiveFunction")
        elif not engines.has_lambda_image(client):
            pytest.skip(f"a container engine answers, but {engines.IMAGE} is not there and cannot be pulled")
        yield client


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stem)
def test_make_invoke_runs_every_sample_event_in_a_container(
    engine: Any, stack_settings: Stack, clemta: Clemta, event: Path
) -> None:
    """Standard output is the answer and nothing else."""
    command = [sys.executable, "-m", "local.invoke", str(event), "--state-dir", str(stack_settings.state_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Mounting" in done.stderr, "in a container"
    answer = json.loads(done.stdout)
    records = json.loads(event.read_text()).get("Records")
    if records:
        assert answer == {"batchItemFailures": []}
    else:
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["status"] == "created"
    assert len(clemta.contacts()) == (len(records) if records else 1)


@dataclass(frozen=True)
class Case:
    """A request, and why `sam local start-api` answers it in another way than the emulator."""

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    difference: str = ""


PERSON = b"full_name=Ada+Example&email=ada%40example.com"
IGNORED = b'{"event": "other"}'  # answered alike the second time, unlike a lead
JSON = {"Content-Type": "application/json"}
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="full_name"\r\n\r\n'
    + "Cem Örnek".encode()
    + b'\r\n--b\r\nContent-Disposition: form-data; name="email"\r\n\r\ncem@example.com\r\n--b--\r\n'
)
NO_GATEWAY_RESPONSES = "start-api ignores gateway responses: 403 with API Gateway's own text, here 404"
CASES = [
    Case("health", "GET", "/health"),
    Case("ready", "GET", "/signups/website"),
    Case("a form", "POST", "/signups/website", PERSON, {"Content-Type": FORM}),
    Case(
        "a form from a page",
        "POST",
        "/signups/website",
        PERSON,
        {"Content-Type": FORM, "Accept": "text/html"},
    ),
    Case("a form as JSON", "POST", "/signups/website", b'{"email": "di@example.com", "name": "Di"}', JSON),
    Case(
        "a form with bytes beyond ASCII",
        *("POST", "/signups/website", MULTIPART, {"Content-Type": "multipart/form-data; boundary=b"}),
    ),
    Case("a form without an address", "POST", "/signups/website", b"full_name=Ada", {"Content-Type": FORM}),
    Case("an unreadable form", "POST", "/signups/website", b"{", JSON),
    Case("an image", "POST", "/signups/website", b"\x89PNG\xff", {"Content-Type": "image/png"}),
    Case("a body over the limit", "POST", "/signups/website", b"a=" + b"b" * 190_000, {"Content-Type": FORM}),
    Case("a signed webhook", "POST", "/signups/crm", IGNORED, crm(IGNORED, CRM_SECRET)["headers"]),
    Case("an unsigned webhook", "POST", "/signups/crm", IGNORED, JSON),
    Case("an unknown source", "POST", "/signups/nobody", PERSON, {"Content-Type": FORM}),
    Case("a preflight", "OPTIONS", "/signups/website", headers={"Origin": "https://www.example.com"}),
    Case("an unknown address", "GET", "/nothing", difference=NO_GATEWAY_RESPONSES),
    Case("an unknown method", "DELETE", "/signups/website", difference=NO_GATEWAY_RESPONSES),
]


@pytest.fixture(scope="module")
def start_api(engine: Any, stack: Deployed, stack_settings: Stack, tmp_path_factory: Any) -> Iterator[str]:
    """The URL of `sam local start-api` on the stack."""
    port = free_port()
    build = stack_settings.build.resolve()
    log = tmp_path_factory.mktemp("start-api") / "log"
    command = [
        *(str(TOOLS / "python"), "-m", "samcli", "local", "start-api", "--port", str(port)),
        *("--template", str(ensure_template(build)), "--env-vars", str(stack_settings.env_file)),
        *("--skip-pull-image", "--add-host", f"{CONTAINERS_HOST}:host-gateway", "--warm-containers", "LAZY"),
    ]
    environment = {**os.environ, **KEYS, "AWS_ENDPOINT_URL": stack.aws_endpoint_url, "SAM_CLI_TELEMETRY": "0"}
    address = bridge.engine_address(engine)
    with ExitStack() as ends:
        if address:
            ends.enter_context(bridge.opened(address, stack.ports()))
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            assert eventually(lambda: bridge.is_open(HOST, [port]), 60), log.read_text()
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()
            process.wait()


def shown(answer: requests.Response) -> dict[str, Any]:
    """What a sender may act on, without ids."""
    names = ("content-type", "location", "retry-after", "vary", "allow")
    headers = {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() in names or name.lower().startswith("access-control-")
    }
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b", "id", answer.text)
    return {"status": answer.status_code, "headers": headers, "body": text}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_start_api_answers_as_the_emulator(
    start_api: str, stack: Deployed, http: requests.Session, clemta: Clemta, case: Case
) -> None:
    there, here = (
        shown(
            http.request(
                case.method,
                url + case.path,
                data=case.body or None,
                headers=dict(case.headers),
                timeout=60,
                allow_redirects=False,
            )
        )
        for url in (stack.api_url, start_api)
    )
    if case.difference:
        assert here != there, "the difference is gone: delete its explanation"
    else:
        assert here == there
