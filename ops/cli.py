"""`clemta-intake`: see, mend and replay, on any deployed stack. Each command is thin; what it does is in its module."""

import dataclasses
import inspect
import json
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from clemta_intake import __version__
from clemta_intake.errors import IntakeError
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import Form, InvalidSources, read_sources

from . import dead_letters, people
from .aws import explain
from .dead_letters import DEAD, HELD, Choice, Store
from .doctor import examine
from .environments import Environment, OpsError, Place, present, project_folder, sources_file
from .files import make_private
from .imports import Progress as Sent
from .imports import read_rows, send_rows
from .messages import Message
from .posts import Post
from .posts import send as post_it
from .preview import Preview
from .preview import preview as previews
from .status import OUTCOMES, Status, ago, at, duration
from .status import status as status_of

STATES = {"ok": ("✓", "green"), "note": ("·", "yellow"), "fail": ("✕", "red")}
OUTCOME_STYLE = {"replayed": "green", "released": "green", "in Clemta": "green", "kept": "yellow"}
WATCH_SECONDS = 5
MOST_MISTAKES = 20  # shown of an import
# Ctrl-C, a job's end, a closed terminal; Windows has no such signal of its own for the last.
INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_ANY_WIDTH = 10_000
PLAIN: dict[str, Any] = {"box": None, "padding": (0, 2, 0, 0)}  # a table without lines

app = typer.Typer(
    epilog="clemta-intake doctor --env production    says what is wrong, and what to do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
dlq = typer.Typer(help="Dead letters: what could not be delivered, with the reason.", no_args_is_help=True)
held = typer.Typer(help="What a form's rules took for spam: it waits 14 days.", no_args_is_help=True)
sources = typer.Typer(help="The sources file: who may send.", no_args_is_help=True)
app.add_typer(dlq, name="dlq")
app.add_typer(held, name="held")
app.add_typer(sources, name="sources")


def _console(stream: TextIO) -> Console:
    """Data is shown as it is, never read as markup; lines are wrapped for a person only, not for a file or a pipe."""
    width = None if stream.isatty() else _ANY_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def _version(asked: bool) -> None:
    if asked:
        print(f"clemta-intake {__version__}")
        raise typer.Exit


@app.callback()
def every(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """See, mend and replay: the operator's side of clemta-intake."""


@dataclasses.dataclass
class Session:
    """Where a command works, and how it speaks: a person's words, or JSON with --json."""

    env_name: str
    stack: str | None
    region: str | None
    sources: Path | None
    as_json: bool

    def __post_init__(self) -> None:
        self.out, self.err = _console(sys.stdout), _console(sys.stderr)

    @cached_property
    def env(self) -> Environment:
        """The stack that is meant."""
        project = project_folder()
        if self.stack:
            place = Place.stack(self.stack, self.region)
        else:
            place = Place.named(self.env_name, project)
            if self.region:
                place = dataclasses.replace(place, region=self.region)
        return Environment(place, self.file)

    @property
    def local(self) -> bool:
        """Whether the local stack is meant."""
        return self.env_name == "local" and not self.stack

    @property
    def file(self) -> Path:
        """The sources file: of the local stack the one that it was deployed with."""
        project = project_folder()
        local = project / ".local" / "sources.toml"
        if self.sources:
            return self.sources
        if self.local and local.exists():
            return local
        return sources_file(project)

    def say(self, shown: Any, data: Any) -> None:
        """The one or the other."""
        if self.as_json:
            print(json.dumps(data, indent=2, ensure_ascii=False, default=str))
        else:
            self.out.print(shown, soft_wrap=isinstance(shown, Text))

    def progress(self, what: str, total: int | None) -> "Bar":
        """A bar on standard error, where a person watches."""
        return Bar(self.err, what, total, shown=self.err.is_terminal and not self.as_json)


class Bar:
    """How far a long command is."""

    def __init__(self, console: Console, what: str, total: int | None, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not shown)
        self._task = self._progress.add_task(what, total=total)

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def at(self, done: int) -> None:
        """So many are done."""
        self._progress.update(self._task, completed=done)


def _source_names(incomplete: str) -> list[str]:
    """For the shell's completion, where a mistake in a file says nothing."""
    with suppress(InvalidSources):
        names = read_sources(Session("local", None, None, None, False).file)
        return [name for name in names if name.startswith(incomplete)]
    return []


def _env_names(incomplete: str) -> list[str]:
    with suppress(OSError, ValueError):
        tables = tomllib.loads((project_folder() / "samconfig.toml").read_text(encoding="utf-8"))
        names = [name for name, table in tables.items() if name != "default" and isinstance(table, dict)]
        return [name for name in names if name.startswith(incomplete)]
    return []


def option(kind: Any, default: Any, *names: str, said: str, **more: Any) -> inspect.Parameter:
    """An option that every command has."""
    return inspect.Parameter(
        names[0].strip("-").replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*names, help=said, **more)],
    )


