"""The table of permissions in docs/security.md, from template.yaml."""

from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from local.processes import ROOT

PAGE = ROOT / "docs" / "security.md"


def table(template: dict[str, Any]) -> str:
    """One row for each statement in each function's role."""
    rows = ["| function | may | on |", "|---|---|---|"]
    for name, role in template["Resources"].items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = ", ".join(f"`{action}`" for action in _list(statement["Action"]))
                actions = f"never {actions}" if statement["Effect"] == "Deny" else actions
                resources = ", ".join(_name(resource) for resource in _list(statement["Resource"]))
                function = name.removesuffix("Role").lower()
                rows.append(f"| {function} | {actions} | {resources}{_items(statement)} |")
    return "\n".join(rows) + "\n"


def _items(statement: dict[str, Any]) -> str:
    """The items of the table that the statement's condition names."""
    keys = [keys for test in statement.get("Condition", {}).values() for keys in test.values()]
    return "".join(f", items {', '.join(f'`{key}`' for key in some)}" for some in keys)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """The logical id in a `!GetAtt`; any other value in backticks."""
    if isinstance(resource, dict) and "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    return f"`{resource}`"


def tables() -> dict[Path, dict[str, str]]:
    """The page's generated parts, by page and mark."""
    return {PAGE: {"iam": table(yaml_parse((ROOT / "template.yaml").read_text()))}}
