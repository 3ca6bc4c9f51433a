"""The local stack: safe to repeat, clear error messages, and reachable from this machine only."""

import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from copy import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from local import bridge
from local.processes import HOST, ROOT, Service, StackError, port_in_use, start_time
from local.sam import fingerprint
from local.served_sources import messages_file
from local.sources import SOURCES, secret_names, with_every_sender
from local.stack import Deployed, Stack

from .conftest import Clemta, eventually

FIELDS = {
    *("api_url", "clemta_url", "console_url", "aws_endpoint_url", "region", "stack_name"),
    *("retry_queue_url", "dead_letter_queue_url", "held_queue_url", "ledger_table", "ledger_pepper_id"),
    *("clemta_secret_id", "signing_secret_id"),
}


def test_stack_json_holds_every_documented_field(stack: Deployed, stack_settings: Stack) -> None:
    fields = json.loads((stack_settings.state_dir / "stack.json").read_text())
    assert fields.keys() == FIELDS
    assert all(fields.values())
    assert stack.api_url.endswith("/v1")


def test_up_twice_changes_nothing(stack: Deployed, stack_settings: Stack) -> None:
    emulator = stack_settings.emulator.running()
    assert stack_settings.up() == stack
    assert stack_settings.emulator.running() == emulator


def test_up_again_keeps_a_secret_that_was_changed(stack: Deployed, stack_settings: Stack) -> None:
    secrets = stack.client("secretsmanager")
    before = secrets.get_secret_value(SecretId=stack.signing_secret_id)["SecretString"]
    assert json.loads(before)["crm"] == "local-crm-secret"
    secrets.put_secret_value(SecretId=stack.signing_secret_id, SecretString='{"crm": ["new", "old"]}')
    try:
        stack_settings.up()
        after = json.loads(secrets.get_secret_value(SecretId=stack.signing_secret_id)["SecretString"])
        assert after["crm"] == ["new", "old"]
    finally:
        secrets.put_secret_value(SecretId=stack.signing_secret_id, SecretString=before)


def test_env_json_holds_the_variables_of_each_function(stack: Deployed, stack_settings: Stack) -> None:
    variables = json.loads(stack_settings.env_file.read_text())
    assert variables.keys() == {"ReceiveFunction", "RedeliverFunction"}
    for found in variables.values():
        assert found["LEDGER_PEPPER_ID"] == stack.ledger_pepper_id
        assert found["AWS_ENDPOINT_URL"] == stack.aws_endpoint_url.replace(HOST, "host.docker.internal")
    assert stack_settings.env_file.stat().st_mode & 0o777 == 0o600


def test_local_host_opens_the_emulator_and_the_stand_in_to_one_more_address(
    stack: Deployed, stack_settings: Stack
) -> None:
    if not bridge.is_here("127.0.0.2"):
        pytest.skip("this system has one loopback address")
    try:
        assert replace(stack_settings, host="127.0.0.2").up() == stack
        assert bridge.is_open("127.0.0.2", stack.ports())
        assert not bridge.is_open("127.0.0.2", [stack_settings.console.running().port])  # type: ignore[union-attr]
        assert "127.0.0.2" in stack_settings.env_file.read_text()
    finally:
        stack_settings.up()
    assert not any(bridge.is_open("127.0.0.2", [port]) for port in stack.ports())


def test_every_secret_that_a_sources_file_names_is_found() -> None:
    sources = {
        "sources": {
            "crm": {"auth": {"scheme": "hmac", "secret": "crm"}},
            "website": {"spam": {"honeypot": "trap", "turnstile": "captcha"}},
            "shop": {"kind": "shopify", "secret": "shop"},
        }
    }
    assert set(secret_names(sources)) == {"crm", "captcha", "shop"}


def test_no_service_answers_on_another_address_of_this_machine(
    stack: Deployed, stack_settings: Stack
) -> None:
    services = [stack_settings.emulator, stack_settings.clemta, stack_settings.console]
    ports = [running.port for service in services if (running := service.running())]
    assert len(ports) == 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only selects the outgoing address
        outward = probe.getsockname()[0]
    for address in {outward, "127.0.0.2"} - {HOST}:
        for port in ports:
            with socket.socket() as client:
                client.settimeout(2)
                assert client.connect_ex((address, port)) != 0, f"{address}:{port}"


