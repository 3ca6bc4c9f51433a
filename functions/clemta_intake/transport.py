"""Sends one HTTP request within its time; no caller knows `requests`.

TransportError          there is no answer
├── NothingSent         no connection was made: the server has seen nothing
└── NoAnswer            the request may have arrived
    └── ConnectionClosed    a kept connection was closed before the answer, usually because it had been idle
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import requests.adapters
import requests.utils
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProtocolError

from . import coldstart
from .http_values import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse


class TransportError(Exception):
    """There is no answer. The text names the kind of error; it quotes neither the address nor the request."""


class NothingSent(TransportError):
    """No connection was made: the server has seen nothing."""


class NoAnswer(TransportError):
    """The request may have arrived."""


class ConnectionClosed(NoAnswer):
    """A connection that had served before was closed without an answer."""


class Transport:
    """Keeps its connections open, sends a request once, follows no redirect, and ignores proxies and netrc."""

    def __init__(self) -> None:
        self._adapter = _Adapter(max_retries=0)
        self._headers = dict(requests.utils.default_headers())

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse:
        """The answer, whatever its status. Raises TransportError, at the latest after `total_seconds`."""
        # A session would add cookies, redirects, hooks and the environment, and requests' own preparation would parse
        # the address and check the headers each time. The key was checked when it was read.
        prepared = requests.PreparedRequest()
        prepared.method, prepared.body = request.method, request.body
        headers: Any = {**self._headers, **request.headers}
        if request.body is not None:
            headers["Content-Length"] = str(len(request.body))
        prepared.headers = headers
        timeout = connect_seconds, total_seconds - connect_seconds
        try:
            prepared.url = _address(request.url)
            if request.query:
                prepared.url += ("&" if "?" in prepared.url else "?") + _encoded(request.query)
            response = self._adapter.send(prepared, timeout=timeout)
            return HttpResponse(
                response.status_code, response.headers, response.raw.read(decode_content=True)
            )
        except (requests.RequestException, HTTPError) as error:  # urllib3's own while the body is read
            raise _error_type(error)(type(error).__name__) from None


@lru_cache(maxsize=16)
def _address(url: str) -> str:
    """The URL as requests sends it."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    return str(prepared.url)


def _encoded(query: Mapping[str, str]) -> str:
    """The query; its names are our own and need no quoting."""
    return "&".join([f"{name}={quote(value, safe='')}" for name, value in query.items()])


def _error_type(error: requests.RequestException | HTTPError) -> type[TransportError]:
    reason = error.args[0] if error.args else None
    if isinstance(error, requests.ConnectTimeout) or isinstance(
        getattr(reason, "reason", None), NewConnectionError
    ):
        return NothingSent
    if isinstance(reason, ProtocolError) and isinstance(reason.args[-1], _ClosedWhileIdle):
        return ConnectionClosed
    return NoAnswer


class _ClosedWhileIdle(ConnectionError):
    """A connection that had served before was closed without an answer."""


class _BoundedSocket(io.RawIOBase):
    """A socket's bytes, all within the timeout that the socket has now.

    A socket's own timeout limits each read only, so a slow stream of bytes could last without end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._end = time.monotonic() + (sock.gettimeout() or 0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # 0 would not wait at all, None would wait without end.
        self._sock.settimeout(max(0.001, self._end - time.monotonic()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_BoundedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Response
    _has_served = False

    def getresponse(self) -> "HTTPResponse":  # type: ignore[override]  # as urllib3 itself
        try:
            response = super().getresponse()
        except ConnectionError as error:
            if self._has_served:
                raise _ClosedWhileIdle from error
            raise
        self._has_served = True
        return response

    def _new_conn(self) -> socket.socket:
        """Name resolution and all addresses share the time to connect; urllib3 gives that time to each address."""
        self._has_served = False
        seconds, began = self.timeout or 0.0, time.monotonic()  # Transport always gives one
        try:
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            self.timeout = max(0.01, seconds - (time.monotonic() - began)) / len(addresses)
            sock = super()._new_conn()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        finally:
            self.timeout = seconds
        sock.settimeout(seconds)
        return sock


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(requests.adapters.HTTPAdapter):
    """Keeps what requests looks up or builds for each request, through the methods that it has for subclasses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pools: dict[str, Any] = {}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> Any:
        """The pool of the address's server; the key of the pool manager's own look-up takes longer to make."""
        server = _server(request)
        if server not in self._pools:
            self._pools[server] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return self._pools[server]

    def request_url(self, request: requests.PreparedRequest, *_: Any) -> str:
        """The path and the query; there are no proxies."""
        return str(request.url).removeprefix(_server(request))

    def cert_verify(self, pool: Any, *args: Any) -> None:
        """A pool is told its authorities once."""
        if getattr(pool, "ca_certs", None) is None:
            super().cert_verify(pool, *args)  # type: ignore[no-untyped-call]

    def build_response(self, _: requests.PreparedRequest, answer: Any) -> requests.Response:
        return _Answer(answer)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": coldstart.tls_context()}


class _Answer(requests.Response):
    """What `Transport` reads of an answer; without cookies, encoding and history."""

    def __init__(self, answer: Any) -> None:
        self.status_code, self.headers, self.raw = answer.status, answer.headers, answer


def _server(request: requests.PreparedRequest) -> str:
    """Scheme, host and port of the address."""
    return "/".join(str(request.url).split("/", 3)[:3])
