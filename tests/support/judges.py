"""npm packages that others wrote, which judge us: tests/judges names them."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from local.sam import locked

ROOT = Path(__file__).parents[2]
JUDGES = ROOT / "tests" / "judges"


def installed() -> tuple[str, Path]:
    """Node, and the folder of the installed packages; skips where Node is missing or npm reaches no registry."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not installed")
    lock = (JUDGES / "package-lock.json").read_bytes()
    folder = ROOT / ".local" / "judges" / hashlib.sha256(lock).hexdigest()[:16]
    with locked(ROOT / ".local" / "judges.lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(JUDGES / name, folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"npm ci failed: {' '.join(done.stderr.strip().splitlines()[-1:])}")
            (folder / "complete").touch()
    return node, folder
