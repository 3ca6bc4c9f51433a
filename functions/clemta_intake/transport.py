"""An HTTP session whose timeout bounds the whole answer; a socket's own bounds each read, and a trickle takes long."""

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any

import requests
import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, ProtocolError

from . import coldstart

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse


def session() -> requests.Session:
    """Kept-alive, never repeats a request by itself; `timeout=(connect, answer)` in seconds."""
    session = requests.Session()
    session.trust_env = False  # no netrc, no proxy, no look at the environment on every call
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(max_retries=0))
    return session


class ClosedMeanwhile(ConnectionError):
    """A connection that had served before was closed without an answer."""


def closed_meanwhile(error: requests.RequestException) -> bool:
    """Whether a kept-alive connection was closed without an answer: as a rule the server had tired of it."""
    reason = error.args[0] if error.args else None
    return isinstance(reason, ProtocolError) and isinstance(reason.args[-1], ClosedMeanwhile)


class _Bounded(io.RawIOBase):
    """A socket's bytes, until the timeout that the socket has now is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._end = time.monotonic() + (sock.gettimeout() or 0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(
            max(0.001, self._end - time.monotonic())
        )  # 0 would mean: do not wait, None: for ever
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Bounded(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Response
    _served = False

    def getresponse(self) -> "HTTPResponse":  # type: ignore[override]  # as urllib3 itself
        try:
            response = super().getresponse()
        except ConnectionError as error:
            if self._served:
                raise ClosedMeanwhile from error
            raise
        self._served = True
        return response

    def _new_conn(self) -> socket.socket:
        """The host's name and all its addresses share the time to connect; urllib3 would give so much to each."""
        self._served = False
        seconds, began = self.timeout, time.monotonic()
        try:
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            if seconds:
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
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": coldstart.tls_context()} if verify is True else pool
