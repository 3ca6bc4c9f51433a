"""dlq and held: the queues whose submissions need a person's decision."""

import json
import sys
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from .. import dead_letters, message_views
from ..dead_letters import DEAD, HELD, ReviewQueue, Selection
from ..errors import OpsError
from ..files import make_private
from ..times import ago, at
from .options import DryRun, FailureClass, Id, Ids, OnlySource, Reason, Reveal
from .registration import command
from .session import NO_LINES, Session

_OUTCOME_STYLES = {"replayed": "green", "released": "green", "in Clemta": "green", "kept": "yellow"}

dlq = typer.Typer(
    help="Dead letters: submissions that could not be delivered, with the reason.", no_args_is_help=True
)
held = typer.Typer(help="Submissions that broke a form's spam rule: kept for 14 days.", no_args_is_help=True)


@command(dlq, "list", "dlq list --class config")
def dlq_list(session: Session, class_: FailureClass = None, source: OnlySource = None) -> None:
    """Lists the dead letters, oldest first."""
    _list(session, DEAD, class_, source)


def _list(session: Session, store: ReviewQueue, class_: FailureClass, source: OnlySource) -> None:
    letters, unread = dead_letters.read_letters(session.env, Selection((), class_, source), store=store)
    _known(session, source, bool(letters))
    found = [message_views.summary(letter) for letter in letters]
    submission, age = Column("submission", no_wrap=True), Column("age", no_wrap=True)
    table = Table(submission, "source", "class", Column("why", overflow="fold"), age, **NO_LINES)
    for one in found:
        reason = f"{one['code']}{f' ({one["status"]})' if one['status'] else ''}"
        shown = session.short(one["submission_id"])
        table.add_row(shown, one["source"], one["class"], reason, ago(one["parked_at"]))
    session.say(table if found else Text(f"the {store.name} is empty, or nothing in it matches"), found)
    if unread:
        session.err.print(Text(dead_letters.unread_notice(unread), style="yellow"))


@command(dlq, "show", "dlq show 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reveal")
def dlq_show(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reveal: Reveal = False,
) -> None:
    """Shows one dead letter, its reason and what to do. Payload and Clemta's message are hidden without --reveal."""
    _show(session, DEAD, id, reveal=reveal)


def _show(session: Session, store: ReviewQueue, id: str, *, reveal: bool) -> None:  # noqa: A002 - as above
    ids = dead_letters.whole_ids(session.env, [id], store)
    letters, unread = dead_letters.read_letters(session.env, Selection(ids), store=store)
    if not letters:
        also = f"; {dead_letters.unread_notice(unread)}" if unread else ""
        raise OpsError(f"{id} is not in the {store.name}{also}")
    found = message_views.details(letters[0], reveal=reveal)
    shown = {**found, **{name: at(found[name]) for name in ("received_at", "parked_at")}}
    if not reveal:
        hidden = [name for name in ("message", "payload") if found[name] is None]
        shown |= dict.fromkeys(hidden, "--reveal shows it: personal data")
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    session.say(Text(f"{text}\n\n{dead_letters.WHAT_TO_DO[found['class']]}"), found)


@command(
    dlq, "replay", "dlq replay --class config --dry-run", "dlq replay 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d"
)
def dlq_replay(
    session: Session,
    ids: Ids = None,
    class_: FailureClass = None,
    source: OnlySource = None,
    all_: Annotated[bool, typer.Option("--all", help="every dead letter")] = False,
    dry_run: DryRun = False,
) -> bool:
    """Delivers dead letters again, with the current mapping, unless Clemta already has them. Safe to repeat."""
    if not (ids or class_ or source or all_):
        raise typer.BadParameter("give ids, --class, --source, or --all")
    return _replay(session, DEAD, Selection(ids or (), class_, source), all_=all_, dry_run=dry_run)


