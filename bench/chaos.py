"""Sign-ups through every fault at once, on the deployed local stack. `python -m bench.chaos -n 500`, or `make chaos`.

Each of N people is reported one to three times, in parallel, through two sources; of each ten one more is updated five
times in any order, and one is deleted by hand in Clemta and signs up again. Meanwhile Clemta fails in every way its
stand-in knows, DynamoDB, SQS and Secrets Manager fail too, and function processes are killed. Then the faults end, the
queues run empty, the dead letters are replayed, and what is in Clemta is counted: one contact each, as the newest event
and the operator's hand left it, or it fails.
"""

import argparse
import hmac
import itertools
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.aws_faults import KINDS, SERVICES, AwsFaults
from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID, FAULTS
from local.processes import ROOT
from local.sources import SOURCES
from local.stack import Deployed, Stack

RESULTS = ROOT / "bench" / "results"
ANSWER_SECONDS = 4.0  # P7
CLEMTA_SHARE = 0.35  # of Clemta's answers are faults
LIMITED_SHARE = 0.002  # of it: each 429 stops everybody for two seconds, and would hide the other faults
AWS_SHARE = 0.01  # of each service's answers, for each kind of fault
SENDERS = 6
TRIES = 30  # a sender's own retries, on 503 and on no answer
KILL_EVERY = 1.5  # seconds
CRM_SECRET = "local-crm-secret"  # noqa: S105 - the local stack's
SECONDS = {"rate_limited": 2, "timeout_before": 8, "timeout_after": 8, "slow": 8, "slow_headers": 8}
REFUSALS = (400, 401, 403)  # Clemta's lasting ones: they end in the dead-letter queue
LATENCY_POSTS = 12  # for each fault
SEARCHES: dict[str, dict[str, Any]] = {  # what Clemta takes `search` for
    "text": {},
    "case-sensitive": {"search_case_sensitive": True},
    "regex": {"search_pattern": "regex"},
    "emails-only": {"search_names": False},
    "all": {"search_case_sensitive": True, "search_pattern": "regex", "search_names": True},
}
STRANGERS = 20  # contacts whose name is the address of one of the people
VERSIONS = 5  # of each person that is updated
BY_HAND = "call after 5 pm"
PROFILE = """
[sources.profile]
kind = "webhook"
auth = { scheme = "hmac", header = "x-signature", encoding = "hex", prefix = "sha256=", secret = "crm" }
on_existing = "update"
allow_overwrite = true
delivery_id = "body.id"
event_time = "body.at"
[sources.profile.contact]
full_name = "body.name"
email = "body.email"
[sources.profile.defaults]
description = "Signed up through {source}"
"""
"""A source that updates, beside the project's own."""


class Failed(Exception):
    """A promise was broken, or the run came to no end."""


