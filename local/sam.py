"""Runs `sam`, and builds only if something changed. `python -m local.sam` builds into .aws-sam/build."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.processes import ROOT, StackError
from ops.project import OWN_SOURCES

TOOLS = Path(sys.executable).parent
BUILDS = ROOT / ".local" / "builds"
KEPT_BUILDS = 8  # the workers of the tests use some at once
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


def ensure_build(sources_file: Path | None, log: Path) -> Path:
    """The folder of a build of the present sources; builds them unless a kept build has the same fingerprint."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    folder = BUILDS / fingerprint(sources_file)
    with locked(BUILDS / ".lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            check_sources(sources_file or ROOT / "functions" / "sources.toml")
            sam(
                ["build", "--build-dir", str(folder / "build")],
                build_environment(sources_file),
                log,
            )
            zip_functions(folder / "build")
            (folder / "complete").touch()
        os.utime(folder)
        in_use = (
            (BUILDS.parent / "build").resolve().parent
        )  # `sam local` runs the build of the stack that is up
        builds = [entry for entry in BUILDS.iterdir() if entry.is_dir() and entry != in_use]
        for stale in sorted(builds, key=lambda entry: entry.stat().st_mtime)[:-KEPT_BUILDS]:
            shutil.rmtree(stale, ignore_errors=True)
    return folder / "build"


def check_sources(sources_file: Path) -> None:
    """StackError with the wrong line of the sources file, before a build spends its time."""
    checked = subprocess.run(
        [str(TOOLS / "python"), "-m", "clemta_intake.sources.check", str(sources_file)],
        env=build_environment(None) | {"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode != 0:
        raise StackError(f"{sources_file} is wrong:\n{checked.stderr.strip()}")


def zip_functions(build: Path) -> None:
    """Zips equal bundles once; otherwise each `sam deploy` would zip the bundle of each function again."""
    template = build / "template.yaml"
    text = template.read_text()
    zipped: dict[str, Path] = {}
    for name in re.findall(r"^ +CodeUri: (\w+Function)$", text, re.M):
        file = build / f"{name}.zip"
        first = zipped.setdefault(folder_hash(build / name), file)
        if first == file:
            _zip(build / name, file)
        else:
            os.link(first, file)
        text = text.replace(f"CodeUri: {name}\n", f"CodeUri: {name}.zip\n")
    template.write_text(text)


def _zip(folder: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))


def fingerprint(sources_file: Path | None, *, with_sources: bool = True) -> str:
    """A hash of everything that goes into a build; of the sources file the content counts, not the path.

    Without sources: a hash of what only a deploy can change.
    """
    own_sources = ROOT / "functions" / "sources.toml"
    digest = hashlib.sha256(f"{sys.version} {platform.platform()}".encode())
    for path in [*sorted((ROOT / "functions").rglob("*")), ROOT / "template.yaml"]:
        if not with_sources and path == own_sources:
            continue
        if path.is_file() and "__pycache__" not in path.parts:
            content = (sources_file or path).read_bytes() if path == own_sources else path.read_bytes()
            digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def folder_hash(folder: Path) -> str:
    """A hash of every file in the folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"\n{path.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


class BuildStamp:
    """A file next to .aws-sam/build with the fingerprint of its inputs and a hash of its files.

    The hash shows whether a `sam build` by hand has changed the build since.
    """

    def __init__(self, folder: Path) -> None:
        self._build = folder / "build"
        self._file = folder / "fingerprint"

    def matches(self, inputs: str) -> bool:
        """Whether the build exists, was made from these inputs, and is unchanged."""
        return self._file.exists() and self._file.read_text() == f"{inputs} {folder_hash(self._build)}"

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    def write(self, inputs: str) -> None:
        self._file.write_text(f"{inputs} {folder_hash(self._build)}")


def build_environment(sources_file: Path | None) -> dict[str, str]:
    """The environment for functions/Makefile: its python3.13 is the interpreter that runs this module."""
    # Variables of make's command line would override the absolute path of SOURCES_FILE.
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in (*MAKE_VARIABLES, "PYTHONPATH", "SOURCES_FILE")
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    if sources_file is not None:
        env["SOURCES_FILE"] = str(sources_file)
    return env | {"PATH": f"{TOOLS}{os.pathsep}{env.get('PATH', os.defpath)}", "SAM_CLI_TELEMETRY": "0"}


def sources_file_from(environ: Mapping[str, str]) -> Path | None:
    """The absolute path of SOURCES_FILE, else of the owner's own file; None if there is none: the project's file."""
    given = environ.get("SOURCES_FILE", "")
    if not given:
        own = ROOT / OWN_SOURCES
        return own if own.is_file() else None
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise StackError(f"SOURCES_FILE: there is no file {path}")
    return path


def sam(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
    """Runs sam with its output in the log; StackError with an excerpt of it if sam fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(TOOLS / "python"), "-m", "samcli", *arguments],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that sam started: pip and make
            process.wait()
            raise
    if status != 0:
        raise StackError(
            f"sam {arguments[0]} failed:\n{error_excerpt(log.read_text(errors='replace'))}\nits log: {log}"
        )


def error_excerpt(output: str, length: int = 25) -> str:
    """Lines of sam's output from the first that reports an error; the last lines if none does."""
    lines = [
        line.rstrip()
        for line in output.splitlines()
        if line.strip() and not set(line.strip()) <= set("-=+| ")
    ]
    errors = [
        number
        for number, line in enumerate(lines)
        if re.search(r"error|failed|invalid|not found", line, re.I)
    ]
    start = errors[0] if errors else max(0, len(lines) - length)
    return "\n".join(lines[start:][:length])


@contextmanager
def locked(path: Path, held: str = "") -> Iterator[None]:
    """Holds a lock file over all processes; the system releases it when its process ends.

    Waits while another process holds it; with `held`, raises StackError with that text instead.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if held else 0))
        except BlockingIOError:
            raise StackError(held) from None
        yield


def main() -> None:
    """Brings .aws-sam/build, which `sam deploy` takes, up to date."""
    folder = ROOT / ".aws-sam"
    stamp = BuildStamp(folder)
    try:
        sources_file = sources_file_from(os.environ)
        inputs = fingerprint(sources_file)
        if stamp.matches(inputs):
            print("built: .aws-sam/build (nothing changed)")
            return
        stamp.remove()
        check_sources(sources_file or ROOT / "functions" / "sources.toml")
        sam(["build"], build_environment(sources_file), folder / "build.log")
        zip_functions(folder / "build")
    except StackError as error:
        sys.exit(str(error))
    stamp.write(inputs)
    print("built: .aws-sam/build")


if __name__ == "__main__":
    main()
