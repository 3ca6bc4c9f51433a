"""P6 on the deployed stack: a small burst against a small limit, in the order in which it came."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from local.stack import Deployed

from .conftest import Clemta, Queue
from .test_submissions import LEAD, signed

LIMIT = 150  # calls a minute, and so a sign-up's slot each 0.83 s


@pytest.fixture
def small_limit(stack: Deployed, aws: Callable[[str], Any], clemta: Clemta) -> Iterator[None]:
    """The functions keep to LIMIT, and all of it was used a minute ago but for some seconds."""
    functions = aws("lambda")
    before = {
        one["FunctionName"]: one["Environment"]["Variables"]
        for one in functions.list_functions()["Functions"]
    }

    def configure(name: str, variables: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    for name, variables in before.items():
        configure(name, variables | {"CLEMTA_REQUESTS_PER_MINUTE": str(LIMIT)})
    clemta.settings(rate_limit=LIMIT)
    aws("dynamodb").put_item(
        TableName=stack.ledger_table,
        Item={
            "pk": {"S": "budget"},
            "recent_calls": {"S": json.dumps([int(time.time()) - 52, LIMIT])},
            "revision": {"S": "before"},
        },
    )
    yield
    for name, variables in before.items():
        configure(name, variables)


@pytest.mark.usefixtures("small_limit")
def test_p6_small_burst_is_served_in_order_of_arrival(
    stack: Deployed, http: requests.Session, clemta: Clemta, retry_queue: Queue, dead_letters: Queue
) -> None:
    came: dict[str, float] = {}
    done: dict[str, float] = {}

    def send(source: str, number: int) -> None:
        email = f"{source}{number}@example.com"
        fields = LEAD | {"email": email, "full_name": "Ada Example"}
        body = json.dumps(fields).encode()
        headers = signed(body) | {"X-Delivery": email}
        answer = http.post(f"{stack.api_url}/signups/{source}", data=body, headers=headers, timeout=30)
        came[email] = time.monotonic()
        assert answer.json()["status"] == "queued", "others wait"

    def look() -> None:
        for contact in clemta.contacts():
            done.setdefault(contact["email"], time.monotonic())

    def wait(until: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, f"{len(done)} of {len(came)} are served"
            look()
            time.sleep(0.1)

    for number in range(12):
        send("website", number)
    for number in range(3):
        send("crm", number)
    for number in range(12, 16):  # newcomers, while the burst is drained
        wait(lambda: len(done) >= 2 * (len(came) - 15) + 3, 60)
        send("website", number)
    wait(lambda: len(done) == len(came), 120)

    for source in ("website", "crm"):
        begun = sorted(moment for email, moment in came.items() if email.startswith(source))
        ended = sorted(moment for email, moment in done.items() if email.startswith(source))
        in_order = [end - begin for begin, end in zip(begun, ended, strict=True)]
        waits = [done[email] - moment for email, moment in came.items() if email.startswith(source)]
        assert max(waits) <= 1.2 * max(in_order)
    order = [contact["email"] for contact in clemta.contacts()]
    proven = [place for place, email in enumerate(order) if email.startswith("crm")]
    assert proven[0] <= 5, "a proven sender waits for no burst of forms"
    assert proven[-1] <= 17
    assert not dead_letters.size() + retry_queue.size()
    assert all(call["status"] == 200 for call in clemta.requests()), "no call is refused"
