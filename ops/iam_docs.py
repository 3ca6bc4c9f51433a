"""Writes the table of permissions in docs/security.md from template.yaml. `python -m ops.iam_docs --write|--check`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- iam -->\n", "<!-- /iam -->"


def table(template: dict[str, Any]) -> str:
    """A row for each statement of a function's own role."""
    rows = ["| function | may | on |", "|---|---|---|"]
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = ", ".join(f"`{action}`" for action in _list(statement["Action"]))
                places = ", ".join(_name(place) for place in _list(statement["Resource"]))
                rows.append(f"| {name.removesuffix('Role').lower()} | {actions} | {places} |")
    return "\n".join(rows) + "\n"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """The resource that a `!GetAtt` names; anything else is shown as it is."""
    if isinstance(resource, dict) and "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    return f"`{resource}`"


def page() -> str:
    """The page with the table that the template asks for."""
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table(yaml_parse((ROOT / 'template.yaml').read_text()))}{END}{after}"


def main() -> int:
    """Writes the page, or says that it is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    wanted = page()
    if parser.parse_args().write:
        PAGE.write_text(wanted)
    elif PAGE.read_text() != wanted:
        print("docs/security.md does not show the template's permissions: run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
