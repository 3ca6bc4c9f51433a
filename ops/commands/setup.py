"""setup and remove: a stack of one's own on AWS."""

import dataclasses
import sys
from getpass import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..errors import OpsError
from ..project import project_folder
from .monitoring import check_line
from .options import DryRun
from .registration import command
from .session import NO_LINES, Session

if TYPE_CHECKING:
    from ..doctor.check import Check
    from ..setup.flow import Result
    from ..setup.removal import Left

app = typer.Typer()

Yes = Annotated[bool, typer.Option("--yes", help="ask nothing; environment variables give the answers")]


class Conversation:
    """The terminal, or with --json standard error, so that only the result stands on standard output."""

    def __init__(self, session: Session) -> None:
        self._console = session.err if session.as_json else session.out

    def tell(self, text: str, style: str = "") -> None:
        """Shows the text."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    def check(self, check: "Check") -> None:
        """Shows the finding."""
        self._console.print(check_line(check))

    def ask(self, question: str, default: str = "", *, hidden: bool = False) -> str:
        """The answer that is typed, or the next line of standard input."""
        shown = f"{question}{f' [{default}]' if default else ''}: "
        if hidden and sys.stdin.isatty():
            return getpass(shown)
        sys.stderr.write(shown)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise OpsError("nothing was made: there is no answer; run setup in a terminal, or with --yes")
        return line.strip() or default


@command(
    app, "setup", "setup", "setup --env staging --dry-run", "setup --env production --yes", env="production"
)
def setup(session: Session, yes: Yes = False, dry_run: DryRun = False) -> bool:
    """Sets a stack up on AWS, or updates it: asks four questions, deploys, tries it."""
    from ..setup.flow import SetUp, variables

    if session.stack or session.sources_option:
        raise OpsError("setup takes --env; the variable SOURCES_FILE names another sources file")
    if session.local:
        raise OpsError("setup makes a stack on AWS; on this machine: make up")
    run = SetUp(session.env_name, project_folder(), Conversation(session), variables(), session.region)
    run.may_ask, run.dry_run = not yes, dry_run
    result = run.run()
    session.say(_end(result), {**dataclasses.asdict(result), "good": result.good})
    return result.good


def _end(result: "Result") -> Group:
    """The address, a form to paste, and what became of the test sign-up."""
    lines: list[Any] = []
    if result.api_url:
        lines += [Text(), Text.assemble("address  ", (result.api_url, "bold"))]
    if result.form:
        lines += [Text("\nPaste this form into your page:\n"), Text(result.form), Text()]
    if result.sign_up:
        says = (
            f"test sign-up through {result.sign_up.source}: {result.sign_up.answer.get('status', 'failed')}"
        )
        lines.append(
            Text(
                f"{'✓' if result.sign_up.good else '✕'} {says}",
                style="green" if result.sign_up.good else "red",
            )
        )
        if result.sign_up.good:
            from ..setup.trial import PERSON

            lines.append(Text(f"  {PERSON['full_name']} becomes a contact in Clemta: delete it there"))
        else:
            lines.append(Text(f"  {result.sign_up.status} {result.sign_up.answer}"))
    return Group(*lines)


@command(app, "remove", "remove --env staging --dry-run", "remove --env staging")
def remove(
    session: Session,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dry_run: DryRun = False,
) -> bool:
    """Removes a stack from AWS; says what stays there, and why."""
    from ..setup import removal
    from ..setup.answers import read_answers, write_answers

    if session.local:
        raise OpsError("remove takes a stack on AWS away: name it with --env; on this machine: make down")
    env = session.env
    says = Conversation(session)
    where = f"{env.location.stack_name} in {env.location.region}"
    counts = removal.waiting(env)
    says.tell(f"{where}: {env.api_url} will answer nothing any more")
    if any(counts.values()):
        waiting = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        says.tell(f"{waiting}: they stay in their queues, and nothing delivers them any more", "yellow")
    if dry_run:
        session.say(Text("a dry run: nothing was removed"), {"waiting": counts, "stays": []})
        return True
    if not yes and not typer.confirm(f"Remove {where}?", err=True):
        return False
    left = removal.remove(env, says.tell)
    if not session.stack and (answers := read_answers(project_folder(), session.env_name)):
        answers.tried = False
        write_answers(project_folder(), session.env_name, answers)
    session.say(_left(left, where), {"waiting": counts, "stays": [dataclasses.asdict(one) for one in left]})
    return True


def _left(left: "list[Left]", where: str) -> Group:
    """What stays, why, and the commands that delete it."""
    lines: list[Any] = [
        Text(f"✓ {where} is removed, with the API key and the signing secrets", style="green")
    ]
    if left:
        lines.append(Text("\nThese stay, so that no sign-up is lost and none becomes a second contact:"))
        table = Table("what", "why", **NO_LINES)
        for one in left:
            table.add_row(one.resource, one.why)
        lines += [table, Text("\nWhen you need them no more:")]
        lines += [Text(f"  {one.delete}") for one in left if one.delete]
    lines.append(
        Text("\nThe bucket aws-sam-cli-managed-default-… stays too: every SAM stack of the region uses it.")
    )
    return Group(*lines)
