"""The answers that setup keeps for each environment, in environments.toml: no secret, and not in git.

An upgrade changes the repository's samconfig.toml and functions/sources.toml, never this file.
"""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OpsError

FILE = "environments.toml"
_HEADER = """\
# Written by clemta-intake setup: the stack of each environment, and the template's parameters that differ from their
# defaults. Edit it, then run setup again. It holds no secret, and git ignores it.
"""


@dataclass
class Answers:
    """What setup knows about an environment; `tried` is true once its test sign-up succeeded."""

    stack: str
    region: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    tried: bool = False


def read_answers(project: Path, env: str) -> Answers | None:
    """The environment's answers; None if setup has not run for it."""
    match _tables(project).get(env):
        case None:
            return None
        case {"stack": str(stack), "region": str(region), **rest}:
            given = rest.get("parameters", {})
            if isinstance(given, dict):
                return Answers(
                    stack, region, {key: _text(given[key]) for key in given}, rest.get("tried") is True
                )
    raise OpsError(f"{FILE}: [{env}] needs stack and region, both text, and parameters as a table")


def write_answers(project: Path, env: str, answers: Answers | None) -> None:
    """Replaces the environment's answers, or removes them; the other environments stay as they are."""
    tables = {name: table for name, table in _tables(project).items() if isinstance(table, dict)}
    tables.pop(env, None)
    if answers:
        tables[env] = {"stack": answers.stack, "region": answers.region, "tried": answers.tried}
        tables[env]["parameters"] = answers.parameters
    text = _HEADER
    for name, table in tables.items():
        text += f"\n[{name}]\n{_lines(table)}"
        if table.get("parameters"):
            text += f"[{name}.parameters]\n{_lines(table['parameters'])}"
    complete = project / f"{FILE}.new"
    complete.write_text(text, encoding="utf-8")
    complete.replace(project / FILE)


def environment_names(project: Path) -> list[str]:
    """The environments that setup has answers for."""
    return list(_tables(project))


def _tables(project: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise OpsError(f"{FILE} cannot be read: {error}") from error


def _text(value: Any) -> str:
    """A parameter as CloudFormation takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _lines(table: dict[str, Any]) -> str:
    """The table's plain values; JSON's strings, booleans and numbers are TOML's too."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in plain.items())
