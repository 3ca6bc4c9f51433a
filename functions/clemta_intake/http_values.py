"""An HTTP request and its answer as values, without I/O."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class HttpRequest(NamedTuple):
    """One request; `query` comes after the URL's own."""

    method: str
    url: str
    headers: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, str] = MappingProxyType({})
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"HttpRequest({self.method})"  # the rest holds keys and personal data


class HttpResponse(NamedTuple):
    """What came back; the case of a header's name does not matter."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HttpResponse({self.status})"
