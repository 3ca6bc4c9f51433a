"""`make invoke`: the event that the function gets, the stack that it works on, and what is told where."""

import asyncio
import json
import socket
import time
from base64 import b64decode
from pathlib import Path
from typing import Any, cast

import pytest

from local import bridge, invoke, rie
from local.processes import HOST, StackError, free_port
from local.sam_local import DECLARED, FUNCTIONS, ensure_template, local_variables
from local.stack import Stack
from ops.environments import Environment
from tests.support.events import CRM_SECRET, batch, crm, form
from tests.support.fakes import FakeDependencies

CRM = {
    "kind": "webhook",
    "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
    "contact": {"email": "body.email"},
}


class FakeEnvironment:
    """A deployed stack with the source "crm" and this signing secret."""

    def __init__(self, **secrets: str) -> None:
        self.tables = {"crm": CRM}
        self.deps = FakeDependencies(self.tables, **secrets)
        self.sources = {"crm": self.deps.source("crm")}


def fresh(event: dict[str, Any], **secrets: str) -> dict[str, Any]:
    return invoke.fresh(event, cast("Environment", FakeEnvironment(**secrets)))


def test_a_webhook_is_signed_by_the_stack_that_gets_it() -> None:
    event = crm({"email": "ada@example.com"}, secret="of another stack")
    signed = fresh(event, crm=CRM_SECRET)
    wanted = crm({"email": "ada@example.com"}, secret=CRM_SECRET)["headers"]["X-Signature"]
    assert signed["headers"]["x-signature"] == wanted
    assert signed["multiValueHeaders"]["x-signature"] == [wanted]
    assert signed["headers"]["x-delivery"] == event["headers"]["X-Delivery"]
    assert b64decode(signed["body"]) == b64decode(event["body"])


def test_a_form_and_a_webhook_without_a_secret_stay_as_they_are() -> None:
    for event in (form({"email": "ada@example.com"}), crm({"email": "ada@example.com"})):
        assert fresh(event) == event


def test_a_retry_batch_was_received_half_a_minute_ago() -> None:
    message = {"received_at": 1000.0, "first_failure_at": 1001.0, "not_before": 0, "attempt": 1}
    [record] = fresh(batch(json.dumps(message)))["Records"]
    moved = json.loads(record["body"])
    assert time.time() - 35 < moved["received_at"] < time.time() - 25
    assert moved["first_failure_at"] - moved["received_at"] == pytest.approx(1)
    assert (moved["not_before"], moved["attempt"]) == (0, 1)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"received_at": "x"}'])
def test_a_record_that_is_no_message_of_ours_stays_as_it_is(body: str) -> None:
    event = batch(body)
    assert fresh(event) == event


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"secret": "s", "headers": {}}'])
def test_a_file_that_is_no_event_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    with pytest.raises(StackError, match=r"event\.json is no"):
        invoke.read_event(file)
    with pytest.raises(StackError, match="missing: No such file"):
        invoke.read_event(tmp_path / "missing")


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ('{"statusCode": 503}', False),
        ('{"batchItemFailures": []}', False),
        ('{"errorMessage": "x", "errorType": "KeyError"}', True),
        ("", True),
    ],
)
def test_only_an_exception_of_the_function_is_a_failure(answer: str, *, failed: bool) -> None:
    assert invoke.failed(answer) is failed


def test_standard_output_is_the_answer_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(event: Path, env: str, stack: Stack) -> str:
        stack.say("built")
        return '{"statusCode": 200}'

    monkeypatch.setattr(invoke, "invoke", answer)
    assert invoke.main(["events/form.json"]) == 0
    assert capsys.readouterr() == ('{"statusCode": 200}\n', "built\n")


