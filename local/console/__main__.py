"""Serves the page: `python -m local.console`."""

import argparse
import secrets
import signal
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from local.processes import HOST
from local.served_sources import SourcesWatch

from .server import Handler, Watch
from .stack import Console


def main() -> None:
    """Serves the page until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=__doc__)
    parser.add_argument("--port", type=int, default=8789)
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="default: %(default)s")
    parser.add_argument("--sources", type=Path, help="the sources file to serve; default: the project's")
    options = parser.parse_args()
    console = Console(options.stack)
    copy = options.stack.with_name("sources.toml")
    SourcesWatch(options.sources, copy, lambda: console.stack.env, console.forget_stack).start()
    handler = partial(Handler, console=console, watch=Watch(console), token=secrets.token_urlsafe(32))
    with ThreadingHTTPServer((HOST, options.port), handler) as server:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended.wait()
        server.shutdown()


if __name__ == "__main__":
    main()
