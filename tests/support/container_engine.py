"""A container engine of the tests' own, and an image that stands for Lambda's where no registry is reachable."""

import gc
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from local.invoke import container_engine
from local.rie import copy_runtime_client
from local.sam_local import architecture

IMAGE = f"public.ecr.aws/lambda/python:3.13-{architecture()}"
NEEDED = ("dockerd", "busybox", "ip", "ldd")
APPLETS = ("sh", "cat", "chmod", "cp", "env", "ls", "mkdir", "mv", "rm")

BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13 PYTHONPATH=/var/task:/var/runtime
exec /var/lang/bin/python3.13 -S -m awslambdaric "$_HANDLER"
"""
ENTRYPOINT = """#!/bin/sh
export _HANDLER="$1"
exec /var/rapid/aws-lambda-rie /var/runtime/bootstrap
"""
SETTINGS = [
    "ENV PATH=/var/lang/bin:/usr/bin:/bin LD_LIBRARY_PATH=/var/lang/lib LAMBDA_TASK_ROOT=/var/task LANG=en_US.UTF-8",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "WORKDIR /var/task",
    'ENTRYPOINT ["/lambda-entrypoint.sh"]',
]


def unavailable() -> str | None:
    """Why no engine can be started here; None if one may."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "starting dockerd needs Linux and root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"it needs {', '.join(missing)}" if missing else None


@contextmanager
def started() -> Iterator[str | None]:
    """The DOCKER_HOST of an engine with Lambda's image, or None if dockerd does not start on this machine.

    It changes no firewall rule: the containers call this machine only.
    """
    bridge_before = Path("/sys/class/net/docker0").exists()
    with tempfile.TemporaryDirectory(prefix="dockerd-", ignore_cleanup_errors=True) as folder:
        host = f"unix://{folder}/socket"
        command = [
            *("dockerd", "--host", host, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
            *("--pidfile", f"{folder}/pid", "--oom-score-adjust=0", "--iptables=false", "--ip6tables=false"),
        ]
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield host if _answers(f"{folder}/socket", process) else None
        finally:
            process.terminate()
            process.wait()
            if not bridge_before:
                subprocess.run(
                    [str(shutil.which("ip")), "link", "delete", "docker0"], capture_output=True, check=False
                )


def has_lambda_image(engine: Any) -> bool:
    """Whether Lambda's image is there, or can be pulled."""
    import docker

    try:
        engine.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        try:
            engine.images.pull(IMAGE)
        except docker.errors.APIError:
            return False
    return True


def import_lambda_image(engine: Any, bundle: Path) -> None:
    """Makes Lambda's image from this machine's Python, busybox and the C libraries that a bundle needs, offline."""
    with tempfile.TemporaryDirectory(prefix="lambda-image-") as folder:
        _write_root(Path(folder), bundle)
        archive = BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(folder, arcname=".")
    repository, tag = IMAGE.rsplit(":", 1)
    engine.api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag, changes=SETTINGS)


def client() -> Any:
    """SAM's client of the engine that answers; None if none does."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        found = container_engine()
        gc.collect()  # samcli leaves its failed connections open
    return found


def _answers(path: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(path) == 0:
                return True
        time.sleep(0.2)
    return False


def _write_root(root: Path, bundle: Path) -> None:
    base = Path(sys.base_prefix)
    for folder in ("bin", "opt", "proc", "sys", "dev", "etc", "tmp", "var/task", "var/rapid", "var/lang/bin"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    busybox = root / "bin" / "busybox"
    shutil.copy2(str(shutil.which("busybox")), busybox)
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    python = root / "var" / "lang" / "bin" / "python3.13"
    shutil.copy2(base / "bin" / "python3.13", python)
    ignored = shutil.ignore_patterns(
        "test", "site-packages", "config-*", "idlelib", "tkinter", "_tkinter*", "ensurepip", "__pycache__"
    )
    library = root / "var" / "lang" / "lib"
    shutil.copytree(base / "lib" / "python3.13", library / "python3.13", ignore=ignored)
    for shared in (base / "lib").glob("libpython3*.so*"):
        shutil.copy2(shared, library)
    copy_runtime_client(root / "var" / "runtime")
    for modules in (
        library / "python3.13" / "lib-dynload",
        root / "var" / "runtime",
        bundle / "pydantic_core",
    ):
        for binary in (base / "bin" / "python3.13", *modules.glob("*.so")):
            _copy_libraries(binary, root)
    (root / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\nsbx_user1051:x:993:990::/:/bin/sh\n")
    (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
    for path, text in (("var/runtime/bootstrap", BOOTSTRAP), ("lambda-entrypoint.sh", ENTRYPOINT)):
        (root / path).write_text(text)
        (root / path).chmod(0o755)


def _copy_libraries(binary: Path, root: Path) -> None:
    """Copies the libraries that the binary loads, to the same paths."""
    listed = subprocess.run(
        [str(shutil.which("ldd")), str(binary)], capture_output=True, text=True, check=False
    ).stdout
    for word in listed.split():
        if word.startswith("/") and not (root / word[1:]).exists():
            (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(word).resolve(), root / word[1:])
