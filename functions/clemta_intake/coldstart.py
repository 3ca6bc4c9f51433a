"""Shortens cold starts. Only the entry points call these functions; importing this module does nothing."""

import gc
import os
import ssl
from functools import cache
from typing import Any


def pause_garbage_collector() -> None:
    """Imports leave nothing to collect, and looking for it takes 6 % of a cold start: call this before them."""
    gc.disable()


def resume_garbage_collector() -> None:
    """Call this after the imports: what they made lives as long as the process and is never looked at again."""
    gc.freeze()
    gc.enable()


def share_tls_context() -> None:
    """Lets all clients of botocore use one TLS context; they have no public option for it, so a test checks this."""
    from botocore.httpsession import URLLib3Session

    URLLib3Session._get_ssl_context = lambda _: tls_context()  # type: ignore[attr-defined]


@cache
def tls_context() -> ssl.SSLContext:
    """This process's TLS context, as botocore makes it; it reads the certificate authorities once.

    requests and each client of botocore would read the same list again for every connection: a sixth of a cold start.
    What is trusted stays the same.
    """
    from botocore.httpsession import (
        create_urllib3_context,  # late, as the collector is paused before botocore loads
    )

    context: ssl.SSLContext = create_urllib3_context()
    context.__class__ = _ReadsAuthoritiesOnce
    return context


class _ReadsAuthoritiesOnce(ssl.SSLContext):
    _loaded: tuple[Any, ...] = ()

    def load_verify_locations(self, *locations: Any) -> None:
        """urllib3 calls this for every connection, with a file, a folder and bytes, or fewer of them."""
        if locations not in self._loaded:
            if folder := _authorities_beside(locations[0]):
                super().load_verify_locations(None, folder)
            else:
                super().load_verify_locations(*locations)
            self._loaded += (locations,)


def _authorities_beside(file: str | None) -> str | None:
    """The folder with certifi's authorities, of which OpenSSL reads only those that it needs; None for other files."""
    import certifi  # late, as the collector is paused before it loads

    if file != certifi.where():
        return None
    folder = os.path.join(os.path.dirname(file), "authorities")  # made by functions/trim_bundle.py
    return folder if os.path.isdir(folder) else None
