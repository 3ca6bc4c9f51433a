"""Scenario 2: how long a sender waits for its answer, under each fault alone."""

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rich.progress import Progress

from bench.aws_faults import KINDS, SERVICES
from bench.chaos.errors import Failed
from bench.chaos.rig import Rig
from bench.chaos.senders import Answers, SignUp, status_of
from local.clemta import FAULTS

POSTS = 12  # for each fault
RECOVERY_SECONDS = 60


@dataclass(frozen=True)
class Mode:
    """Faults of Clemta and AWS; with `cold`, every request is a cold start."""

    name: str
    clemta: str = ""
    aws: Mapping[tuple[str, str], float] = field(default_factory=dict)
    cold: bool = False


def modes() -> Iterator[Mode]:
    """Every fault alone, and the pairs that delay an answer most."""
    yield Mode("none")
    yield from (Mode(f"Clemta {kind}", clemta=kind) for kind in FAULTS if kind != "status")
    for service, kind in itertools.product(SERVICES, KINDS):
        fault = {(service, kind): 1.0}
        match service:
            case "sqs":  # only a sign-up that Clemta did not take is queued
                yield Mode(f"Clemta down, SQS {kind}", "error_before", fault)
            case "secretsmanager":  # a warm process keeps the secrets for five minutes
                yield Mode(f"cold, Secrets Manager {kind}", aws=fault, cold=True)
            case _:
                yield Mode(f"DynamoDB {kind}", aws=fault)
    sluggish = {("dynamodb", "sluggish"): 1.0}
    yield Mode("DynamoDB sluggish, Clemta hung", "timeout_before", sluggish)
    yield Mode("cold, none", cold=True)
    both = {**sluggish, ("secretsmanager", "sluggish"): 1.0}
    yield Mode("cold, DynamoDB and Secrets Manager sluggish", aws=both, cold=True)


def run(rig: Rig, progress: Progress) -> list[dict[str, Any]]:
    """For each mode: its answers, and the percentiles of a sender's wait in seconds."""
    rows = []
    numbers = itertools.count()
    every = list(modes())
    task = progress.add_task("answers under each fault", total=len(every))
    for mode in every:
        rig.faults.clear()
        wait_until_recovered(rig)
        rig.faults.set_aws(dict(mode.aws))
        if mode.clemta:
            rig.faults.add_clemta(mode.clemta)
        answers = _measured(rig, mode, itertools.islice(numbers, POSTS))
        rows.append({"fault": mode.name, **answers.summary()})
        progress.advance(task)
    rig.faults.clear()
    return rows


def wait_until_recovered(rig: Rig) -> None:
    """Returns when a sign-up becomes a contact at once again."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        answer = rig.senders.post(SignUp(f"probe{time.time_ns()}@example.com", "website"))
        if status_of(answer) == "created":
            return
        if time.monotonic() > deadline:
            raise Failed(f"no sign-up is created {RECOVERY_SECONDS} s after the faults ended")
        time.sleep(0.2)


def _measured(rig: Rig, mode: Mode, numbers: Iterable[int]) -> Answers:
    answers = Answers()

    def post(number: int) -> None:
        if mode.cold:
            rig.workers.make_cold()
        sign_up = SignUp(f"latency{number}@example.com", "crm" if number % 2 else "website")
        began = time.monotonic()
        answer = rig.senders.post(sign_up)
        answers.add(status_of(answer), time.monotonic() - began)

    # Two cold starts at once would compete for this machine's cores; on Lambda they do not.
    with ThreadPoolExecutor(1 if mode.cold else 2) as pool:
        list(pool.map(post, numbers))
    return answers
