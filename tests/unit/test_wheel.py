"""The wheel of the operator's command: everything in it works in an environment of its declared dependencies alone."""

import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROBE = """
import importlib, json, os, sys
from typer.testing import CliRunner

os.environ.update(AWS_EC2_METADATA_DISABLED="true")
files = {name: importlib.import_module(name).__file__ for name in json.loads(sys.argv[1])}

from ops.cli import COMMANDS, app, loaded

def commands():
    for name in COMMANDS:
        yield from [(name,), *((name, inner) for inner in getattr(loaded(name), "commands", ()))]

helped = {}
for words in [(), *commands()]:
    shown = CliRunner().invoke(app, [*words, "--help"])
    helped[" ".join(words)] = [shown.exit_code, shown.output]
print(json.dumps({"files": files, "helped": helped, "path": sys.path}))
"""


def dependencies(names: list[str]) -> Iterator[Distribution]:
    """The distributions that these requirements need, with all that they need in turn."""
    pending, seen = [Requirement(name) for name in names], set[str]()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        yield distribution(requirement.name)
        pending += [Requirement(name) for name in requires(requirement.name) or []]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def environment(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and, by links, its declared dependencies: nothing else, no download."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "--disable-pip-version-check",
    ]
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel.filename)]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    [packages] = folder.glob("lib/python*/site-packages")
    [metadata] = packages.glob("clemta_intake-*.dist-info")
    for dependency in dependencies(Distribution.at(metadata).requires or []):
        for top in {file.parts[0] for file in dependency.files or []} - {"..", "__pycache__"}:
            (packages / top).symlink_to(Path(str(dependency.locate_file(top))))
    return folder


@pytest.fixture(scope="module")
def probed(
    wheel: zipfile.ZipFile, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the installed command imported and showed."""
    files = [
        name.removesuffix(".py").removesuffix("/__init__")
        for name in wheel.namelist()
        if name.endswith(".py")
    ]
    modules = [file.replace("/", ".") for file in files]
    command = [str(environment / "bin" / "python"), "-I", "-c", PROBE, json.dumps(modules)]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = subprocess.run(command, cwd=elsewhere, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_wheel_holds_the_command_and_the_functions_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ops", "clemta_intake"}
    assert "clemta_intake/sources/presets.toml" in names
    assert "ops/console/static/console.html" in names
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert b"clemta-intake = ops.entry:main" in wheel.read(entry)


def test_every_module_of_the_wheel_can_be_imported(probed: dict[str, Any], environment: Path) -> None:
    assert {"ops.cli", "clemta_intake.receive", "clemta_intake.redeliver"} <= probed["files"].keys()
    assert all(Path(file).is_relative_to(environment) for file in probed["files"].values())


def test_wheel_environment_does_not_see_the_repository(probed: dict[str, Any]) -> None:
    assert not [entry for entry in probed["path"] if Path(entry).resolve().is_relative_to(ROOT)]


def test_every_installed_command_shows_its_help(probed: dict[str, Any]) -> None:
    assert len(probed["helped"]) > 20
    assert {
        words: shown for words, shown in probed["helped"].items() if shown[0] or "Usage:" not in shown[1]
    } == {}


def test_the_installed_script_starts(environment: Path, tmp_path: Path) -> None:
    script = [str(environment / "bin" / "clemta-intake"), "--help"]
    done = subprocess.run(script, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, "Usage: clemta-intake" in done.stdout) == (0, True), done.stderr