@dataclass
class Answers:
    """What the senders got, and after how long."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, email: str, status: str, seconds: float, acknowledged: bool) -> None:
        """One answer."""
        with self._lock:
            self.statuses[status] += 1
            self.seconds.append(seconds)
            if acknowledged:
                self.acknowledged.add(email.lower())


class Chaos:
    """The stack with its faults, and who sends to it."""

    def __init__(self, stack: Stack, deployed: Deployed, aws: AwsFaults, seed: int) -> None:
        self.stack, self.deployed, self.aws = stack, deployed, aws
        self.chance = random.Random(seed)
        self.seed = seed
        self.sqs = deployed.client("sqs")
        self.dynamodb = deployed.client("dynamodb")
        self.killed = 0
        self.began = int(time.time()) - 1_000  # events happen before anything is sent
        self.by_hand: dict[str, set[str]] = {"deleted": set(), "edited": set()}

    def send(self, email: str, source: str, answers: Answers, version: int = 0) -> None:
        """Delivers as a sender does: again and again until it is acknowledged."""
        for _ in range(TRIES):
            began = time.monotonic()
            try:
                answer = self._post(email, source, version)
            except requests.RequestException as error:
                answers.add(email, type(error).__name__, time.monotonic() - began, acknowledged=False)
                continue
            taken = answer.status_code == 200
            status = answer.json()["status"] if taken else str(answer.status_code)
            answers.add(email, status, time.monotonic() - began, acknowledged=taken)
            if taken:
                return

    def stranger(self, number: int, email: str) -> None:
        """Puts a contact into Clemta that a search for this address finds too, if it looks in names."""
        body = {
            "type": "customer",
            "full_name": email,
            "email": f"stranger{number}@example.net",
            "company_id": DEFAULT_COMPANY_ID,
        }
        with requests.Session() as session:
            session.trust_env = False
            url, key = f"{self.deployed.clemta_url}/contacts", {"X-API-Key": DEFAULT_API_KEY}
            session.post(url, json=body, headers=key, timeout=30).raise_for_status()

    def _post(self, email: str, source: str, version: int = 0) -> requests.Response:
        person = {"first": "Ada", "last": "Example", "full_name": "Ada Example", "email": email}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(person).encode()
        if source != "website":
            event: dict[str, Any] = {"event": "lead.created", **person}
            if source == "profile":
                name = f"Ada Version {version}"
                event = {"id": f"{email}/{version}", "at": self.began + version, "name": name, "email": email}
            body = json.dumps(event).encode()
            signature = "sha256=" + hmac.digest(CRM_SECRET.encode(), body, "sha256").hex()
            headers = {"Content-Type": "application/json", "X-Signature": signature, "X-Delivery": email}
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.deployed.api_url}/signups/{source}"
            return session.post(url, data=body, headers=headers, timeout=30)

    def clemta(self, method: str, name: str, body: Any = None) -> Any:
        """The stand-in's control."""
        url = f"{self.deployed.clemta_url}/_stand-in/{name}"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, url, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def fault(self, kind: str, probability: float = 1.0, **how: Any) -> None:
        """Switches a fault of Clemta's on, until all are cleared."""
        if kind in SECONDS:
            how["seconds"] = SECONDS[kind]
        given = {"fault": kind, "on": "any", "times": None, "probability": probability, "seed": self.seed}
        self.clemta("POST", "faults", given | how)

    def storm(self) -> None:
        """Everything at once. Each fault is drawn after those before it let the call pass, so all are as likely."""
        kinds: list[tuple[str, dict[str, Any]]] = [
            (kind, {}) for kind in FAULTS if kind not in ("status", "rate_limited")
        ]
        kinds += [("status", {"status": status}) for status in REFUSALS]
        left, each = 1.0, (CLEMTA_SHARE - LIMITED_SHARE) / len(kinds)
        for number, (kind, how) in enumerate(kinds):
            self.fault(kind, each / left, **{**how, "seed": self.seed + number})
            left -= each
        self.fault("rate_limited", LIMITED_SHARE / left)
        self.aws.rates = {(service, kind): AWS_SHARE for service in SERVICES for kind in KINDS}

    def calm(self) -> None:
        """No more faults, and no memory of Clemta's last 429."""
        self.clemta("DELETE", "faults")
        self.aws.rates = {}
        self.dynamodb.delete_item(TableName=self.deployed.ledger_table, Key={"pk": {"S": "budget"}})

    def recovered(self) -> None:
        """Returns when a sign-up is a contact at once again."""
        deadline = time.monotonic() + 60
        for number in itertools.count():
            answer = self._post(f"probe{time.time_ns()}-{number}@example.com", "website")
            if answer.status_code == 200 and answer.json()["status"] == "created":
                return
            if time.monotonic() > deadline:
                raise Failed("no sign-up is created a minute after the faults have ended")
            time.sleep(0.2)

    def make_cold(self) -> None:
        """Ends the receiving function's processes: its next invocation is cold."""
        ours = children(self.stack.emulator_pid())
        workers = [pid for pid in ours if "ReceiveFunction" in of_process(pid, "environ")]
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        # Until they are dead the emulator would ask them.
        while any(lives(worker) for worker in workers):
            time.sleep(0.01)

    @contextmanager
    def killing(self) -> Iterator[None]:
        """Kills a function's process every now and then."""
        over = threading.Event()

        def kill() -> None:
            while not over.wait(KILL_EVERY):
                workers = children(self.stack.emulator_pid())
                if workers:
                    with suppress(ProcessLookupError):
                        os.kill(self.chance.choice(workers), signal.SIGKILL)
                        self.killed += 1

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def operating(self, answers: Answers) -> Iterator[None]:
        """Deletes contacts in Clemta, whose people then sign up again, and edits others; each once."""
        over = threading.Event()

        def operate() -> None:
            while not over.wait(0.2):
                for contact in self.clemta("GET", "contacts")["contacts"]:
                    self._operate(contact, answers)

        thread = threading.Thread(target=operate, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _operate(self, contact: dict[str, Any], answers: Answers) -> None:
        email, path = contact["email"], f"contacts/{contact['id']}"
        if email.startswith("deleted") and email not in self.by_hand["deleted"]:
            self.by_hand["deleted"].add(email)
            self.clemta("DELETE", path)
            self.send(email, "website", answers)
        elif email.startswith("updated") and email not in self.by_hand["edited"]:
            self.by_hand["edited"].add(email)
            self.clemta("PATCH", path, {"description": BY_HAND})

    def waiting(self, queue_url: str) -> int:
        """Messages in the queue, delayed ones and those in work among them."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def drain(self, progress: Progress, seconds: float) -> None:
        """Returns when the retry queue is empty."""
        task = progress.add_task("waiting", total=None)
        deadline = time.monotonic() + seconds
        while left := self.waiting(self.deployed.retry_queue_url):
            progress.update(task, description=f"{left} in the retry queue")
            if time.monotonic() > deadline:
                raise Failed(f"{left} messages are still in the retry queue after {seconds:.0f} s")
            time.sleep(0.5)
        progress.remove_task(task)

    def dead_letters(self) -> list[dict[str, Any]]:
        """Takes every message from the dead-letter queue."""
        found = []
        while self.waiting(self.deployed.dead_letter_queue_url):
            received = self.sqs.receive_message(
                QueueUrl=self.deployed.dead_letter_queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=600,
                WaitTimeSeconds=1,
            )
            for message in received.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self.deployed.dead_letter_queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return found

    def replay(self, letters: Iterable[dict[str, Any]]) -> None:
        """Puts dead letters back on the retry queue."""
        for letter in letters:
            body = json.dumps(letter | {"attempt": 0, "not_before": 0})
            self.sqs.send_message(QueueUrl=self.deployed.retry_queue_url, MessageBody=body)

    def contacts(self) -> Counter[str]:
        """How many contacts each e-mail address has."""
        emails = [entry["email"] for entry in self.clemta("GET", "contacts")["contacts"]]
        return Counter(email.lower() for email in emails if not email.startswith("stranger"))


def children(pid: int) -> list[int]:
    """The processes that this one started: the emulator's are the functions'."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def of_process(pid: int, what: str) -> str:
    """What the kernel says of it; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def lives(pid: int) -> bool:
    """Whether the process still runs: its parent has not been told of its end."""
    state = of_process(pid, "stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def through_chaos(chaos: Chaos, people: int, progress: Progress) -> dict[str, Any]:
    """The main run; its figures. Raises Failed on a duplicate or a loss."""
    # Each with a tag of its own: its safe part is searched, and one that all share would be found with all of them.
    emails = [f"person{number}{('', f'+tag{number}')[number % 2]}@example.com" for number in range(people)]
    for number, email in enumerate(emails[:STRANGERS]):
        chaos.stranger(number, email)
    deliveries = [
        (chaos.chance.choice([email, email.title()]), chaos.chance.choice(["website", "crm"]), 0)
        for email in emails
        for _ in range(chaos.chance.randint(1, 3))
    ]
    for number in range(people // 10):
        early = chaos.chance.randrange(len(deliveries) // 2)  # so that the operator meets it in the storm
        deliveries.insert(early, (f"deleted{number}@example.com", "crm", 0))
        versions = chaos.chance.sample(range(1, VERSIONS + 1), VERSIONS)
        at = chaos.chance.randrange(len(deliveries))
        deliveries[at:at] = [(f"updated{number}@example.com", "profile", version) for version in versions]
    # Close together, so that one person's reports are under way at the same time.
    answers = Answers()
    task = progress.add_task("sign-ups", total=len(deliveries))
    began = time.monotonic()
    chaos.storm()
    calls = chaos.aws.calls

    def deliver(one: tuple[str, str, int]) -> None:
        email, source, version = one
        chaos.send(email, source, answers, version)
        progress.advance(task)

    with chaos.killing(), chaos.operating(answers), ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(deliver, deliveries))
    stormed = time.monotonic() - began
    struck = {fault["fault"]: 0 for fault in chaos.clemta("GET", "faults")["faults"]}
    for fault in chaos.clemta("GET", "faults")["faults"]:
        struck[fault["fault"]] += fault["applied"]
    chaos.calm()
    seconds = 600 + 0.5 * len(deliveries)
    chaos.drain(progress, seconds)

    contacts, letters = chaos.contacts(), chaos.dead_letters()
    parked = {email_of(letter).lower() for letter in letters}
    figures = {
        "people": people + 2 * (people // 10),
        "deliveries": len(deliveries),
        "requests": sum(answers.statuses.values()),
        "answers": dict(answers.statuses.most_common()),
        "acknowledged": len(answers.acknowledged),
        "contacts": len(contacts),
        "duplicates": sum(count - 1 for count in contacts.values()),
        "lost": len(answers.acknowledged - contacts.keys() - parked),
        "dead_letters": by_failure(letters),
        "clemta_faults": struck,
        "aws_calls": chaos.aws.calls - calls,
        "aws_faults": {
            service: sum(count for (name, _), count in chaos.aws.struck.items() if name == service)
            for service in SERVICES
        },
        "killed": chaos.killed,
        "p50": round(statistics.median(answers.seconds), 2),
        "p99": round(percentile(answers.seconds, 0.99), 2),
        "seconds": round(stormed),
    }
    chaos.replay(letters)
    chaos.drain(progress, seconds)
    contacts = chaos.contacts()
    figures["after_replay"] = {
        "contacts": len(contacts),
        "duplicates": sum(count - 1 for count in contacts.values()),
        "lost": len(answers.acknowledged - contacts.keys()),
        "dead_letters": by_failure(chaos.dead_letters()),
        **by_hand(chaos),
    }
    return figures


def by_failure(letters: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many dead letters each class and code has."""
    failures = (letter["failure"] for letter in letters)
    return dict(Counter(f"{failure['class']} {failure['code']}".strip() for failure in failures))


def by_hand(chaos: Chaos) -> dict[str, int]:
    """What became of those that were deleted, edited and updated."""
    there = {entry["email"]: entry for entry in chaos.clemta("GET", "contacts")["contacts"]}
    updated = [entry for email, entry in there.items() if email.startswith("updated")]
    edited = [there[email] for email in chaos.by_hand["edited"] if email in there]
    return {
        "deleted_by_hand": len(chaos.by_hand["deleted"]),
        "not_made_again": len(chaos.by_hand["deleted"] - there.keys()),
        "updated": len(updated),
        "overwritten_by_older": sum(entry["full_name"] != f"Ada Version {VERSIONS}" for entry in updated),
        "edited_by_hand": len(edited),
        "edits_lost": sum(entry["description"] != BY_HAND for entry in edited),
    }


def email_of(letter: dict[str, Any]) -> str:
    """Whose sign-up a queue message carries."""
    import base64
    from urllib.parse import parse_qs

    body = base64.b64decode(letter["body_base64"]).decode()
    return str(json.loads(body)["email"] if body.startswith("{") else parse_qs(body)["email"][0])


def latency(chaos: Chaos, progress: Progress) -> list[dict[str, Any]]:
    """How long a sender waits in each fault mode: seconds, as the sender measures them."""
    modes: list[tuple[str, str, str]] = [("none", "", "")]
    modes += [(f"Clemta {kind}", "clemta", kind) for kind in FAULTS if kind != "status"]
    names = {"dynamodb": "DynamoDB", "sqs": "Clemta down, SQS", "secretsmanager": "cold, Secrets Manager"}
    modes += [(f"{names[one]} {kind}", one, kind) for one in SERVICES for kind in KINDS]
    modes += [("DynamoDB sluggish, Clemta hung", "dynamodb", "sluggish"), ("cold, none", "", "")]
    modes += [("cold, DynamoDB and Secrets Manager sluggish", "dynamodb", "sluggish")]
    rows = []
    task = progress.add_task("answers under each fault", total=len(modes))
    numbers = itertools.count()
    for name, service, kind in modes:
        chaos.calm()
        chaos.recovered()
        if service == "clemta":
            chaos.fault(kind)
        elif service:
            chaos.aws.rates = {(service, kind): 1.0}
        if name.startswith("cold, DynamoDB"):
            chaos.aws.rates["secretsmanager", kind] = 1.0
        if service == "sqs":
            chaos.fault("error_before")  # else nothing would be queued
        if name.endswith("Clemta hung"):
            chaos.fault("timeout_before")
        cold = name.startswith("cold")  # a process that has read them keeps the secrets for five minutes
        answers = Answers()

        def post(number: int, answers: Answers = answers, cold: bool = cold) -> None:
            if cold:
                chaos.make_cold()
            began = time.monotonic()
            answer = chaos._post(f"latency{number}@example.com", ("website", "crm")[number % 2])
            status = answer.json()["status"] if answer.status_code == 200 else str(answer.status_code)
            answers.add("", status, time.monotonic() - began, acknowledged=False)

        # Two cold starts at once would share these cores, as they do not on Lambda.
        with ThreadPoolExecutor(1 if cold else 2) as senders:
            list(senders.map(post, itertools.islice(numbers, LATENCY_POSTS)))
        rows.append(
            {
                "fault": name,
                "answers": dict(answers.statuses.most_common()),
                "p50": round(statistics.median(answers.seconds), 2),
                "p99": round(percentile(answers.seconds, 0.99), 2),
            }
        )
        progress.advance(task)
    chaos.calm()
    return rows


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def burst(chaos: Chaos, signups: int, limit: int, progress: Progress) -> dict[str, Any]:
    """Sign-ups as fast as this machine sends them, against so many calls a minute; nothing else fails."""
    chaos.calm()
    chaos.drain(progress, 900)  # what the faults before it left behind is not of the burst
    chaos.dead_letters()
    chaos.clemta("POST", "reset")
    chaos.clemta("POST", "settings", {"rate_limit": limit})
    answers = Answers()
    task = progress.add_task(f"burst against {limit} calls a minute", total=signups)
    began = time.monotonic()

    def deliver(number: int) -> None:
        chaos.send(f"burst{number}@example.com", "website", answers)
        progress.advance(task)

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(deliver, range(signups)))
    sent = time.monotonic() - began
    chaos.drain(progress, 120 + 4 * 60 * signups / limit)
    took = time.monotonic() - began
    calls = chaos.clemta("GET", "health")
    refused = [request for request in chaos.clemta("GET", "requests")["requests"] if request["status"] == 429]
    contacts = chaos.contacts().keys() & {f"burst{number}@example.com" for number in range(signups)}
    return {
        "signups": signups,
        "limit": limit,
        "sent_in_seconds": round(sent, 1),
        "contacts": len(contacts),
        "most_calls_in_a_minute": calls["peak"],
        "refused_with_429": len(refused),
        "dead_letters": by_failure(chaos.dead_letters()),
        "drained_in_seconds": round(took, 1),
        "pace": round(2 * signups / limit * 60 / took, 2),
    }


