"""Builds and deploys by `make build` and `sam deploy`, whose output goes into a log."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import OpsError
from .answers import Answers

_MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHONPATH", "SOURCES_FILE")
_SHOWN = 12  # lines of a failed step's log
_KILL_AFTER = 20  # seconds


class StepFailed(OpsError):
    """A step ended with an error; the text has the end of its output."""


@dataclass(frozen=True)
class Deployment:
    """The checkout, the environment's name and answers, and the sources file that is shipped."""

    project: Path
    env: str
    answers: Answers
    sources_file: Path

    @property
    def log(self) -> Path:
        """The output of the last step."""
        return self.project / ".local" / "logs" / f"setup-{self.env}.log"

    @contextmanager
    def alone(self, tell: Callable[[str], None]) -> Iterator[int]:
        """Waits for this environment's lock, holds it, and yields its descriptor.

        The steps inherit it: after a kill, the next setup starts when the step that was left running has ended.
        """
        file = self.project / ".local" / f"setup-{self.env}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell(f"another setup of {self.env} still works: waiting for its end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()

    def build(self, lock: int) -> None:
        """Builds what Lambda gets into .aws-sam/build, unless nothing has changed."""
        more = {"SOURCES_FILE": str(self.sources_file.absolute())}
        self._run(["make", "--no-print-directory", "build"], _environment(more), lock)

    def deploy(self, lock: int) -> None:
        """Creates or updates the stack, without a question; a parameter without an answer keeps its value."""
        command = [
            *(str(self.project / ".venv" / "bin" / "sam"), "deploy"),
            *("--config-file", str(self.project / "samconfig.toml"), "--config-env", self.env),
            *("--template-file", str(self.project / ".aws-sam" / "build" / "template.yaml")),
            *("--stack-name", self.answers.stack, "--region", self.answers.region),
            *("--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset"),
            *("--no-fail-on-empty-changeset", "--no-progressbar", "--parameter-overrides"),
            *(f"{name}={_quoted(value)}" for name, value in self.answers.parameters.items()),
        ]
        self._run(command, _environment({"SAM_CLI_TELEMETRY": "0"}), lock)

    def _run(self, command: Sequence[str], env: Mapping[str, str], lock: int) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.project,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],
            )
            try:
                status = process.wait()
            except BaseException:
                self._stop(process)
                raise
        if status != 0:
            lines = [
                line.rstrip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()
            ]
            step = " ".join(command[:2]).rpartition("/")[2]
            raise StepFailed("\n".join([f"{step} failed:", *lines[-_SHOWN:], f"all of it: {self.log}"]))

    @staticmethod
    def _stop(process: "subprocess.Popen[bytes]") -> None:
        """Ends the step with the processes that it started."""
        with suppress(OSError):  # it has ended meanwhile
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_KILL_AFTER)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment; the Python that runs this is the build's python3.13."""
    kept = {name: value for name, value in os.environ.items() if name not in _MAKE_VARIABLES}
    python = Path(sys.base_exec_prefix) / "bin"
    return kept | {"PATH": f"{python}{os.pathsep}{kept.get('PATH', os.defpath)}", **more}


def _quoted(value: str) -> str:
    r"""The value as `--parameter-overrides` takes it: in quotes, so that it may be empty or have spaces."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
