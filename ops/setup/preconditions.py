"""What must be there before setup makes anything: the checkout, the tools, and what AWS grants the account."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..aws import OperatorClients
from ..doctor.check import Check
from ..errors import OpsError

_FILES = ("template.yaml", "Makefile", "functions/Makefile", "samconfig.toml")
_FEW = 100  # concurrent executions; AWS gives 1000, but new accounts start with 10
_UNRESERVABLE = 10  # executions that must stay unreserved in such an account; elsewhere AWS demands 100


def require_checkout(project: Path) -> None:
    """OpsError if the command does not run in a clone: what it deploys is built from the files there."""
    if missing := [name for name in _FILES if not (project / name).is_file()]:
        raise OpsError(
            f"{project} is no clone of clemta-intake (no {missing[0]}): setup builds what it deploys. "
            "Clone the repository, and run this in its folder"
        )


def tools(project: Path) -> Iterator[Check]:
    """The programs that build and deploy."""
    if shutil.which("make") is None:
        yield Check(
            "make", "fail", "is not installed", "install it (Debian: apt install make; macOS: xcode-select)"
        )
    yield Check("python3.13", "ok", f"{sys.version.split()[0]}, as in Lambda")
    there = (project / ".venv" / "bin" / "sam").exists()
    yield Check("SAM CLI", "ok", "is in .venv" if there else "will be installed in .venv by make")


def concurrency(clients: OperatorClients, parameters: Mapping[str, str]) -> Iterator[Check]:
    """How many Lambda invocations the account may run at once."""
    limits = clients.client("lambda").get_account_settings()["AccountLimit"]
    quota = int(limits["ConcurrentExecutions"])
    reserved = int(parameters.get("ReceiveReservedConcurrency") or 0)
    do = "ask for more: Service Quotas, AWS Lambda, Concurrent executions; it costs nothing"
    if reserved and reserved > quota - _UNRESERVABLE:
        says = f"ReceiveReservedConcurrency {reserved} is more than the account can reserve: it has {quota}"
        yield Check("concurrency", "fail", says, do)
    elif quota < _FEW:
        says = f"{quota} sign-ups at once in the whole account; more get 503 and must be sent again"
        yield Check("concurrency", "note", says, do)
    else:
        yield Check("concurrency", "ok", f"{quota} at once")
