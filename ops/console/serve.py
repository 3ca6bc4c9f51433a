"""Serves the console on 127.0.0.1."""

import secrets
import socket
from collections.abc import Callable

import uvicorn

from ..errors import OpsError
from .app import HOST, Page, Watch, create_app
from .desk import Desk


def listen(port: int) -> socket.socket:
    """A socket on that port of this machine; on any free one for 0."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise OpsError(f"port {port} cannot be used: {error.strerror}; give another with --port") from error


def new_token() -> str:
    return secrets.token_urlsafe(32)


def serve(server: socket.socket, desk: Callable[[], Desk], page: Page, *, token: str, seconds: float) -> None:
    """Serves the page until SIGTERM or Ctrl-C; `seconds` lie between two reads of the stack's state."""
    watch = Watch(desk, seconds)
    app = create_app(watch, page, token=token, port=server.getsockname()[1])
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    running = uvicorn.Server(config)
    watch.ends = lambda: running.should_exit
    running.run(sockets=[server])
