"""One TLS context for all that is called: the list of certificate authorities is read once, not for each connection.

requests and each of botocore's clients would parse the same list for themselves, again whenever they connect: a sixth
of a cold start. Nothing is trusted less, and nothing more.
"""

import ssl
from functools import cache
from typing import Any

from botocore.httpsession import URLLib3Session
from botocore.httpsession import create_urllib3_context as create_context


@cache
def context() -> ssl.SSLContext:
    """This process's context, as botocore makes it."""
    made: ssl.SSLContext = create_context()
    made.__class__ = _ReadsOnce
    return made


class _ReadsOnce(ssl.SSLContext):
    _read: tuple[Any, ...] = ()

    def load_verify_locations(self, *which: Any) -> None:
        """urllib3 asks for it with every connection."""
        if which not in self._read:
            super().load_verify_locations(*which)
            self._read += (which,)


def share() -> None:
    """Lets every client of botocore use it; there is no public way to say so, and a test notices if this one goes."""
    URLLib3Session._get_ssl_context = lambda _: context()  # type: ignore[attr-defined]
