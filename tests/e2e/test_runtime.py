"""The bundle under Lambda's own runtime interface emulator: read-only, an ordinary user, no HOME, little memory."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from local import rie
from local.processes import HOST, ROOT
from local.sam import ensure_build
from local.stack import Deployed, Stack

from .conftest import Clemta, eventually

EVENTS = sorted((ROOT / "events").glob("*.json"))
MEMORY = (512, 256, 128)  # MB

pytestmark = pytest.mark.skipif(
    bool(rie.unavailable()), reason=f"the runtime interface emulator does not run here: {rie.unavailable()}"
)


@pytest.fixture(scope="module")
def build(stack_settings: Stack, stack: Deployed) -> Path:
    """The build that is deployed."""
    return ensure_build(stack_settings.deployed_sources, stack_settings.state_dir / "logs" / "build.log")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[str]]:
    """Where the functions log."""
    with (tmp_path / "log").open("w+") as file:
        yield file


def function(stack: Deployed, name: str, memory: int) -> Any:
    found = stack.configuration(name)
    return found._replace(memory=memory, variables=stack.variables(name, HOST))


def peak_memory(ancestor: int) -> int:
    """The most memory that the Python process below this one has used, in bytes."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(fields["Pid"])] = fields
    found = 0
    for fields in parents.values():
        above = fields
        while int(above["PPid"]) in parents and int(above["Pid"]) != ancestor:
            above = parents[int(above["PPid"])]
        if int(above["Pid"]) == ancestor and fields["Name"].strip().startswith("python"):
            found = max(found, int(fields["VmHWM"].split()[0]) * 1024)
    return found


@pytest.mark.parametrize("memory", MEMORY)
def test_every_sample_event_is_answered_as_on_the_stack_with_so_much_memory(
    stack: Deployed, clemta: Clemta, build: Path, log: IO[str], memory: int
) -> None:
    for name in ("ReceiveFunction", "RedeliverFunction"):
        events = [one for one in EVENTS if ("retry" in one.stem) == (name == "RedeliverFunction")]
        with rie.RuntimeEmulator(build / name, function(stack, name, memory), log) as runtime:
            for event in events:
                before = len(clemta.contacts())
                answer = json.loads(runtime.invoke(event.read_bytes()))
                if name == "RedeliverFunction":
                    assert answer == {"batchItemFailures": []}
                    created = len(json.loads(event.read_text())["Records"])
                else:
                    assert answer["statusCode"] == 200
                    assert json.loads(answer["body"])["status"] == "created"
                    created = 1
                assert len(clemta.contacts()) == before + created, event.stem
            assert 0 < peak_memory(runtime.pid) < memory * 1_000_000


def test_make_invoke_without_a_container_engine_prints_the_answer_and_nothing_else(
    stack_settings: Stack, clemta: Clemta
) -> None:
    event = ROOT / "events" / "webhook-hmac.json"
    command = [sys.executable, "-m", "local.invoke", str(event), "--state-dir", str(stack_settings.state_dir)]
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (200, "created")
    assert "START RequestId" in done.stderr
    assert len(clemta.contacts()) == 1


PROBE = """
import json, os
def handler(event, context):
    def writable(folder):
        try:
            with open(os.path.join(folder, "probe"), "w"):
                return True
        except OSError:
            return False
    folders = ("/var/task", "/var/lang", "/var/runtime", "/var", "/", "/tmp")
    return {
        "writable": [folder for folder in folders if writable(folder)],
        "user": os.getuid(),
        "home": os.environ.get("HOME"),
        "shared": [name for name in os.listdir("/tmp") if name != "probe"],
    }
"""


def test_the_function_is_an_ordinary_user_without_home_that_writes_to_tmp_only(
    stack: Deployed, tmp_path: Path, log: IO[str]
) -> None:
    bundle = tmp_path / "Probe"
    bundle.mkdir()
    (bundle / "probe.py").write_text(PROBE)
    probe = function(stack, "ReceiveFunction", 128)._replace(handler="probe.handler")
    with rie.RuntimeEmulator(bundle, probe, log) as runtime:
        found = json.loads(runtime.invoke(b"{}"))
    assert found == {"writable": ["/tmp"], "user": rie.USER, "home": None, "shared": []}  # noqa: S108


def test_its_processes_and_files_end_with_it(stack: Deployed, tmp_path: Path, log: IO[str]) -> None:
    bundle = tmp_path / "Probe"
    bundle.mkdir()
    (bundle / "probe.py").write_text(PROBE)
    probe = function(stack, "ReceiveFunction", 128)._replace(handler="probe.handler")
    with rie.RuntimeEmulator(bundle, probe, log) as runtime:
        runtime.invoke(b"{}")
        folder = runtime.folder
        assert folder.exists()
    assert not folder.exists()
    assert eventually(lambda: not any(b"probe.handler" in readable(one) for one in processes()))


def processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/cmdline")


def readable(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