COMMON = [
    option(
        *(str, "local", "--env"),
        said="local, staging or production, as samconfig.toml has them",
        autocompletion=_env_names,
    ),
    option(str | None, None, "--stack", said="a stack by its name, instead of --env"),
    option(str | None, None, "--region", said="the stack's AWS region"),
    option(Path | None, None, "--sources", said="the sources file, if not functions/sources.toml"),
    option(bool, False, "--json", said="print JSON, for programs"),
]
TROUBLE = (
    OpsError,
    InvalidSources,
    IntakeError,
    ClientError,
    BotoCoreError,
    requests.RequestException,
    OSError,
)


def command(
    group: typer.Typer, name: str, *examples: str
) -> Callable[[Callable[..., bool | None]], Callable[..., bool | None]]:
    """Adds a command: its function gets a Session and its own arguments; False ends it with exit code 1."""

    def add(function: Callable[..., bool | None]) -> Callable[..., bool | None]:
        _, *own = inspect.signature(function).parameters.values()

        def run(**given: Any) -> None:
            common = [given.pop(parameter.name) for parameter in COMMON]
            session = Session(*common)
            try:
                good = function(session, **given)
            except TROUBLE as error:
                session.err.print(Text(_one_line(error, local=session.local), style="red"))
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                session.err.print("interrupted; it can be run again")
                raise typer.Exit(130) from None
            if good is False:
                raise typer.Exit(1)

        keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        shown = "".join(f"\n  clemta-intake {example}" for example in examples)
        run.__doc__ = f"{function.__doc__}\n\n\b\nFor example:{shown}"  # \b: the lines stay as they are
        run.__signature__ = inspect.Signature([*keywords, *COMMON])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*keywords, *COMMON]}
        group.command(name)(run)
        return function

    return add


def _one_line(error: BaseException, *, local: bool) -> str:
    """What went wrong and what helps, without a stack trace and without a payload."""
    if isinstance(error, ClientError | BotoCoreError):
        return ": ".join(explain(error, local=local))
    if isinstance(error, requests.RequestException):
        return f"no answer: {type(error).__name__}"
    return str(error) or type(error).__name__


@command(app, "doctor", "doctor", "doctor --env staging")
def doctor(session: Session) -> bool:
    """Checks everything: each line is ok, or says what to do."""
    checks = []
    for check in examine(session.env):
        checks.append(check)
        if not session.as_json:
            mark, style = STATES[check.state]
            line = Table.grid(Column(width=2, style=style), Column(width=16, style="bold"), Column())
            line.add_row(mark, check.name, check.says)
            if check.do and check.state != "ok":
                line.add_row("", "", Text(check.do, style=style))
            session.out.print(line)
    if session.as_json:
        session.say("", [dataclasses.asdict(check) for check in checks])
    return all(check.state != "fail" for check in checks)


@command(app, "status", "status --env production", "status --watch")
def status(
    session: Session,
    watch: Annotated[bool, typer.Option("--watch", help="show it anew every few seconds")] = False,
) -> None:
    """How it goes: what became of the sign-ups, what waits, how Clemta answers."""
    shown, data = _status(found := status_of(session.env)), dataclasses.asdict(found)
    if not watch or session.as_json:
        session.say(shown, data)
        return
    with Live(shown, console=session.out, auto_refresh=False, redirect_stderr=False) as live:
        while True:
            live.update(_status(status_of(session.env)), refresh=True)
            if not session.out.is_terminal:
                session.out.print(live.renderable)
            time.sleep(WATCH_SECONDS)


