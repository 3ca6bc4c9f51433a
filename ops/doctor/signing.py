"""Checks the sources' secrets: signing secrets and captcha secrets."""

import json
from base64 import b64decode
from collections.abc import Iterator

from clemta_intake.captcha import NO_TOKEN
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import Retryable
from clemta_intake.sources.config import Form, Hmac, StandardWebhooks, Webhook

from ..environments import Environment
from .check import TIMEOUT, Check, secret_text


def signing_secrets(env: Environment) -> Iterator[Check]:
    secret_id = env.settings.signing_secret_id
    put = f'aws secretsmanager put-secret-value --secret-id {secret_id} --secret-string \'{{"NAME": "…"}}\''
    text = secret_text(env, secret_id)
    needed = {name: source for name, source in env.sources.items() if _secret_name(source)}
    if not needed:
        yield Check("signing secrets", "ok", "no source needs one")
        return
    try:
        known = json.loads(text or "{}")
        if not isinstance(known, dict):
            raise ValueError
    except ValueError:
        yield Check("signing secrets", "fail", "are not a JSON object of names and secrets", put)
        return
    wrong = 0
    for name, source in needed.items():
        secret = _secret_name(source)
        values = [value for value in env.deps.secrets.signing_secrets(secret) if value.strip()]
        if not values:
            wrong += 1
            says = f"{secret} is missing; source {name} needs it"
            yield Check("signing secrets", "fail", says, put.replace("NAME", secret) + " (with the others)")
        elif not all(_well_formed(source, value) for value in values):
            wrong += 1
            says = f"{secret} of source {name} is not base64, as whsec_… secrets are"
            yield Check("signing secrets", "fail", says, "copy the complete secret from the sender")
    if not wrong:
        yield Check(
            "signing secrets", "ok", f"there for {len(needed)} source{'' if len(needed) == 1 else 's'}"
        )


def captcha(env: Environment) -> Iterator[Check]:
    """Sends an invalid token to each captcha's verifier: it reports an unknown secret before the invalid token."""
    for name, source in env.sources.items():
        if not isinstance(source, Form) or not source.spam or not source.spam.captcha:
            continue
        provider, secret_name = source.spam.captcha
        found = ""
        for secret in filter(str.strip, env.deps.secrets.signing_secrets(secret_name)):
            try:
                said = env.deps.captcha.verify(provider, secret, NO_TOKEN, Deadline.after(TIMEOUT[1]))
            except Retryable as error:
                found = error.code
                continue
            if said.person:
                do = f"put your own secret key of {provider} into the signing secret under {secret_name}"
                yield Check("captcha", "note", f"{name}: {provider}'s test secret lets everybody pass", do)
            else:
                yield Check("captcha", "ok", f"{provider} accepts the secret of {name}")
            break
        else:
            if found:  # a missing secret is reported already
                do = (
                    f"put the secret key of the page's site key into the signing secret under {secret_name}"
                    if found == "captcha_secret_refused"
                    else f"check {provider}'s status page, and try again"
                )
                yield Check(
                    "captcha",
                    "fail",
                    f"{name}: {provider} refuses the secret or does not answer ({found})",
                    do,
                )


def _secret_name(source: Form | Webhook) -> str:
    if isinstance(source, Webhook):
        return source.auth.secret
    return source.spam.captcha[1] if source.spam and source.spam.captcha else ""


def _well_formed(source: Form | Webhook, secret: str) -> bool:
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
