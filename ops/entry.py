"""The installed command's entry point: also an interrupt while Python imports ends it without a traceback."""

import sys


def main() -> None:
    """Runs the command."""
    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
