"""Checks the ledger and the queues."""

import time
from collections.abc import Iterator

from ..dead_letters import WHAT_TO_DO, Selection, read_letters
from ..environments import Environment
from ..messages import depth
from ..redelivery import pollers
from ..status import age
from ..times import duration
from .check import Check, secret_text


def ledger(env: Environment) -> Iterator[Check]:
    table = env.client("dynamodb").describe_table(TableName=env.settings.ledger_table)["Table"]
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        yield Check("ledger", "fail", f"the table is {table['TableStatus']}", "wait, or check it in DynamoDB")
    elif not secret_text(env, env.settings.ledger_pepper_id).strip():
        do = "restore the secret's former value: with another one the ledger finds no contact"
        yield Check("ledger", "fail", "its pepper is empty", do)
    else:
        yield Check("ledger", "ok", "answers")


def retry_queue(env: Environment) -> Iterator[Check]:
    counts = depth(env.client("sqs"), env.settings.retry_queue_url)
    oldest = age(env, env.settings.retry_queue_url)
    total = sum(counts.values())
    says = f"{total} waiting" + (
        f", the oldest for {duration(oldest)}" if total and oldest is not None else ""
    )
    yield Check("retry queue", "ok", says)
    states = [poller["State"] for poller in pollers(env)]
    if states and all(state.startswith(("Enabl", "Creat", "Updat")) for state in states):
        yield Check("redelivery", "ok", "is switched on")
    else:
        do = "switch on the retry queue's event source mapping (aws lambda update-event-source-mapping --enabled)"
        yield Check("redelivery", "fail", "is switched off: nothing is retried", do)


def dead_letters(env: Environment) -> Iterator[Check]:
    if not sum(depth(env.client("sqs"), env.settings.dead_letter_queue_url).values()):
        yield Check("dead letters", "ok", "none")
        return
    letters, unread = read_letters(env, Selection())
    classes = sorted({letter.failure_class for letter in letters})
    for name in classes:
        some = [letter for letter in letters if letter.failure_class == name]
        oldest = duration(time.time() - min(letter.sent_at for letter in some))
        says = f"{len(some)} of class {name}, the oldest for {oldest}"
        yield Check("dead letters", "fail", says, f"clemta-intake dlq list; {WHAT_TO_DO[name]}")
    if unread:
        says = f"{unread} could not be read: another command is working on them"
        yield Check("dead letters", "note", says, "run doctor again in a minute")


def held(env: Environment) -> Iterator[Check]:
    held = sum(depth(env.client("sqs"), env.settings.held_queue_url).values())
    do = "clemta-intake held list; release what a person sent: held submissions are deleted after 14 days"
    yield Check("held", "note" if held else "ok", f"{held or 'nothing'} held as spam", do if held else "")
