"""Arguments and options that several commands share, and their shell completion."""

import tomllib
from contextlib import suppress
from typing import Annotated

import typer

from clemta_intake.outcomes import DeadLetterClass

from ..errors import OpsError
from ..project import project_folder
from ..setup.answers import environment_names
from .session import Session


def complete_source(incomplete: str) -> list[str]:
    """Names of sources; none if the sources file has a mistake."""
    from clemta_intake.sources.config import InvalidSources, read_sources

    with suppress(InvalidSources):
        names = read_sources(Session("local", None, None, None, False).sources_file)
        return [name for name in names if name.startswith(incomplete)]
    return []


def complete_environment(incomplete: str) -> list[str]:
    """Names of environments; none if samconfig.toml has a mistake."""
    with suppress(OSError, ValueError, OpsError):
        tables = tomllib.loads((project_folder() / "samconfig.toml").read_text(encoding="utf-8"))
        names = [name for name, table in tables.items() if name != "default" and isinstance(table, dict)]
        names += [name for name in environment_names(project_folder()) if name not in names]
        return [name for name in names if name.startswith(incomplete)]
    return []


Source = Annotated[
    str,
    typer.Option("--source", help="the source's name in the sources file", autocompletion=complete_source),
]
Headers = Annotated[list[str] | None, typer.Option("--header", help="'name: value'; may be repeated")]
Payload = Annotated[
    str, typer.Argument(metavar="FILE", help="a body, or an API Gateway event; - reads standard input")
]

FailureClass = Annotated[
    DeadLetterClass | None,
    typer.Option("--class", help="only of this failure class"),
]
OnlySource = Annotated[
    str | None, typer.Option("--source", help="only of this source", autocompletion=complete_source)
]
Id = Annotated[str, typer.Argument(metavar="ID", help="the submission's id, or its beginning")]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="submissions' ids, or their beginnings")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show what would happen, change nothing")]
Reveal = Annotated[bool, typer.Option("--reveal", help="show the payload: personal data")]
Reason = Annotated[str, typer.Option("--reason", help="why it is deleted; goes into the log")]
