"""Background processes: each in a session of its own, known by a pid file, and ended only while still ours."""

import json
import os
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
    """The local stack cannot do what was asked; the message says why, and what to do."""


@dataclass(frozen=True)
class Running:
    """A process that was started: `born` tells it from a later one with the same pid."""

    pid: int
    born: str
    port: int
    command: list[str]

    @property
    def identity(self) -> str:
        return f"{self.pid}@{self.born}"


@dataclass(frozen=True)
class Service:
    """A server in the background that listens on one port of this machine; `variable` is what sets the port."""

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
        """What is recorded here and still lives; a record of anything else is removed."""
        try:
            recorded = Running(**json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            self._pid_file.unlink(missing_ok=True)
            return None
        if birth(recorded.pid) == recorded.born:
            return recorded
        self._pid_file.unlink(missing_ok=True)
        return None

    def ensure(self, port: int, command: Callable[[int], Sequence[str]], env: Mapping[str, str]) -> Running:
        """Keeps what runs if it is the same, starts it otherwise; port 0 stands for any."""
        running = self.running()
        if running is not None:
            if running.port == (port or running.port) and running.command == [*command(running.port)]:
                return running
            self.stop()
        return self._start(port, command, env)

    def _start(self, port: int, command: Callable[[int], Sequence[str]], env: Mapping[str, str]) -> Running:
        if port and taken(port):
            raise StackError(
                f"port {port} is taken: end what listens there, or set {self.variable} to a free one"
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
                umask=0o077,  # what it writes may hold people
            )
        running = Running(process.pid, birth(process.pid) or "", port, arguments)
        write_private(self._pid_file, json.dumps(asdict(running)))  # its command may hold a key
        process.returncode = 0  # it outlives this object by intent: without a word of warning
        return running

    def wait(self, answers: Callable[[], bool], seconds: float) -> None:
        """Returns when it answers; StackError when it ended, or does not in time."""
        deadline = time.monotonic() + seconds
        while not answers():
            if self.running() is None:
                raise StackError(f"{self.name} ended at once:\n{tail(self.log)}\nits log: {self.log}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} does not answer after {seconds:.0f} s; its log: {self.log}")
            time.sleep(0.05)

    def stop(self, grace: float = 10) -> None:
        """Ends it and its children, first asking, and returns when they are gone."""
        running = self.running()
        if running is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            # Its pid is its group's id too, and is not given away while a member of the group is left.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            deadline = time.monotonic() + grace
            while group_lives(running.pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            if not group_lives(running.pid):
                break
        self._pid_file.unlink(missing_ok=True)


def birth(pid: int) -> str | None:
    """When the process was started, in the system's own words; None if there is none (a zombie is none)."""
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


def group_lives(group: int) -> bool:
    """Whether a process of the group is left."""
    reap(group)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True


def reap(pid: int) -> None:
    """Lets go of the process if it is an ended child of this one."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def taken(port: int) -> bool:
    """Whether something listens on the port, on this machine's own address or on all."""
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
    """A port that was free a moment ago."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        return int(server.getsockname()[1])


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
