"""The page over HTTP: its files, its requests, and an event after each change.

The page's own script sends the token in a header that no other site can set, so that a request is the page's own.
The token comes to the page after the `#` of its address, which a browser never sends; it is in no log and no history.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from clemta_intake.errors import IntakeError
from clemta_intake.sources.config import InvalidSources

from ..aws import explain
from ..errors import OpsError
from .desk import Desk
from .history import Json

HOST = "127.0.0.1"
STATIC = Path(__file__).with_name("static")
PING_SECONDS = 15  # between two pings, which detect that a page was closed
MAX_BODY = 2_000_000  # bytes of a pasted payload, with its JSON around it
_TYPES = {".css": "text/css", ".js": "text/javascript"}
EXPECTED = (OSError, ValueError, KeyError, TypeError, BotoCoreError, ClientError, OpsError, IntakeError)


@dataclass(frozen=True)
class Page:
    """The page's texts and files; `aside` and `token` are the local stack's, whose page needs no secret address."""

    title: str
    files: Mapping[str, Path] = field(
        default_factory=lambda: {f"/{name}": STATIC / name for name in ("console.css", "console.js")}
    )
    aside: str = ""
    token: str = ""

    def html(self) -> str:
        text = (STATIC / "console.html").read_text(encoding="utf-8")
        scripts = "".join(
            f'<script src="{path}" defer></script>\n' for path in self.files if path.endswith(".js")
        )
        styles = "".join(
            f'<link rel="stylesheet" href="{path}">\n' for path in self.files if path.endswith(".css")
        )
        for name, value in (
            ("title", escape(self.title)),
            ("token", self.token),
            ("scripts", styles + scripts),
            ("aside", self.aside),
        ):
            text = text.replace(f"{{{{{name}}}}}", value)
        return text


class Watch:
    """Reads the stack's state while a page is open, and passes each change on."""

    def __init__(self, desk: Callable[[], Desk], seconds: float) -> None:
        self.desk = desk
        self.ends: Callable[[], bool] = lambda: False  # whether the server ends, and with it each stream
        self._seconds = seconds
        self._changed = asyncio.Condition()
        self._listeners = 0
        self._version = 0
        self._event = ""
        self._reading: asyncio.Task[None] | None = None

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: the whole state after each change."""
        self._listeners += 1
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        version = quiet = 0
        try:
            while not self.ends():
                try:
                    async with asyncio.timeout(1), self._changed:
                        await self._changed.wait_for(lambda: self._version > version)  # noqa: B023
                        version, quiet = self._version, 0
                    yield self._event
                except TimeoutError:
                    quiet += 1
                    if quiet % PING_SECONDS == 0:
                        yield ": still here\n\n"
        finally:
            self._listeners -= 1

    async def _read(self) -> None:
        while self._listeners:
            event = await run_in_threadpool(self._state)
            if event != self._event:
                async with self._changed:
                    self._event = event
                    self._version += 1
                    self._changed.notify_all()
            await asyncio.sleep(self._seconds)

    def _state(self) -> str:
        try:
            return f"event: state\ndata: {json.dumps(self.desk().state())}\n\n"
        except EXPECTED as error:
            return f"event: trouble\ndata: {json.dumps(_says(error, self.desk))}\n\n"


class OwnPagesOnly:
    """Refuses requests of other names (DNS rebinding), of other origins, and without the token."""

    def __init__(self, app: ASGIApp, token: str, hosts: Callable[[], set[str]], open_paths: set[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = hosts
        self._open = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(Request(scope)):
            refused = JSONResponse({"error": "refused"}, 403, _headers("default-src 'none'"))
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, request: Request) -> bool:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if host not in self._hosts() or origin not in (None, f"http://{host}"):
            return False
        given = request.headers.get("x-token", "").encode()
        is_open = request.method in ("GET", "HEAD") and request.url.path in self._open
        return is_open or hmac.compare_digest(given, self._token)


def create_app(watch: Watch, page: Page, *, token: str, port: int) -> ASGIApp:
    """The console of the watch's stack, which is asked anew for each request."""
    desk = watch.desk

    async def show(_: Request) -> Response:
        found: list[str] = []
        with suppress(*EXPECTED):
            found = await run_in_threadpool(lambda: desk().origins())
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
            f"connect-src {' '.join(["'self'", *found])}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return Response(page.html(), 200, _headers(policy), "text/html; charset=utf-8")

    async def file(request: Request) -> Response:
        path = page.files[request.url.path]
        return Response(path.read_bytes(), 200, _headers("default-src 'none'"), _TYPES[path.suffix])

    async def health(_: Request) -> Response:
        return Response("ok", 200, _headers("default-src 'none'"), "text/plain")

    async def events(_: Request) -> Response:
        return StreamingResponse(watch.events(), 200, _headers("default-src 'none'"), "text/event-stream")

    async def act(request: Request) -> Response:
        answer, status = await _answer(request, desk)
        return JSONResponse(answer, status, _headers("default-src 'none'"))

    app = Starlette(
        routes=[
            Route("/", show),
            *(Route(path, file) for path in page.files),
            Route("/health", health),
            Route("/events", events),
            Route("/{action}", act, methods=["POST"]),
        ]
    )
    hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
    return OwnPagesOnly(app, token, lambda: hosts, {"/", "/health", *page.files})


async def _answer(request: Request, desk: Callable[[], Desk]) -> tuple[Json, int]:
    """The action's answer, or what is wrong in one line."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return {"error": "too large"}, 413
    try:
        given = json.loads(body)
        if not isinstance(given, dict):
            return {"error": "wrong input"}, 400
        actions = await run_in_threadpool(lambda: desk().actions)
        if request.url.path not in actions:
            return {"error": "unknown action"}, 404
        return await run_in_threadpool(actions[request.url.path], given), 200
    except (OpsError, IntakeError, InvalidSources) as error:
        return {"error": str(error)}, 409
    except (BotoCoreError, ClientError, OSError) as error:
        return {"error": _says(error, desk)}, 503
    except (KeyError, ValueError, TypeError, RecursionError):
        return {"error": "wrong input"}, 400


def _says(error: BaseException, desk: Callable[[], Desk]) -> str:
    """The error in one line, without data."""
    if isinstance(error, ClientError | BotoCoreError):
        local = False
        with suppress(*EXPECTED):
            local = bool(desk().env.location.endpoint_url)
        return ": ".join(explain(error, local=local))
    if isinstance(error, OpsError | IntakeError | InvalidSources):
        return str(error)
    return f"the stack does not answer ({type(error).__name__})"


def _headers(policy: str) -> dict[str, Any]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
