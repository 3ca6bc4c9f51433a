"""sources: list, check, push, pull and rollback."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from clemta_intake.live_sources import MAX_AGE
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import InvalidSources, has_address

from .. import live_sources
from ..errors import OpsError
from ..live_sources import Changed
from ..project import present, sources_text
from ..times import at
from .options import DryRun
from .registration import command
from .session import NO_LINES, Session

app = typer.Typer(help="The sources file: the senders and their settings.", no_args_is_help=True)


@command(app, "list", "sources list --env production")
def sources_list(session: Session) -> None:
    """Lists the sources, with kind and URL."""
    env = session.env
    found = [
        {
            "source": name,
            "kind": str(env.tables[name].get("kind")),
            "on_existing": source.on_existing,
            "url": f"{env.api_url}/signups/{name}" if has_address(source) else "",
        }
        for name, source in env.sources.items()
    ]
    columns = ["source", "kind", "on_existing"] + ([] if session.narrow else ["posts go to"])
    table = Table(*columns, **NO_LINES)
    for one in found:
        table.add_row(*[*one.values()][: len(columns)])
    where = [Text(f"\nposts go to {env.api_url}/signups/SOURCE")] if session.narrow else []
    session.say(Group(table, *where, Text(f"\n{_live(live_sources.live(env))}", style="dim")), found)


def _live(live: live_sources.Version) -> str:
    if not live.number:
        return "in use: the deployed file; nothing was pushed over it"
    return f"in use: version {live.number}, pushed {at(live.pushed_at)}"


@command(app, "check", "sources check", "sources check functions/sources.toml")
def sources_check(
    session: Session,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="another sources file")] = None,
) -> bool:
    """Checks the sources file: prints each mistake with its line and the allowed values."""
    path = present(file or session.sources_file)
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


@command(app, "push", "sources push --env production --dry-run", "sources push --env production")
def sources_push(
    session: Session,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="another sources file")] = None,
    dry_run: DryRun = False,
) -> None:
    """Makes the sources file live, without a deploy: checks it, keeps it as a version, waits until it is used."""
    path = file or session.edited_sources_file
    done = live_sources.push(session.env, sources_text(path), path.name, dry_run=dry_run)
    if dry_run:
        word = "would be live as" if done.result == "pushed" else "is live already as"
        _report(session, done, f"{path.name} {word} version {done.version}")
        return
    _make_used(session, done, path.name)


@command(app, "rollback", "sources rollback --env production")
def sources_rollback(session: Session) -> None:
    """Makes the version live again that was live before the current one; the deployed file before the first."""
    _make_used(session, live_sources.rollback(session.env), "")


@command(app, "pull", "sources pull --env production", "sources pull - --version 3")
def sources_pull(
    session: Session,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="another sources file; - prints it")
    ] = None,
    number: Annotated[int | None, typer.Option("--version", help="a former version, by its number")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> bool:
    """Writes the live version into the sources file; asks before it overwrites changes."""
    env = session.env
    found = live_sources.live(env) if number is None else live_sources.version(env, number)
    if not found.number:
        raise OpsError("nothing was pushed: the deployed file is in use")
    if file == "-":
        sys.stdout.write(found.text)
        return True
    path = Path(file) if file else session.edited_sources_file
    same = path.is_file() and sources_text(path) == found.text
    if path.exists() and not same and not yes and not typer.confirm(f"Overwrite {path}?", err=True):
        return False
    if not same:
        path.write_text(found.text, encoding="utf-8", newline="")
    says = f"✓ {path} is version {found.number}, pushed {at(found.pushed_at)}"
    session.say(Text(says, style="green"), {"file": str(path), "version": found.number, "text": found.text})
    return True


def _make_used(session: Session, done: Changed, file_name: str) -> None:
    """Waits until every function uses the version, so that a replay that follows is mapped by it."""
    if done.result == "unchanged":
        _report(session, done, f"{file_name} is live already as version {done.version}")
        return
    if session.local:
        session.keep_served_sources(live_sources.live(session.env).text)
    with session.progress("until every function uses it", None):
        time.sleep(MAX_AGE)
    _report(
        session,
        done,
        f"version {done.version} is live" if done.version else "the deployed file is live again",
    )


def _report(session: Session, done: Changed, says: str) -> None:
    lines: list[Any] = [Text(f"✓ {says}", style="green")]
    for word, names in (("new", done.added), ("changed", done.changed)):
        if names:
            lines.append(Text(f"  {word}: {', '.join(names)}"))
    if done.removed:
        lines.append(Text(f"  removed, senders get 404: {', '.join(done.removed)}", style="yellow"))
    session.say(Group(*lines), asdict(done))
