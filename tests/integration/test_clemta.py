"""The Clemta client against the stand-in, over real sockets: what each answer means for the caller."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from clemta_intake import coldstart, telemetry
from clemta_intake.clemta.client import Clemta
from clemta_intake.clemta.protocol import Request, read_answer, search_term
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import (
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Retryable,
    Throttled,
)
from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.model import Place
from clemta_intake.transport import NoAnswer, Transport
from local.clemta import DEFAULT_API_KEY, StandIn
from tests.support.fakes import SEARCHES, Clock, FakeRateLimit, Search, contact

FULL = contact(
    name="Ada Öztürk 🙂",
    description="two\nlines",
    cc_emails=("cc@example.com",),
    bcc_emails=("bcc@example.com",),
    status="active",
    billing={
        "phone": "5321234567",
        "phone_code": "+90",
        "iso_code": "TR",
        "country": "Türkiye",
        "tax_id": "1",
    },
)


@pytest.fixture
def rate_limit() -> FakeRateLimit:
    return FakeRateLimit()


@pytest.fixture
def client(clemta: StandIn, rate_limit: FakeRateLimit) -> Clemta:
    return Clemta(clemta.url, lambda stale: DEFAULT_API_KEY, rate_limit, Transport())


def soon(seconds: float = 2) -> Deadline:
    return Deadline.after(seconds)


def test_a_contact_is_created_with_all_its_fields(client: Clemta, clemta: StandIn) -> None:
    contact_id = client.create(FULL, soon())
    [stored] = clemta.contacts()
    assert stored["id"] == contact_id
    assert FULL.body().items() <= stored.items()


def test_a_contact_is_found_in_whatever_case_its_email_is_written(client: Clemta) -> None:
    contact_id = client.create(contact("Ada@Example.com"), soon())
    assert [entry["id"] for entry in client.find(contact("aDA@example.com"), soon())] == [contact_id]


@pytest.mark.parametrize("search", SEARCHES.values(), ids=list(SEARCHES))
@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "Ada+Tag@Example.com",
        "a+b@example.com",
        "a.b_c-d@example.com",
        "*^?|{}$@example.com",
    ],
)
def test_p3_a_contact_is_found_however_clemta_interprets_the_search(
    client: Clemta, clemta: StandIn, search: Search, address: str
) -> None:
    clemta.configure(
        search_pattern=search.pattern,
        search_case_sensitive=search.case_sensitive,
        search_names=search.names,
    )
    clemta.create_contact(email="x@example.net", full_name=address.lower())
    clemta.create_contact(email=f"x{address.lower()}")
    contact_id = client.create(contact(address), soon())
    assert [entry["id"] for entry in client.find(contact(address.upper()), soon())] == [contact_id]
    assert clemta.contacts()[-1]["email"] == address.lower()


@pytest.mark.parametrize(
    ("address", "term"),
    [
        ("ada@example.com", "ada@example.com"),
        ("a+b@example.com", "b@example.com"),
        ("ada.lovelace_1+x@example.com", "ada.lovelace_1"),
        ("o'neil%ada-1@example.com", "ada-1@example.com"),
        ("+@example.com", "@example.com"),
    ],
)
def test_p3_the_search_term_is_the_longest_part_that_no_pattern_misreads(address: str, term: str) -> None:
    assert search_term(address) == term


def test_p3_a_flooded_search_is_given_up_after_five_pages_as_not_applied(
    client: Clemta, clemta: StandIn
) -> None:
    for number in range(501):
        clemta.create_contact(email=f"x{number}@example.net", full_name="ada@example.com")
    clemta.create_contact(email="ada@example.com")
    with pytest.raises(Retryable) as raised:
        list(client.find(contact(), soon(5)))
    assert (type(raised.value), raised.value.code) == (NotApplied, "search_flooded"), "a failure, not a wait"
    assert [request.operation for request in clemta.requests] == ["search"] * 5


def test_no_page_is_read_after_the_one_with_the_contact(client: Clemta, clemta: StandIn) -> None:
    first = clemta.create_contact(email="ada@example.com")
    for number in range(501):
        clemta.create_contact(email=f"x{number}@example.net", full_name="ada@example.com")
    assert next(iter(client.find(contact(), soon())))["id"] == first["id"]
    assert len(clemta.requests) == 1


def test_only_contacts_of_the_same_email_type_and_company_are_found(client: Clemta, clemta: StandIn) -> None:
    clemta.create_contact(email="not-ada@example.com")
    clemta.create_contact(email="ada@example.com.tr")
    clemta.create_contact(email="ada@example.com", type="vendor")
    clemta.create_contact(email="bo@example.com", full_name="ada@example.com")
    assert list(client.find(contact(), soon())) == []


def test_find_reads_all_pages(client: Clemta, clemta: StandIn) -> None:
    for number in range(230):
        clemta.create_contact(email=f"{number}ada@example.com")
    last = clemta.create_contact(email="ada@example.com")
    assert [entry["id"] for entry in client.find(contact(), soon(5))] == [last["id"]]
    assert len(clemta.requests) == 3


def test_one_contact_is_read_and_updated(client: Clemta, clemta: StandIn) -> None:
    contact_id = client.create(contact(), soon())
    client.update(contact_id, contact(name="Ada Changed").body(), soon())
    entry = client.get(contact_id, soon())
    assert entry["full_name"] == "Ada Changed"


def test_p3_a_deleted_contact_raises_contact_gone(client: Clemta) -> None:
    with pytest.raises(ContactGone):
        client.get("0" * 24, soon())
    with pytest.raises(ContactGone):
        client.update("0" * 24, contact().body(), soon())


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        ({"success": False, "error": {"code": "CONTACT_NOT_FOUND"}}, True),
        ({"success": False, "data": None, "error": {"code": "NOT_FOUND", "details": ""}}, True),
        ({"success": False, "error": {"code": "COMPANY_NOT_FOUND"}}, False),
        ({"error": {"code": "NOT_FOUND"}}, False),
        ({"success": False, "error": "NOT_FOUND"}, False),
        ({"message": "Not Found"}, False),
        (None, False),
    ],
)
def test_p3_only_clemtas_own_error_code_says_that_a_contact_is_gone(answer: Any, gone: bool) -> None:
    body = b"<h1>404</h1>" if answer is None else json.dumps(answer).encode()
    with pytest.raises(ConfigError) as raised:
        read_answer(Request.get("0" * 24), HttpResponse(404, body=body), now=0)
    refusal = raised.value
    assert (refusal.failure_class, isinstance(refusal, ContactGone)) == ("config", gone)


@pytest.mark.parametrize("fault", ["error_before", "timeout_after", "reset_after", "html", "truncated"])
def test_p3_an_update_without_an_answer_has_an_unknown_outcome(
    client: Clemta, clemta: StandIn, fault: str
) -> None:
    contact_id = client.create(contact(), soon())
    clemta.fault(fault, on="update")
    with pytest.raises(OutcomeUnknown):
        client.update(contact_id, contact(name="Ada Changed").body(), soon(1))


def test_other_refusals_of_a_read_are_not_taken_for_a_deleted_contact(
    client: Clemta, clemta: StandIn
) -> None:
    clemta.fault("status", status=403)
    with pytest.raises(ConfigError):
        client.get("0" * 24, soon())


@pytest.mark.parametrize(
    ("fault", "how", "error", "created"),
    [
        ("status", {"status": 400}, DataError, 0),
        ("status", {"status": 409}, DataError, 0),
        ("status", {"status": 422}, DataError, 0),
        ("status", {"status": 401}, KeyRefused, 0),
        ("status", {"status": 402}, ConfigError, 0),
        ("status", {"status": 403}, ConfigError, 0),
        ("status", {"status": 404}, ConfigError, 0),
        ("status", {"status": 405}, ConfigError, 0),
        ("redirect", {}, ConfigError, 0),
        ("rate_limited", {"seconds": 7}, Throttled, 0),
        ("status", {"status": 408}, OutcomeUnknown, 0),
        ("status", {"status": 425}, OutcomeUnknown, 0),
        ("status", {"status": 503, "seconds": 9}, OutcomeUnknown, 0),
        ("error_before", {}, OutcomeUnknown, 0),
        ("error_after", {}, OutcomeUnknown, 1),
        ("timeout_before", {}, OutcomeUnknown, 0),
        ("timeout_after", {}, OutcomeUnknown, 1),
        ("reset_before", {}, OutcomeUnknown, 0),
        ("reset_after", {}, OutcomeUnknown, 1),
        ("html", {}, OutcomeUnknown, 0),
        ("html_after", {}, OutcomeUnknown, 1),
        ("truncated", {}, OutcomeUnknown, 1),
        ("slow", {"seconds": 30}, OutcomeUnknown, 1),
        ("slow_headers", {"seconds": 30}, OutcomeUnknown, 1),
        ("empty", {}, OutcomeUnknown, 1),
    ],
)
def test_p3_each_fault_of_a_create_raises_its_error_within_the_deadline(
    client: Clemta, clemta: StandIn, fault: str, how: dict[str, Any], error: type[Exception], created: int
) -> None:
    clemta.fault(fault, on="create", **how)
    began = time.monotonic()
    with pytest.raises(error) as raised:
        client.create(contact(), soon(1.5))
    assert time.monotonic() - began < 2, "the whole answer is bounded, not each read"
    assert type(raised.value) is error
    assert len(clemta.contacts()) == created
    assert getattr(raised.value, "retry_after", 0) == {
        "rate_limited": 7 + 7,  # the slot of the fake rate limit
        "status": how.get("seconds", 0),
    }.get(fault, 0)


@pytest.mark.parametrize(
    "fault", ["error_before", "timeout_before", "reset_before", "html", "truncated", "slow", "empty"]
)
def test_each_fault_of_a_look_up_can_be_retried(client: Clemta, clemta: StandIn, fault: str) -> None:
    clemta.fault(fault, on="search")
    with pytest.raises(Retryable) as raised:
        list(client.find(contact(), soon(1)))
    assert type(raised.value) is NotApplied


def test_a_refused_connection_has_applied_nothing(closed: str) -> None:
    with pytest.raises(Retryable) as raised:
        Clemta(closed, lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())
    assert type(raised.value) is NotApplied


def test_a_connection_that_times_out_has_applied_nothing() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.create_connection(server.getsockname()),  # it fills the queue: the next one is not answered
    ):
        client = Clemta(
            f"http://127.0.0.1:{server.getsockname()[1]}", lambda stale: "k", FakeRateLimit(), Transport()
        )
        began = time.monotonic()
        with pytest.raises(Retryable) as raised:
            client.create(contact(), soon(1))
    assert type(raised.value) is NotApplied
    assert time.monotonic() - began < 1.5


def test_p7_name_resolution_and_all_addresses_share_the_time_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        port = first.getsockname()[1]
        hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
        for host in hosts[1:]:
            stack.enter_context(socket.create_server((host, port), backlog=0))
        for host in hosts:  # it fills the queue: the next one is not answered
            stack.enter_context(socket.create_connection((host, port)))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

        def slowly(*_: Any, **how: Any) -> Any:
            threading.Event().wait(0.2)
            return found

        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        client = Clemta(f"http://clemta.test:{port}", lambda stale: "k", FakeRateLimit(), Transport())
        began = time.monotonic()
        with pytest.raises(Retryable) as raised:
            client.create(contact(), soon(1.5))
    assert type(raised.value) is NotApplied
    assert time.monotonic() - began < 1


def test_p7_over_tls_the_whole_answer_is_bounded_too(
    certificate: tuple[str, str], rate_limit: FakeRateLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    certfile, keyfile = certificate
    with StandIn(certfile=certfile, keyfile=keyfile) as clemta:
        client = Clemta(clemta.url, lambda stale: DEFAULT_API_KEY, rate_limit, Transport())
        with pytest.raises(Retryable):
            list(client.find(contact(), soon()))
        assert not clemta.requests, "a certificate that nobody vouches for gets no key"
        trusting = coldstart.tls_context.__wrapped__()
        trusting.load_verify_locations(certfile)
        monkeypatch.setattr(coldstart, "tls_context", lambda: trusting)
        client = Clemta(clemta.url, lambda stale: DEFAULT_API_KEY, rate_limit, Transport())
        client.create(contact(), soon())
        clemta.fault("slow", seconds=30)
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            client.create(contact(), soon(1))
        assert time.monotonic() - began < 1.5
        assert len(clemta.contacts()) == 2


def test_a_name_that_does_not_resolve_has_applied_nothing() -> None:
    with pytest.raises(Retryable) as raised:
        Clemta("http://clemta.invalid", lambda stale: "k", FakeRateLimit(), Transport()).create(
            contact(), soon()
        )
    assert type(raised.value) is NotApplied


def test_without_time_left_no_call_is_made(client: Clemta, clemta: StandIn) -> None:
    with pytest.raises(Retryable):
        client.create(contact(), soon(0.1))
    assert not clemta.requests


def test_p6_every_call_acquires_from_the_rate_limit(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    contact_id = client.create(contact(), soon())
    list(client.find(contact(), soon()))
    client.get(contact_id, soon())
    assert rate_limit.acquired == len(clemta.requests) == 3


def test_p6_without_capacity_no_call_is_made(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    rate_limit.left = 0
    with pytest.raises(RateLimited):
        client.create(contact(), soon())
    assert not clemta.requests


def test_p6_a_429_is_reported_to_the_rate_limit(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    clemta.fault("rate_limited", seconds=7)
    with pytest.raises(Throttled):
        list(client.find(contact(), soon()))
    assert rate_limit.rate_limited_for == [7]


def test_p6_a_submission_that_got_a_429_comes_again_at_a_slot_of_its_own(
    client: Clemta, clemta: StandIn
) -> None:
    clemta.fault("rate_limited", seconds=7)
    with pytest.raises(Throttled) as refusal:
        client.create(contact(), soon())
    assert refusal.value.retry_after == 7 + 7, "at its own slot, not when all others come"
    assert refusal.value.slot == "open_late:7"


def test_p6_the_rate_limit_learns_whose_call_it_is(client: Clemta, rate_limit: FakeRateLimit) -> None:
    client.set_place(Place("proven", "proven:3", 9.0))
    assert rate_limit.places == [Place("proven", "proven:3", 9.0)]


def test_p6_the_remaining_calls_are_reported_to_the_rate_limit(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    clemta.configure(rate_limit=2, rate_window=30)
    list(client.find(contact(), soon()))
    list(client.find(contact(), soon()))
    assert [left for left, _ in rate_limit.remaining] == [1, 0]
    assert 25 < rate_limit.remaining[1][1] <= 31


@pytest.mark.parametrize("said", ["", "soon", "-1", "9" * 20])
def test_invalid_rate_limit_headers_are_ignored(
    serve: Callable[..., str], rate_limit: FakeRateLimit, said: str
) -> None:
    url = serve(b"{}", 429, "", {"X-RateLimit-Reset": said, "Retry-After": said})
    with pytest.raises(Throttled):
        list(Clemta(url, lambda stale: "k", rate_limit, Transport()).find(contact(), soon()))
    assert rate_limit.rate_limited_for == [60]
    failing = Clemta(
        serve(b"{}", 500, "", {"X-RateLimit-Remaining": said}), lambda _: "k", rate_limit, Transport()
    )
    with pytest.raises(Retryable):
        list(failing.find(contact(), soon()))
    assert rate_limit.remaining == []


def test_a_rotated_key_is_read_afresh_once_after_a_401(clemta: StandIn) -> None:
    asked: list[str | None] = []

    def api_key(stale: str | None) -> str:
        asked.append(stale)
        return "clemta_new" if stale else "clemta_old"

    clemta.configure(api_keys=["clemta_new"])
    Clemta(clemta.url, api_key, FakeRateLimit(), Transport()).create(contact(), soon())
    assert asked == [None, "clemta_old"]
    assert [request.status for request in clemta.requests] == [401, 200]


def test_a_refused_key_that_is_still_the_same_is_not_tried_again(client: Clemta, clemta: StandIn) -> None:
    clemta.configure(api_keys=["clemta_other"])
    with pytest.raises(KeyRefused) as raised:
        client.create(contact(), soon())
    assert raised.value.code == "INVALID_API_KEY"
    assert len(clemta.requests) == 1


def test_calls_share_one_connection(client: Clemta, clemta: StandIn) -> None:
    for number in range(20):
        client.create(contact(f"ada{number}@example.com"), soon())
    list(client.find(contact(), soon()))
    assert len({request.connection for request in clemta.requests}) == 1


def test_a_kept_connection_that_died_meanwhile_is_replaced(client: Clemta, clemta: StandIn) -> None:
    client.create(contact(), soon())
    clemta.stop()
    clemta.start()
    client.create(contact("bo@example.com"), soon())
    assert len(clemta.contacts()) == 2


def test_p6_a_get_whose_kept_connection_is_closed_is_sent_once_more_as_a_call_of_its_own(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    contact_id = client.create(contact(), soon())
    clemta.fault("reset_before", on="search")
    assert [entry["id"] for entry in client.find(contact(), soon())] == [contact_id]
    clemta.fault("reset_after", on="get")
    assert client.get(contact_id, soon()) is not None
    assert [request.operation for request in clemta.requests] == ["create", "search", "search", "get", "get"]
    assert rate_limit.acquired == 5


def test_a_get_is_not_sent_a_third_time(client: Clemta, clemta: StandIn) -> None:
    client.create(contact(), soon())
    clemta.fault("reset_before", on="search", times=None)
    with pytest.raises(Retryable):
        list(client.find(contact(), soon()))
    assert len(clemta.requests) == 3


def test_p6_a_get_without_capacity_for_a_second_call_is_not_sent_again(
    client: Clemta, clemta: StandIn, rate_limit: FakeRateLimit
) -> None:
    client.create(contact(), soon())
    clemta.fault("reset_before", on="search")
    rate_limit.left = 2
    with pytest.raises(RateLimited):
        list(client.find(contact(), soon()))
    assert len(clemta.requests) == 2


def test_p3_a_post_or_patch_whose_kept_connection_is_closed_is_not_sent_again(
    client: Clemta, clemta: StandIn
) -> None:
    contact_id = client.create(contact(), soon())
    clemta.fault("reset_before", on="create")
    with pytest.raises(OutcomeUnknown):
        client.create(contact("bo@example.com"), soon())
    client.get(contact_id, soon())
    clemta.fault("reset_before", on="update")
    with pytest.raises(Retryable):
        client.update(contact_id, contact().body(), soon())
    assert [request.operation for request in clemta.requests] == ["create", "create", "get", "update"]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"success": true, "data": {"id": ""}}',
        b'{"success": true, "data": {}}',
        b'{"success": true, "data": []}',
        b'{"success": false, "data": {"id": "1"}}',
        b"[]",
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_p3_a_success_without_a_contact_has_an_unknown_outcome(
    serve: Callable[[bytes], str], answer: bytes
) -> None:
    with pytest.raises(OutcomeUnknown):
        Clemta(serve(answer), lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())


def test_a_search_answer_without_a_list_can_be_retried(serve: Callable[[bytes], str]) -> None:
    url = serve(b'{"success": true, "data": {"total": 0}}')
    with pytest.raises(Retryable):
        list(Clemta(url, lambda stale: "k", FakeRateLimit(), Transport()).find(contact(), soon()))


def test_a_list_without_a_total_ends_with_an_empty_page(serve: Callable[[bytes], str]) -> None:
    url = serve(b'{"success": true, "data": {"contacts": []}}')
    client = Clemta(url, lambda stale: "k", FakeRateLimit(), Transport())
    assert list(client.find(contact(), soon())) == []


def test_p8_an_error_code_that_is_free_text_is_not_logged(serve: Callable[..., str]) -> None:
    body = b'{"success": false, "error": {"code": "ada@example.com", "details": "x"}}'
    with pytest.raises(DataError) as raised:
        Clemta(serve(body, 400), lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())
    assert raised.value.code == "HTTP_400"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409])
def test_p4_clemtas_message_about_a_refusal_is_kept_for_the_dead_letter(
    serve: Callable[..., str], status: int
) -> None:
    error = {"code": "VALIDATION_FAILED", "details": "email: is taken"}
    body = json.dumps({"success": False, "message": "Not valid.", "error": error}).encode()
    with pytest.raises(Permanent) as raised:
        Clemta(serve(body, status), lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())
    refusal = raised.value
    assert (refusal.code, str(refusal), refusal.status) == (
        "VALIDATION_FAILED",
        "Not valid. email: is taken",
        status,
    )


@pytest.mark.parametrize("contact_id", [None, "", 7, ["c1"]])
def test_p3_a_create_whose_answer_has_no_id_has_an_unknown_outcome(
    serve: Callable[..., str], contact_id: Any
) -> None:
    body = json.dumps({"success": True, "data": {"id": contact_id}}).encode()
    with pytest.raises(OutcomeUnknown, match="no_contact_id") as raised:
        Clemta(serve(body), lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())
    assert raised.value.status == 200


def test_a_search_answer_whose_contacts_are_no_list_can_be_retried(serve: Callable[..., str]) -> None:
    url = serve(b'{"success": true, "data": {"contacts": {}}}')
    client = Clemta(url, lambda stale: "k", FakeRateLimit(), Transport())
    with pytest.raises(Retryable, match="unreadable_answer") as raised:
        list(client.find(contact(), soon()))
    assert raised.value.status == 200


@pytest.mark.parametrize(("digits", "heard"), [(9, [(999_999_999, 0)]), (10, [])])
def test_a_number_in_a_header_has_nine_digits_at_most(
    serve: Callable[..., str], digits: int, heard: list[tuple[int, float]]
) -> None:
    rate_limit = FakeRateLimit()
    url = serve(b'{"success": true, "data": {}}', headers={"X-RateLimit-Remaining": "9" * digits})
    Clemta(url, lambda stale: "k", rate_limit, Transport()).get("c1", soon())
    assert rate_limit.remaining == heard


def test_the_latency_of_each_call_is_measured_also_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent:
        """Takes a quarter of a second of virtual time, and never answers."""

        def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse:
            clock.advance(0.25)
            raise NoAnswer

    clock = Clock(5_000)
    client = Clemta("https://clemta.test", lambda stale: "k", FakeRateLimit(), Silent())
    telemetry._pending.clear()
    monkeypatch.setattr(time, "monotonic", clock)
    with pytest.raises(OutcomeUnknown):
        client.create(contact(), Deadline(clock.now + 2))
    assert telemetry._pending.pop("ClemtaLatency") == [250]


@pytest.mark.parametrize("status", [429, 503])
def test_p6_a_retry_after_in_milliseconds_counts_as_15_minutes_at_most(
    serve: Callable[..., str], status: int
) -> None:
    rate_limit = FakeRateLimit()
    with pytest.raises(Retryable) as raised:
        list(
            Clemta(serve(b"{}", status, "60000"), lambda stale: "k", rate_limit, Transport()).find(
                contact(), soon()
            )
        )
    assert rate_limit.rate_limited_for == ([900] if status == 429 else [])
    assert raised.value.retry_after <= 900 + 7


@pytest.mark.parametrize("header", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 20, "٣"])
def test_an_invalid_retry_after_is_ignored(serve: Callable[..., str], header: str) -> None:
    url = serve(b"{}", 503, header)
    with pytest.raises(Retryable) as raised:
        Clemta(url, lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon())
    assert raised.value.retry_after == 0


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", b"{}"), ("gzip", gzip.compress(b"{}", mtime=0)[:-4])]
)
def test_p3_an_answer_that_cannot_be_unpacked_leaves_the_outcome_unknown(
    serve: Callable[..., str], encoding: str, body: bytes
) -> None:
    client = Clemta(
        serve(body, 200, "", {"Content-Encoding": encoding}), lambda stale: "k", FakeRateLimit(), Transport()
    )
    with pytest.raises(OutcomeUnknown):
        client.create(contact(), soon())


def test_an_answer_may_be_packed(serve: Callable[..., str]) -> None:
    body = gzip.compress(json.dumps({"success": True, "data": {"id": "c1"}}).encode())
    url = serve(body, 200, "", {"Content-Encoding": "gzip"})
    assert Clemta(url, lambda stale: "k", FakeRateLimit(), Transport()).create(contact(), soon()) == "c1"


def test_a_query_follows_the_urls_own(clemta: StandIn) -> None:
    clemta.create_contact(**contact("a+b@example.com", name="Ada & Bo").body())
    for name in ("a+b@example.com", "Ada & Bo"):
        url, headers = f"{clemta.url}/contacts?limit=10", {"X-API-Key": DEFAULT_API_KEY}
        query = {"company_id": contact().company_id, "search": name}
        answer = Transport().send(HttpRequest("GET", url, headers, query), 1, 2)
        assert json.loads(answer.body)["data"]["total"] == 1