def _status(found: Status) -> Group:
    columns = [Column(name, justify="right") for name in OUTCOMES]
    table = Table("source", *columns, **PLAIN)
    for title, days in (("today", found.today), ("last 7 days", found.week)):
        table.add_row(Text(title, style="bold"))
        for source, counts in sorted(days.items()):
            cells = [Text(str(counts[name]), style=_count_style(name, counts[name])) for name in OUTCOMES]
            table.add_row(f"  {source}", *cells)
        if not days:
            table.add_row(Text("  nothing", style="dim"))
    lines: list[Any] = [table, Text()]
    for name, queue in found.queues.items():
        total = sum(int(queue[word] or 0) for word in ("ready", "delayed", "in work"))
        oldest = queue["oldest_seconds"]
        since = f", the oldest for {duration(oldest)}" if total and oldest is not None else ""
        bad = name == "dead letters" and total
        lines.append(Text(f"{name:<14}{total}{since}", style="red" if bad else ""))
    p50, p95 = found.clemta_ms.get("p50"), found.clemta_ms.get("p95")
    said = "has not been asked today" if p50 is None or p95 is None else f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    lines.append(Text(f"{'Clemta':<14}{said}"))
    lines.append(Text(f"{'budget left':<14}{found.budget_left:g} of {found.budget:g} calls in this minute"))
    return Group(*lines)


def _count_style(name: str, count: int) -> str:
    return "dim" if not count else {"parked": "red", "queued": "yellow", "held": "yellow"}.get(name, "")


Source = Annotated[
    str,
    typer.Option("--source", help="the source's name in the sources file", autocompletion=_source_names),
]
Headers = Annotated[list[str] | None, typer.Option("--header", help="'name: value'; may be repeated")]
Payload = Annotated[
    str, typer.Argument(metavar="FILE", help="a body, or an API Gateway event; - reads standard input")
]


@command(app, "preview", "preview --source website events/form.json", "preview --source website -")
def preview(
    session: Session,
    file: Payload,
    source: Source,
    header: Headers = None,
    no_secrets: Annotated[bool, typer.Option("--no-secrets", help="do not check its authenticity")] = False,
) -> bool:
    """What would be sent to Clemta, field by field; sends nothing."""
    post = Post.read(file, header or [])
    found = previews(session.env, session.env.source(source), post, secrets=not no_secrets)
    session.say(Group(*map(_preview, found)), [one.as_json() for one in found])
    return all(one.good for one in found)


def _preview(found: Preview) -> Group:
    mark = {True: ("✓ authentic", "green"), False: ("✕ not authentic", "red"), None: ("·", "yellow")}[
        found.authentic
    ]
    lines: list[Any] = [Text.assemble(mark, f" {found.authentication}")]
    if found.status == "ignored":
        lines.append(Text("· ignored: it is no event that the source accepts", style="yellow"))
    lines += [Text(f"✕ {field}: {problem}", style="red") for field, problem in found.problems]
    if found.spam:
        says = f"✕ would be taken for spam ({found.spam}): held, and answered as a success"
        lines.append(Text(says, style="red"))
    if found.fields:
        table = Table("Clemta's field", "value", "from", "was", **PLAIN)
        for field in found.fields:
            table.add_row(
                field.field, field.value, Text(field.origin, style="dim"), Text(field.was, style="yellow")
            )
        lines.append(table)
    if found.dropped:
        names = ", ".join(name for name, _ in found.dropped)
        lines.append(Text(f"not sent, as nothing asks for it: {names}", style="dim"))
    if found.left_out:
        names = ", ".join(found.left_out)
        lines.append(
            Text(f"left out, as secrets go neither to Clemta nor into a queue: {names}", style="dim")
        )
    return Group(*lines)


@command(app, "send", "send --source typeform events/sources/typeform.json")
def send(
    session: Session,
    file: Payload,
    source: Source,
    header: Headers = None,
    to: Annotated[str | None, typer.Option("--to", help="another address than the stack's own")] = None,
) -> bool:
    """Signs the file as that sender would, and posts it."""
    code, text = post_it(session.env, session.env.source(source), Post.read(file, header or []), to)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = text
    style = "green" if code == 200 else "red"
    shown = Text.assemble((f"{code} ", f"bold {style}"), text)
    session.say(shown, {"status": code, "answer": answer})
    return code == 200


@command(app, "find", "find ada@example.com", "find 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d")
def find(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="an e-mail address, or a submission's id")],
) -> bool:
    """Was this sign-up seen, and what became of it?"""
    person = people.find(session.env, text)
    lines = [
        *(Text(_logged(line)) for line in person.history),
        *(_waiting("waits in the retry queue and comes again by itself", one) for one in person.waiting),
        *(_parked(one) for one in person.parked),
        *(_parked(one, "is held as spam") for one in person.held),
        *(Text(_ledger(item)) for item in person.ledger),
        *(Text(f"is contact {one['id']} in Clemta", style="green") for one in person.contacts),
        *(Text(said, style="yellow") for said in [*_unseen(person), *person.trouble]),
    ]
    if not person.seen and not person.unseen:
        lines.insert(0, Text("not seen: look at the sender's own log, and whether it was refused (status)"))
    session.say(Group(*lines), _person(person))
    return person.seen


