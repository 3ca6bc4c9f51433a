"""The table of permissions in docs/security.md, from template.yaml."""

from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security.md"


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


def tables() -> dict[Path, dict[str, str]]:
    """The table, in its page."""
    return {PAGE: {"iam": table(yaml_parse((ROOT / "template.yaml").read_text()))}}