def broken(result: dict[str, Any]) -> list[str]:
    """The promises that the figures break."""
    main, after, found = result["chaos"], result["chaos"]["after_replay"], []
    for name, figures in (("", main), (" after the replay", after)):
        if figures["duplicates"]:
            found.append(f"P3: {figures['duplicates']} duplicates{name}")
        if figures["lost"]:
            found.append(f"P4: {figures['lost']} lost{name}")
    found += [
        f"P3: {after[what]} {what.replace('_', ' ')}"
        for what in ("not_made_again", "overwritten_by_older", "edits_lost")
        if after[what]
    ]
    if main["people"] >= 100 and not (after["deleted_by_hand"] and after["edited_by_hand"]):
        found.append("nothing was deleted or edited by hand")
    if after["dead_letters"]:
        found.append(f"P4: dead letters are left after the replay: {after['dead_letters']}")
    if main["acknowledged"] < main["people"]:
        found.append(f"{main['people'] - main['acknowledged']} people were never acknowledged")
    found += [
        f"P7: p99 of {row['p99']} s under {row['fault']}"
        for row in result["latency"]
        if row["p99"] > ANSWER_SECONDS
    ]
    found += [
        f"P2: {status} under {row['fault']}"
        for row in result["latency"]
        for status in row["answers"]
        if status in ("500", "502", "504")
    ]
    wave = result["burst"]
    if wave["most_calls_in_a_minute"] > wave["limit"] or wave["refused_with_429"]:
        found.append("P6: more calls than the limit in a minute")
    if wave["contacts"] < wave["signups"] or wave["dead_letters"]:
        found.append(
            f"P4: the burst made {wave['contacts']} contacts, and dead letters: {wave['dead_letters']}"
        )
    if wave["pace"] < 0.9:
        found.append(f"P6: the burst was drained at {wave['pace']} of the limit's pace")
    return found


