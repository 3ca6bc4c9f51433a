"""Background processes: each in its own session, recorded in a pid file, stopped only if the record still fits."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.files import private, write_private

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[1]


class StackError(Exception):
    """The local stack cannot do the request; the message says why, and what to do."""


@dataclass(frozen=True)
class Running:
    """A process that was started; `started` tells it from a later process with the same pid."""

    pid: int
    started: str
    port: int
    command: list[str]

    @property
    def identity(self) -> str:
        return f"{self.pid}@{self.started}"


@dataclass(frozen=True)
class Service:
    """A server in the background on one port of this machine; `variable` is the setting of its port."""

    name: str
    variable: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def running(self) -> Running | None:
        """The recorded process if it still runs; otherwise the record is removed."""
        try:
            recorded = Running(**json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            self._pid_file.unlink(missing_ok=True)
            return None
        if start_time(recorded.pid) == recorded.started:
            return recorded
        self._pid_file.unlink(missing_ok=True)
        return None

    def ensure(self, port: int, command: Callable[[int], Sequence[str]], env: Mapping[str, str]) -> Running:
        """Keeps the running process if its port and command are the same, otherwise starts it; port 0 is any."""
        running = self.running()
        if running is not None:
            if running.port == (port or running.port) and running.command == [*command(running.port)]:
                return running
            self.stop()
        return self._start(port, command, env)

    def _start(self, port: int, command: Callable[[int], Sequence[str]], env: Mapping[str, str]) -> Running:
        if port and port_in_use(port):
            raise StackError(
                f"port {port} is in use: stop the process that listens there, or set {self.variable} to a free one"
            )
        port = port or free_port()
        arguments = [*command(port)]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "w", opener=private) as log:
            process = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,  # its files may hold people
            )
        running = Running(process.pid, start_time(process.pid) or "", port, arguments)
        write_private(self._pid_file, json.dumps(asdict(running)))  # its command may hold a key
        process.returncode = 0  # it is meant to outlive this object: Popen must not warn
        return running

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        """Returns when it is ready; StackError if it ends, or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.running() is None:
                raise StackError(f"{self.name} ended at once:\n{tail(self.log)}\nits log: {self.log}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} does not answer after {seconds:.0f} s; its log: {self.log}")
            time.sleep(0.05)

    def stop(self, grace: float = 10) -> None:
        """Stops it and its children, first with SIGTERM, and returns when they are gone."""
        running = self.running()
        if running is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            # Its pid is also the id of its group; the system does not reuse it while the group has a member.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            deadline = time.monotonic() + grace
            while group_exists(running.pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            if not group_exists(running.pid):
                break
        self._pid_file.unlink(missing_ok=True)


def start_time(pid: int) -> str | None:
    """The start time of a process as the system reports it; None if no such process runs, or it is a zombie."""
    reap(pid)
    if sys.platform == "linux":
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state == "Z" else fields[18]
    answer = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def group_exists(group: int) -> bool:
    """Whether the process group has a member."""
    reap(group)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS: a group of zombies
        return False
    return True


def reap(pid: int) -> None:
    """Removes the zombie of an ended child of this process."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def port_in_use(port: int) -> bool:
    """Whether a process listens on the port, on this machine's own address or on all addresses."""
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """A port that is free now, and that no outgoing connection takes: systems choose theirs from 32768 upwards."""
    while True:
        port = random.randrange(20_000, 32_768)
        if not port_in_use(port):
            return port


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
