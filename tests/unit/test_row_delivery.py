"""An import's rows: one call each, within the limit, and no second contact for anybody."""

import json
from collections import Counter
from typing import Any

import pytest

from bench.burst import COMPANY
from bench.imports import Import
from bench.virtual_clemta import VirtualClemta
from clemta_intake.contact_list import ContactList
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import NotApplied
from clemta_intake.http_values import HttpRequest, HttpResponse
from ops.errors import OpsError
from tests.support.fakes import contact


def test_p6_import_creates_95_rows_a_minute_within_the_limit() -> None:
    done = Import(rows=1_000, known=150).run()
    assert done.outcomes == {"created": 1_000}
    assert done.virtual.refusals == 0
    assert done.pace >= 95
    assert len(done.virtual.contacts) == 1_150


def test_p3_rows_that_clemta_has_are_looked_up_and_make_no_contact() -> None:
    run = Import(rows=200, known=50)
    for number in range(0, 200, 10):
        run.virtual.add(f"row{number}@example.com", run.now - 1_000)
    done = run.run()
    assert done.outcomes == {"created": 180, "duplicate": 20}
    assert all(len(of_one) == 1 for of_one in done.virtual.contacts.values())


def test_p3_contact_that_was_added_since_is_found_by_the_next_reading() -> None:
    added: list[int] = []

    def add(clemta: VirtualClemta, request: HttpRequest) -> None:
        if request.method == "POST" and len(clemta.contacts) == 60 and not added:
            clemta.add("row199@example.com", run.now)
            added.append(1)

    run = Import(rows=200, known=10, before_call=add)
    done = run.run()
    assert added
    assert done.outcomes == {"created": 199, "duplicate": 1}


def test_p3_clemta_that_does_not_order_its_contacts_is_asked_for_each_row() -> None:
    class Unordered(VirtualClemta):
        def send(self, request: HttpRequest, *_: float) -> HttpResponse:
            answer = super().send(request)
            said = json.loads(answer.body)
            if "sort" in request.query:
                said["data"]["contacts"].reverse()
            return HttpResponse(answer.status, answer.headers, json.dumps(said).encode())

    run = Import(rows=20, known=10)
    run.virtual.__class__ = Unordered
    assert run.run().outcomes == {"created": 20}
    assert len(run.virtual.arrivals) >= 40


def test_p3_row_that_waited_long_for_its_turn_is_looked_up() -> None:
    """Others take the whole limit for five minutes; meanwhile somebody adds the waiting person by hand."""
    run = Import(rows=2, known=10)
    read, readings = run.clemta.newest, list[Any]()

    def read_then_blocked(*given: Any) -> Any:
        page = read(*given)
        readings.append(page)
        if len(readings) == 1:  # the last one before the first row
            run.rate_limit.on_rate_limited(300, Deadline.after(10))
            run.virtual.add("row0@example.com", run.now)
        return page

    run.clemta.newest = read_then_blocked  # type: ignore[method-assign, assignment]
    done = run.run()
    assert done.outcomes == {"duplicate": 1, "created": 1}


def test_p3_the_list_of_each_company_is_read_again_however_many_rows_the_others_have() -> None:
    readings: Counter[str] = Counter()

    def count(_: VirtualClemta, request: HttpRequest) -> None:
        if "sort" in request.query:
            readings[request.query["company_id"]] += 1

    other = "0123456789abcdef01234567"
    run = Import(rows=340, before_call=count)
    run.source = {"kind": "form", "route": {"by": "body.branch", "to": {"b": {"company_id": other}}}}
    run.body = lambda number: {"branch": "b" if number % 4 == 3 else "a"}
    run.run()
    first = 1  # call of the first reading
    assert min(readings[COMPANY], readings[other]) > first, readings


def test_list_of_more_pages_than_rows_is_not_read() -> None:
    run = Import(rows=2, known=250).run()
    assert run.outcomes == {"created": 2}
    assert len(run.virtual.arrivals) == 1 + 2 * 2, "one page, then a look-up and a create for each row"


def answering(status: int, code: str, method: str) -> Any:
    """Answers every call of that method so."""

    class Refusing(VirtualClemta):
        def send(self, request: HttpRequest, *_: float) -> HttpResponse:
            if request.method != method or ("search" in request.query and status == 500):
                return super().send(request)
            body = {"success": False, "message": "no", "error": {"code": code}}
            return HttpResponse(status, {}, json.dumps(body).encode())

    return Refusing


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_import_stops_if_clemta_would_refuse_every_row(method: str) -> None:
    run = Import(rows=20)
    run.virtual.__class__ = answering(403, "FORBIDDEN", method)
    with pytest.raises(OpsError, match=r"FORBIDDEN.*doctor"):
        run.run()
    assert not run.outcomes


def test_p1_row_whose_create_has_no_answer_waits_in_the_retry_queue() -> None:
    run = Import(rows=2)
    run.virtual.__class__ = answering(500, "INTERNAL_ERROR", "POST")
    run.run()
    assert run.outcomes == {"queued": 2}
    assert [envelope.submission.submission_id for envelope in run.queued] == ["r0", "r1"]


