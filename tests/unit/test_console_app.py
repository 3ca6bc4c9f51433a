"""The console over HTTP: who is let in, what an error looks like, and the stream of events."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from botocore.exceptions import ClientError, EndpointConnectionError

from clemta_intake.errors import NotApplied
from ops.console import app as console_app
from ops.console.app import MAX_BODY, Page, Watch, create_app
from ops.console.desk import Action, Desk
from ops.console.serve import listen
from ops.environments import Environment, StackLocation
from ops.errors import OpsError

TOKEN = "the-token-of-this-page-only"


class Counting(Desk):
    """A desk without a stack: its state counts, its actions fail as named."""

    def __init__(self) -> None:
        super().__init__(Environment(StackLocation("t", "us-east-1"), Path("none.toml")))
        self.count = 0
        self.error: Exception | None = None

    def state(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.count += 1
        return {"count": self.count}

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        return {"/echo": lambda given: given, "/fail": self._fail}

    def _fail(self, given: dict[str, Any]) -> dict[str, Any]:
        raise {
            "ops": OpsError("not there"),
            "intake": NotApplied("no_answer"),
            "aws": ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetQueueAttributes"),
            "network": EndpointConnectionError(endpoint_url="https://aws"),
            "key": KeyError("store"),
        }[given["why"]]


@pytest.fixture(scope="module")
def desk() -> Counting:
    return Counting()


@pytest.fixture(scope="module")
def url(desk: Counting) -> Iterator[str]:
    server = listen(0)
    port = server.getsockname()[1]
    watch = Watch(lambda: desk, 0.01)
    app = create_app(watch, Page("test <stack>"), token=TOKEN, port=port)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    watch.ends = lambda: running.should_exit
    thread = threading.Thread(target=running.run, kwargs={"sockets": [server]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)
    assert not thread.is_alive(), "an open stream does not keep the server"


def post(url: str, path: str, body: str = "{}", **headers: str) -> requests.Response:
    return requests.post(f"{url}{path}", body, headers={"X-Token": TOKEN, **headers}, timeout=10)


def test_page_and_its_files_hold_no_token(url: str) -> None:
    page = requests.get(url, timeout=10)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "test &lt;stack&gt;" in page.text
    for path in ("/console.js", "/console.css"):
        assert path in page.text
        assert requests.get(f"{url}{path}", timeout=10).headers["X-Content-Type-Options"] == "nosniff"
    assert TOKEN not in page.text


@pytest.mark.parametrize("token", ["", "guess", TOKEN[:-1]])
@pytest.mark.parametrize("path", ["/events", "/echo", "/elsewhere"])
def test_nothing_of_the_stack_without_the_token(url: str, path: str, token: str) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{url}{path}", headers={"X-Token": token}, timeout=10)
        assert (answer.status_code, answer.json()) == (403, {"error": "refused"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
)
def test_other_names_and_origins_are_refused_even_with_the_token(url: str, headers: dict[str, str]) -> None:
    assert post(url, "/echo", **headers).status_code == 403
    assert requests.get(url, headers=headers, timeout=10).status_code == 403


def test_own_origin_is_let_in(url: str) -> None:
    assert post(url, "/echo", '{"a": 1}', Origin=url).json() == {"a": 1}
    other = url.replace("127.0.0.1", "localhost")
    assert post(other, "/echo", '{"a": 1}', Origin=other).json() == {"a": 1}


@pytest.mark.parametrize(
    ("why", "status", "says"),
    [
        ("ops", 409, "not there"),
        ("intake", 409, "no_answer"),
        ("aws", 503, "AWS refuses GetQueueAttributes: AccessDenied: no: check your AWS permissions"),
        ("network", 503, "AWS does not answer: EndpointConnectionError: check the region and the network"),
        ("key", 400, "wrong input"),
        ("odd", 400, "wrong input"),
    ],
)
def test_error_of_an_action_is_one_line(url: str, why: str, status: int, says: str) -> None:
    answer = post(url, "/fail", json.dumps({"why": why}))
    assert (answer.status_code, answer.json()) == (status, {"error": says})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/echo", "nonsense", 400),
        ("/echo", "[]", 400),
        ("/echo", "[" * 100_000, 400),
        ("/echo", " " * (MAX_BODY + 1), 413),
        ("/elsewhere", "{}", 404),
    ],
)
def test_wrong_request_is_an_error(url: str, path: str, body: str, status: int) -> None:
    answer = post(url, path, body)
    assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_events_carry_the_state_and_its_trouble(url: str, desk: Counting) -> None:
    with requests.get(f"{url}/events", headers={"X-Token": TOKEN}, stream=True, timeout=10) as answer:
        lines = (line for line in answer.iter_lines(decode_unicode=True) if line)
        assert next(lines) == "event: state"
        first = json.loads(next(lines).removeprefix("data: "))["count"]
        assert next(lines) == "event: state"
        assert json.loads(next(lines).removeprefix("data: "))["count"] > first
        desk.error = OpsError("the stack is gone")
        told = next(line for line in lines if line == "event: trouble") and next(lines)
        assert json.loads(told.removeprefix("data: ")) == "the stack is gone"
        desk.error = OSError("secret")
        assert any("OSError" in line and "secret" not in line for line in lines if line.startswith("data"))
        desk.error = None


def test_health_needs_no_token(url: str) -> None:
    assert requests.get(f"{url}/health", timeout=10).text == "ok"


def test_quiet_stream_is_pinged(url: str, desk: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was closed is noticed by the write that fails."""
    monkeypatch.setattr(console_app, "PING_SECONDS", 1)
    monkeypatch.setattr(Counting, "state", lambda self: {"count": "always the same"})
    with requests.get(f"{url}/events", headers={"X-Token": TOKEN}, stream=True, timeout=10) as answer:
        assert (
            next(line for line in answer.iter_lines(decode_unicode=True) if line.startswith(":"))
            == ": still here"
        )


def test_port_in_use_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OpsError, match="give another with"):
        listen(taken.getsockname()[1])
