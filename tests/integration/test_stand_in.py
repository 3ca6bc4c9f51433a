"""The stand-in for Clemta, called over real sockets."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID, FAULTS, StandIn

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT.parent / "shared" / "clemta" / "openapi.json"
OTHER_COMPANY = "a" * 24
BODY: dict[str, Any] = {
    "type": "customer",
    "full_name": "Robin Example",
    "email": "robin@example.com",
    "company_id": DEFAULT_COMPANY_ID,
}
FULL = BODY | {
    "status": "lead",
    "description": "met at a fair",
    "cc_emails": ["cc@example.com"],
    "bcc_emails": ["bcc@example.com"],
    "billing": {"email": "bills@example.com", "phone": "5550100", "phone_code": "+44", "iso_code": "GB"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[StandIn]:
    with StandIn() as clemta:
        yield clemta


@pytest.fixture
def clemta(served: StandIn) -> StandIn:
    served.reset()
    return served


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-API-Key"] = DEFAULT_API_KEY
        yield session


@pytest.fixture
def post(clemta: StandIn, client: requests.Session) -> Callable[..., requests.Response]:
    def post(timeout: float = 5, **changes: Any) -> requests.Response:
        url = f"{clemta.url}/contacts"
        return client.post(url, json=BODY | changes, timeout=timeout, allow_redirects=False)

    return post


@pytest.fixture
def search(clemta: StandIn, client: requests.Session) -> Callable[..., requests.Response]:
    def search(**params: Any) -> requests.Response:
        params = {"company_id": DEFAULT_COMPANY_ID} | params
        return client.get(f"{clemta.url}/contacts", params=params, timeout=5)

    return search


def until(holds: Callable[[], bool], seconds: float = 5) -> None:
    """Return as soon as the condition holds; fail if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"the condition did not hold within {seconds} s"
        threading.Event().wait(0.005)


def emails(answer: requests.Response) -> list[str]:
    return [contact["email"] for contact in answer.json()["data"]["contacts"]]


