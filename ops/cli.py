"""`clemta-intake`: inspects, repairs and replays submissions of any deployed stack.

A command's module is imported when the command runs, so that --help, --version and completion start fast.
"""

import os
import signal
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from clemta_intake import __version__

# As in template.yaml: no scan of every installed package's metadata.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Ctrl-C, the end of a job, a closed terminal. Windows has no SIGHUP.
_INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

COMMANDS = {
    # command or group: its module in ops.commands, the Typer in it, and the first sentence of its help
    "setup": (
        "setup",
        "app",
        "Sets a stack up on AWS, or updates it: asks four questions, deploys, tries it.",
    ),
    "doctor": ("monitoring", "app", "Checks the whole stack: each line is ok, or says what to do."),
    "status": (
        "monitoring",
        "app",
        "Shows the outcomes of sign-ups, the queues, and Clemta's response times.",
    ),
    "console": ("console", "app", "Opens the operator's page of the stack on 127.0.0.1."),
    "preview": (
        "submissions",
        "app",
        "Shows the contact that a request would create, field by field; sends nothing.",
    ),
    "send": ("submissions", "app", "Signs the file as that sender does, and posts it."),
    "import": (
        "submissions",
        "app",
        "Imports past sign-ups at Clemta's pace; can be interrupted and repeated.",
    ),
    "find": ("people", "app", "Finds a sign-up: where it is, or its outcome."),
    "erase": ("people", "app", "Deletes a person's data from the three queues and the ledger."),
    "dlq": ("queues", "dlq", "Dead letters: submissions that could not be delivered, with the reason."),
    "held": ("queues", "held", "Submissions that broke a form's spam rule: kept for 14 days."),
    "secrets": ("secrets", "app", "Clemta's API key and the signing secrets: names only, never values."),
    "sources": ("sources", "app", "The sources file: the senders and their settings."),
    "remove": ("setup", "app", "Removes a stack from AWS; says what stays there, and why."),
}


class _Commands(TyperGroup):
    """The commands of COMMANDS, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        return loaded(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@cache
def loaded(name: str) -> Any:
    """The command or group of that name."""
    module, attribute, _ = COMMANDS[name]
    instance: typer.Typer = getattr(import_module(f"ops.commands.{module}"), attribute)
    instance.rich_markup_mode = app.rich_markup_mode
    group: Any = typer.main.get_group(instance)
    command = group.commands.get(name, group)
    command.name = name
    return command


app = typer.Typer(
    cls=_Commands,
    epilog="clemta-intake doctor --env production    says what is wrong, and what to do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"clemta-intake {__version__}")
        raise typer.Exit


@app.callback()
def all_commands(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """See, fix and replay: the operator's side of clemta-intake."""


def _interrupted(*_: object) -> None:
    """Ends a command as Ctrl-C does: it returns its messages to the queue and switches redelivery on again."""
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)  # a second signal must not stop the cleanup
    raise KeyboardInterrupt


def main(arguments: Iterable[str] | None = None) -> None:
    """Runs the command."""
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupted)
    app(args=list(arguments) if arguments is not None else sys.argv[1:], prog_name="clemta-intake")


if __name__ == "__main__":
    main()
