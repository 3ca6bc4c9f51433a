"""sources: list and check."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import InvalidSources, has_address

from ..project import present
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
    table = Table(
        "source",
        "kind",
        "on_existing",
        Column("posts go to", overflow="fold"),
        **NO_LINES,
    )
    for one in found:
        table.add_row(*one.values())
    session.say(table, found)


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
