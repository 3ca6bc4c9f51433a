"""The table of permissions in docs/security.md, from template.yaml."""

import re
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from local.processes import ROOT

PAGE = ROOT / "docs" / "security.md"


def table(template: dict[str, Any]) -> str:
    """One row for each statement in each function's role, then in the policies that several of them have."""
    rows = ["| function | may | on |", "|---|---|---|"]
    for name, role in template["Resources"].items():
        if role["Type"] not in ("AWS::IAM::Role", "AWS::IAM::Policy"):
            continue
        for policy in role["Properties"].get("Policies", [role["Properties"]]):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = ", ".join(f"`{action}`" for action in _list(statement["Action"]))
                actions = f"never {actions}" if statement["Effect"] == "Deny" else actions
                resources = ", ".join(_name(resource) for resource in _list(statement["Resource"]))
                function = _functions(name, role["Properties"])
                rows.append(f"| {function} | {actions} | {resources}{_items(statement)} |")
    return "\n".join(rows) + "\n"


def _functions(name: str, properties: dict[str, Any]) -> str:
    """The functions that have the role, or the policy."""
    roles = [_role(role) for role in properties.get("Roles", [{"Ref": name}])]
    return ", ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", role.removesuffix("Role")).lower() for role in roles)


def _role(reference: dict[str, Any]) -> str:
    found = reference["Fn::If"][1] if "Fn::If" in reference else reference
    return str(found["Ref"])


def _items(statement: dict[str, Any]) -> str:
    """What the statement's condition names: the items of the table, or the source of the events."""
    found = [one for test in statement.get("Condition", {}).values() for one in test.items()]
    words = {"dynamodb:LeadingKeys": "items", "events:source": "events of source"}
    return "".join(f", {words[key]} {', '.join(f'`{one}`' for one in _list(some))}" for key, some in found)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """The logical id in a `!GetAtt` or `!Ref`, or the parameter in an ARN; any other value in backticks."""
    match resource:
        case {"Fn::GetAtt": [name, *_]} | {"Ref": str(name)} | {"Fn::If": [_, {"Fn::GetAtt": [name, *_]}, _]}:
            return str(name)
        case {"Fn::Sub": str(arn)}:
            return str(re.findall(r"\$\{(\w+)\}", arn)[-1])
    return f"`{resource}`"


def tables() -> dict[Path, dict[str, str]]:
    """The page's generated parts, by page and mark."""
    return {PAGE: {"iam": table(yaml_parse((ROOT / "template.yaml").read_text()))}}