def test_p1_row_that_the_source_no_longer_maps_is_parked() -> None:
    run = Import(rows=1, body=lambda _: {"email": "no address"}).run()
    assert run.outcomes == {"parked": 1}
    assert [envelope.failure.code for envelope in run.parked] == ["not_mapped"]


def test_rows_are_looked_up_if_the_list_cannot_be_read() -> None:
    run = Import(rows=3)
    run.virtual.__class__ = answering(500, "INTERNAL_ERROR", "GET")
    assert run.run().outcomes == {"created": 3}


class Pages:
    """Contacts, the newest first, in pages of `size`; `delete_after` deletes the newest after so many pages.

    With `growing`, somebody adds a contact after each of so many pages.
    """

    def __init__(self, count: int, size: int = 4, delete_after: int = 0, growing: int = 0) -> None:
        self.growing = growing
        self.contacts = [entry(number) for number in reversed(range(count))]
        self.size, self.delete_after, self.reads = size, delete_after, 0
        self.total: int | None = None

    def __call__(self, skip: int) -> tuple[list[Any], int | None]:
        page = self.contacts[skip : skip + self.size]
        self.reads += 1
        total = len(self.contacts) if self.total is None else self.total
        if self.reads == self.delete_after:
            del self.contacts[0]
        if self.reads <= self.growing:
            self.contacts.insert(0, entry(len(self.contacts)))
        return page, total


def entry(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "type": "customer",
        "email": f"P{number}@Example.com",
        "created_at": number,
        **changed,
    }


def people(listed: ContactList, count: int) -> list[bool]:
    return [listed.is_new(contact(f"p{number}@example.com")) for number in range(count)]


class TestList:
    def test_a_pages_real_length_is_believed(self) -> None:
        listed = ContactList(Pages(10, size=3))
        listed.read(100)
        assert listed.is_complete
        assert people(listed, 11) == [False] * 10 + [True]

    def test_vendor_of_the_same_address_is_another_contact(self) -> None:
        listed = ContactList(Pages(1))
        listed.read(100)
        assert listed.is_new(contact("p0@example.com").model_copy(update={"type": "vendor"}))

    def test_nobody_is_new_before_the_list_is_read(self) -> None:
        assert people(ContactList(Pages(0)), 1) == [False]

    def test_list_is_read_again_if_a_contact_was_deleted_meanwhile(self) -> None:
        pages = Pages(12, delete_after=2)
        listed = ContactList(pages)
        listed.read(100)
        assert listed.is_complete
        assert not any(people(listed, 11))

    def test_contacts_that_are_added_during_a_reading_leave_it_complete(self) -> None:
        listed = ContactList(Pages(12, growing=100))
        listed.read(100)
        assert (listed.is_complete, people(listed, 12)) == (True, [False] * 12)

    def test_contacts_that_are_added_during_a_refresh_leave_it_complete(self) -> None:
        pages = Pages(12)
        listed = ContactList(pages)
        listed.read(100)
        pages.contacts = [entry(number) for number in reversed(range(30))]
        pages.reads, pages.growing = 0, 4
        listed.refresh()
        assert (listed.is_complete, people(listed, 30)) == (True, [False] * 30)

    def test_total_that_is_larger_than_what_was_read_makes_it_incomplete(self) -> None:
        pages = Pages(5)
        pages.total = 6
        listed = ContactList(pages)
        listed.read(100)
        assert (listed.is_complete, people(listed, 6)) == (False, [False] * 6)

    @pytest.mark.parametrize("created_at", [None, "2026", 7])
    def test_contact_out_of_order_makes_it_incomplete(self, created_at: Any) -> None:
        pages = Pages(5)
        pages.contacts[3] = entry(9, created_at=created_at)
        listed = ContactList(pages)
        listed.read(100)
        assert not listed.is_complete

    def test_refresh_reads_what_is_newer_only(self) -> None:
        pages = Pages(100, size=10)
        listed = ContactList(pages)
        listed.read(100)
        pages.contacts.insert(0, entry(100))
        pages.reads = 0
        listed.refresh()
        assert (listed.is_complete, pages.reads) == (True, 1)
        assert people(listed, 102)[-2:] == [False, True]

    def test_refresh_of_more_than_ten_pages_makes_it_incomplete(self) -> None:
        pages = Pages(10, size=10)
        listed = ContactList(pages)
        listed.read(100)
        pages.contacts = [entry(number, created_at=500) for number in reversed(range(200))]
        listed.refresh()
        assert not listed.is_complete
        pages.reads = 0
        listed.refresh()
        assert (listed.is_complete, pages.reads) == (False, 0)

    def test_error_of_a_reading_is_raised(self) -> None:
        def fails(_: int) -> Any:
            raise NotApplied("no_answer")

        with pytest.raises(NotApplied):
            ContactList(fails).read(100)
