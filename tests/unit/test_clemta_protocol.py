"""Clemta's API without I/O: what is sent, and what each answer means. tests/integration/test_clemta.py has sockets."""

import json
from typing import Any

import pytest

from clemta_intake.clemta.client import Clemta
from clemta_intake.clemta.protocol import (
    Request,
    created_id,
    is_contact,
    no_answer,
    read_answer,
    read_page,
    read_remaining,
    search_term,
)
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import (
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Throttled,
)
from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.model import Place
from clemta_intake.transport import ConnectionClosed, NothingSent, TransportError
from tests.support.fakes import COMPANY, contact

NOW = 1_800_000_000.0
GET, CREATE = Request.get("id1"), Request.create(contact())


def answer(status: int, payload: Any = None, **headers: str) -> HttpResponse:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def refused(code: Any = "SOME_CODE", message: str = "Oh", details: str = "dear") -> dict[str, Any]:
    return {"success": False, "message": message, "error": {"code": code, "details": details}}


def error_of(request: Request, given: HttpResponse) -> Retryable | Permanent:
    with pytest.raises((Retryable, Permanent)) as raised:
        read_answer(request, given, NOW)
    return raised.value  # type: ignore[return-value]


def test_the_requests_are_those_of_clemtas_documentation() -> None:
    create = CREATE.to_http("https://api.test/v1", "key1")
    headers = {"X-API-Key": "key1", "Content-Type": "application/json", "Accept": "application/json"}
    assert create[:4] == ("POST", "https://api.test/v1/contacts", headers, {})
    assert create.body is not None
    assert json.loads(create.body) == contact().body()
    query = {"company_id": COMPANY, "search": "ada", "skip": "100", "limit": "100"}
    search = Request.search(contact("Ada+x@y.tr"), 100)
    assert search.query == query | {"search": "x@y.tr"}
    assert search.to_http("", "k") == HttpRequest(
        "GET", "/contacts", headers | {"X-API-Key": "k"}, search.query, None
    )
    assert GET.to_http("", "k")[:2] == ("GET", "/contacts/id1")
    update = Request.update("id1", {"full_name": "Ayşe"}).to_http("", "k")
    assert (update.method, update.url, update.body) == (
        "PATCH",
        "/contacts/id1",
        '{"full_name": "Ayşe"}'.encode(),
    )


def test_p8_a_request_is_shown_without_personal_data() -> None:
    assert repr(CREATE) == "Request(POST)"


def test_p3_only_what_changes_something_is_not_sent_twice() -> None:
    assert GET.idempotent
    assert Request.search(contact(), 0).idempotent
    assert not CREATE.idempotent
    assert not Request.update("id1", {}).idempotent


@pytest.mark.parametrize(
    ("email", "term"),
    [("ADA@Example.com", "ada@example.com"), ("a*b_c-9@d.e+f", "b_c-9@d.e"), ("aa+b", "aa")],
)
def test_the_search_term_matches_itself_as_text_and_as_a_pattern(email: str, term: str) -> None:
    assert search_term(email) == term


@pytest.mark.parametrize(
    ("entry", "same"),
    [
        ({"email": "ADA@example.COM", "type": "customer"}, True),
        ({"email": "ada@example.com", "type": "vendor"}, False),
        ({"email": "bo@example.com", "type": "customer"}, False),
        ({"email": None, "type": "customer"}, False),
        ({"type": "customer"}, False),
    ],
)
def test_an_entry_is_the_contact_by_its_email_and_type(entry: dict[str, Any], same: bool) -> None:
    assert is_contact(entry, contact()) is same


def test_a_success_is_its_data() -> None:
    assert read_answer(CREATE, answer(201, {"success": True, "data": {"id": "x"}}), NOW) == {"id": "x"}
    assert created_id({"id": "x"}) == "x"


@pytest.mark.parametrize("data", [{}, {"id": ""}, {"id": None}, {"id": 7}, {"id": ["x"]}])
def test_p3_a_create_that_names_no_id_is_an_unknown_outcome(data: dict[str, Any]) -> None:
    with pytest.raises(OutcomeUnknown, match="no_contact_id") as raised:
        created_id(data)
    assert (raised.value.code, raised.value.status) == ("no_contact_id", 200)


