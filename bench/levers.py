"""What each optimisation does for a cold start: the bundle as it ships, and without one of them at a time."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import bundles
from bench.bundles import OURS
from bench.runner import Handler, MeasurementError, Runner


def levers(runner: Runner) -> dict[str, Any]:
    """M instructions to the first contact as shipped, and with each optimisation undone."""
    shipped = runner.instructions(runner.ours, "created", 1)
    found: dict[str, Any] = {"as shipped": shipped}
    for name, undo in UNDONE.items():
        folder = runner.trusting(bundles.shipped())
        found[name] = runner.instructions(Handler(folder, OURS, undo(folder)), "created", 1)
    return found


def _without_bytecode(folder: Path) -> dict[str, str]:
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    return {}


def _with_every_service(folder: Path) -> dict[str, str]:
    shutil.rmtree(folder / "botocore" / "data")
    shutil.copytree(bundles.reference("lean") / "botocore" / "data", folder / "botocore" / "data")
    return {}


def _with_every_endpoint(folder: Path) -> dict[str, str]:
    endpoints = Path("botocore", "data", "endpoints.json")
    (folder / endpoints).unlink()  # it is a hard link
    shutil.copyfile(bundles.reference("lean") / endpoints, folder / endpoints)
    return {}


def _with_one_file_of_authorities(folder: Path) -> dict[str, str]:
    shutil.rmtree(folder / "certifi" / "authorities")
    return {}


def _with_plugin_scan(_: Path) -> dict[str, str]:
    return {"PYDANTIC_DISABLE_PLUGINS": ""}


def replaced(file: str, *changes: tuple[str, str]) -> Callable[[Path], dict[str, str]]:
    def edit(folder: Path) -> dict[str, str]:
        path = folder / "clemta_intake" / file
        text = path.read_text()
        for old, new in changes:
            if old not in text:
                raise MeasurementError(f"{file} does not hold {old!r}")
            text = text.replace(old, new, 1)
        path.unlink()  # it is a hard link to the build's file
        path.write_text(text)
        unchecked = ["-q", "-f", "--invalidation-mode", "unchecked-hash", str(path)]
        (path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc").unlink()
        subprocess.run([sys.executable, "-m", "compileall", *unchecked], check=True)
        return {}

    return edit


_LATER = "from collections.abc import Callable, Mapping\n"
_EARLY = f"import phonenumbers, pycountry, multipart, disposable_email_domains, gettext\n{_LATER}"
UNDONE: dict[str, Callable[[Path], dict[str, str]]] = {
    "without bytecode in the bundle": _without_bytecode,
    "with a TLS context for each client": replaced("receive.py", ("\ncoldstart.share_tls_context()\n", "\n")),
    "with phone, country, multipart and domain data loaded at once": replaced("receive.py", (_LATER, _EARLY)),
    "with the garbage collector at work meanwhile": replaced(
        "coldstart.py", ("    gc.disable()", "    pass"), ("    gc.freeze()", "    pass")
    ),
    "with all certificate authorities in one file": _with_one_file_of_authorities,
    "with the endpoints of every service": _with_every_endpoint,
    "with botocore's data of every service": _with_every_service,
    "with pydantic's scan for plugins": _with_plugin_scan,
}
