"""Scenario 1: every fault at once, processes killed, contacts changed by hand; then a replay of the dead letters."""

import random
import time
from typing import Any

from rich.progress import Progress

from bench.chaos.background import repeating
from bench.chaos.manual_changes import DELETED, UPDATED, VERSIONS, ManualChanges
from bench.chaos.queues import by_failure, email_of
from bench.chaos.rig import Rig
from bench.chaos.senders import Answers, SignUp, Source

KILL_PAUSE = 1.5  # seconds
CHANGE_PAUSE = 0.2  # seconds
NAMESAKES = 20
REPORTED_BY: tuple[Source, ...] = ("website", "crm")


def run(rig: Rig, people: int, seed: int, progress: Progress) -> dict[str, Any]:
    """The figures of the storm, and of the replay after it. Raises Failed when the queues do not drain."""
    emails = addresses(people)
    for number, email in enumerate(emails[:NAMESAKES]):
        rig.clemta.add_namesake(number, email)
    sign_ups = shuffled_sign_ups(emails, random.Random(seed))
    answers = Answers()
    changes = ManualChanges(rig.clemta, rig.senders, answers)
    aws_calls = rig.faults.aws.calls
    rig.faults.add_all()
    stormed = _storm(rig, sign_ups, answers, changes, progress)
    clemta_faults, last_calls = rig.faults.clemta_counts(), rig.clemta.last_calls()
    rig.faults.clear()
    drain_seconds = 600 + 0.5 * len(sign_ups)
    rig.queues.drain(progress, drain_seconds)

    letters = rig.queues.take_dead_letters()
    figures = {
        "people": people + 2 * (people // 10),
        "deliveries": len(sign_ups),
        "requests": sum(answers.statuses.values()),
        "acknowledged": len(answers.acknowledged),
        **_outcome(rig, answers, letters, parked={email_of(letter) for letter in letters}),
        "clemta_faults": clemta_faults,
        "last_calls": last_calls,
        "aws_calls": rig.faults.aws.calls - aws_calls,
        "aws_faults": rig.faults.aws_counts(),
        "killed": rig.workers.killed,
        **answers.summary(),
        "seconds": round(stormed),
    }
    rig.queues.replay(letters)
    rig.queues.drain(progress, drain_seconds)
    left = rig.queues.take_dead_letters()
    figures["after_replay"] = {**_outcome(rig, answers, left, parked=set()), **changes.result()}
    return figures


def addresses(people: int) -> list[str]:
    """An e-mail address for each person; every other one has a tag of its own."""
    # One tag for all would make a search for it, which is the address's safe part, find everybody.
    return [f"person{number}{f'+tag{number}' if number % 2 else ''}@example.com" for number in range(people)]


def shuffled_sign_ups(emails: list[str], chance: random.Random) -> list[SignUp]:
    """The reports in the order of sending: one person's are close together, so that they are handled in parallel."""
    sign_ups = [
        SignUp(chance.choice([email, email.title()]), chance.choice(REPORTED_BY))
        for email in emails
        for _ in range(chance.randint(1, 3))
    ]
    for number in range(len(emails) // 10):
        early = chance.randrange(len(sign_ups) // 2)  # so that it is deleted by hand while the storm lasts
        sign_ups.insert(early, SignUp(f"{DELETED}{number}@example.com", "crm"))
        versions = chance.sample(range(1, VERSIONS + 1), VERSIONS)
        at = chance.randrange(len(sign_ups))
        updated = f"{UPDATED}{number}@example.com"
        sign_ups[at:at] = [SignUp(updated, "profile", version) for version in versions]
    return sign_ups


def _storm(
    rig: Rig, sign_ups: list[SignUp], answers: Answers, changes: ManualChanges, progress: Progress
) -> float:
    """Delivers every sign-up while the faults last; the seconds that it took."""
    task = progress.add_task("sign-ups", total=len(sign_ups))
    began = time.monotonic()
    with repeating(rig.workers.kill_one, KILL_PAUSE), repeating(changes.apply, CHANGE_PAUSE):
        rig.senders.deliver_all(sign_ups, answers, on_delivered=lambda: progress.advance(task))
    return time.monotonic() - began


def _outcome(rig: Rig, answers: Answers, letters: list[dict[str, Any]], parked: set[str]) -> dict[str, Any]:
    contacts = rig.clemta.contacts_by_email()
    return {
        "contacts": len(contacts),
        "duplicates": sum(count - 1 for count in contacts.values()),
        "lost": len(answers.acknowledged - contacts.keys() - parked),
        "dead_letters": by_failure(letters),
    }
