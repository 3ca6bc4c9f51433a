"""`sam build` and `sam deploy`, run only for what changed. `python -m local.sam` builds into .aws-sam/build."""

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

TOOLS = Path(sys.executable).parent
BUILDS = ROOT / ".local" / "builds"
KEPT_BUILDS = 4
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


def built(sources_file: Path | None, log: Path) -> Path:
    """The folder of the build of what is here now, made if there is none yet."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    folder = BUILDS / fingerprint(sources_file)
    with locked(BUILDS / ".lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            check_sources(sources_file or ROOT / "functions" / "sources.toml")
            sam(
                ["build", "--parallel", "--build-dir", str(folder / "build")],
                build_environment(sources_file),
                log,
            )
            zip_functions(folder / "build")
            (folder / "complete").touch()
        os.utime(folder)
        builds = [entry for entry in BUILDS.iterdir() if entry.is_dir()]
        for stale in sorted(builds, key=lambda entry: entry.stat().st_mtime)[:-KEPT_BUILDS]:
            shutil.rmtree(stale, ignore_errors=True)
    return folder / "build"


def check_sources(sources_file: Path) -> None:
    """Says at once what the build would say at its end: which line of the sources file is wrong."""
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
    """Packs each function once, where `sam deploy` would pack all of them at every start."""
    template = build / "template.yaml"
    text = template.read_text()
    for name in re.findall(r"^ +CodeUri: (\w+Function)$", text, re.M):
        with zipfile.ZipFile(build / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for path in sorted((build / name).rglob("*")):
                if path.is_file():
                    packed.write(path, path.relative_to(build / name))
        text = text.replace(f"CodeUri: {name}\n", f"CodeUri: {name}.zip\n")
    template.write_text(text)


def fingerprint(sources_file: Path | None) -> str:
    """Stands for all that a build is made of, wherever the sources file lies."""
    own_sources = ROOT / "functions" / "sources.toml"
    digest = hashlib.sha256(f"{sys.version} {platform.platform()}".encode())
    for path in [*sorted((ROOT / "functions").rglob("*")), ROOT / "template.yaml"]:
        if path.is_file() and "__pycache__" not in path.parts:
            content = (sources_file or path).read_bytes() if path == own_sources else path.read_bytes()
            digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def contents(folder: Path) -> str:
    """Stands for every file in the folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"\n{path.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


class Stamp:
    """What .aws-sam/build was built from, and what it was then: a `sam build` by hand may have changed it since."""

    def __init__(self, folder: Path) -> None:
        self._build = folder / "build"
        self._file = folder / "fingerprint"

    def says(self, wanted: str) -> bool:
        """Whether the build is there, is of these inputs, and nobody has touched it."""
        return self._file.exists() and self._file.read_text() == f"{wanted} {contents(self._build)}"

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    def write(self, made_of: str) -> None:
        self._file.write_text(f"{made_of} {contents(self._build)}")


def build_environment(sources_file: Path | None) -> dict[str, str]:
    """This environment for functions/Makefile, whose python3.13 is the one that runs now."""
    # What was said on make's command line would otherwise overrule the absolute path given here.
    ours = {
        name: value
        for name, value in os.environ.items()
        if name not in (*OF_MAKE, "PYTHONPATH", "SOURCES_FILE")
    }
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    if sources_file is not None:
        ours["SOURCES_FILE"] = str(sources_file)
    return ours | {"PATH": f"{TOOLS}{os.pathsep}{ours.get('PATH', os.defpath)}", "SAM_CLI_TELEMETRY": "0"}


def sources_file_from(environ: Mapping[str, str]) -> Path | None:
    """The file that SOURCES_FILE names, absolute; None where the project's own is meant."""
    given = environ.get("SOURCES_FILE", "")
    if not given:
        return None
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise StackError(f"SOURCES_FILE: there is no file {path}")
    return path


def sam(arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
    """Runs sam with its output in the log; StackError with the useful part of it when it fails."""
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
            os.killpg(process.pid, signal.SIGKILL)  # pip and make, too, which sam started
            process.wait()
            raise
    if status != 0:
        raise StackError(
            f"sam {arguments[0]} failed:\n{useful(log.read_text(errors='replace'))}\nall of it: {log}"
        )


def useful(output: str, most: int = 25) -> str:
    """The part of sam's output that says what is wrong."""
    lines = [
        line.rstrip()
        for line in output.splitlines()
        if line.strip() and not set(line.strip()) <= set("-=+| ")
    ]
    telling = [
        number
        for number, line in enumerate(lines)
        if re.search(r"error|failed|invalid|not found", line, re.I)
    ]
    start = telling[0] if telling else max(0, len(lines) - most)
    return "\n".join(lines[start:][:most])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One holder at a time, over all processes; a lock of an ended process is no lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Brings .aws-sam/build up to date: what `sam deploy` takes."""
    here = ROOT / ".aws-sam"
    stamp = Stamp(here)
    try:
        sources_file = sources_file_from(os.environ)
        wanted = fingerprint(sources_file)
        if stamp.says(wanted):
            print("built: .aws-sam/build (nothing changed)")
            return
        stamp.remove()
        check_sources(sources_file or ROOT / "functions" / "sources.toml")
        sam(["build", "--parallel"], build_environment(sources_file), here / "build.log")
    except StackError as error:
        sys.exit(str(error))
    stamp.write(wanted)
    print("built: .aws-sam/build")


if __name__ == "__main__":
    main()
