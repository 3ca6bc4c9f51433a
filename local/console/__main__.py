"""Serves the page: `python -m local.console`."""

import argparse
from pathlib import Path

from local.served_sources import SourcesWatch
from ops.console.app import STATIC, Page
from ops.console.serve import listen, new_token, serve

from .stack import Console

HERE = Path(__file__).parent
POLL_SECONDS = 0.4  # between two reads of the stack's state, while a page is open


def main() -> None:
    """Serves the page until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=__doc__)
    parser.add_argument("--port", type=int, default=8789)
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="default: %(default)s")
    parser.add_argument("--sources", type=Path, help="the sources file to serve; default: the project's")
    options = parser.parse_args()
    console = Console(options.stack)
    copy = options.stack.with_name("sources.toml")
    SourcesWatch(options.sources, copy, lambda: console.stack.env, lambda: None).start()
    files = {f"/{name}": STATIC / name for name in ("console.css", "console.js")} | {
        f"/{name}": HERE / name for name in ("local.css", "local.js")
    }
    token = new_token()
    page = Page("on this machine", files, (HERE / "local.html").read_text(encoding="utf-8"), token)
    serve(listen(options.port), lambda: console.stack, page, token=token, seconds=POLL_SECONDS)


if __name__ == "__main__":
    main()