def _replay(session: Session, store: ReviewQueue, choice: Selection, *, all_: bool, dry_run: bool) -> bool:
    results = []
    choice = replace(choice, ids=dead_letters.whole_ids(session.env, choice.ids, store))
    with session.progress(store.name, dead_letters.count(session.env, store)) as bar:
        for result in dead_letters.replay(session.env, choice, dry_run=dry_run, store=store):
            results.append(result)
            bar.update(len(results))
            if not session.as_json:
                words = f"would be {result.outcome}" if dry_run else result.outcome
                line = f"{result.message.submission_id}  {words}{f': {result.why}' if result.why else ''}"
                session.out.print(Text(line, style=_OUTCOME_STYLES[result.outcome]))
    data = [
        {"submission_id": result.message.submission_id, "outcome": result.outcome, "why": result.why}
        for result in results
    ]
    _known(session, choice.source, bool(results))
    total = f"{len(results)} submission{'s' * (len(results) > 1)}"
    session.say(Text(total if results else f"the {store.name} has no such submission"), data)
    if not dry_run and not session.as_json and any(result.outcome == store.done for result in results):
        session.out.print("being delivered now: clemta-intake find ID shows the outcome")
    return all(result.outcome != "kept" for result in results) and bool(results or all_)


def _known(session: Session, source: str | None, found: bool) -> None:
    """Raises OpsError for a source that neither a submission nor the sources file names: probably a typing error."""
    if source and not found:
        session.env.source(source)


@command(dlq, "discard", 'dlq discard 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reason "a test"')
def dlq_discard(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reason: Reason,
) -> None:
    """Logs the reason and deletes a dead letter permanently."""
    _discard(session, DEAD, id, reason)


def _discard(session: Session, store: ReviewQueue, id: str, reason: str) -> None:  # noqa: A002 - as above
    [id] = dead_letters.whole_ids(session.env, [id], store)  # noqa: A001 - as above
    gone = dead_letters.discard(session.env, [id], reason, store)
    session.say(Text(f"discarded {id}"), [message_views.summary(one) for one in gone])


@command(dlq, "export", "dlq export --class data > letters.jsonl")
def dlq_export(session: Session, class_: FailureClass = None, source: OnlySource = None) -> None:
    """Prints dead letters with their personal data, one JSON object per line. Only you can read the output file."""
    letters, unread = dead_letters.read_letters(
        session.env, Selection((), class_, source), dead_letters.RELEASE_SECONDS
    )
    _known(session, source, bool(letters))
    make_private(sys.stdout)
    for letter in letters:
        print(json.dumps(message_views.exported(letter), ensure_ascii=False))
    if unread:
        raise OpsError(dead_letters.unread_notice(unread))


@command(held, "list", "held list --source website")
def held_list(session: Session, source: OnlySource = None) -> None:
    """Lists the held submissions, oldest first, with the spam rule that each broke."""
    _list(session, HELD, None, source)


@command(held, "show", "held show 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reveal")
def held_show(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reveal: Reveal = False,
) -> None:
    """Shows one held submission, with the spam rule. Its payload is hidden without --reveal."""
    _show(session, HELD, id, reveal=reveal)


@command(held, "release", "held release 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d", "held release --all --dry-run")
def held_release(
    session: Session,
    ids: Ids = None,
    source: OnlySource = None,
    all_: Annotated[bool, typer.Option("--all", help="every held submission")] = False,
    dry_run: DryRun = False,
) -> bool:
    """Delivers held submissions, without another check of spam rules, captcha or daily cap. Safe to repeat."""
    if not (ids or source or all_):
        raise typer.BadParameter("give ids, --source, or --all")
    return _replay(session, HELD, Selection(ids or (), None, source), all_=all_, dry_run=dry_run)


@command(held, "discard", 'held discard 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reason "spam"')
def held_discard(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reason: Reason,
) -> None:
    """Logs the reason and deletes a held submission permanently."""
    _discard(session, HELD, id, reason)
