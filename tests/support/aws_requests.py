"""What AWS refuses and the emulator takes: a request is held to botocore's own model, and to rules outside it.

The functions' clients have `parameter_validation` off (aws_clients.py), so nothing else checks a request before AWS.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

_SERVICES = {"SendMessage": "sqs", "UpdateItem": "dynamodb", "GetSecretValue": "secretsmanager"}
# A new attribute belongs here only if it is none of DynamoDB's reserved words, which need a name of their own (#…):
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
ATTRIBUTES = frozenset(
    [
        "applied_at",
        "blocked_until",
        "checked_at",
        "claimed_at",
        "complete_until",
        "contact_id",
        "counted",
        "deliveries",
        "expires_at",
        "full_at",
        "lease_until",
        "listed_at",
        "next_calls",
        "off_until",
        "open_late_taken",
        "open_taken",
        "pk",
        "proven_late_taken",
        "proven_taken",
        "recent_calls",
        "revision",
        "settled",
        "taken",
        "trouble",
        "unseen_at",
        "watermark",
    ]
)
_PATH, _VALUE = r"#?[a-z_]+", r":[a-z_]+"
_SET = rf"{_PATH} = (?:{_PATH}|{_VALUE}|if_not_exists\({_PATH}, {_VALUE}\))"
_UPDATE = re.compile(
    rf"(?:SET {_SET}(?:, {_SET})*)?"
    rf"(?:(?:^| )REMOVE {_PATH}(?:, {_PATH})*)?"
    rf"(?:(?:^| )ADD {_PATH} {_VALUE}(?:, {_PATH} {_VALUE})*)?"
)
_TEST = re.compile(
    rf"{_PATH} (?:=|<>|<=|<|>=|>) {_VALUE}|{_PATH} IN \({_VALUE}(?:, {_VALUE})*\)|attribute_(?:not_)?exists\({_PATH}\)"
)
_MAX_MESSAGE = 256 * 1024


def refusals(params: Mapping[str, Any], operation: OperationModel) -> Iterator[str]:
    """What is wrong with a request, nothing if AWS takes it."""
    shape = operation.input_shape
    assert shape, f"{operation.name} takes no parameters"
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        yield report.generate_report()
    elif operation.name == "SendMessage":
        yield from _message(params)
    elif operation.name == "UpdateItem":
        yield from _update(params)


def refusals_of(operation: str, params: Mapping[str, Any]) -> list[str]:
    """The same for an operation by its name."""
    model = botocore.session.get_session().get_service_model(_SERVICES[operation])
    return list(refusals(params, model.operation_model(operation)))


def _message(params: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
    if not 0 <= params.get("DelaySeconds", 0) <= 900:
        yield f"DelaySeconds is {params['DelaySeconds']}"
    size = len(params["MessageBody"].encode())
    if not size:
        yield "MessageBody is empty"
    for name, value in params.get("MessageAttributes", {}).items():
        kind, text = value["DataType"], value.get("StringValue")
        if kind not in ("String", "Number") or not text or (kind == "Number" and not _is_number(text)):
            yield f"the attribute {name} is {text!r} of type {kind}"
        size += len(name) + len(kind) + len(text or "")
    if size > _MAX_MESSAGE:
        yield f"the message has {size} bytes"


def _update(params: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"""
    update, condition = params["UpdateExpression"], params.get("ConditionExpression")
    if not update or not _UPDATE.fullmatch(update):
        yield f"UpdateExpression: {update}"
    if condition is not None and not _is_condition(condition):
        yield f"ConditionExpression: {condition}"
    both = f"{update} {condition or ''}"
    for given, used in (
        ("ExpressionAttributeValues", re.findall(r":\w+", both)),
        ("ExpressionAttributeNames", re.findall(r"#\w+", both)),
    ):
        if set(params.get(given, {})) != set(used) or params.get(given) == {}:
            yield f"{given} has {sorted(params.get(given, {}))}, used are {sorted(set(used))}"
    named = set(re.findall(r"(?<![:#\w])[a-z_]+", both)) - {
        "if_not_exists",
        "attribute_exists",
        "attribute_not_exists",
    }
    if strangers := named - ATTRIBUTES:
        yield f"attributes that may be reserved words: {sorted(strangers)}"
    yield from _values(params.get("ExpressionAttributeValues", {}).items())


def _values(values: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    for name, value in values:
        [(kind, content)] = value.items()
        if (kind == "N" and not _is_number(content)) or (kind == "SS" and not (content and all(content))):
            yield f"{name} is {content!r} of type {kind}"


def _is_condition(text: str) -> bool:
    """Whether it is made of tests, AND, OR and parentheses; each round takes the innermost ones for a test."""
    text, before = _TEST.sub("?", text), ""
    while text != before:
        text, before = re.sub(r"\(\?(?: (?:AND|OR) \?)*\)", "?", text), text
    return bool(re.fullmatch(r"\?(?: (?:AND|OR) \?)*", text))


def _is_number(text: str) -> bool:
    """Whether DynamoDB and SQS take it for a number: 38 digits at most."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and len(number.normalize().as_tuple().digits) <= 38
