"""The folders that are measured: our bundle as shipped, as a plain `sam build` makes it, and the references."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from local.processes import ROOT
from local.sam import ensure_build

BENCH = ROOT / ".local" / "bench"
OURS = "clemta_intake.receive"
_PACKAGES = ("aws-lambda-powertools", "boto3", "botocore", "pydantic", "requests")


def work_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for one run, on the same disk as the bundles: copies of them are hard links."""
    BENCH.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=BENCH, prefix="run-")


def shipped() -> Path:
    """The receiving function's bundle, as it is deployed."""
    BENCH.mkdir(parents=True, exist_ok=True)
    return ensure_build(None, BENCH / "build.log") / "ReceiveFunction"


def plain() -> Path:
    """The same code without our own build steps: no bytecode, botocore's data of every service, one CA file."""
    folder = copy(shipped(), BENCH / "plain", shutil.ignore_patterns("__pycache__", "authorities"))
    shutil.rmtree(folder / "botocore" / "data")
    shutil.copytree(reference("lean") / "botocore" / "data", folder / "botocore" / "data")
    return folder


def reference(name: str, *extra: str) -> Path:
    """A folder with a handler of bench/reference/ and its packages, in the versions that we ship."""
    folder = BENCH / name
    if not folder.exists():
        pins = (ROOT / "functions" / "requirements.txt").read_text().splitlines()
        installed(folder, *[pin for pin in pins if pin.split("==")[0] in _PACKAGES], *extra)
    shutil.copyfile(ROOT / "bench" / "reference" / f"{name}.py", folder / f"{name}.py")
    compiled(folder)
    return folder


def installed(folder: Path, *packages: str) -> Path:
    """Installs the packages into the folder, unless it exists."""
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(unfinished), *packages]
        subprocess.run(pip, check=True)
        unfinished.rename(folder)
    return folder


def trusting(folder: Path, certificate: Path) -> Path:
    """A copy next to the certificate, which is added to its authorities: the whole list is read, as on AWS."""
    copied = copy(folder, certificate.parent / f"{folder.parent.name}-{folder.name}")
    authorities = copied / "certifi" / "cacert.pem"
    text = authorities.read_text() + certificate.read_text()
    authorities.unlink()  # it is a hard link to the file in `folder`
    authorities.write_text(text)
    if (copied / "certifi" / "authorities").exists():
        subprocess.run([sys.executable, str(ROOT / "functions" / "trim_bundle.py"), str(copied)], check=True)
    return copied


def compiled(folder: Path) -> None:
    """Compiles every module, as our own build does."""
    unchecked = ["-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", *unchecked, str(folder)], check=True)


def size(bundle: Path) -> dict[str, float]:
    """Zipped MB of the bundle and of its largest packages."""
    sizes: Counter[str] = Counter()
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(bundle.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(bundle))
            for entry in archive.infolist():
                sizes[entry.filename.split("/")[0]] += entry.compress_size
        total = file.tell()
    return {name: round(count / 1e6, 2) for name, count in [("zip", total), *sizes.most_common(8)]}


def copy(folder: Path, target: Path, ignore: Callable[[str, list[str]], set[str]] | None = None) -> Path:
    """A copy made of hard links."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=ignore, copy_function=os.link)
    return target