def _waiting(where: str, message: Message) -> Text:
    said = dead_letters.summary(message)
    return Text(f"{where}: {said['submission_id']} ({said['class']}, {said['code']}, from {said['source']})")


def _parked(message: Message, where: str = "is parked") -> Text:
    return _waiting(where, message) + Text(f": {dead_letters.WHAT_TO_DO[message.failure_class]}")


def _logged(line: dict[str, Any]) -> str:
    why = line.get("code") or line.get("rule") or line.get("reason")
    return f"{at(line['at'])}  {line['outcome']}{f' ({why})' if why else ''}, from {line['source']}"


def _ledger(item: dict[str, str]) -> str:
    """A state of the ledger in words; docs/architecture.md has them all."""
    match item.get("state"):
        case "created":
            return f"the ledger says: it became contact {item['contact_id']}"
        case "claimed" if float(item.get("lease_until", 0)) > time.time():
            return "the ledger says: it is being delivered at this moment"
        case "free":
            return "the ledger says: it was tried, and there is no contact yet"
        case _:
            return (
                "the ledger says: it was tried, and Clemta did not say whether there is a contact: "
                "the next attempt looks it up first"
            )


def _unseen(person: people.Person) -> Iterator[str]:
    """What may be true of messages that SQS does not show."""
    found = person.waiting or person.parked or person.held
    tried = any(item.get("state") != "created" for item in person.ledger)
    if person.delayed:
        waiting = f"{person.delayed} in the retry queue could not be looked into: delayed, or being tried"
        if tried and not found:
            yield f"it probably waits, and comes again by itself: {waiting}"
        else:
            yield waiting if person.seen else f"not seen, but it may be waiting: {waiting}"
    if person.in_work:
        yield dead_letters.not_seen(person.in_work)
    if tried and not found and not person.unseen:
        yield "it is in no queue: it was discarded, or its sender was told to send it again"


def _person(person: people.Person) -> dict[str, Any]:
    return {
        "waiting": [dead_letters.summary(one) for one in person.waiting],
        "parked": [dead_letters.summary(one) for one in person.parked],
        "held": [dead_letters.summary(one) for one in person.held],
        "ledger": person.ledger,
        "contacts": [{"id": one["id"]} for one in person.contacts],
        "history": [
            {name: line.get(name) for name in ("at", "source", "outcome", "code")} for line in person.history
        ],
        "not_looked_into": person.unseen,
        "trouble": person.trouble,
    }


@command(app, "erase", "erase ada@example.com --env production")
def erase(
    session: Session,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="whose data is to go")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> bool:
    """Removes a person from the three queues and the ledger. The contact in Clemta is named, and stays."""
    if people.email_of(email) is None:
        raise OpsError(f"{email} is no e-mail address")
    if not yes and not typer.confirm(f"Erase {email} from {session.env.place.stack_name}?", err=True):
        return False
    with session.progress("waiting for messages that are delayed or in work", None):
        person = people.erase(session.env, email, lambda _: None)
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
        lines.append(Text(f"{person.unseen} messages could not be looked into: run it again", style="red"))
    session.say(Group(*lines), _person(person))
    return not person.unseen and not person.trouble


@command(app, "import", "import past.csv --source website --dry-run", "import past.csv --source website")
def import_(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="a CSV file with a header line", dir_okay=False)
    ],
    source: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the rows, send none")] = False,
) -> bool:
    """Brings past sign-ups in, at Clemta's pace; can be interrupted and repeated."""
    form = session.env.source(source)
    if not isinstance(form, Form):
        raise OpsError(f"{source} is no form: an import needs a form's source")
    rows = read_rows(form, file)
    good, bad = [row for row in rows if not row.problem], [row for row in rows if row.problem]
    for row in bad[:MOST_MISTAKES]:
        session.err.print(Text(f"{file.name}:{row.line}: {row.problem}", style="red"))
    if len(bad) > MOST_MISTAKES:
        session.err.print(Text(f"and {len(bad) - MOST_MISTAKES} more rows", style="red"))
    if not good:
        raise OpsError(f"{file.name}: none of its {len(rows)} rows can be imported")
    sent = 0
    if not dry_run:
        progress = Sent(session.env, form, file)
        sent = already = progress.sent()
        with session.progress("into the retry queue", len(good)) as bar:
            for sent in send_rows(session.env, good, progress):
                bar.at(sent)
        sent -= already
    shown = Text(f"{len(good)} rows can be imported, {len(bad)} cannot; {sent} sent now")
    session.say(shown, {"good": len(good), "bad": len(bad), "sent": sent})
    return not bad