def raw(clemta: StandIn, head: str) -> bytes:
    """Send this text unchanged and return the bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", clemta.port), timeout=5) as connection:
        connection.sendall(head.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


# The documented API


def test_a_contact_is_created_read_updated_and_deleted(
    clemta: StandIn, client: requests.Session, post: Any
) -> None:
    created = post(**FULL)
    assert created.status_code == 200
    contact = created.json()["data"]
    assert {name: contact[name] for name in FULL if name != "company_id"} == {
        name: value for name, value in FULL.items() if name != "company_id"
    }
    assert re.fullmatch("[0-9a-f]{24}", contact["id"])
    assert "company_id" not in contact
    assert contact["created_at"] == contact["updated_at"] == pytest.approx(time.time(), abs=5)

    url = f"{clemta.url}/contacts/{contact['id']}"
    assert client.get(url, timeout=5).json()["data"] == contact
    updated = client.patch(url, json=BODY | {"full_name": "Robin Sample"}, timeout=5).json()["data"]
    assert (updated["full_name"], updated["description"]) == ("Robin Sample", "met at a fair")
    assert client.get(url, timeout=5).json()["data"] == updated
    assert client.delete(url, timeout=5).json()["data"] is None
    assert client.get(url, timeout=5).status_code == 404
    assert clemta.contacts() == []


def test_omitted_fields_have_defaults(post: Any) -> None:
    contact = post().json()["data"]
    assert contact["status"] == "active"
    assert [contact[name] for name in ("description", "cc_emails", "bcc_emails", "billing")] == [
        "",
        [],
        [],
        {},
    ]


def test_two_contacts_may_share_an_email(clemta: StandIn, post: Any) -> None:
    assert post().json()["data"]["id"] != post().json()["data"]["id"]
    assert [contact["email"] for contact in clemta.contacts()] == ["robin@example.com"] * 2
    assert clemta.contacts()[0]["company_id"] == DEFAULT_COMPANY_ID


def test_reject_duplicates_refuses_a_second_contact_with_the_same_email(clemta: StandIn, post: Any) -> None:
    clemta.configure(reject_duplicates=True, companies=[DEFAULT_COMPANY_ID, OTHER_COMPANY])
    assert post().status_code == 200
    assert post(company_id=OTHER_COMPANY).status_code == 200
    refused = post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert len(clemta.contacts()) == 2


def test_search_finds_part_of_a_name_or_an_email_in_any_case(clemta: StandIn, search: Any) -> None:
    clemta.create_contact(full_name="Ada Example", email="one@example.com")
    clemta.create_contact(full_name="Bob Example", email="ada.two@example.com")
    clemta.create_contact(full_name="Cid Example", email="three@example.com")
    assert emails(search(search="ADA")) == ["one@example.com", "ada.two@example.com"]
    assert search(search="absent").json()["data"] == {"contacts": [], "total": 0}


@pytest.mark.parametrize(
    ("settings", "term", "found"),
    [
        ({"search_names": False}, "ADA", ["ada.two@example.com"]),
        ({"search_case_sensitive": True}, "ADA", []),
        ({"search_case_sensitive": True}, "Ada", ["one@example.com"]),
        ({"search_pattern": "regex"}, "^A[d]A", ["one@example.com", "ada.two@example.com"]),
        ({"search_pattern": "regex", "search_case_sensitive": True}, "^a[d]a", ["ada.two@example.com"]),
        ({"search_pattern": "like"}, "ada%example", ["one@example.com", "ada.two@example.com"]),
        ({"search_pattern": "like"}, "A_A.", ["ada.two@example.com"]),
    ],
)
def test_the_search_settings_change_how_a_term_matches(
    clemta: StandIn, search: Any, settings: dict[str, Any], term: str, found: list[str]
) -> None:
    clemta.create_contact(full_name="Ada Example", email="one@example.com")
    clemta.create_contact(full_name="Bob Example", email="ada.two@example.com")
    clemta.configure(**settings)
    assert emails(search(search=term)) == found


def test_a_search_for_an_invalid_regular_expression_answers_500(clemta: StandIn, search: Any) -> None:
    clemta.configure(search_pattern="regex")
    assert search(search="*ada").status_code == 500


def test_search_finds_contacts_of_its_company_only(clemta: StandIn, search: Any) -> None:
    clemta.configure(companies=[DEFAULT_COMPANY_ID, OTHER_COMPANY])
    clemta.create_contact(company_id=OTHER_COMPANY)
    assert search().json()["data"]["total"] == 0
    assert search(company_id=OTHER_COMPANY).json()["data"]["total"] == 1


def test_pages_cover_every_contact_once(clemta: StandIn, search: Any) -> None:
    expected = [clemta.create_contact(email=f"n{n}@example.com")["email"] for n in range(105)]
    assert emails(search()) == expected[:10]
    assert emails(search(limit="1000")) == expected[:100]
    assert emails(search(skip="100", limit="100")) == expected[100:]
    assert emails(search(order="desc", limit="3")) == expected[:-4:-1]
    assert search(skip="500").json()["data"] == {"contacts": [], "total": 105}


def test_contacts_are_sorted_and_filtered_by_creation(clemta: StandIn, search: Any) -> None:
    clemta.create_contact(email="b@example.com", age=300)
    middle = clemta.create_contact(email="c@example.com", age=200)["created_at"]
    clemta.create_contact(email="a@example.com", age=100)
    assert emails(search(sort="email")) == ["a@example.com", "b@example.com", "c@example.com"]
    assert emails(search(sort="created_at", order="desc"))[0] == "a@example.com"
    assert emails(search(created_at="gt", created_at_value=middle)) == ["a@example.com"]
    assert emails(search(created_at="eq", created_at_value=middle)) == ["c@example.com"]
    assert emails(search(created_at="lt", created_at_value=middle)) == ["b@example.com"]
    assert emails(search(end_date=middle)) == ["b@example.com", "c@example.com"]


def test_a_clemta_that_ignores_the_order_lists_the_oldest_first(clemta: StandIn, search: Any) -> None:
    clemta.create_contact(email="new@example.com", age=100)
    clemta.create_contact(email="old@example.com", age=300)
    newest_first = {"sort": "created_at", "order": "desc"}
    assert emails(search(**newest_first)) == ["new@example.com", "old@example.com"]
    clemta.configure(sorts_lists=False)
    assert emails(search(**newest_first)) == ["old@example.com", "new@example.com"]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"company_id": ""}, "company_id"),
        ({"limit": "0"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"skip": "-1"}, "skip"),
        ({"sort": "billing"}, "sort"),
        ({"order": "up"}, "order"),
        ({"created_at": "ge"}, "created_at"),
        ({"created_at": "gt"}, "created_at_value"),
        ({"end_date": "today"}, "end_date"),
        ({"email": "robin@example.com"}, "email"),
    ],
)
def test_a_wrong_query_parameter_is_refused_with_its_name(
    search: Any, params: dict[str, str], named: str
) -> None:
    refused = search(**params)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert refused.json()["error"]["details"].startswith(f"{named} ")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"type": "friend"}, "type"),
        ({"full_name": ""}, "full_name"),
        ({"full_name": " "}, "full_name"),
        ({"full_name": 7}, "full_name"),
        ({"full_name": None}, "full_name"),
        ({"email": "robin"}, "email"),
        ({"email": "robin@example.com\n"}, "email"),
        ({"cc_emails": "cc@example.com"}, "cc_emails"),
        ({"bcc_emails": ["bcc@example.com", "x"]}, "bcc_emails[1]"),
        ({"billing": []}, "billing"),
        ({"billing": {"phone": ""}}, "billing.phone"),
        ({"billing": {"billing.phone": "5550100"}}, "billing.billing.phone"),
        ({"phone": "5550100"}, "phone"),
        ({"id": "1"}, "id"),
    ],
)
def test_a_wrong_field_is_refused_with_its_name(clemta: StandIn, post: Any, changes: Any, named: str) -> None:
    refused = post(**changes)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert refused.json()["error"]["details"].startswith(f"{named} ")
    assert clemta.contacts() == []


@pytest.mark.parametrize("name", ["type", "full_name", "email", "company_id"])
def test_a_missing_required_field_is_refused_with_its_name(
    clemta: StandIn, client: requests.Session, name: str
) -> None:
    body = {field: value for field, value in BODY.items() if field != name}
    refused = client.post(f"{clemta.url}/contacts", json=body, timeout=5)
    assert refused.json()["error"] == {"code": "VALIDATION_FAILED", "details": f"{name} is required"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"\xff"', "application/json"),
        (b"[" * 100_000, "application/json"),
        (json.dumps(BODY).encode(), "text/plain"),
        (json.dumps(BODY).encode(), None),
    ],
)
def test_an_unreadable_body_is_refused(
    clemta: StandIn, client: requests.Session, body: bytes, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    refused = client.post(f"{clemta.url}/contacts", data=body, headers=headers, timeout=5)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("length", ["1048577", "many", "-1", "9" * 5000])
def test_a_body_of_wrong_or_excessive_length_is_refused_unread(clemta: StandIn, length: str) -> None:
    head = f"POST /contacts HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    assert raw(clemta, head).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"X-API-Key": None}, "API_KEY_REQUIRED"), ({"X-API-Key": "clemta_other"}, "INVALID_API_KEY")],
)
def test_a_missing_or_unknown_api_key_is_refused(
    clemta: StandIn, client: requests.Session, headers: Any, code: str
) -> None:
    refused = client.post(f"{clemta.url}/contacts", json=BODY, headers=headers, timeout=5)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, code)
    assert refused.headers["X-RateLimit-Limit"] == "100"
    assert clemta.contacts() == []


def test_the_api_key_can_change_while_the_server_runs(
    clemta: StandIn, client: requests.Session, post: Any
) -> None:
    clemta.configure(api_keys=["clemta_new"])
    assert post().status_code == 401
    client.headers["X-API-Key"] = "clemta_new"
    assert post().status_code == 200


def test_unknown_and_forbidden_companies_are_refused(
    clemta: StandIn, client: Any, post: Any, search: Any
) -> None:
    contact = clemta.create_contact()
    for answer in (post(company_id=OTHER_COMPANY), search(company_id=OTHER_COMPANY)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "COMPANY_NOT_FOUND")
    clemta.configure(forbidden=[DEFAULT_COMPANY_ID])
    for answer in (post(), search(), client.get(f"{clemta.url}/contacts/{contact['id']}", timeout=5)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    "path", ["/", "/contact", "/contacts/", "/contacts/a/b", "/v1/contacts", f"/contacts/{'0' * 24}"]
)
def test_other_paths_are_not_found(clemta: StandIn, client: requests.Session, path: str) -> None:
    answer = client.get(f"{clemta.url}{path}", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_new_contact_is_hidden_from_search_for_the_lag(
    clemta: StandIn, client: Any, post: Any, search: Any
) -> None:
    clemta.configure(search_lag=600)
    contact = post().json()["data"]
    clemta.create_contact(email="old@example.com", age=601)
    assert emails(search(search="example")) == ["old@example.com"]
    assert client.get(f"{clemta.url}/contacts/{contact['id']}", timeout=5).status_code == 200
    clemta.configure(search_lag=0.05)
    until(lambda: search(search="robin").json()["data"]["total"] == 1)


# The rate limit


def test_requests_beyond_the_limit_are_refused_until_the_window_has_moved(
    clemta: StandIn, post: Any, search: Any
) -> None:
    clemta.configure(rate_limit=3, rate_window=0.5)
    answers = [post(), search(), post()]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    refused = post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["Retry-After"] == "1"
    assert (refused.headers["X-RateLimit-Limit"], refused.headers["X-RateLimit-Type"]) == ("3", "api_key")
    assert abs(int(refused.headers["X-RateLimit-Reset"]) - time.time()) < 3
    assert len(clemta.contacts()) == 2
    until(lambda: search().status_code == 200)  # refused requests do not count, or this would never end
    assert clemta.peak >= 4


def test_the_default_limit_is_a_hundred_a_minute(clemta: StandIn, search: Any) -> None:
    statuses = [search().status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert clemta.peak == 101
    headers = search().headers
    assert headers["X-RateLimit-API"] == "100 requests per minute"
    assert 50 <= int(headers["Retry-After"]) <= 60


# Faults


def test_without_times_a_fault_hits_only_the_next_matching_request(
    clemta: StandIn, post: Any, search: Any
) -> None:
    fault = clemta.fault("error_before", on="create")
    assert [search().status_code, post().status_code, post().status_code] == [200, 500, 200]
    assert (fault.applied, fault.report()["remaining"]) == (1, 0)
    assert [request.fault for request in clemta.requests] == [None, "error_before", None]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_REQUEST"),
        (401, "INVALID_API_KEY"),
        (403, "ACCESS_DENIED"),
        (404, "COMPANY_NOT_FOUND"),
        (429, "RATE_LIMIT_EXCEEDED"),
        (500, "INTERNAL_ERROR"),
        (503, "INTERNAL_ERROR"),
    ],
)
def test_a_status_fault_answers_any_error_status_and_creates_nothing(
    clemta: StandIn, post: Any, status: int, code: str
) -> None:
    clemta.fault("status", status=status)
    answer = post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "Retry-After" not in answer.headers
    assert clemta.contacts() == []


def test_a_rate_limited_answer_has_retry_after_and_is_not_counted(clemta: StandIn, post: Any) -> None:
    clemta.fault("rate_limited", seconds=7)
    refused = post()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert post().headers["X-RateLimit-Remaining"] == "99"
    assert len(clemta.contacts()) == 1


@pytest.mark.parametrize(("fault", "contacts"), [("error_before", 0), ("error_after", 1)])
def test_an_error_fault_comes_before_or_after_the_contact_is_created(
    clemta: StandIn, post: Any, fault: str, contacts: int
) -> None:
    clemta.fault(fault)
    answer = post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert len(clemta.contacts()) == contacts
    assert [bool(request.contact_id) for request in clemta.requests] == [bool(contacts)]


@pytest.mark.parametrize(("fault", "contacts"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_timeout_fault_stays_silent_until_it_is_cleared(
    clemta: StandIn, post: Any, fault: str, contacts: int
) -> None:
    clemta.fault(fault)
    with pytest.raises(requests.ReadTimeout):
        post(timeout=0.1)
    assert len(clemta.contacts()) == contacts
    [request] = clemta.requests
    assert (request.status, request.ms) == (None, None)
    clemta.clear_faults()
    until(lambda: request.ms is not None, seconds=1)


def test_a_timeout_fault_closes_the_connection_after_its_seconds(clemta: StandIn, post: Any) -> None:
    clemta.fault("timeout_after", seconds=0.05)
    with pytest.raises(requests.ConnectionError, match="without response"):
        post()


@pytest.mark.parametrize(("fault", "contacts"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_fault_resets_the_tcp_connection(
    clemta: StandIn, post: Any, fault: str, contacts: int
) -> None:
    clemta.fault(fault)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        post()
    assert len(clemta.contacts()) == contacts


@pytest.mark.parametrize(("fault", "contacts"), [("html", 0), ("html_after", 1)])
def test_an_html_fault_answers_200_with_a_page(clemta: StandIn, post: Any, fault: str, contacts: int) -> None:
    clemta.fault(fault)
    answer = post()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert len(clemta.contacts()) == contacts


def test_a_truncated_answer_ends_before_its_content_length(clemta: StandIn, post: Any) -> None:
    clemta.fault("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        post()
    assert len(clemta.contacts()) == 1


@pytest.mark.parametrize("fault", ["slow", "slow_headers"])
def test_a_slow_answer_is_complete_after_its_seconds(clemta: StandIn, post: Any, fault: str) -> None:
    clemta.fault(fault, seconds=0.3)
    began = time.monotonic()
    answer = post(timeout=0.2)  # applies between two bytes, so it does not expire
    assert time.monotonic() - began >= 0.3
    assert answer.json()["data"]["id"] == clemta.contacts()[0]["id"]


@pytest.mark.parametrize("fault", ["slow", "slow_headers"])
def test_a_slow_answer_is_completed_at_once_when_the_fault_is_cleared(clemta: StandIn, fault: str) -> None:
    clemta.fault(fault, seconds=60)
    request = f"GET /contacts/x HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {DEFAULT_API_KEY}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", clemta.port), timeout=5) as connection:
        connection.sendall(request)
        assert len(connection.recv(1)) == 1
        clemta.clear_faults()
        with connection.makefile("rb") as answer:
            head = b"".join(iter(answer.readline, b"\r\n"))
            length = next(line for line in head.splitlines() if line.startswith(b"Content-Length"))
            assert json.loads(answer.read(int(length.split()[1])))["success"] is False


def test_a_redirect_fault_answers_302_to_another_path(clemta: StandIn, post: Any) -> None:
    clemta.fault("redirect")
    answer = post()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere/contacts")
    assert clemta.contacts() == []


def test_an_empty_fault_creates_the_contact_and_answers_200_without_a_body(
    clemta: StandIn, post: Any
) -> None:
    clemta.fault("empty")
    answer = post()
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(clemta.contacts()) == 1


def test_the_same_probability_and_seed_give_the_same_faults(clemta: StandIn, search: Any) -> None:
    runs = []
    for _ in range(2):
        clemta.fault("error_before", times=None, probability=0.5, seed=7)
        runs.append([search().status_code for _ in range(20)])
        clemta.clear_faults()
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


@pytest.mark.parametrize("on", ["create", "search", "get", "update", "delete"])
def test_a_fault_hits_its_operation_only(clemta: StandIn, client: requests.Session, on: str) -> None:
    clemta.fault("status", status=503, on=on, times=None)
    url = f"{clemta.url}/contacts"
    one = f"{url}/{clemta.create_contact()['id']}"
    statuses = {
        "create": client.post(url, json=BODY, timeout=5).status_code,
        "search": client.get(url, params={"company_id": DEFAULT_COMPANY_ID}, timeout=5).status_code,
        "get": client.get(one, timeout=5).status_code,
        "update": client.patch(one, json=BODY, timeout=5).status_code,
        "delete": client.delete(one, timeout=5).status_code,
    }
    assert {name for name, status in statuses.items() if status == 503} == {on}


def test_concurrent_requests_are_all_counted_and_all_created(clemta: StandIn) -> None:
    clemta.configure(rate_limit=60)
    headers = {"X-API-Key": DEFAULT_API_KEY}

    def call(_: int) -> int:
        return requests.post(f"{clemta.url}/contacts", json=BODY, headers=headers, timeout=5).status_code

    with ThreadPoolExecutor(16) as callers:
        statuses = sorted(callers.map(call, range(80)))
    assert statuses == [200] * 60 + [429] * 20
    assert (len(clemta.contacts()), clemta.peak) == (60, 80)


# Connections, and the server's life


def test_a_connection_is_kept_for_the_next_request(clemta: StandIn, post: Any, search: Any) -> None:
    post()
    search(limit="0")
    search()
    assert len({request.connection for request in clemta.requests}) == 1


def test_a_connection_ends_with_a_truncated_answer(clemta: StandIn, post: Any) -> None:
    clemta.fault("truncated")
    with contextlib.suppress(requests.RequestException):
        post()
    post()
    assert len({request.connection for request in clemta.requests}) == 2


def test_stop_ends_hanging_requests_and_a_restart_keeps_port_and_contacts(
    client: requests.Session,
) -> None:
    clemta = StandIn()
    clemta.start()
    clemta.create_contact()
    clemta.fault("timeout_before")
    url, failures = f"{clemta.url}/contacts", []

    def call() -> None:
        try:
            client.get(url, timeout=20)
        except requests.ConnectionError as failure:
            failures.append(failure)

    caller = threading.Thread(target=call)
    caller.start()
    until(lambda: bool(clemta.requests) and clemta.requests[0].fault is not None)
    began = time.monotonic()
    clemta.stop()
    caller.join(5)
    assert time.monotonic() - began < 2
    assert len(failures) == 1
    assert clemta.requests[0].ms is not None
    with pytest.raises(requests.ConnectionError, match="refused"):
        client.get(url, timeout=5)
    with clemta:
        assert (
            client.get(url, params={"company_id": DEFAULT_COMPANY_ID}, timeout=5).json()["data"]["total"] == 1
        )


def test_it_serves_tls_while_another_client_stalls_its_handshake(
    certificate: tuple[str, str], client: requests.Session
) -> None:
    certfile, keyfile = certificate
    with StandIn(certfile=certfile, keyfile=keyfile) as clemta:
        with socket.create_connection(
            ("127.0.0.1", clemta.port)
        ):  # stalls its handshake, which must not block others
            answer = client.post(f"{clemta.url}/contacts", json=BODY, timeout=5, verify=certfile)
        assert answer.status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            client.get(clemta.url, timeout=5)


def test_the_command_prints_its_url_logs_no_contents_and_ends_on_sigterm(client: requests.Session) -> None:
    command = [sys.executable, "-m", "local.clemta", "--port", "0", "--api-key", "clemta_mine"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().split()[-1]
        client.headers["X-API-Key"] = "clemta_mine"
        assert client.post(f"{url}/contacts", json=BODY, timeout=5).status_code == 200
        params = {"company_id": DEFAULT_COMPANY_ID, "search": "robin"}
        assert client.get(f"{url}/contacts", params=params, timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        log = process.stderr.read()
        assert process.wait(5) == 0
    assert [line.split()[:4] for line in log.splitlines()] == [
        ["POST", "/contacts", "200", "-"],
        ["GET", "/contacts", "200", "-"],
    ]
    assert "robin" not in log.lower()


def test_help_names_every_fault() -> None:
    command = [sys.executable, "-m", "local.clemta", "--help"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert all(name in told and kind.meaning in told for name, kind in FAULTS.items())


# The control endpoints


def control(clemta: StandIn, method: str, name: str, body: Any = None, **headers: str) -> requests.Response:
    return requests.request(method, f"{clemta.url}/_stand-in/{name}", json=body, headers=headers, timeout=5)


def test_faults_are_set_listed_and_cleared_over_http(clemta: StandIn, post: Any) -> None:
    switch = {"fault": "status", "on": "create", "times": 3, "probability": 1, "seed": 1, "status": 503}
    assert control(clemta, "POST", "faults", switch).status_code == 200
    assert post().status_code == 503
    listed = control(clemta, "GET", "faults").json()
    assert listed["known"].keys() == FAULTS.keys()
    [fault] = listed["faults"]
    assert switch.items() <= fault.items()
    assert (fault["applied"], fault["remaining"]) == (1, 2)
    assert control(clemta, "DELETE", "faults").status_code == 200
    assert post().status_code == 200
    assert control(clemta, "GET", "faults").json()["faults"] == []


def test_control_edits_and_deletes_a_contact_despite_faults_and_rate_limit(
    clemta: StandIn, client: requests.Session, post: Any
) -> None:
    contact_id = post().json()["data"]["id"]
    clemta.fault("error_before", times=None)
    clemta.configure(rate_limit=1)
    changes = {"full_name": "Ada By Hand", "email": "by.hand@example.com", "billing": {"tax_id": "7"}}
    edited = control(clemta, "PATCH", f"contacts/{contact_id}", changes)
    assert edited.status_code == 200
    assert changes.items() <= edited.json().items()
    assert control(clemta, "PATCH", f"contacts/{contact_id}", {"email": "none"}).status_code == 400
    assert control(clemta, "DELETE", f"contacts/{contact_id}").status_code == 200
    assert control(clemta, "DELETE", f"contacts/{contact_id}").status_code == 404
    assert not clemta.contacts()


def test_a_deleted_contact_answers_clemtas_not_found(
    clemta: StandIn, client: requests.Session, post: Any
) -> None:
    contact_id = post().json()["data"]["id"]
    clemta.delete_contact(contact_id)
    answer = client.get(f"{clemta.url}/contacts/{contact_id}", timeout=5)
    assert (answer.status_code, answer.json()["success"]) == (404, False)
    assert answer.json()["error"]["code"] == "NOT_FOUND"


def test_tidy_names_normalizes_spaces_and_capitals(clemta: StandIn, post: Any) -> None:
    clemta.configure(tidy_names=True)
    assert post(full_name="ada  LOVELACE").json()["data"]["full_name"] == "Ada Lovelace"


def test_settings_are_changed_over_http_and_reset(clemta: StandIn, post: Any) -> None:
    changes = {
        "search_lag": 3,
        "rate_limit": 7,
        "rate_window": 1,
        "api_keys": ["k"],
        "reject_duplicates": True,
    }
    assert changes.items() <= control(clemta, "POST", "settings", changes).json().items()
    assert post().status_code == 401
    assert control(clemta, "POST", "reset").status_code == 200
    assert post().headers["X-RateLimit-Limit"] == "100"
    assert len(control(clemta, "GET", "contacts").json()["contacts"]) == 1
    assert control(clemta, "GET", "health").json() == {"url": clemta.url, "contacts": 1, "peak": 1}


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("faults", {"fault": "fire"}, "fault: one of"),
        ("faults", {"fault": ["html"]}, "fault: one of"),
        ("faults", {}, "'fault'"),
        ("faults", [], "JSON object"),
        ("faults", {"fault": "html", "on": "all"}, "on: any"),
        ("faults", {"fault": "html", "times": 0}, "times"),
        ("faults", {"fault": "html", "times": True}, "times"),
        ("faults", {"fault": "html", "probability": 2}, "probability"),
        ("faults", {"fault": "html", "seconds": -1}, "seconds"),
        ("faults", {"fault": "html", "seconds": 1e300}, "seconds"),
        ("faults", {"fault": "html", "status": 500}, "status"),
        ("faults", {"fault": "status"}, "status"),
        ("faults", {"fault": "status", "status": 200}, "status"),
        ("faults", {"fault": "html", "colour": 1}, "'colour'"),
        ("settings", {"rate_limit": 0}, "rate_limit"),
        ("settings", {"rate_window": 0}, "rate_window"),
        ("settings", {"search_lag": "3"}, "search_lag"),
        ("settings", {"search_pattern": "glob"}, "search_pattern"),
        ("settings", {"search_case_sensitive": 1}, "search_case_sensitive"),
        ("settings", {"search_names": "no"}, "search_names"),
        ("settings", {"sorts_lists": "no"}, "sorts_lists"),
        ("settings", {"api_keys": "k"}, "api_keys"),
        ("settings", {"companies": [1]}, "companies"),
        ("settings", {"reject_duplicates": 1}, "reject_duplicates"),
        ("settings", {"tidy_names": 1}, "tidy_names"),
        ("settings", {"colour": 1}, "'colour'"),
    ],
)
def test_wrong_control_input_is_refused_with_a_reason(
    clemta: StandIn, name: str, body: Any, told: str
) -> None:
    refused = control(clemta, "POST", name, body)
    assert refused.status_code == 400
    assert told in refused.json()["error"]
    assert control(clemta, "GET", "faults").json()["faults"] == []


def test_requests_are_listed_without_their_search_terms(clemta: StandIn, post: Any, search: Any) -> None:
    contact_id = post().json()["data"]["id"]
    search(search="robin@example.com", limit="5")
    first, second = control(clemta, "GET", "requests").json()["requests"]
    assert (first["number"], first["method"], first["path"], first["status"]) == (1, "POST", "/contacts", 200)
    assert first["contact_id"] == contact_id
    assert (second["number"], second["operation"]) == (2, "search")
    assert second["path"] == f"/contacts?company_id={DEFAULT_COMPANY_ID}&search=&limit=5"
    assert first["connection"] == second["connection"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.com"}, {"Origin": "null"}, {"Host": "example.com"}]
)
def test_a_web_page_cannot_use_the_control_endpoints(clemta: StandIn, headers: dict[str, str]) -> None:
    clemta.create_contact()
    refused = control(clemta, "POST", "reset", **headers)
    assert refused.status_code == 403
    assert not any(name.lower().startswith("access-control") for name in refused.headers)
    assert control(clemta, "OPTIONS", "reset", **headers).status_code == 501
    assert len(clemta.contacts()) == 1


def test_an_unknown_control_endpoint_is_not_found(clemta: StandIn) -> None:
    assert control(clemta, "GET", "nothing").status_code == 404
    assert control(clemta, "DELETE", "contacts").status_code == 404


# Clemta's own description


@pytest.fixture(scope="module")
def conforms() -> Callable[[requests.Response, str], None]:
    if not SPEC.is_file():
        pytest.skip("Clemta's OpenAPI description is not here")

    jsonschema = pytest.importorskip("jsonschema")

    def draft(schema: Any) -> Any:
        """The schema with OpenAPI 3.0's `nullable` as a JSON Schema type, and without additional properties."""
        if isinstance(schema, list):
            return [draft(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        schema = {key: draft(value) for key, value in schema.items() if key != "example"}
        if schema.get("nullable") is True and "type" in schema:
            schema["type"] = [schema["type"], "null"]
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
        return schema

    spec = draft(json.loads(SPEC.read_text()))

    def conforms(answer: requests.Response, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())
        properties = spec["components"]["schemas"][name]["properties"]
        assert answer.json().keys() == properties.keys()

    return conforms


def test_answers_conform_to_clemtas_description(
    clemta: StandIn, client: requests.Session, post: Any, search: Any, conforms: Any
) -> None:
    created = post(**FULL)
    url = f"{clemta.url}/contacts/{created.json()['data']['id']}"
    conforms(created, "ContactCreateResponse")
    conforms(post(), "ContactCreateResponse")
    conforms(search(), "ContactListResponse")
    conforms(client.get(url, timeout=5), "ContactGetResponse")
    conforms(client.patch(url, json=BODY, timeout=5), "ContactUpdateResponse")
    conforms(client.delete(url, timeout=5), "ContactDeleteResponse")
    conforms(client.get(url, timeout=5), "ContactNotFoundError")
    conforms(post(company_id=OTHER_COMPANY), "NotFoundError")
    conforms(post(type="friend"), "BadRequestError")
    clemta.fault("error_before")
    conforms(post(), "InternalServerError")
    clemta.fault(
        "rate_limited"
    )  # 429 is not described for contacts; its envelope is that of the other refusals
    conforms(post(), "BadRequestError")
    client.headers["X-API-Key"] = "clemta_other"
    conforms(post(), "UnauthorizedError")


def test_stand_in_contact_has_the_fields_of_clemtas_description(
    clemta: StandIn, post: Any, conforms: Any
) -> None:
    schemas = json.loads(SPEC.read_text())["components"]["schemas"]
    assert post().json()["data"].keys() == schemas["ContactResponse"]["properties"].keys()
    billing = dict.fromkeys(schemas["ContactBilling"]["properties"], "x")
    everything = {name: FULL[name] for name in schemas["CreateContactRequest"]["properties"]}
    assert post(**everything | {"billing": billing}).status_code == 200
