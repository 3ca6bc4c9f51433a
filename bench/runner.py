"""Runs a handler in a process of its own, over many events, and counts what it costs.

Instructions are counted by callgrind from process start; they repeat within 1%, wall times on shared machines do not.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import bundles
from bench.bundles import OURS
from bench.events import events
from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import Table
from local.clemta import StandIn
from local.clients import aws_client
from local.processes import ROOT

CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
PYTHON = [str(Path(sys.executable).resolve()), "-S", "-P", "-B"]
COUNTED = 40  # requests between two instruction counts
WINDOW_SECONDS = 60  # of Clemta's rate limit
STARTING_SECONDS = 5  # until a process under callgrind looks at the clock; afterwards its clock is slow
ANSWERS = {  # where a kind of event is answered with another word than its own
    "refused": "401",
    "duplicate": "created",  # a form's answer does not tell whether an address is known
}


class MeasurementError(Exception):
    """The handler did something else than what the benchmark is about."""


@dataclass(frozen=True)
class Handler:
    """A bundle, the module of its handler, and what the module needs in its environment."""

    folder: Path
    module: str
    variables: Mapping[str, str] = field(default_factory=dict)


class Runner:
    """Runs handlers against Clemta's stand-in, which speaks TLS as Clemta does."""

    def __init__(self, clemta: StandIn, environment: Mapping[str, str], certificate: Path) -> None:
        self.clemta = clemta
        self.environment = dict(environment)
        self._people = 0
        self._certificate = certificate
        self._dynamodb = aws_client("dynamodb", environment["AWS_ENDPOINT_URL"], str(certificate))
        self._sqs = aws_client("sqs", environment["AWS_ENDPOINT_URL"], str(certificate))
        self.ours = Handler(self.trusting(bundles.shipped()), OURS)
        self.lean = Handler(self.trusting(bundles.reference("lean")), "lean")
        self.lean_with_ledger = replace(self.lean, variables={"LEAN_LEDGER": "1"})

    def trusting(self, folder: Path) -> Path:
        """A copy of the folder whose certificate authorities include the stand-in's."""
        return bundles.trusting(folder, self._certificate)

    def answering_queued(self) -> Handler:
        """Our handler, whose source `website` has `answer = "queued"`."""
        folder = bundles.copy(self.ours.folder, self.ours.folder.with_name("queued"))
        file = folder / "sources.toml"
        text = file.read_text().replace("[sources.website]", '[sources.website]\nanswer = "queued"', 1)
        file.unlink()  # it is a hard link
        file.write_text(text)
        return Handler(folder, OURS)

    def queued(self) -> int:
        """How many messages the retry queue holds, delayed ones included."""
        found = self._sqs.get_queue_attributes(
            QueueUrl=self.environment["RETRY_QUEUE_URL"],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
        )
        return sum(map(int, found["Attributes"].values()))

    def tutorial(self) -> Handler:
        """The tutorials' handler, installed when it is asked for."""
        return Handler(self.trusting(bundles.reference("tutorial", "aws-xray-sdk")), "tutorial")

    def instructions(self, handler: Handler, kind: str, count: int) -> int:
        """Millions of instructions, from process start to the last of `count` answers."""
        return millions_counted(self._stderr(handler, kind, count, "count", CALLGRIND))

    def warm_instructions(
        self, handler: Handler, kind: str = "created", *, full_window: bool = True
    ) -> float:
        """Millions of instructions a request, once the process is warm; the first calls of a minute cost less."""
        counted = []
        for requests in (2, 2 + COUNTED):
            self._set_window(full=full_window)
            counted.append(self.instructions(handler, kind, requests))
        return round((counted[1] - counted[0]) / COUNTED, 2)

    def report(self, handler: Handler, kind: str, count: int, mode: str = "") -> dict[str, Any]:
        """The report of bench/probe.py on `count` requests, in one of the probe's modes."""
        return _report(self._stderr(handler, kind, count, mode, []))

    def _set_window(self, *, full: bool) -> None:
        """Forgets the calls to Clemta; with `full`, one was made in each second of the last minute."""
        self._dynamodb.delete_item(TableName="ledger", Key={"pk": {"S": "budget"}})
        moment = time.time() - WINDOW_SECONDS + STARTING_SECONDS
        rate_limit = RateLimit(Table(lambda: self._dynamodb, "ledger"), 10**8, lambda: moment)
        for _ in range(WINDOW_SECONDS if full else 0):
            rate_limit.acquire(Deadline.after(30))
            moment += 1

    def _stderr(self, handler: Handler, kind: str, count: int, mode: str, tool: list[str]) -> str:
        first, self._people = self._people, self._people + count
        # As in template.yaml.
        ours = {"PYDANTIC_DISABLE_PLUGINS": "__all__"} if handler.module == OURS else {}
        environment = {**self.environment, **ours, **handler.variables}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(events(kind, first, count), file)
            file.flush()
            probe = [str(ROOT / "bench" / "probe.py"), str(handler.folder), handler.module, file.name]
            command = [*tool, *PYTHON, *probe, *([mode] if mode else [])]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MeasurementError(done.stderr[-3000:])
        outcomes = _report(done.stderr)["outcomes"]
        expected = ANSWERS.get(kind, kind)
        if outcomes.get(expected, 0) < 0.99 * count - 1:  # the first of the duplicates creates the contact
            raise MeasurementError(f"expected the outcome {expected!r}, got {outcomes}")
        return done.stderr


def _report(stderr: str) -> dict[str, Any]:
    """The line that bench/probe.py wrote; valgrind writes others around it."""
    found: dict[str, Any] = json.loads(next(line for line in stderr.splitlines() if line.startswith("{")))
    return found


def millions_counted(text: str) -> int:
    """Millions of instructions, from callgrind's output."""
    found = re.search(r"Collected : (\d+)", text)
    if not found:
        raise MeasurementError("callgrind counted nothing")
    return int(found[1]) // 1_000_000


def require_valgrind() -> None:
    """Exits with a hint where valgrind is not installed."""
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed: apt-get install valgrind")