Class = Annotated[
    Literal["config", "data", "outage", "poison"] | None,
    typer.Option("--class", help="what went wrong with it"),
]
OfSource = Annotated[
    str | None, typer.Option("--source", help="only of this source", autocompletion=_source_names)
]
Id = Annotated[str, typer.Argument(metavar="ID", help="the submission's id")]


@command(dlq, "list", "dlq list --class config")
def dlq_list(session: Session, class_: Class = None, source: OfSource = None) -> None:
    """What is parked, oldest first."""
    _list(session, DEAD, class_, source)


def _list(session: Session, store: Store, class_: Class, source: OfSource) -> None:
    letters, elsewhere = dead_letters.read_letters(session.env, Choice((), class_, source), store=store)
    _known(session, source, bool(letters))
    found = [dead_letters.summary(letter) for letter in letters]
    submission, age = Column("submission", no_wrap=True), Column("age", no_wrap=True)
    table = Table(submission, "source", "class", Column("why", overflow="fold"), age, **PLAIN)
    for one in found:
        reason = f"{one['code']}{f' ({one["status"]})' if one['status'] else ''}"
        table.add_row(one["submission_id"], one["source"], one["class"], reason, ago(one["parked_at"]))
    session.say(table if found else Text(f"nothing is in the {store.name}"), found)
    if elsewhere:
        session.err.print(Text(dead_letters.not_seen(elsewhere), style="yellow"))


@command(dlq, "show", "dlq show 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reveal")
def dlq_show(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reveal: Annotated[bool, typer.Option("--reveal", help="show the payload: personal data")] = False,
) -> None:
    """One dead letter: why, and what to do. Its payload and Clemta's words about it show with --reveal only."""
    _show(session, DEAD, id, reveal=reveal)


def _show(session: Session, store: Store, id: str, *, reveal: bool) -> None:  # noqa: A002 - as above
    letters, elsewhere = dead_letters.read_letters(session.env, Choice([id]), store=store)
    if not letters:
        also = f"; {dead_letters.not_seen(elsewhere)}" if elsewhere else ""
        raise OpsError(f"{id} is not in the {store.name}{also}")
    found = dead_letters.details(letters[0], reveal=reveal)
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
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="submissions' ids")] = None,
    class_: Class = None,
    source: OfSource = None,
    all_: Annotated[bool, typer.Option("--all", help="every dead letter")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen")] = False,
) -> bool:
    """Sends dead letters through today's mapping again, but those that Clemta has by now. Safe to repeat."""
    if not (ids or class_ or source or all_):
        raise typer.BadParameter("which? name ids, --class, --source, or --all")
    return _replay(session, DEAD, Choice(ids or (), class_, source), all_=all_, dry_run=dry_run)


def _replay(session: Session, store: Store, choice: Choice, *, all_: bool, dry_run: bool) -> bool:
    fates = []
    with session.progress(store.name, dead_letters.count(session.env, store)) as bar:
        for fate in dead_letters.replay(session.env, choice, dry_run=dry_run, store=store):
            fates.append(fate)
            bar.at(len(fates))
            if not session.as_json:
                words = f"would be {fate.outcome}" if dry_run else fate.outcome
                line = f"{fate.message.submission_id}  {words}{f': {fate.why}' if fate.why else ''}"
                session.out.print(Text(line, style=OUTCOME_STYLE[fate.outcome]))
    data = [
        {"submission_id": fate.message.submission_id, "outcome": fate.outcome, "why": fate.why}
        for fate in fates
    ]
    _known(session, choice.source, bool(fates))
    total = f"{len(fates)} submission{'s' * (len(fates) > 1)}"
    session.say(Text(total if fates else f"no such submission is in the {store.name}"), data)
    if not dry_run and not session.as_json and any(fate.outcome == store.done for fate in fates):
        session.out.print("being delivered now: clemta-intake find ID says what becomes of one")
    return all(fate.outcome != "kept" for fate in fates) and bool(fates or all_)


