"""What each lever does for a cold start or a call: the bundle as it ships, with that one moved. And where it goes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import bundles
from bench.bundles import OURS
from bench.handlers import CALLGRIND, PYTHON, Bench, Wrong, counted
from local.processes import ROOT

IMPORTS = {  # in the order in which the functions meet them: each is what it adds to those before it
    "Python itself": "",
    "Powertools: logger": "aws_lambda_powertools",
    "Powertools: resolver": "aws_lambda_powertools.event_handler.api_gateway",
    "pydantic": "pydantic",
    "boto3": "boto3",
    "requests": "requests",
    "ours, and what it reads the sources with": "clemta_intake.receive",
}


def moved(bench: Bench) -> dict[str, Any]:
    """M instructions to the first contact as shipped, and with each lever moved the other way."""
    shipped = bench.instructions(bench.ours, OURS, "created", 1)
    found: dict[str, Any] = {"as shipped": shipped}
    for name, move in LEVERS.items():
        folder = bench.trusting(bundles.shipped())
        found[name] = bench.instructions(folder, OURS, "created", 1, **move(folder))
    return found


def parts(bench: Bench) -> dict[str, int]:
    """M instructions that each import adds, and the first request after them all."""
    found: dict[str, int] = {}
    spent, imported = 0, ""
    for name, module in IMPORTS.items():
        imported += f"import {module}\n" if module else ""
        probe = f"import sys; sys.path.insert(0, {str(bench.ours)!r})\n{imported}"
        environment = bench.environment | {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
        command = [*CALLGRIND, *PYTHON, "-c", probe]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(done.stderr[-3000:])
        found[name] = counted(done.stderr) - spent
        spent += found[name]
    whole = bench.instructions(bench.ours, OURS, "created", 1)
    return {**found, "the first request: clients, TLS, three secrets, ledger, Clemta": whole - spent}


def _without_bytecode(folder: Path) -> dict[str, str]:
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    return {}


def _every_service(folder: Path) -> dict[str, str]:
    shutil.rmtree(folder / "botocore" / "data")
    shutil.copytree(bundles.reference("lean") / "botocore" / "data", folder / "botocore" / "data")
    return {}


def _plugin_scan(_: Path) -> dict[str, str]:
    return {"PYDANTIC_DISABLE_PLUGINS": ""}


def _edited(file: str, *changes: tuple[str, str]) -> Callable[[Path], dict[str, str]]:
    def edit(folder: Path) -> dict[str, str]:
        path = folder / "clemta_intake" / file
        text = path.read_text()
        for old, new in changes:
            if old not in text:
                raise Wrong(f"{file} does not hold {old!r}")
            text = text.replace(old, new, 1)
        path.unlink()  # it is the same file as in the build
        path.write_text(text)
        unchecked = ["-q", "-f", "--invalidation-mode", "unchecked-hash", str(path)]
        (path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc").unlink()
        subprocess.run([sys.executable, "-m", "compileall", *unchecked], check=True)
        return {}

    return edit


_EARLY = "import phonenumbers, pycountry, multipart, disposable_email_domains, gettext\nimport json\n"
LEVERS: dict[str, Callable[[Path], dict[str, str]]] = {
    "without bytecode in the bundle": _without_bytecode,
    "with a TLS context for each client": _edited("receive.py", ("\ncoldstart.share_tls_context()\n", "\n")),
    "with phone, country, multipart and domain data loaded at once": _edited(
        "receive.py", ("import json\n", _EARLY)
    ),
    "with the garbage collector at work meanwhile": _edited(
        "coldstart.py", ("    gc.disable()", "    pass"), ("    gc.freeze()", "    pass")
    ),
    "with botocore's data of every service": _every_service,
    "with pydantic's scan for plugins": _plugin_scan,
}

SHIPPED = {"user_agent": "clemta-intake", "parameter_validation": False}
SETTINGS: dict[str, dict[str, Any]] = {
    "botocore as it comes": {},
    "no user agent built, no parameters checked: as shipped": SHIPPED,
    "and no account id in the host's name": {**SHIPPED, "account_id_endpoint_mode": "disabled"},
    "and no host prefix": {**SHIPPED, "inject_host_prefix": False},
    "and no compression": {**SHIPPED, "disable_request_compression": True},
    "and the standard retry mode": {**SHIPPED, "retries": {"mode": "standard", "total_max_attempts": 1}},
    "and checksums only where required": {
        **SHIPPED,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    },
}


def settings(bench: Bench) -> dict[str, float]:
    """M instructions of one write to the ledger's table, by how botocore is set."""
    folder = bench.trusting(bundles.shipped())
    shutil.copyfile(ROOT / "bench" / "reference" / "write.py", folder / "write.py")
    return {
        name: bench.warm_instructions(folder, "write", "created", BOTOCORE_CONFIG=json.dumps(setting))
        for name, setting in SETTINGS.items()
    }