def show(result: dict[str, Any], console: Console) -> None:
    """The tables that a person reads."""
    main, after, wave = result["chaos"], result["chaos"]["after_replay"], result["burst"]
    faults = sum(main["clemta_faults"].values())
    table = Table("chaos", "", title=None, show_header=False)
    for name, value in [
        ("people", main["people"]),
        ("deliveries, requests", f"{main['deliveries']}, {main['requests']}"),
        ("answers", ", ".join(f"{count} {status}" for status, count in main["answers"].items())),
        ("acknowledged", main["acknowledged"]),
        ("Clemta's faults, AWS's, kills", f"{faults}, {sum(main['aws_faults'].values())}, {main['killed']}"),
        ("a sender waited, p50 and p99", f"{main['p50']:.2f} s, {main['p99']:.2f} s"),
        ("contacts", main["contacts"]),
        ("duplicates", main["duplicates"]),
        ("lost", main["lost"]),
        ("dead letters", ", ".join(f"{n} {kind}" for kind, n in main["dead_letters"].items()) or "none"),
        ("after their replay", f"{after['contacts']} contacts, {after['duplicates']} duplicates"),
        ("deleted by hand, not made again", f"{after['deleted_by_hand']}, {after['not_made_again']}"),
        ("updated, overwritten by older", f"{after['updated']}, {after['overwritten_by_older']}"),
        ("edited by hand, edits lost", f"{after['edited_by_hand']}, {after['edits_lost']}"),
    ]:
        table.add_row(name, str(value))
    console.print(table)
    times = Table("fault", "answers", "p50 s", "p99 s")
    for row in result["latency"]:
        answers = ", ".join(f"{count} {status}" for status, count in row["answers"].items())
        times.add_row(row["fault"], answers, f"{row['p50']:.2f}", f"{row['p99']:.2f}")
    console.print(times)
    console.print(
        f"burst: {wave['signups']} sign-ups in {wave['sent_in_seconds']} s against {wave['limit']} calls a minute: "
        f"at most {wave['most_calls_in_a_minute']} in any 60 s, {wave['refused_with_429']} refused, "
        f"drained in {wave['drained_in_seconds']} s ({wave['pace']:.0%} of the limit's pace)",
        soft_wrap=True,
    )


