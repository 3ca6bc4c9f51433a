"""The claims' items in DynamoDB: each transition of claim_states.py is one conditional write."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .claim_states import STATES, Guard, Transition, Value
from .table import Table


class ClaimItems:
    """See claims.Items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def apply(
        self, key: str, transition: Transition, values: Mapping[str, Value], *, return_old: bool = False
    ) -> dict[str, Any]:
        """Makes the transition; the item as it was, if asked for. Raises ConditionFailed, with the item as it is."""
        write = write_of(transition, values)
        return self._table.update(key, *write, return_old=return_old)


class Write(NamedTuple):
    """What UpdateItem takes: the expressions, and the values that they name."""

    update: str
    condition: str | None
    values: dict[str, str | float | list[str]]


def write_of(transition: Transition, values: Mapping[str, Value]) -> Write:
    """The conditional write that makes this transition; an attribute whose value is None is left out."""
    given = {name: value for name, value in values.items() if value is not None}
    missing = frozenset(values.keys() - given.keys())
    if (transition.event, missing) not in _compiled:
        _compiled[transition.event, missing] = _expressions(transition, missing)
    update, condition, used = _compiled[transition.event, missing]
    return Write(update, condition, {f":{name}": name if name in STATES else given[name] for name in used})


# By the transition's event and the values that are missing: a handful.
_compiled: dict[tuple[str, frozenset[str]], tuple[str, str | None, tuple[str, ...]]] = {}


def _expressions(transition: Transition, missing: frozenset[str]) -> tuple[str, str | None, tuple[str, ...]]:
    """Update, condition, and the names in them: of values, and of states, whose value is their name."""
    used: dict[str, None] = {}

    def value(name: str) -> str:
        used[name] = None
        return f":{name}"

    def test(guard: Guard) -> str:
        tests = [
            f"attribute_not_exists({_name(attribute)})"
            if operator == "absent"
            else f"{_name(attribute)} {operator} {value(name)}"
            for attribute, operator, name in guard.any_of
        ]
        return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"

    def alternative(state: str, guards: tuple[Guard, ...]) -> str:
        tests = [test(guard) for guard in guards]
        if state == "absent":
            tests.insert(0, "attribute_not_exists(pk)")
        elif state != "any":
            tests.insert(0, f"#state = {value(state)}")
        return " AND ".join(tests)  # AND binds closer than OR

    condition = " OR ".join(alternative(*entry) for entry in transition.allowed.items())
    sets = {"state": transition.to, **transition.sets} if transition.to else transition.sets
    changes = {
        "SET": [
            *(f"{_name(name)} = {value(of)}" for name, of in sets.items() if of not in missing),
            *(
                f"{_name(name)} = if_not_exists({_name(name)}, {value(of)})"
                for name, of in transition.sets_once.items()
            ),
        ],
        "REMOVE": [_name(name) for name in transition.removes],
        "ADD": [f"{name} {value(of)}" for name, of in transition.adds.items() if of not in missing],
    }
    update = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in changes.items() if parts)
    return update, condition or None, tuple(used)


def _name(attribute: str) -> str:
    """The attribute in an expression: DynamoDB reserves two of our names as words of its own."""
    return f"#{attribute}" if attribute in ("state", "owner") else attribute