@pytest.mark.parametrize(
    "given",
    [
        answer(200, b"<html>"),
        answer(200, b"[" * 100_000),
        answer(200, [1]),
        answer(200, {"success": True, "data": [1]}),
        answer(200, {"success": True}),
        answer(200, {"success": 1, "data": {}}),
        answer(200, {"success": False, "data": {}}),
        answer(408, refused()),
        answer(425, refused()),
        answer(500, refused()),
        answer(503, {"success": True, "data": {}}),
        answer(600, refused()),
        answer(100, refused()),
    ],
)
def test_p3_what_is_neither_success_nor_refusal_may_have_created_a_contact(given: HttpResponse) -> None:
    assert type(error_of(CREATE, given)) is OutcomeUnknown
    assert type(error_of(GET, given)) is NotApplied
    assert error_of(GET, given).status == given.status


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        (401, refused(), KeyRefused),
        (402, refused(), ConfigError),
        (403, refused(), ConfigError),
        (404, refused("COMPANY_NOT_FOUND"), ConfigError),
        (405, refused(), ConfigError),
        (404, refused("NOT_FOUND"), ContactGone),
        (404, refused("CONTACT_NOT_FOUND"), ContactGone),
        (404, refused("NOT_FOUND") | {"success": True}, ConfigError),
        (404, None, ConfigError),
        (300, None, ConfigError),
        (301, None, ConfigError),
        (399, None, ConfigError),
        (400, refused(), DataError),
        (422, refused(), DataError),
        (499, refused(), DataError),
        (429, refused(), Throttled),
    ],
)
def test_each_refusal_has_its_meaning(status: int, payload: Any, kind: type[Exception]) -> None:
    error = error_of(CREATE, answer(status, payload))
    assert (type(error), error.status) == (kind, status)
    if payload:
        assert (error.code, str(error)) == (payload["error"]["code"], "Oh dear")


@pytest.mark.parametrize("code", [None, 7, "", "free text", "A" * 65, "_A", "CODE\n"])
def test_p8_a_code_that_could_be_free_text_is_not_kept(code: Any) -> None:
    assert error_of(GET, answer(400, refused(code))).code == "HTTP_400"
    assert error_of(GET, answer(400, refused("A" * 64))).code == "A" * 64


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"message": "Oh"}, "Oh"),
        ({"error": {"details": "dear"}}, "dear"),
        ({"error": "text", "message": "Oh"}, "Oh"),
    ],
)
def test_clemtas_words_are_kept_for_the_operator(payload: dict[str, Any], said: str) -> None:
    assert str(error_of(GET, answer(400, payload))) == said


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 60),
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 60),
        ({"Retry_After": " 7 "}, 7),
        ({"Retry_After": "901"}, 900),
        ({"Retry_After": "123456789"}, 900),
        ({"Retry_After": "1234567890"}, 60),
        ({"Retry_After": "-7"}, 60),
        ({"Retry_After": "\u0667"}, 60),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 60),
        ({"X_RateLimit_Reset": str(int(NOW) + 12)}, 12),
        ({"X_RateLimit_Reset": str(int(NOW) + 99)}, 60),
        ({"X_RateLimit_Reset": str(int(NOW) - 5)}, 60),
        ({"Retry_After": "7", "X_RateLimit_Reset": str(int(NOW) + 12)}, 7),
    ],
)
def test_p6_429_says_how_long_to_wait(headers: dict[str, str], wait: float) -> None:
    error = error_of(GET, answer(429, refused(), **headers))
    assert isinstance(error, Throttled)
    assert error.retry_after == wait


def test_an_outage_may_say_how_long_to_wait() -> None:
    error = error_of(GET, answer(503, None, Retry_After="30"))
    assert isinstance(error, NotApplied)
    assert error.retry_after == 30
    assert error_of(GET, answer(503)).retry_after == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "headers", "left"),
    [
        (200, {}, None),
        (200, {"X_RateLimit_Remaining": "41"}, (41, 0)),
        (200, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(NOW) + 30)}, (0, 30)),
        (200, {"X_RateLimit_Remaining": "123456789"}, (123_456_789, 0)),
        (200, {"X_RateLimit_Remaining": "1234567890"}, None),
        (200, {"X_RateLimit_Remaining": "3.5"}, None),
        (429, {"X_RateLimit_Remaining": "41"}, None),
        (430, {"X_RateLimit_Remaining": "41"}, (41, 0)),
        (200, {"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": "18000000001"}, (5, 60)),
        (200, {"X_RateLimit_Remaining": "5", "X_RateLimit_Reset": "180000000011"}, (5, 0)),
    ],
)
def test_p6_what_clemta_says_is_left(status: int, headers: dict[str, str], left: Any) -> None:
    assert read_remaining(answer(status, None, **headers), NOW) == left


def test_a_page_is_a_list_and_may_say_the_total() -> None:
    assert read_page({"contacts": [1], "total": 3}) == ([1], 3)
    assert read_page({"contacts": [], "total": "3"}) == ([], None)
    unreadable: list[dict[str, Any]] = [{}, {"contacts": {}}]
    for data in unreadable:
        with pytest.raises(NotApplied, match="unreadable_answer") as raised:
            read_page(data)
        assert (raised.value.code, raised.value.status) == ("unreadable_answer", 200)


def test_p3_no_answer_is_unknown_only_where_something_was_sent_that_changes_something() -> None:
    found = {
        (request.method, sent): type(no_answer(request, "timeout", sent=sent))
        for request in (GET, CREATE)
        for sent in (True, False)
    }
    assert found.pop(("POST", True)) is OutcomeUnknown
    assert set(found.values()) == {NotApplied}
    error = no_answer(GET, "timeout", sent=True)
    assert (error.code, str(error)) == ("no_answer", "timeout")


