"""secrets: set and list."""

import re
import sys
from dataclasses import asdict
from getpass import getpass
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from .. import secrets
from ..errors import OpsError
from .registration import command
from .session import NO_LINES, Session

_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,63}")
_MAX_LENGTH = 10_000
_STYLES = {"ok": "green", "missing": "red", "malformed": "red", "unused": "yellow"}

app = typer.Typer(
    help="Clemta's API key and the signing secrets: names only, never values.", no_args_is_help=True
)


@command(
    app,
    "set",
    "secrets set typeform",
    "secrets set CLEMTA_API_KEY --env production",
    "secrets set crm --drop-old",
)
def secrets_set(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"the name in the sources file, or {secrets.API_KEY}")
    ],
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="remove the old value; asks for no new one")
    ] = False,
) -> None:
    """Sets one secret, typed without echo or read from standard input; its old value stays valid as the second."""
    if name != secrets.API_KEY and not _NAME.fullmatch(name):
        raise OpsError(f"a name has lower-case letters, digits, - and _; Clemta's key is {secrets.API_KEY}")
    env = session.env
    _ = env.settings  # an unknown stack is reported before anything is typed
    using = secrets.sources_using(env, name)
    if drop_old:
        if name == secrets.API_KEY:
            raise OpsError("Clemta's API key has no second value")
        done = secrets.drop_old(env, name)
    else:
        value = _typed(name)
        if wrong := [source for source, one in using.items() if not secrets.well_formed(one, value)]:
            raise OpsError(
                f"source {wrong[0]} needs a base64 secret, as whsec_…: copy the complete secret from the sender"
            )
        done = secrets.put(env, name, value)
    says = {
        "new": "is set",
        "replaced": "is replaced",
        "rotated": f"is set; the old value is valid too, until clemta-intake secrets set {name} --drop-old",
        "unchanged": "has one value" if drop_old else "has this value already",
        "dropped": "has its newest value only",
    }[done]
    session.say(Text(f"✓ {name} {says}", style="green"), {"name": name, "result": done, "sources": [*using]})
    if name != secrets.API_KEY and done in ("new", "replaced", "rotated") and not session.as_json:
        from clemta_intake.secret_store import MAX_AGE_AFTER_DOUBT  # late: the command starts at once

        session.out.print(f"the functions read it within {MAX_AGE_AFTER_DOUBT} s")
    if name != secrets.API_KEY and not using:
        session.err.print(
            Text(f"no source in {env.sources_file.name} uses the secret {name}", style="yellow")
        )


def _typed(name: str) -> str:
    """The value from a hidden prompt, or from standard input."""
    hidden = sys.stdin.isatty()
    text = (getpass(f"{name} (not shown): ") if hidden else sys.stdin.read(_MAX_LENGTH + 1)).strip()
    if not text:
        raise OpsError("nothing was given: nothing is changed")
    if len(text) > _MAX_LENGTH or len(text.splitlines()) > 1:
        raise OpsError("a secret is one line: nothing is changed")
    return text


@command(app, "list", "secrets list --env production")
def secrets_list(session: Session) -> None:
    """Lists the secrets that are stored or needed: which source uses them, what is missing. Shows no value."""
    found = secrets.states(session.env)
    table = Table("secret", "state", "values", Column("used by", overflow="fold"), **NO_LINES)
    for one in found:
        used_by = "Clemta" if one.name == secrets.API_KEY else ", ".join(one.sources)
        table.add_row(one.name, Text(one.state, style=_STYLES[one.state]), str(one.values), used_by)
    session.say(table, [asdict(one) for one in found])