def main() -> int:
    """0 only if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("-n", type=int, default=500, help="people (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--search", choices=SEARCHES, default="all", help="how Clemta searches (default: %(default)s)"
    )
    parser.add_argument("--burst", type=int, default=500, help="sign-ups of the burst (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=500, help="calls a minute in the burst")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, AwsFaults(options.seed) as aws:
        sources = Path(folder) / "sources.toml"
        sources.write_text(SOURCES.read_text() + PROFILE)
        stack = Stack(
            state_dir=Path(folder) / "stack",
            sources_file=sources,
            aws_port=0,
            clemta_port=0,
            console_port=0,
            retry_base_seconds=1,
            search_lag_seconds=1,
            recheck_seconds=0,
            clemta_requests_per_minute=100_000,
            redeliver_concurrency=10,  # a thousand times Clemta's pace: two messages at a time would drain for an hour
            functions_aws_url=aws.url,
            say=console.print,
        )
        try:
            deployed = stack.up()
            aws.forward_to(deployed.aws_endpoint_url)
            chaos = Chaos(stack, deployed, aws, options.seed)
            usual = {"rate_limit": 1_000_000, "search_lag": 1}
            chaos.clemta("POST", "settings", usual | SEARCHES[options.search])
            chaos.sqs.set_queue_attributes(  # a killed function's messages come back sooner than on AWS
                QueueUrl=deployed.retry_queue_url, Attributes={"VisibilityTimeout": "20"}
            )
            with Progress(console=console, transient=True) as progress:
                result = measured(options)
                result["chaos"] = through_chaos(chaos, options.n, progress)
                result["latency"] = latency(chaos, progress)
                chaos.drain(progress, 300)
                chaos.deployed = replace(stack, clemta_requests_per_minute=options.limit).up()
                result["burst"] = burst(chaos, options.burst, options.limit, progress)
        finally:
            stack.down()
    show(result, console)
    problems = result["broken"] = broken(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "chaos.json").write_text(json.dumps(result, indent=2) + "\n")
    for problem in problems:
        console.print(problem, style="bold red")
    return 1 if problems else 0


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """When, on what, and with what it can be repeated."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "emulator": f"ministack {version('ministack')}",
        "command": f"python -m bench.chaos -n {options.n} --seed {options.seed} --search {options.search}"
        f" --burst {options.burst} --limit {options.limit}",
    }


if __name__ == "__main__":
    sys.exit(main())