def test_without_engine_and_emulator_it_says_that_an_engine_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(invoke, "container_engine", lambda: None)
    monkeypatch.setattr(rie, "unavailable", lambda: "it needs Linux and root")
    file = tmp_path / "event.json"
    file.write_text(json.dumps(form({"email": "ada@example.com"})))
    assert invoke.main([str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("no container engine (Docker, Finch) answers; start one.")
    assert "it needs Linux and root" in said.err


def test_the_template_for_sam_local_declares_what_must_reach_the_function(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Parameters: {Architecture: {Default: none}}\n"
        "Globals: {Function: {Environment: {Variables: {TABLE: !Ref Table}}}}\n"
        "Resources:\n" + "".join(f"  {name}: {{Properties: {{CodeUri: {name}.zip}}}}\n" for name in FUNCTIONS)
    )
    from samcli.yamlhelper import yaml_parse

    template = yaml_parse(ensure_template(tmp_path).read_text())
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables == {"TABLE": {"Ref": "Table"}, **dict.fromkeys(DECLARED, "")}
    assert template["Parameters"]["Architecture"]["Default"] in ("arm64", "x86_64")
    assert [template["Resources"][name]["Properties"]["CodeUri"] for name in FUNCTIONS] == [*FUNCTIONS]


def test_a_container_reaches_the_stack_under_another_name() -> None:
    given = {"CLEMTA_BASE_URL": f"http://{HOST}:8788", "QUEUE": f"http://{HOST}:4566/0/q", "TABLE": "t"}
    found = local_variables(given, f"http://{HOST}:4566", "host.docker.internal")
    assert found["CLEMTA_BASE_URL"] == "http://host.docker.internal:8788"
    assert found["QUEUE"] == "http://host.docker.internal:4566/0/q"
    assert found["AWS_ENDPOINT_URL"] == "http://host.docker.internal:4566"
    assert found["TABLE"] == "t"
    assert found.keys() == given.keys() | set(DECLARED)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1"])  # noqa: S104
def test_the_stack_is_never_opened_to_every_address(address: str) -> None:
    with pytest.raises(StackError, match="never all"):
        bridge.checked_address(address)


def test_local_host_must_be_an_address_of_this_machine() -> None:
    assert bridge.checked_address("") is None
    assert bridge.checked_address(HOST) is None
    assert bridge.checked_address("::1") == "::1"
    with pytest.raises(StackError, match="this machine has no address"):
        bridge.checked_address("198.51.100.1")
    with pytest.raises(StackError, match="must be an IP address"):
        bridge.checked_address("bridge")


def test_a_port_is_forwarded_whole_in_both_directions() -> None:
    if not bridge.is_here("127.0.0.2"):
        pytest.skip("this system has one loopback address")
    sent = bytes(range(256)) * 4096

    async def exchange() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.read())
            writer.close()

        async with await asyncio.start_server(echo, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            forwarding = asyncio.create_task(bridge.forward("127.0.0.2", [port]))
            await asyncio.sleep(0)
            while not await asyncio.to_thread(bridge.is_open, "127.0.0.2", [port]):
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.write(sent)
            writer.write_eof()
            received = await reader.read()
            writer.close()
            forwarding.cancel()
        return received

    assert asyncio.run(exchange()) == sent


def test_a_connection_to_a_server_that_is_down_is_closed() -> None:
    port = free_port()

    async def exchange() -> bytes:
        forwarding = asyncio.create_task(bridge.forward("127.0.0.2", [port]))
        while not await asyncio.to_thread(bridge.is_open, "127.0.0.2", [port]):
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.2", port)
        received = await reader.read()
        writer.close()
        forwarding.cancel()
        return received

    if not bridge.is_here("127.0.0.2"):
        pytest.skip("this system has one loopback address")
    assert asyncio.run(exchange()) == b""


class FakeNetworks:
    """A container engine's networks."""

    def __init__(self, config: list[dict[str, str]]) -> None:
        self.networks = self
        self.attrs = {"IPAM": {"Config": config}}

    def get(self, _: str) -> "FakeNetworks":
        return self


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ([{"Subnet": "127.0.0.0/8"}], "127.0.0.1"),
        ([{"Subnet": "127.0.0.0/8", "Gateway": "127.0.0.1"}], "127.0.0.1"),
        ([{"Subnet": "198.51.100.0/24"}], None),  # in the virtual machine of Docker Desktop
        ([], None),
    ],
)
def test_the_bridges_address_is_used_only_if_it_is_here(
    config: list[dict[str, str]], expected: str | None
) -> None:
    assert bridge.engine_address(FakeNetworks(config)) == expected


def test_samconfig_points_sam_local_at_what_make_up_writes(tmp_path: Path) -> None:
    import tomllib

    settings = tomllib.loads((Path(__file__).parents[2] / "samconfig.toml").read_text())["default"]
    stack = Stack(state_dir=tmp_path)
    for command in ("local_invoke", "local_start_api"):
        given = settings[command]["parameters"]
        assert given["env_vars"] == f".local/{stack.env_file.name}"
        assert given["template_file"] == f".local/{stack.build.name}/local.yaml"


def test_no_port_is_open_where_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind((HOST, 0))
        assert not bridge.is_open(HOST, [closed.getsockname()[1]])
