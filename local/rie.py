"""Runs a function's bundle under Lambda's own runtime interface emulator, without a container engine.

As in Lambda, the bundle is read-only at /var/task, the process belongs to an ordinary user, has no HOME, and can
write to /tmp only. The mounts need Linux and root; they exist in a mount namespace of its own.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import files
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.error import URLError
from urllib.request import Request

from local.clients import DIRECT
from local.processes import HOST, StackError, free_port
from local.sam_local import Configuration, architecture

RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")  # Lambda's and what it imports
USER, GROUP = 993, 990  # Lambda's own numbers

# Arguments: the folder of the emulator's files, the bundle, Python's folder. `/var` is hidden under the mounts.
ENTER = """
mount -t tmpfs -o mode=755 none "$1/var"
for part in task lang runtime rapid; do mkdir "$1/var/$part"; done
mount --bind "$2" "$1/var/task" && mount -o remount,bind,ro "$1/var/task"
mount --bind "$3" "$1/var/lang" && mount -o remount,bind,ro "$1/var/lang"
mount --bind "$1/runtime" "$1/var/runtime"
mount --bind "$1/rapid" "$1/var/rapid"
mount --rbind "$1/var" /var
mount -t tmpfs -o size=512m,mode=1777 none /tmp
cd /var/task
shift 3
"$@" || exit  # not exec: a change of user would clear the signal that --kill-child sets
"""


def unavailable() -> str | None:
    """Why the emulator cannot run here; None if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs Linux and root"
    if missing := [name for name in ("unshare", "setpriv", "mount") if shutil.which(name) is None]:
        return f"it needs {', '.join(missing)}"
    probe = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/tmp"]  # noqa: S108
    allowed = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return None if allowed else "this machine allows no mount namespace"


class RuntimeEmulator:
    """A started function: the first invocation is its cold start. Its log goes to `log`."""

    def __init__(self, bundle: Path, function: Configuration, log: IO[Any]) -> None:
        self._bundle = bundle.resolve()
        self._function = function
        self._log = log
        self._folder = Path(tempfile.mkdtemp(prefix="rie-"))
        self._port = free_port()

    def __enter__(self) -> Self:
        self._folder.chmod(0o755)
        for name in ("var", "rapid"):
            (self._folder / name).mkdir()
        copy_runtime_client(self._folder / "runtime")
        shutil.copy2(rie_binary(), self._folder / "rapid" / "aws-lambda-rie")
        self._process = subprocess.Popen(
            [
                # Its end kills every process in it.
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "sh"),
                *(str(self._folder), str(self._bundle), sys.base_prefix),
                *("setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"),
                *("--inh-caps=-all", "--bounding-set=-all"),
                *("env", "-i", *(f"{name}={value}" for name, value in self._environment().items())),
                *("/var/rapid/aws-lambda-rie", "--log-level", "error"),
                *("--runtime-interface-emulator-address", f"{HOST}:{self._port}"),
                *("--runtime-api-address", f"{HOST}:{free_port()}"),
                # -S: an import that the bundle lacks fails here as on AWS.
                *("/var/lang/bin/python3.13", "-S", "-m", "awslambdaric"),
                self._function.handler,
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """The emulator's files, which end with it."""
        return self._folder

    @property
    def pid(self) -> int:
        """The parent of the emulator's and the function's processes."""
        return self._process.pid

    def invoke(self, event: bytes) -> bytes:
        """The function's answer to an event; StackError if there is none."""
        url = f"http://{HOST}:{self._port}/2015-03-31/functions/function/invocations"
        deadline = time.monotonic() + 20
        while True:
            try:
                with DIRECT.open(Request(url, event), timeout=self._function.timeout + 20) as answer:
                    return bytes(answer.read())
            except URLError as error:
                started = not isinstance(error.reason, ConnectionRefusedError)
                if started or self._process.poll() is not None or time.monotonic() > deadline:
                    raise StackError(
                        f"the runtime interface emulator does not answer: {error.reason}"
                    ) from None
            time.sleep(0.02)

    def _environment(self) -> dict[str, str]:
        """Lambda's own variables, then the function's."""
        return {
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": "/var/lang/lib",
            "PYTHONPATH": "/var/task:/var/runtime",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": self._bundle.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._function.memory),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._function.timeout),
            **self._function.variables,
        }


def copy_runtime_client(target: Path) -> None:
    """Copies Lambda's runtime client to where an ordinary user can read it."""
    site = Path(sysconfig.get_path("purelib"))
    for package in RUNTIME_CLIENT:
        for file in files(package) or ():
            if ".." not in file.parts and file.suffix in (".py", ".so"):
                copy = target / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(site / file, copy)


def rie_binary() -> Path:
    """The emulator for this machine's processor, which SAM brings."""
    import samcli

    return Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{architecture()}"
