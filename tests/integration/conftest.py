"""The real SDK and real sockets: AWS is the local emulator, Clemta is the stand-in."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest

from bench.certificate import make_certificate
from clemta_intake.aws_clients import LambdaClients
from clemta_intake.dependencies import Dependencies
from clemta_intake.settings import Settings
from clemta_intake.sources.config import SHIPPED, read_sources
from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID, StandIn
from local.clients import answered
from local.emulator import command as emulator_command
from local.emulator import settings as emulator_settings
from local.processes import HOST, Service
from tests.support.aws_requests import refusals
from tests.support.events import CRM_SECRET
from tests.support.polls import short_polls  # noqa: F401 - a fixture

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def _refused() -> list[str]:
    """What AWS would have refused of the requests so far, though the emulator took it."""
    refused: list[str] = []

    def look(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        refused.extend(f"{model.name}: {why}" for why in refusals(params, model))

    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION  # whose clients the functions use, with no check of their own
    assert session
    session.events.register("provide-client-params", look)
    return refused


@pytest.fixture(autouse=True)
def _p10_aws_takes_each_request(_refused: list[str]) -> Iterator[None]:
    """No request leaves a test that AWS refuses by its own model or by the rules in tests/aws_requests.py."""
    _refused.clear()
    yield
    assert not _refused


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator's URL."""
    folder = tmp_path_factory.mktemp("emulator")
    service = Service("emulator", "LOCAL_AWS_PORT", folder)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
    } | emulator_settings(folder, sys.executable)
    running = service.ensure(0, emulator_command, environment)
    url = f"http://{HOST}:{running.port}"
    try:
        service.wait(lambda: answered(f"{url}/_ministack/ready", '"completed"'), 60)
        yield url
    finally:
        service.stop()


@dataclass
class Aws:
    """A table, two queues and two secrets of one test's own."""

    url: str
    settings: Settings

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def put_secret(self, secret_id: str, text: str) -> None:
        self.client("secretsmanager").put_secret_value(SecretId=secret_id, SecretString=text)

    def messages(self, queue_url: str) -> list[Any]:
        """What is in a queue and visible: body as data, with its attributes."""
        answer = self.client("sqs").receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        )
        return [{**message, "Body": json.loads(message["Body"])} for message in answer.get("Messages", [])]

    def arrived(self, queue_url: str) -> list[Any]:
        """The same, as soon as there is something; nothing after ten seconds."""
        deadline = time.monotonic() + 10
        while not (messages := self.messages(queue_url)) and time.monotonic() < deadline:
            pass
        return messages

    def waiting(self, queue_url: str) -> int:
        """How many messages a queue holds, delayed ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        answer = self.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for this machine, and of its key."""
    try:
        certfile, keyfile = make_certificate(tmp_path_factory.mktemp("certificate"))
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return str(certfile), str(keyfile)


@pytest.fixture
def clemta() -> Iterator[StandIn]:
    with StandIn(rate_limit=10_000) as stand_in:
        yield stand_in


@pytest.fixture
def aws(
    emulator: str, clemta: StandIn, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Aws:
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": emulator}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    name = f"t{abs(hash(request.node.nodeid))}"
    sqs, secrets = boto3.client("sqs"), boto3.client("secretsmanager")
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return Aws(
        emulator,
        Settings(
            clemta_base_url=clemta.url,
            clemta_secret_id=secrets.create_secret(Name=f"{name}-key", SecretString=DEFAULT_API_KEY)["ARN"],
            signing_secret_id=secrets.create_secret(
                Name=f"{name}-signing", SecretString=json.dumps({"crm": CRM_SECRET})
            )["ARN"],
            ledger_table=name,
            ledger_pepper_id=secrets.create_secret(Name=f"{name}-pepper", SecretString="pepper")["ARN"],
            retry_queue_url=sqs.create_queue(QueueName=f"{name}-retry")["QueueUrl"],
            dead_letter_queue_url=sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"],
            held_queue_url=sqs.create_queue(QueueName=f"{name}-held")["QueueUrl"],
            default_company_id=DEFAULT_COMPANY_ID,
            retry_base_seconds=1,
            give_up_hours=72,
            search_lag_seconds=30,
            recheck_seconds=300,
            list_seconds=0,
            clemta_requests_per_minute=100,
            proven_every=5,
        ),
    )


def dependencies_of(
    settings: Settings, tables: Mapping[str, Any] | None = None, clock: Callable[[], float] = time.time
) -> Dependencies:
    """What the functions work with; `tables` are those of a sources.toml, else the shipped ones."""
    return Dependencies(settings, LambdaClients(), lambda: tables or read_sources(SHIPPED), clock)


@pytest.fixture
def deps(aws: Aws) -> Dependencies:
    return dependencies_of(aws.settings)


@pytest.fixture
def hung() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server((HOST, 0)) as server:
        yield f"http://{HOST}:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """The URL of a port where nobody listens."""
    with socket.create_server((HOST, 0)) as server:
        return f"http://{HOST}:{server.getsockname()[1]}"


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts a server that gives one fixed answer to everything; returns its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(
        body: bytes, status: int = 200, retry_after: str = "", headers: Mapping[str, str] | None = None
    ) -> str:
        class Fixed(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if retry_after:
                    self.send_header("Retry-After", retry_after.encode().decode("latin-1"))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_: Any) -> None:
                """Stays silent."""

        server = ThreadingHTTPServer((HOST, 0), Fixed)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://{HOST}:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
