"""The pages of docs/sources/ and the lists of senders in other pages, from presets.toml and senders.toml."""

import tomllib
from pathlib import Path
from textwrap import fill
from typing import Any

from local.processes import ROOT

DOCS = ROOT / "docs"
TABLE = DOCS / "sources.md"
SECURITY = DOCS / "security.md"
PRESETS = ROOT / "functions" / "clemta_intake" / "sources" / "presets.toml"

EXISTING = """If the e-mail address already belongs to a contact, no second contact is created;
[sources.md](../sources.md) explains how to change this and every other key."""
FAILURES = """The sender authenticates with {proof}. A request without valid authentication is answered with 401 and
discarded. A sign-up is answered with 200 within {seconds} seconds, once it is a contact in Clemta or stored in a
queue: while Clemta is down the sender notices nothing and has nothing to send again. 503 with Retry-After means that
nothing was stored. A payload that cannot be mapped goes to the dead-letter queue with its reason and is answered with
200, because the sender cannot fix it."""
ANSWERS = """Whatever else the person gave (custom fields, hidden fields, consent) goes into the description as
`Label: answer`."""
RECOGNISED = """Name, e-mail, phone, company, address, country, tax id and message are recognised by their types and
common names, in 16 languages. A `contact` table in `sources.toml` overrides any of
them."""


def proof(auth: dict[str, Any]) -> str:
    """How a sender authenticates, in words."""
    match auth["scheme"]:
        case "hmac":
            return f"HMAC-SHA256 in `{auth['header']}`"
        case "standard-webhooks":
            return "a Standard Webhooks signature"
        case "jws":
            return f"JWS in `{auth['header']}`"
        case "body-hmac":
            return (
                f"HMAC-SHA256 of the body's `{auth['signed']}`, in its `{auth.get('signature', 'signature')}`"
            )
        case "basic":
            return "HTTP Basic"
        case "iam":
            return "IAM: the service alone may invoke the function"
    return f"a token in the body's `{auth['body']}`" if "body" in auth else "a token"


def row(kind: str, preset: dict[str, Any]) -> str:
    """The sender's row in the table of senders."""
    title = f"[{preset['title']}](sources/{kind}.md)"
    return f"| {title} | `{kind}` | {proof(preset['auth'])} | {preset['sign_up']} | {preset['retries']} |"


def page(kind: str, preset: dict[str, Any], sender: dict[str, Any]) -> str:
    """A sender's own page."""
    in_address = "?token=" in preset.get("token_place", "")
    token = "?token=…" if in_address else ""
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(sender["connect"], 1))
    script = f"The script:\n\n```js\n{sender['script'].strip()}\n```\n\n" if "script" in sender else ""
    place = f" The token stands in {preset['token_place']}." if "token_place" in preset else ""
    own = {
        "token": "Make up a long random text as the token, and set it",
        "basic": "Make up a user name and a password, and set them as `user:password`",
    }
    request = own.get(preset["auth"]["scheme"], "Set the sender's secret")
    failures = FAILURES.format(proof=proof(preset["auth"]), seconds=preset.get("answer_seconds", 4))
    return f"""<!-- generated: make docs -->
# {preset["title"]}

Becomes a contact in Clemta: {preset["sign_up"]}.

## Connect

{steps}

The address is `{{api_url}}/signups/{kind}{token}`, with the stack's `ApiUrl`. Three lines of your `sources.toml`:

    [sources.{kind}]
    kind = "{kind}"
    secret = "{kind}"

{fill(f"{request} (the command asks for it); then make the file live.{place}", 118)}

    clemta-intake secrets set {kind} --env production
    clemta-intake sources push --env production

{script}## What arrives in Clemta

{arrives(preset)}

{fill(EXISTING, 118)}

## When something fails

{fill(f"Retries: {preset['retries']}. " + failures, 118)}

## Good to know

{"".join(f"- {fact}" + chr(10) for fact in sender["know"])}"""


def arrives(preset: dict[str, Any]) -> str:
    """The table of mapped fields and the sentence on other answers, or the sentence on recognised fields."""
    if "contact" not in preset:
        return fill(RECOGNISED, 118)
    rows = []
    for field, path in preset["contact"].items():
        shown = " ".join(path.split()).replace("|", "\\|")
        rows.append(f"| `{field}` | `{shown}` |")
    table = "\n".join(["| Clemta | the event (JMESPath) |", "|---|---|", *rows])
    return f"{table}\n\n{fill(ANSWERS, 118)}" if "answers" in preset else table


def pages() -> dict[Path, str]:
    """The page of each sender that posts to an address, by its path."""
    presets = tomllib.loads(PRESETS.read_text())
    senders = tomllib.loads((DOCS / "sources" / "senders.toml").read_text())
    return {
        DOCS / "sources" / f"{kind}.md": page(kind, preset, senders[kind])
        for kind, preset in presets.items()
        if preset["auth"]["scheme"] != "iam"
    }


def signs_no_timestamp(auth: dict[str, Any]) -> bool:
    """Whether the sender signs its requests, but not their time."""
    return auth["scheme"] in ("jws", "body-hmac") or (
        auth["scheme"] == "hmac" and "{timestamp}" not in auth.get("signed", "")
    )


def tables() -> dict[Path, dict[str, str]]:
    """The pages' generated parts, by page and mark."""
    presets = tomllib.loads(PRESETS.read_text())
    head = ["| sender | `kind` | authentication | becomes a contact | retries |", "|---|---|---|---|---|"]
    rows = "\n".join([*head, *(row(kind, preset) for kind, preset in presets.items())]) + "\n"
    timeless = [
        preset["title"].partition(",")[0] for preset in presets.values() if signs_no_timestamp(preset["auth"])
    ]
    listed = fill(f"{', '.join(timeless)}.", 118) + "\n"
    return {TABLE: {"senders": rows}, SECURITY: {"senders-without-timestamp": listed}}
