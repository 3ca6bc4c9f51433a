"""One finding of doctor, and helpers of several checks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from clemta_intake.http_values import HttpResponse

from ..environments import Environment
from ..times import duration

_MAX_SKEW = 60  # seconds; signatures allow 300, and delivery assumes at most 120 for Clemta's clock
TIMEOUT = (5, 15)  # seconds to connect, seconds in total


@dataclass(frozen=True)
class Check:
    """One line: `do` says what to do if the state is not "ok"; a "note" is not an error."""

    name: str
    state: Literal["ok", "note", "fail"]
    says: str
    do: str = ""


def check_clock(name: str, whose: str, answer: HttpResponse) -> Iterator[Check]:
    """Compares the answer's Date with this machine's clock."""
    try:
        skew = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return
    if abs(skew) <= _MAX_SKEW:
        yield Check(name, "ok", f"difference under {_MAX_SKEW} s")
    else:
        behind = "ahead of" if skew > 0 else "behind"
        says = f"{whose} is {duration(abs(skew))} {behind} the other side's"
        yield Check(name, "fail", says, "set the clocks (NTP): signatures and look-ups depend on them")


def secret_text(env: Environment, secret_id: str) -> str:
    client = env.client("secretsmanager")
    try:
        return str(client.get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except client.exceptions.ResourceNotFoundException:
        return ""
