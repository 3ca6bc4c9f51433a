"""Turns a function into a command: adds the common options, and prints errors in one line."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from clemta_intake.errors import IntakeError

from ..aws import explain
from ..errors import OpsError
from .options import complete_environment
from .session import Session


def _option(kind: Any, default: Any, *names: str, help_text: str, **more: Any) -> inspect.Parameter:
    """A keyword-only option."""
    return inspect.Parameter(
        names[0].strip("-").replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*names, help=help_text, **more)],
    )


_COMMON_OPTIONS = [
    _option(
        *(str, "local", "--env"),
        help_text="local, staging or production, as in samconfig.toml",
        autocompletion=complete_environment,
    ),
    _option(str | None, None, "--stack", help_text="the stack's name, instead of --env"),
    _option(str | None, None, "--region", help_text="the stack's AWS region"),
    _option(Path | None, None, "--sources", help_text="the sources file, if not sources.toml"),
    _option(bool, False, "--json", help_text="print JSON, for programs"),
]


def _expected_errors() -> tuple[type[Exception], ...]:
    """The errors that are printed in one line."""
    from clemta_intake.sources.config import InvalidSources

    return OpsError, InvalidSources, IntakeError, ClientError, BotoCoreError, OSError


def command(
    group: typer.Typer, name: str, *examples: str, env: str = "local"
) -> Callable[[Callable[..., bool | None]], Callable[..., bool | None]]:
    """Adds a command: its function gets a Session and its own arguments; the exit code is 1 if it returns False.

    `env` is the default of --env.
    """
    common_options = [_COMMON_OPTIONS[0].replace(default=env), *_COMMON_OPTIONS[1:]]

    def add(function: Callable[..., bool | None]) -> Callable[..., bool | None]:
        _, *own_options = inspect.signature(function).parameters.values()

        def run(**values: Any) -> None:
            common = [values.pop(parameter.name) for parameter in common_options]
            session = Session(*common)
            try:
                succeeded = function(session, **values)
                sys.stdout.flush()
            except BrokenPipeError:
                raise  # nobody reads any more: typer ends the command
            except _expected_errors() as error:
                session.err.print(Text(_one_line(error, local=session.local), style="red"))
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                session.err.print("interrupted: you can run it again")
                raise typer.Exit(130) from None
            if succeeded is False:
                raise typer.Exit(1)

        keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own_options]
        shown = "".join(f"\n  clemta-intake {example}" for example in examples)
        run.__doc__ = f"{function.__doc__}\n\n\b\nFor example:{shown}"  # \b: keeps the line breaks
        run.__signature__ = inspect.Signature([*keywords, *common_options])  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in [*keywords, *common_options]}
        group.command(name)(run)
        return function

    return add


def _one_line(error: BaseException, *, local: bool) -> str:
    """The error and what to do, in one line, without a stack trace and without a payload."""
    if isinstance(error, ClientError | BotoCoreError):
        return ": ".join(explain(error, local=local))
    return str(error) or type(error).__name__