def _known(session: Session, source: str | None, found: bool) -> None:
    """A source that neither a submission nor the sources file names is a slip of the pen."""
    if source and not found:
        session.env.source(source)


@command(dlq, "discard", 'dlq discard 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reason "a test"')
def dlq_discard(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reason: Annotated[str, typer.Option("--reason", help="why it shall never arrive; goes into the log")],
) -> None:
    """Deletes a dead letter for good, after its reason is logged."""
    _discard(session, DEAD, id, reason)


def _discard(session: Session, store: Store, id: str, reason: str) -> None:  # noqa: A002 - as above
    gone = dead_letters.discard(session.env, id, reason, store)
    session.say(Text(f"discarded {id}"), [dead_letters.summary(one) for one in gone])


@command(dlq, "export", "dlq export --class data > letters.jsonl")
def dlq_export(session: Session, class_: Class = None, source: OfSource = None) -> None:
    """Prints dead letters whole, one JSON object a line: personal data. A file that it goes to becomes yours alone."""
    letters, elsewhere = dead_letters.read_letters(
        session.env, Choice((), class_, source), dead_letters.LET_GO_SECONDS
    )
    _known(session, source, bool(letters))
    make_private(sys.stdout)
    for letter in letters:
        print(json.dumps(dead_letters.exported(letter), ensure_ascii=False))
    if elsewhere:
        raise OpsError(dead_letters.not_seen(elsewhere))


@command(held, "list", "held list --source website")
def held_list(session: Session, source: OfSource = None) -> None:
    """What a form's rules took for spam, oldest first; the rule is why."""
    _list(session, HELD, None, source)


@command(held, "show", "held show 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reveal")
def held_show(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reveal: Annotated[bool, typer.Option("--reveal", help="show the payload: personal data")] = False,
) -> None:
    """One that is held: why. Its payload is masked unless it is to be revealed."""
    _show(session, HELD, id, reveal=reveal)


@command(held, "release", "held release 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d", "held release --all --dry-run")
def held_release(
    session: Session,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="submissions' ids")] = None,
    source: OfSource = None,
    all_: Annotated[bool, typer.Option("--all", help="everything that is held")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen")] = False,
) -> bool:
    """Delivers what is no spam: no rule, captcha or daily number is asked again. Safe to repeat."""
    if not (ids or source or all_):
        raise typer.BadParameter("which? name ids, --source, or --all")
    return _replay(session, HELD, Choice(ids or (), None, source), all_=all_, dry_run=dry_run)


@command(held, "discard", 'held discard 0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d --reason "spam"')
def held_discard(
    session: Session,
    id: Id,  # noqa: A002 - the argument's name
    reason: Annotated[str, typer.Option("--reason", help="why it shall never arrive; goes into the log")],
) -> None:
    """Deletes one that is held for good, after its reason is logged."""
    _discard(session, HELD, id, reason)


@command(sources, "list", "sources list --env production")
def sources_list(session: Session) -> None:
    """The sources, what each is, and where it is posted to."""
    env = session.env
    found = [
        {
            "source": name,
            "kind": str(env.tables[name].get("kind")),
            "on_existing": source.on_existing,
            "url": f"{env.api_url}/signups/{name}",
        }
        for name, source in env.sources.items()
    ]
    table = Table(
        "source",
        "kind",
        "on_existing",
        Column("posts go to", overflow="fold"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for one in found:
        table.add_row(*one.values())
    session.say(table, found)


@command(sources, "check", "sources check", "sources check functions/sources.toml")
def sources_check(
    session: Session,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="another sources file")] = None,
) -> bool:
    """Is the sources file usable? Each mistake with its line, and what is allowed."""
    path = present(file or session.file)
    try:
        names = check_file(path)
    except InvalidSources as error:
        mistakes = str(error).splitlines()
        session.say(Text("\n".join(mistakes), style="red"), {"file": str(path), "mistakes": mistakes})
        return False
    session.say(
        Text(f"✓ {path.name}: {', '.join(names)}", style="green"), {"file": str(path), "sources": names}
    )
    return True


def _interrupted(*_: object) -> None:
    """Ends a command as Ctrl-C does: what it holds is given back, and what it switched off is on again."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)  # a second one must not leave half of that undone
    raise KeyboardInterrupt


def main(arguments: Iterable[str] | None = None) -> None:
    """The command."""
    for number in INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupted)
    app(args=list(arguments) if arguments is not None else sys.argv[1:], prog_name="clemta-intake")


if __name__ == "__main__":
    main()
