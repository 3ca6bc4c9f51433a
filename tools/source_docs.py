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
discarded. A sign-up is answered with 200 within 4 seconds, once it is a contact in Clemta or stored in a queue: while
Clemta is down the sender notices nothing and has nothing to send again. 503 with Retry-After means that nothing was
stored. A payload that cannot be mapped goes to the dead-letter queue with its reason and is answered with 200, because
the sender cannot fix it."""
RECOGNISED = """Name, e-mail, phone, company, address, country, tax id and message are recognised by their types and
common names, in English, Turkish, German, Spanish and French. A `contact` table in `sources.toml` overrides any of
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
    return "a token"


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
    request, place = "Set the sender's secret", ""
    if "token_place" in preset:
        request = "Make up a long random text as the token, and set it"
        place = f" The token stands in {preset['token_place']}."
    return f"""<!-- generated: make docs -->
# {preset["title"]}

Becomes a contact in Clemta: {preset["sign_up"]}.

## Connect

{steps}

The address is `{{api_url}}/signups/{kind}{token}`, with the stack's `ApiUrl`. Three lines of `functions/sources.toml`:

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

{fill(f"Retries: {preset['retries']}. " + FAILURES.format(proof=proof(preset["auth"])), 118)}

## Good to know

{"".join(f"- {fact}" + chr(10) for fact in sender["know"])}"""


def arrives(preset: dict[str, Any]) -> str:
    """The table of mapped fields, or the sentence on recognised fields."""
    if "contact" not in preset:
        return fill(RECOGNISED, 118)
    rows = []
    for field, path in preset["contact"].items():
        shown = " ".join(path.split()).replace("|", "\\|")
        rows.append(f"| `{field}` | `{shown}` |")
    return "\n".join(["| Clemta | the event (JMESPath) |", "|---|---|", *rows])


def pages() -> dict[Path, str]:
    """Each sender's page, by its path."""
    presets = tomllib.loads(PRESETS.read_text())
    senders = tomllib.loads((DOCS / "sources" / "senders.toml").read_text())
    return {
        DOCS / "sources" / f"{kind}.md": page(kind, preset, senders[kind]) for kind, preset in presets.items()
    }


def signs_no_timestamp(auth: dict[str, Any]) -> bool:
    """Whether the sender signs its requests, but not their time."""
    return auth["scheme"] == "jws" or (
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
