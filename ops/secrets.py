"""The stack's secrets, one name at a time: Clemta's API key, and the signing secrets of the sources.

A change is a compare-and-set on the staging label AWSCURRENT, so two people who set different names at once both
succeed. A value is never logged or printed.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from clemta_intake.sources.config import Form, Hmac, InvalidSources, StandardWebhooks, Webhook

from .environments import Environment
from .errors import OpsError

API_KEY = "CLEMTA_API_KEY"
"""The name of Clemta's API key; a signing secret's name has no capital letters."""

_TRIES = 5  # of a change, while others change the same secret
_FIX_BY_HAND = "its text is not a JSON object of names and secrets: correct it in Secrets Manager first"

type Change = Literal["new", "rotated", "replaced", "unchanged", "dropped"]


@dataclass(frozen=True)
class SecretState:
    """One name: the sources that use it, how many values it has, and what is wrong; "unused" is not an error."""

    name: str
    sources: tuple[str, ...]
    values: int
    state: Literal["ok", "missing", "malformed", "unused"]


def put(env: Environment, name: str, value: str) -> Change:
    """Makes `value` the first one of that name and keeps the former first one as the second, for a rotation.

    Clemta's API key has no second value: the new one replaces it.
    """
    if name == API_KEY:
        return _put_api_key(env, value)
    done: Change = "unchanged"

    def edit(secrets: dict[str, Any]) -> None:
        nonlocal done
        old = values_of(secrets, name)
        done = "unchanged" if old[:1] == [value] else "rotated" if old else "new"
        if done != "unchanged":
            secrets[name] = [value, old[0]] if old else value

    _edit(env, edit)
    return done


def drop_old(env: Environment, name: str) -> Change:
    """Removes every value of that name but the first."""
    done: Change = "unchanged"

    def edit(secrets: dict[str, Any]) -> None:
        nonlocal done
        values = values_of(secrets, name)
        if not values:
            raise OpsError(f"there is no signing secret {name}: clemta-intake secrets list shows all")
        done = "dropped" if len(values) > 1 else "unchanged"
        if len(values) > 1:
            secrets[name] = values[0]

    _edit(env, edit)
    return done


def states(env: Environment) -> list[SecretState]:
    """Clemta's API key, then each signing secret that is stored or that a source needs."""
    key = key_of(_current(env.client("secretsmanager"), env.settings.clemta_secret_id)[0])
    found = [SecretState(API_KEY, (), int(bool(key)), "ok" if key else "missing")]
    stored = stored_secrets(_current(env.client("secretsmanager"), env.settings.signing_secret_id)[0])
    for name in sorted({*stored, *filter(None, map(secret_name, env.sources.values()))}):
        using = {key: source for key, source in env.sources.items() if secret_name(source) == name}
        values = values_of(stored, name)
        whole = all(well_formed(source, value) for source in using.values() for value in values)
        state: Literal["ok", "missing", "malformed", "unused"] = (
            "unused" if not using else "missing" if not values else "ok" if whole else "malformed"
        )
        found.append(SecretState(name, tuple(using), len(values), state))
    return found


def sources_using(env: Environment, name: str) -> dict[str, Form | Webhook]:
    """The sources of the sources file that use the secret; none if the file is missing or has mistakes."""
    with suppress(InvalidSources, OpsError):
        return {key: source for key, source in env.sources.items() if secret_name(source) == name}
    return {}


def secret_name(source: Form | Webhook) -> str:
    """The name of the secret that the source needs; "" if it needs none."""
    if isinstance(source, Webhook):
        return source.auth.secret
    return source.spam.captcha[1] if source.spam and source.spam.captcha else ""


def well_formed(source: Form | Webhook, secret: str) -> bool:
    """Whether the value has the encoding that the source's signature needs."""
    if not isinstance(source, Webhook) or not isinstance(source.auth, Hmac | StandardWebhooks):
        return True
    if source.auth.key != "base64":
        return True
    try:
        for part in secret.split("|"):
            text = part.strip().removeprefix("v1,").removeprefix("whsec_")
            b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False
    return True


def stored_secrets(text: str) -> dict[str, Any]:
    """The signing secrets by name; raises OpsError if the text is not a JSON object, so that nobody overwrites it."""
    try:
        stored = json.loads(text.strip() or "{}")
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise OpsError(f"the signing secret cannot be read: {_FIX_BY_HAND}")
    return stored


def values_of(stored: Mapping[str, Any], name: str) -> list[str]:
    """The usable values of that name, newest first."""
    value = stored.get(name, [])
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]


def key_of(text: str) -> str:
    """Clemta's key in the secret's text, which is the key or JSON {"api_key": …}; "" if there is none."""
    text = text.strip()
    if not text.startswith("{"):
        return text
    with suppress(ValueError):
        key = json.loads(text).get("api_key")
        return key.strip() if isinstance(key, str) else ""
    return ""


def _put_api_key(env: Environment, value: str) -> Change:
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise OpsError("that is no API key: it has spaces or letters that no key has")
    done: Change = "unchanged"

    def edit(text: str) -> str:
        nonlocal done
        old = key_of(text)
        done = "unchanged" if old == value else "replaced" if old else "new"
        if done == "unchanged":
            return text
        with suppress(ValueError):
            if isinstance(known := json.loads(text), dict):
                return json.dumps({**known, "api_key": value})
        return value

    _change(env.client("secretsmanager"), env.settings.clemta_secret_id, edit)
    return done


def _edit(env: Environment, edit: Callable[[dict[str, Any]], None]) -> None:
    def edit_text(text: str) -> str:
        stored = stored_secrets(text)
        before = json.dumps(stored)
        edit(stored)
        return text if json.dumps(stored) == before else json.dumps(stored)

    _change(env.client("secretsmanager"), env.settings.signing_secret_id, edit_text)


def _change(client: Any, secret_id: str, edit: Callable[[str], str]) -> None:
    """Replaces the secret's text by `edit` of it; reads and edits again if somebody else changed it meanwhile.

    AWSCURRENT moves only if it is still on the version that was read:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
    """
    for _ in range(_TRIES):
        text, version = _current(client, secret_id)
        new = edit(text)
        if new == text:
            return
        label = (
            f"clemta-intake-{uuid4()}"  # without a label of its own the new version would be current at once
        )
        added = client.put_secret_value(SecretId=secret_id, SecretString=new, VersionStages=[label])
        move = {"MoveToVersionId": added["VersionId"]} | ({"RemoveFromVersionId": version} if version else {})
        try:
            client.update_secret_version_stage(SecretId=secret_id, VersionStage="AWSCURRENT", **move)
        except client.exceptions.InvalidParameterException:
            if _current(client, secret_id)[1] == version:
                raise
        else:
            return
        finally:  # without a label the other version's text is deleted in time
            client.update_secret_version_stage(
                SecretId=secret_id, VersionStage=label, RemoveFromVersionId=added["VersionId"]
            )
    raise OpsError("somebody else keeps changing the secret: nothing was changed, run it again")


def _current(client: Any, secret_id: str) -> tuple[str, str | None]:
    """The secret's current text and its version; "" and None if it has no value yet."""
    try:
        found = client.get_secret_value(SecretId=secret_id)
    except client.exceptions.ResourceNotFoundException:
        return "", None
    return str(found.get("SecretString", "")), str(found["VersionId"])
