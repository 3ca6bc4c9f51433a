"""The table of senders in docs/sources.md, from presets.toml: `python -m ops.source_docs --write`, or `--check`."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "sources.md"
PRESETS = ROOT / "functions" / "clemta_intake" / "sources" / "presets.toml"
MARKS = re.compile(r"(<!-- generated: make docs -->\n).*?(<!-- /generated -->)", re.S)


def proof(auth: dict[str, Any]) -> str:
    """How a sender proves itself, for people."""
    match auth["scheme"]:
        case "hmac":
            return f"HMAC-SHA256 in `{auth['header']}`"
        case "standard-webhooks":
            return "Standard Webhooks"
        case "jws":
            return f"JWS in `{auth['header']}`"
    return "token"


def table() -> str:
    """A row a sender."""
    rows = ["| `kind` | sender | proof | becomes a contact | it sends again |", "|---|---|---|---|---|"]
    for kind, preset in tomllib.loads(PRESETS.read_text()).items():
        shown = proof(preset["auth"])
        if place := preset.get("token_place"):
            shown = f"token in {place}"
        rows.append(f"| `{kind}` | {preset['title']} | {shown} | {preset['sign_up']} | {preset['retries']} |")
    return "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the table, or says whether it is current."""
    text = PAGE.read_text()
    current = MARKS.sub(lambda marks: marks[1] + table() + marks[2], text)
    if arguments == ["--write"]:
        PAGE.write_text(current)
        return 0
    if text != current:
        print("docs/sources.md is not what presets.toml says: run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
