"""The local stack's sources file, and a signing secret for each name in it."""

import tomllib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from local.processes import ROOT

SOURCES = ROOT / "functions" / "sources.toml"
SECRET_KEYS = ("secret", "turnstile", "hcaptcha", "recaptcha")  # their value is the name of a secret


def with_every_sender(text: str) -> str:
    """A sources file's text plus a source for each preset that it lacks: the console sends a sample of each.

    Without services of AWS: they post nothing, but invoke a function.
    """
    posting = {name for name, preset in presets().items() if preset["auth"]["scheme"] != "iam"}
    names = sorted(posting - tomllib.loads(text).get("sources", {}).keys())
    return text + "".join(f'\n[sources.{name}]\nkind = "{name}"\nsecret = "{name}"\n' for name in names)


def presets() -> dict[str, Any]:
    """The presets of all known senders, by name."""
    return tomllib.loads((ROOT / "functions" / "clemta_intake" / "sources" / "presets.toml").read_text())


def signing_secrets(sources: Mapping[str, Any]) -> dict[str, str]:
    """A secret for every name in a sources file, in the encoding that its source expects."""
    secrets = {"crm": "local-crm-secret"}
    known = presets()
    for table in sources.get("sources", {}).values():
        auth = {**known.get(table.get("kind"), {}).get("auth", {}), **table.get("auth", {})}
        default = "base64" if auth.get("scheme") == "standard-webhooks" else "text"
        in_base64 = auth.get("key", default) == "base64"
        for name in secret_names(table):
            text = f"local-{name}-secret"
            secrets[name] = f"whsec_{b64encode(text.encode()).decode()}" if in_base64 else text
    return secrets


def secret_names(table: Mapping[str, Any]) -> Iterator[str]:
    """The names of secrets in a sources file or a part of it."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from secret_names(value)
        elif isinstance(value, str) and key in SECRET_KEYS:
            yield value
