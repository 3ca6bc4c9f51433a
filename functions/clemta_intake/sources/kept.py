"""What a queue message keeps of a request: headers, query parameters, and the body without its proof. Pure."""

from collections.abc import Mapping

from ..bodies.json_text import JsonBody
from ..bodies.places import value_at, without
from ..model import Submission
from .config import Form, Hmac, Jws, Token, Webhook
from .expressions import referenced_paths
from .redaction import is_secret_name

_CREDENTIALS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "token", "x-api-key", "api-key", "apikey", "api_key"}
)


def kept_headers(source: Form | Webhook, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that the source's expressions name, without credentials."""
    return _kept("headers", source, headers)


def kept_query(source: Form | Webhook, query: Mapping[str, str]) -> dict[str, str]:
    """The query parameters that the source's expressions name, without credentials."""
    return _kept("query", source, query)


def without_proof(
    source: Form | Webhook, submission: Submission, body: JsonBody
) -> tuple[Submission, JsonBody]:
    """The submission and its body without the sender's proof, which is a secret, if it stands in the body."""
    keys = source.proof_keys if isinstance(source, Webhook) else ()
    if not keys or value_at(body.data, keys) is None:
        return submission, body
    body = body._replace(data=without(body.data, keys))
    return submission._replace(body=body.rewrite(body.data)), body


def _kept(part: str, source: Form | Webhook, values: Mapping[str, str]) -> dict[str, str]:
    paths = {path for text in source.expressions() for path in referenced_paths(text)}
    named = sorted(name for root, *names in paths if root == part for name in names)
    auth = source.auth if isinstance(source, Webhook) else None
    proof = {auth.header} if isinstance(auth, Hmac | Jws | Token) else set()
    return {
        name: values[name]
        for name in named
        if name in values and name.lower() not in _CREDENTIALS | proof and not is_secret_name(name[:200])
    }
