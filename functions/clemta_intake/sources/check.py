"""`python -m clemta_intake.sources.check FILE`: is this sources file usable? The build runs it."""

import sys
from pathlib import Path

from .config import InvalidSources, check_file


def main(arguments: list[str]) -> int:
    """Prints the sources, or each mistake with its line; 0 only if there is none."""
    if len(arguments) != 1:
        print("usage: python -m clemta_intake.sources.check FILE", file=sys.stderr)
        return 2
    try:
        names = check_file(Path(arguments[0]))
    except InvalidSources as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{Path(arguments[0]).name}: {len(names)} source{'s' if len(names) != 1 else ''}: {', '.join(names)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
