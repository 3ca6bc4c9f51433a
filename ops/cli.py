"""`clemta-intake`: inspects, repairs and replays submissions of any deployed stack."""

import signal
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from clemta_intake import __version__

from .commands import monitoring, people, queues, secrets, sources, submissions

# Ctrl-C, the end of a job, a closed terminal. Windows has no SIGHUP.
_INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

app = typer.Typer(
    epilog="clemta-intake doctor --env production    says what is wrong, and what to do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (monitoring.app, submissions.app, people.app):
    app.add_typer(group)
app.add_typer(queues.dlq, name="dlq")
app.add_typer(queues.held, name="held")
app.add_typer(secrets.app, name="secrets")
app.add_typer(sources.app, name="sources")


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
