"""Rules of AWS that the local stack was taught: what breaks one fails here, and not first on AWS."""

from collections.abc import Callable

import requests

from local.stack import Deployed

from .conftest import Clemta, Queue, eventually

type SignUp = Callable[..., requests.Response]
ROUNDS = 20  # Lambda's guard against recursive loops drops a message after 16


def test_a1_message_that_is_requeued_20_times_still_becomes_a_contact(
    sign_up: SignUp, clemta: Clemta, retry_queue: Queue, dead_letters: Queue
) -> None:
    clemta.fault("rate_limited", times=ROUNDS, seconds=1)
    assert sign_up().json()["status"] == "queued"
    assert eventually(lambda: bool(clemta.contacts() or dead_letters.size()), 120)
    assert dead_letters.size() == 0, "Lambda dropped the message, and SQS moved it"
    assert len(clemta.contacts("ada@example.com")) == 1
    refused = [request for request in clemta.requests() if request["status"] == 429]
    assert len(refused) == ROUNDS, "each is one invocation in the chain"
    assert eventually(lambda: retry_queue.size() == 0)


def test_a2_no_second_stage_answers(stack: Deployed, http: requests.Session) -> None:
    assert http.get(f"{stack.api_url}/health", timeout=30).status_code == 200
    second = f"{stack.api_url.removesuffix('v1')}Stage/health"
    assert http.get(second, timeout=30).status_code in (403, 404)


def test_a15_unknown_address_answers_404_that_a_script_may_read(
    stack: Deployed, http: requests.Session
) -> None:
    answer = http.post(f"{stack.api_url}/sign-up", data={"email": "ada@example.com"}, timeout=30)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json() == {"type": "about:blank", "title": "Not found", "status": 404}
