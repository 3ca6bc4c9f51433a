"""The live sources file of a stack: the versions that were pushed, and which of them the functions use.

Items of the ledger table: `sources` is the live version, which the functions read; `sources#N` keeps version N.
"""

import time
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from clemta_intake.dynamo.pushed_sources import KEY
from clemta_intake.sources.check import check_text
from clemta_intake.sources.config import InvalidSources, parse_sources

from .environments import Environment
from .errors import OpsError

_MAX_BYTES = 300_000  # an item of DynamoDB has at most 400 KB


@dataclass(frozen=True)
class Version:
    """A pushed version: its number, its text, when it was pushed (unix seconds), and the version before it.

    Number 0 is the deployed file, whose text is unknown here. `latest` is the highest number so far; of the live item.
    """

    number: int = 0
    text: str = ""
    pushed_at: float = 0
    previous: int = 0
    latest: int = 0


@dataclass(frozen=True)
class Changed:
    """What a push or a rollback did; `added`, `changed` and `removed` are names of sources."""

    result: Literal["pushed", "unchanged", "rolled back"]
    version: int
    sources: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def live(env: Environment) -> Version:
    """The version in use; number 0 if it is the deployed file."""
    return _read(env, KEY)


def version(env: Environment, number: int) -> Version:
    """A former version; raises OpsError if there is none of that number."""
    found = _read(env, f"{KEY}#{number}")
    if not found.number:
        raise OpsError(f"there is no version {number}: the newest one is {live(env).latest}")
    return found


def push(env: Environment, text: str, file_name: str, *, dry_run: bool = False) -> Changed:
    """Makes the text live as a new version; raises InvalidSources with every mistake in it, and changes nothing."""
    names = check_text(text, file_name)
    if len(text.encode()) > _MAX_BYTES:
        raise OpsError(f"{file_name} is larger than {_MAX_BYTES:,} bytes: deploy it instead")
    current = live(env)
    if current.number and current.text == text:
        return Changed("unchanged", current.number, tuple(names))
    number = current.latest + 1
    new = Version(number, text, time.time(), current.number, number)
    if not dry_run:
        _write(env, current, new, keep=True)
    return Changed("pushed", number, tuple(names), *_differences(current.text, text))


def rollback(env: Environment) -> Changed:
    """Makes the version live that was live before the current one: version 0, the deployed file, at last."""
    current = live(env)
    if not current.number:
        raise OpsError("the deployed file is in use: there is nothing to roll back")
    target = version(env, current.previous) if current.previous else Version()
    names = check_text(target.text, f"version {target.number}") if target.number else []
    new = Version(target.number, target.text, target.pushed_at, target.previous, current.latest)
    _write(env, current, new, keep=False)
    changes = _differences(current.text, target.text) if target.number else ((), (), ())
    return Changed("rolled back", target.number, tuple(names), *changes)


def _differences(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The sources that are added, changed and removed; none if the text before is unknown."""
    try:
        old, new = (parse_sources(text, "") for text in (before, after))
    except InvalidSources:
        old = {}
    if not old:
        return (), (), ()
    changed = tuple(name for name in new if name in old and new[name] != old[name])
    return (
        tuple(name for name in new if name not in old),
        changed,
        tuple(name for name in old if name not in new),
    )


def _read(env: Environment, key: str) -> Version:
    found = env.client("dynamodb").get_item(
        TableName=env.settings.ledger_table, Key={"pk": {"S": key}}, ConsistentRead=True
    )
    item = {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}
    try:
        numbers = [int(item.get(name, 0)) for name in ("version", "previous", "latest")]
        return Version(numbers[0], str(item.get("text", "")), float(item.get("pushed_at", 0)), *numbers[1:])
    except ValueError:
        raise OpsError(f"the item {key} of the ledger table is damaged: delete it, then push") from None


def _write(env: Environment, current: Version, new: Version, *, keep: bool) -> None:
    """Makes `new` live if `current` still is; with `keep`, also keeps it under its number."""
    table = env.settings.ledger_table
    item = {
        "version": {"N": str(new.number)},
        "text": {"S": new.text},
        "pushed_at": {"N": f"{new.pushed_at:.3f}"},
        "previous": {"N": str(new.previous)},
    }
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if current.latest:
        condition = {
            "ConditionExpression": "version = :version AND latest = :latest",
            "ExpressionAttributeValues": {
                ":version": {"N": str(current.number)},
                ":latest": {"N": str(current.latest)},
            },
        }
    live_item = {"pk": {"S": KEY}, "latest": {"N": str(new.latest)}, **item}
    puts = [{"Put": {"TableName": table, "Item": live_item, **condition}}]
    if keep:
        puts.append({"Put": {"TableName": table, "Item": {"pk": {"S": f"{KEY}#{new.number}"}, **item}}})
    try:
        env.client("dynamodb").transact_write_items(TransactItems=puts)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "TransactionCanceledException":
            raise
        raise OpsError(
            "somebody else changed the live version at the same time, and nothing was changed: "
            "clemta-intake sources list shows what is live"
        ) from error
