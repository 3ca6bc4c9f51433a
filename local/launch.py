"""Starts ministack with the functions run by LAMBDA_PYTHON and every body taken as binary; made for one version of it."""

import argparse
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version

MADE_FOR = "1.5.33"


def media_type_matches(media_type: str | None, binary_media_types: Iterable[str] | None) -> bool:
    """Matches as API Gateway does: `*~1*` is how a template spells `*/*`, which takes a missing type too."""
    wanted = (media_type or "").partition(";")[0].strip().lower()
    for binary in binary_media_types or ():
        kind, _, subtype = binary.strip().lower().replace("~1", "/").partition("/")
        if (kind, subtype) == ("*", "*") or wanted == f"{kind}/{subtype}":
            return True
        if subtype == "*" and wanted.startswith(f"{kind}/"):
            return True
    return False


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.launch")
    parser.add_argument("--port", required=True)
    os.environ["GATEWAY_PORT"] = parser.parse_args().port
    sys.argv[1:] = []  # ministack reads them too
    if (found := version("ministack")) != MADE_FOR:
        sys.exit(f"ministack {found} is installed, and local/launch.py was made for {MADE_FOR}: see what it patches")
    # ministack runs every Python function with its own interpreter, whose packages would hide a missing requirement.
    sys.executable = os.environ.pop("LAMBDA_PYTHON")

    from ministack import app
    from ministack.services import apigateway_v1

    apigateway_v1._media_type_matches = media_type_matches
    app.main()


if __name__ == "__main__":
    main()
