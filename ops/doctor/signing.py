"""Checks the sources' secrets: signing secrets and captcha secrets."""

from collections.abc import Iterator

from clemta_intake.captcha import NO_TOKEN
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import Retryable
from clemta_intake.sources.config import Form

from ..environments import Environment
from ..errors import OpsError
from ..secrets import secret_name, stored_secrets, well_formed
from .check import TIMEOUT, Check, secret_text


def signing_secrets(env: Environment) -> Iterator[Check]:
    secret_id = env.settings.signing_secret_id
    text = secret_text(env, secret_id)
    needed = {name: source for name, source in env.sources.items() if secret_name(source)}
    if not needed:
        yield Check("signing secrets", "ok", "no source needs one")
        return
    try:
        stored_secrets(text)
    except OpsError:
        do = "correct its text in Secrets Manager: no command overwrites it"
        yield Check("signing secrets", "fail", "are not a JSON object of names and secrets", do)
        return
    wrong = 0
    for name, source in needed.items():
        secret = secret_name(source)
        values = [value for value in env.deps.secrets.signing_secrets(secret) if value.strip()]
        if not values:
            wrong += 1
            says = f"{secret} is missing; source {name} needs it"
            yield Check("signing secrets", "fail", says, env.location.command(f"secrets set {secret}"))
        elif not all(well_formed(source, value) for value in values):
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
        provider, name_of_secret = source.spam.captcha
        set_it = env.location.command(f"secrets set {name_of_secret}")
        found = ""
        for secret in filter(str.strip, env.deps.secrets.signing_secrets(name_of_secret)):
            try:
                said = env.deps.captcha.verify(provider, secret, NO_TOKEN, Deadline.after(TIMEOUT[1]))
            except Retryable as error:
                found = error.code
                continue
            if said.person:
                do = f"set your own secret key of {provider}: {set_it}"
                yield Check("captcha", "note", f"{name}: {provider}'s test secret lets everybody pass", do)
            else:
                yield Check("captcha", "ok", f"{provider} accepts the secret of {name}")
            break
        else:
            if found:  # a missing secret is reported already
                do = (
                    f"set the secret key of the page's site key: {set_it}"
                    if found == "captcha_secret_refused"
                    else f"check {provider}'s status page, and try again"
                )
                yield Check(
                    "captcha",
                    "fail",
                    f"{name}: {provider} refuses the secret or does not answer ({found})",
                    do,
                )
