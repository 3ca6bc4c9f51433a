"""Node.js and the npm packages that are compared: installed into .local/, two gigabytes."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.bundles import BENCH

VERSION = "24.21.0"  # n8n runs on no older major version
PACKAGES = {"node-red": "5.0.7", "n8n": "2.41.0"}
NODE_GYP = "12.4.0"
FOLDER = BENCH / "peers"


def install() -> str:
    """Installs them unless they are there; the reason if that fails, "" otherwise.

    Install scripts of packages do not run: n8n has dozens that download or compile what is not used here. It needs
    one of them, SQLite, which is compiled here; that takes a C++ compiler.
    """
    if not shutil.which("npm"):
        return "npm is not installed"
    if (FOLDER / "complete").exists():
        return ""
    shutil.rmtree(FOLDER, ignore_errors=True)
    install = ["install", "--no-audit", "--no-fund"]
    pinned = [f"{name}@{version}" for name, version in PACKAGES.items()]
    gyp = ["exec", "--yes", f"node-gyp@{NODE_GYP}", "--", "rebuild"]
    try:
        _npm(FOLDER / "node", *install, f"node@{VERSION}")
        _npm(FOLDER, *install, "--ignore-scripts", *pinned)
        sqlite = FOLDER / "node_modules" / "sqlite3"
        _npm(FOLDER / "node", *gyp, "--directory", str(sqlite), f"--nodedir={_home()}")
    except subprocess.CalledProcessError as error:
        return f"npm could not install them: {error.stderr.strip()[-300:]}"
    (FOLDER / "complete").touch()
    return ""


def _npm(folder: Path, *arguments: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text('{"private": true}')
    command = [str(shutil.which("npm")), *arguments]
    environment = _with_node(os.environ) | {"npm_config_loglevel": "error"}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def _home() -> Path:
    """The folder of Node with its headers."""
    found = (FOLDER / "node" / "node_modules").glob("**/node-*/include")
    return next((include.parent for include in found), FOLDER)


def _with_node(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, with this Node before any other."""
    own = FOLDER / "node" / "node_modules" / ".bin"
    return {**environment, "PATH": f"{own}{os.pathsep}{environment['PATH']}"}


def command(*arguments: str) -> list[str]:
    """A command line of this Node."""
    return [str(FOLDER / "node" / "node_modules" / ".bin" / "node"), *arguments]


def environment(folder: Path, certificate: Path) -> dict[str, str]:
    """What a program of this Node gets: it trusts the certificate, and its home is the folder."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "NODE_EXTRA_CA_CERTS": str(certificate)}
    return _with_node(variables)