class Recorded:
    """The rate limit and the transport: what was asked of them in order; answers are given in order."""

    def __init__(self, *answers: HttpResponse | TransportError) -> None:
        self.answers, self.calls, self.sent = [*answers], list[Any](), list[HttpRequest]()
        self.keys = ["old", "new"]

    def client(self) -> Clemta:
        return Clemta("https://api.test", self.key, self, self)

    def key(self, stale: str | None) -> str:
        return self.keys[0] if stale is None else self.keys[-1]

    def set_place(self, place: Place) -> None:
        self.calls.append(place)

    def acquire(self, deadline: Deadline, reserve_next: int = 0) -> None:
        self.calls.append(("acquire", reserve_next))

    def record_remaining(self, remaining: int, reset_seconds: float, deadline: Deadline) -> None:
        self.calls.append(("left", remaining, reset_seconds))

    def on_rate_limited(self, seconds: float, deadline: Deadline) -> tuple[float, str]:
        self.calls.append(("limited", seconds))
        return seconds + 5, "slot1"

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse:
        assert 0 < connect_seconds <= total_seconds / 3 + 0.01
        self.sent.append(request)
        given = self.answers.pop(0)
        if isinstance(given, TransportError):
            raise given
        return given


def soon() -> Deadline:
    return Deadline.after(6)


DONE = answer(200, {"success": True, "data": {"id": "x"}}, X_RateLimit_Remaining="9")


def test_p6_each_call_takes_its_turn_and_tells_what_is_left() -> None:
    world = Recorded(DONE, DONE)
    assert world.client().create(contact(), soon()) == "x"
    assert world.client().get("x", soon(), reserve_next=1) == {"id": "x"}
    assert world.calls == [("acquire", 0), ("left", 9, 0), ("acquire", 1), ("left", 9, 0)]


def test_a_refused_key_is_read_afresh_once() -> None:
    world = Recorded(answer(401, refused()), DONE)
    assert world.client().get("x", soon(), 1) == {"id": "x"}
    assert [request.headers["X-API-Key"] for request in world.sent] == ["old", "new"]
    assert [call for call in world.calls if call[0] == "acquire"] == [("acquire", 1)] * 2
    world = Recorded(answer(401, refused()))
    world.keys = ["old"]
    with pytest.raises(KeyRefused):
        world.client().get("x", soon())


def test_p6_a_429_tells_the_rate_limit_which_says_when_to_come_again() -> None:
    world = Recorded(answer(429, refused(), Retry_After="7"))
    with pytest.raises(Throttled) as raised:
        world.client().get("x", soon())
    assert (raised.value.retry_after, raised.value.slot) == (12, "slot1")
    assert world.calls == [("acquire", 0), ("limited", 7)]


def test_p3_only_an_idempotent_call_is_sent_again_on_a_closed_connection() -> None:
    world = Recorded(ConnectionClosed("closed"), DONE)
    assert world.client().get("x", soon()) == {"id": "x"}
    world = Recorded(ConnectionClosed("closed"), ConnectionClosed("closed"))
    with pytest.raises(NotApplied, match="closed"):
        world.client().get("x", soon())
    world = Recorded(ConnectionClosed("closed"))
    with pytest.raises(OutcomeUnknown, match="closed"):
        world.client().create(contact(), soon())
    world = Recorded(NothingSent("no route"))
    with pytest.raises(NotApplied, match="no route"):
        world.client().create(contact(), soon())


def page(*emails: str, total: Any = None) -> HttpResponse:
    entries: list[Any] = [{"email": email, "type": "customer"} for email in emails]
    return answer(200, {"success": True, "data": {"contacts": [*entries, "no object"], "total": total}})


def test_a_search_reads_page_after_page_until_all_are_seen() -> None:
    world = Recorded(page("bo@example.com", total=5), page("Ada@example.com", total=4))
    found = list(world.client().find(contact(), soon()))
    assert found == [{"email": "Ada@example.com", "type": "customer"}]
    assert [request.query["skip"] for request in world.sent] == ["0", "2"]
    assert [call for call in world.calls if call[0] == "acquire"] == [("acquire", 1)] * 2
    empty = answer(200, {"success": True, "data": {"contacts": []}})
    assert list(Recorded(page("bo@example.com"), empty).client().find(contact(), soon())) == []


def test_p3_a_search_of_more_than_five_pages_says_nothing() -> None:
    world = Recorded(*[page("bo@example.com", total=99)] * 5)
    with pytest.raises(NotApplied, match="more than 5 pages") as raised:
        list(world.client().find(contact(), soon()))
    assert raised.value.code == "search_flooded"
    assert not world.answers


def test_an_update_sends_the_fields_and_p7_nothing_is_sent_without_time() -> None:
    world = Recorded(DONE)
    world.client().update("x", {"full_name": "Ada"}, soon())
    assert [(request.method, request.body) for request in world.sent] == [("PATCH", b'{"full_name": "Ada"}')]
    with pytest.raises(Retryable, match="no_time_left"):
        world.client().get("x", Deadline.after(0.1))
    assert len(world.sent) == 1
