"""find and erase."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from .. import dead_letters, logs, message_views, people
from ..errors import OpsError
from ..messages import Message
from ..times import at
from .registration import command
from .session import Session

app = typer.Typer()


@command(app, "find", "find ada@example.com", "find 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d")
def find(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="an e-mail address, or a submission's id")],
) -> bool:
    """Finds a sign-up: where it is, or its outcome."""
    person = people.find(session.env, text)
    lines = [
        *(Text(_logged(line)) for line in person.history),
        *(Text(_answered(line)) for line in person.requests),
        *(_waiting("waits in the retry queue and is retried automatically", one) for one in person.waiting),
        *(_parked(one) for one in person.parked),
        *(_parked(one, "is held as spam") for one in person.held),
        *(Text(_ledger(item)) for item in person.ledger),
        *(Text(f"is contact {one['id']} in Clemta", style="green") for one in person.contacts),
        *(Text(said, style="yellow") for said in [*_unseen(person), *person.trouble]),
    ]
    refused: list[logs.Refusal] = []
    if not person.seen and not person.unseen:
        refused = logs.refusals(session.env)
        lines = [Text("not found: check the sender's own log"), *lines, *_refusals(session, refused)]
    session.say(Group(*lines), {**_person(person), "refusals": [asdict(one) for one in refused]})
    return person.seen


def _refusals(session: Session, refused: list[logs.Refusal]) -> Iterator[Text]:
    """What was refused lately: nothing of it is kept, so it cannot be found by its e-mail address."""
    yield Text(
        "refused in the last 24 hours, and not kept:"
        if refused
        else "nothing was refused in the last 24 hours"
    )
    for one in refused:
        source = f"to {one.source}" if one.source else "by API Gateway itself"
        yield Text(
            f"  {one.count} {one.outcome} ({one.code}) {source}, the last {at(one.last_at)}", style="yellow"
        )
    if not logs.has_access_log(session.env):
        yield Text("what API Gateway itself refuses is not logged: deploy with AccessLog=true", style="dim")


def _answered(line: dict[str, Any]) -> str:
    kind = line.get("responseType", "-")
    by = "the function" if kind == "-" else f"API Gateway itself ({kind})"
    return f"{at(line['at'])}  {line.get('method')} {line.get('path')}: {line.get('status')} from {by}"


def _waiting(where: str, message: Message) -> Text:
    said = message_views.summary(message)
    return Text(f"{where}: {said['submission_id']} ({said['class']}, {said['code']}, from {said['source']})")


def _parked(message: Message, where: str = "failed and needs you") -> Text:
    return _waiting(where, message) + Text(f": {dead_letters.WHAT_TO_DO[message.failure_class]}")


def _logged(line: dict[str, Any]) -> str:
    why = line.get("code") or line.get("rule") or line.get("reason")
    return f"{at(line['at'])}  {line['outcome']}{f' ({why})' if why else ''}, from {line['source']}"


def _ledger(item: dict[str, str]) -> str:
    """A ledger item's state as text; docs/architecture.md lists all states."""
    match item.get("state"):
        case "created":
            return f"the ledger says: it became contact {item['contact_id']}"
        case "claimed" if float(item.get("lease_until", 0)) > time.time():
            return "the ledger says: it is being delivered now"
        case "free":
            return "the ledger says: it was tried, and there is no contact yet"
        case _:
            return (
                "the ledger says: it was tried, and it is unknown whether Clemta has the contact: "
                "the next attempt looks it up first"
            )


def _unseen(person: people.Person) -> Iterator[str]:
    """Hints about messages that could not be read."""
    found = person.waiting or person.parked or person.held
    tried = any(item.get("state") != "created" for item in person.ledger)
    if person.delayed:
        waiting = f"{person.delayed} in the retry queue could not be read: delayed, or being tried"
        if tried and not found:
            yield f"it probably waits, and is retried automatically: {waiting}"
        else:
            yield waiting if person.seen else f"not found, but it may be waiting: {waiting}"
    if person.in_work:
        yield dead_letters.unread_notice(person.in_work)
    if tried and not found and not person.unseen:
        yield "it is not in a queue: it was discarded, or its sender was asked to send it again"


def _person(person: people.Person) -> dict[str, Any]:
    return {
        "waiting": [message_views.summary(one) for one in person.waiting],
        "parked": [message_views.summary(one) for one in person.parked],
        "held": [message_views.summary(one) for one in person.held],
        "ledger": person.ledger,
        "contacts": [{"id": one["id"]} for one in person.contacts],
        "history": [
            {name: line.get(name) for name in ("at", "source", "outcome", "code")} for line in person.history
        ],
        "requests": [
            {name: line.get(name) for name in ("at", "method", "path", "status", "responseType")}
            for line in person.requests
        ],
        "not_looked_into": person.unseen,
        "trouble": person.trouble,
    }


@command(app, "erase", "erase ada@example.com --env production")
def erase(
    session: Session,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="the e-mail address of the person to erase")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> bool:
    """Deletes a person's data from the three queues and the ledger. Lists the contacts in Clemta; delete them there."""
    if people.email_of(email) is None:
        raise OpsError(f"{email} is not an e-mail address")
    if not yes and not typer.confirm(f"Erase {email} from {session.env.location.stack_name}?", err=True):
        return False
    hidden = {name: count for name, count in people.hidden_messages(session.env).items() if count}
    if hidden:
        counts = ", ".join(f"{count} in the {name}" for name, count in hidden.items())
        minutes = people.LONGEST_WAIT // 60 if "retry queue" in hidden else 1
        paused = "; redelivery is paused meanwhile" if "retry queue" in hidden else ""
        says = f"waits for messages that are delayed or in work: {counts}, for {minutes} min at most{paused}"
        session.err.print(Text(says, style="yellow"))
    with session.progress("reading the queues", None):
        person = people.erase(session.env, email)
    lines = [
        Text(f"retry queue    {len(person.waiting)} erased"),
        Text(f"dead letters   {len(person.parked)} erased"),
        Text(f"held           {len(person.held)} erased"),
        Text(f"ledger         {len(person.ledger)} erased"),
        *(
            Text(f"Clemta         contact {one['id']}: delete it there", style="yellow")
            for one in person.contacts
        ),
        *(Text(said, style="yellow") for said in person.trouble),
    ]
    if person.unseen:
        lines.append(Text(f"{person.unseen} messages could not be read: run it again", style="red"))
    session.say(Group(*lines), _person(person))
    return not person.unseen and not person.trouble