def test_every_socket_of_the_stack_listens_on_loopback_only(stack: Deployed, stack_settings: Stack) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    services = [stack_settings.emulator, stack_settings.clemta, stack_settings.console]
    pids = {running.pid for service in services if (running := service.running())}
    sockets = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and group_of(entry) in pids:
            sockets |= {
                os.readlink(link) for link in (entry / "fd").iterdir() if link.exists(follow_symlinks=False)
            }
    listening = [
        fields[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    ]
    assert listening == ["0100007F"] * 3


def group_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def test_a_function_imports_from_its_bundle_only(stack_settings: Stack, stack: Deployed) -> None:
    interpreter = stack_settings.state_dir / "lambda-python"
    found = subprocess.run(
        [interpreter, "-c", "import sys, json; print(json.dumps(sys.path))"],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert not [path for path in json.loads(found.stdout) if "site-packages" in path or str(ROOT) in path]


def test_the_error_for_a_port_in_use_names_the_variable_to_set(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        stack = Stack(state_dir=tmp_path, aws_port=0, clemta_port=port, console_port=0)
        with pytest.raises(StackError, match=f"^port {port} is in use: .*LOCAL_CLEMTA_PORT"):
            stack.up()
    assert not stack.emulator.running()
    assert not stack.stack_file.exists()


def test_the_command_reports_a_port_in_use_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        said = command("up", tmp_path, LOCAL_AWS_PORT=str(port))
    assert said.returncode == 1
    assert (
        said.stderr
        == f"port {port} is in use: stop the process that listens there, or set LOCAL_AWS_PORT to a free one\n"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LOCAL_AWS_PORT", "x"),
        ("LOCAL_CONSOLE_PORT", "70000"),
        ("RETRY_BASE_SECONDS", "soon"),
        ("SOURCES_FILE", "no"),
    ],
)
def test_the_error_for_a_wrong_variable_names_it(variable: str, value: str) -> None:
    with pytest.raises(StackError, match=f"^{variable}"):
        Stack.from_environment({variable: value})


def test_a_stack_survives_a_kill_of_its_emulator_and_goes_down_twice(tmp_path: Path) -> None:
    first = command("up", tmp_path)
    assert first.returncode == 0, first.stderr
    settings = Stack(state_dir=tmp_path)
    killed = settings.emulator.running()
    assert killed is not None
    os.killpg(killed.pid, signal.SIGKILL)
    assert eventually(lambda: settings.emulator.running() is None)

    second = command("up", tmp_path)
    assert second.returncode == 0, second.stderr
    api_url = json.loads(settings.stack_file.read_text())["api_url"]
    assert requests.get(f"{api_url}/health", timeout=30).json()["status"] == "ok"

    services = [settings.emulator, settings.clemta, settings.console]
    ports = [running.port for service in services if (running := service.running())]
    assert len(ports) == 3
    for _ in range(2):
        assert command("down", tmp_path).returncode == 0
        assert not settings.stack_file.exists()
        assert not any(port_in_use(port) for port in ports)
        assert not (tmp_path / "tmp").exists()


def test_up_with_a_wrong_sources_file_reports_the_line_and_leaves_nothing_running(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[sources.website]\nkind = "frm"\n')
    said = command("up", tmp_path / "state", SOURCES_FILE=str(wrong))
    assert said.returncode == 1
    assert "wrong.toml is wrong" in said.stderr
    assert "line 2" in said.stderr or ":2" in said.stderr
    assert "Traceback" not in said.stderr
    assert not Stack(state_dir=tmp_path / "state").emulator.running()


def test_edited_sources_file_is_served_at_the_same_address_without_a_build(tmp_path: Path) -> None:
    file, state = tmp_path / "mine.toml", tmp_path / "state"
    file.write_text(with_every_sender(SOURCES.read_text()))  # the text that the other tests' build has
    settings = Stack(state_dir=state)

    def status(source: str) -> int:
        return requests.get(f"{address}/signups/{source}", timeout=30).status_code

    def add(source: str) -> None:
        file.write_text(f'{file.read_text()}\n[sources.{source}]\nkind = "form"\n')

    try:
        assert command("up", state, SOURCES_FILE=str(file)).returncode == 0
        address = json.loads(settings.stack_file.read_text())["api_url"]
        assert status("first") == 404
        add("first")
        assert eventually(lambda: status("first") == 200, 20)
        assert "is live as version 1" in messages_file(state).read_text()

        settings.console.stop()  # nobody watches the file
        add("second")
        said = command("up", state, SOURCES_FILE=str(file))
        assert (said.returncode, "built" in said.stdout) == (0, False)
        assert json.loads(settings.stack_file.read_text())["api_url"] == address
        assert eventually(lambda: status("second") == 200, 20)
    finally:
        assert command("down", state).returncode == 0


def test_the_fingerprint_of_a_build_depends_on_the_sources_file_not_its_path(tmp_path: Path) -> None:
    own = ROOT / "functions" / "sources.toml"
    given = tmp_path / "given.toml"
    given.write_bytes(own.read_bytes())
    assert fingerprint(given) == fingerprint(None)
    given.write_bytes(own.read_bytes() + b"# changed\n")
    assert fingerprint(given) != fingerprint(None)


def test_stop_spares_a_process_that_reuses_a_recorded_pid(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as stranger:
        record = {"pid": stranger.pid, "started": "long ago", "port": 1, "command": []}
        (tmp_path / "emulator.pid").write_text(json.dumps(record))
        service = Service("emulator", "LOCAL_AWS_PORT", tmp_path)
        service.stop()
        assert start_time(stranger.pid) is not None
        stranger.kill()
        assert eventually(lambda: start_time(stranger.pid) is None)
        stranger.returncode = -signal.SIGKILL  # start_time() reaped it


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_console_answers_to_its_own_name_only(stack: Deployed, method: str) -> None:
    for name in ("evil.example", f"evil.example:{stack.console_url.rpartition(':')[2]}", "127.0.0.1:1"):
        answer = requests.request(method, f"{stack.console_url}/", headers={"Host": name}, timeout=10)
        assert answer.status_code in (403, 404)


@pytest.mark.parametrize("headers", [{}, {"X-Token": ""}, {"X-Token": "guess"}])
@pytest.mark.parametrize("action", ["fault", "send", "settle", "signup", "signups"])
def test_the_console_changes_nothing_without_its_token(
    stack: Deployed, headers: dict[str, str], action: str
) -> None:
    answer = requests.post(f"{stack.console_url}/{action}", "{}", headers=headers, timeout=10)
    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{}, {"X-Token": ""}, {"X-Token": "guess"}])
def test_the_console_shows_nothing_without_its_token(stack: Deployed, headers: dict[str, str]) -> None:
    assert requests.get(f"{stack.console_url}/events", headers=headers, timeout=10).status_code == 403


def test_the_console_answers_a_wrong_request_with_an_error(stack: Deployed) -> None:
    page = requests.get(stack.console_url, timeout=10)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    headers = {"X-Token": page.text.partition('name="token" content="')[2].partition('"')[0]}
    for path, body, status in [
        ("fault", '{"simulated_state": "odd"}', 400),
        ("fault", "nonsense", 400),
        ("elsewhere", "{}", 404),
        ("settle", '{"store": "dead", "deed": "deliver", "ids": ["nobody"]}', 409),
        ("settle", '{"store": "held", "deed": "discard", "ids": ["nobody"]}', 409),
        ("settle", '{"store": "dead", "deed": "odd", "ids": ["nobody"]}', 400),
        ("signup", '{"id": "nobody"}', 409),
    ]:
        answer = requests.post(f"{stack.console_url}/{path}", body, headers=headers, timeout=30)
        assert (answer.status_code, "error" in answer.json()) == (status, True)


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "application/octet-stream"])
def test_a_body_reaches_the_function_as_the_bytes_that_were_sent(
    content_type: str | None, stack: Deployed, clemta: Clemta
) -> None:
    body = b'{"event": "lead.created", "first": "Ada\xff\xfe", "x": "\x00\r\n"}'
    proof = hmac.new(b"local-crm-secret", body, "sha256").hexdigest()
    request = requests.Request("POST", f"{stack.api_url}/signups/crm", data=body).prepare()
    request.headers.update({"x-signature": f"sha256={proof}", "x-delivery": "bytes"})
    if content_type:
        request.headers["Content-Type"] = content_type
    with requests.Session() as session:
        answer = session.send(request, timeout=30)
    assert answer.status_code == 200, answer.text  # 401 if a single byte differs
    assert answer.json()["status"] == "parked"


def test_a_line_that_a_function_logs_is_in_the_templates_log_group(
    stack: Deployed, aws: Callable[[str], Any], sign_up: Callable[..., requests.Response]
) -> None:
    submission_id = sign_up().json()["submission_id"]
    resource = {"StackName": stack.stack_name, "LogicalResourceId": "ReceiveLogs"}
    found = aws("cloudformation").describe_stack_resource(**resource)["StackResourceDetail"]
    group = found["PhysicalResourceId"]
    assert eventually(
        lambda: submission_id in json.dumps(aws("logs").filter_log_events(logGroupName=group)["events"]),
        seconds=10,
    )


def command(name: str, state_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the stack's command on free ports."""
    ports = dict.fromkeys(("LOCAL_AWS_PORT", "LOCAL_CLEMTA_PORT", "LOCAL_CONSOLE_PORT"), "0")
    return subprocess.run(
        [sys.executable, "-m", "local.stack", name, "--state-dir", state_dir],
        cwd=ROOT,
        env=os.environ | ports | variables,
        capture_output=True,
        text=True,
        check=False,
    )
