"""Clemta's list in place of look-ups: when it is read, what it says, and what switches it off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from clemta_intake import list_contacts
from clemta_intake.contact_list import person_of
from clemta_intake.contact_lists import OFF_SECONDS, ContactLists, ListSettings
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import NO_TIME_LEFT, Deadline
from clemta_intake.delivery import Delivery, DeliverySettings, Neighbours
from clemta_intake.errors import ConfigError, NotApplied, RateLimited
from clemta_intake.model import ListState, Outcome, Policy
from clemta_intake.retry import RetryPolicy
from tests.support.fakes import COMPANY, Clock, FakeClemta, FakeLedger, FakeListStates, contact, reading

MAX_AGE = 10
LAG = 30
DAY = 86_400


@dataclass
class World:
    """One process's delivery with lists; `after_page` happens after each page that Clemta sends."""

    clock: Clock = field(default_factory=Clock)
    states: FakeListStates = field(default_factory=FakeListStates)
    after_page: Callable[[], None] = lambda: None
    hidden: str = ""  # a contact that Clemta's list leaves out

    def __post_init__(self) -> None:
        world = self

        class Paged(FakeClemta):
            def newest(self, *given: Any, **named: Any) -> Any:
                page, total = super().newest(*given, **named)
                world.after_page()
                shown = [one for one in page if one["id"] != world.hidden]
                return shown, (total or 0) - len(page) + len(shown)

        self.clemta = Paged(self.clock)
        self.ledger = FakeLedger(self.clock, LAG)
        self.lists = self.process()
        self.delivery = self.delivering(self.lists)

    def process(self) -> ContactLists:
        """What another process has: the same tables, and a memory of its own."""
        settings = ListSettings(MAX_AGE, LAG)
        return ContactLists(self.clemta, self.ledger, self.states, settings, self.clock)

    def delivering(self, lists: ContactLists) -> Delivery:
        settings = DeliverySettings(search_lag=LAG, recheck=300, retry=RetryPolicy())
        return Delivery(
            Neighbours(self.clemta, self.ledger, None, lists),  # type: ignore[arg-type]
            settings,
            self.clock,
        )

    def deliver(self, email: str, policy: Policy = "skip", seconds: float = 5) -> list[str]:
        """Delivers a sign-up of that person: the calls to Clemta."""
        self.clemta.calls.clear()
        wanted = reading(contact(email), email, self.clock.now, resent=False)
        self.outcome: Outcome = self.delivery.deliver(wanted, policy, Deadline.after(seconds))
        return [*self.clemta.calls]

    def add(self, email: str, age: float = 1) -> str:
        """A contact that somebody adds in Clemta by hand."""
        self.clemta.made += 1
        contact_id = f"by hand {self.clemta.made}"
        created_at = int(self.clock.now - age)
        self.clemta.stored[contact_id] = {**contact(email).body(), "id": contact_id, "created_at": created_at}
        return contact_id

    @property
    def state(self) -> ListState:
        return self.states.of(COMPANY)


@pytest.fixture
def world() -> World:
    found = World()
    found.add("first@example.com", 1_000)
    return found


def test_p6_one_reading_saves_the_look_ups_of_many(world: World) -> None:
    assert world.deliver("a@example.com") == ["newest", "create"]
    assert [world.deliver(f"b{number}@example.com") for number in range(5)] == [["create"]] * 5
    world.clock.advance(MAX_AGE)
    assert world.deliver("c@example.com") == ["create"]
    world.clock.advance(0.1)
    assert world.deliver("d@example.com") == ["newest", "create"]


def test_p3_who_is_in_the_list_is_looked_up(world: World) -> None:
    world.deliver("a@example.com")
    assert world.deliver("FIRST@example.com") == ["find"]
    assert world.outcome == Outcome("duplicate", "by hand 1")


def test_p3_who_was_added_since_is_looked_up_after_the_next_reading(world: World) -> None:
    world.deliver("a@example.com")
    added = world.add("b@example.com")
    world.clock.advance(MAX_AGE + 1)
    assert world.deliver("b@example.com") == ["newest", "find"]
    assert world.outcome == Outcome("duplicate", added)


def test_p3_another_process_relies_on_the_same_reading(world: World) -> None:
    world.deliver("a@example.com")
    world.delivery = world.delivering(world.process())
    assert world.deliver("b@example.com") == ["create"]
    assert world.deliver("first@example.com") == ["find"]


def test_p6_who_finds_another_process_reading_looks_up_as_before(world: World) -> None:
    world.states.take_lease(COMPANY, ListState(), world.clock.now, world.clock.now + 60)
    assert world.deliver("a@example.com") == ["find", "create"]


def test_p3_age_counts_from_the_start_of_the_reading(world: World) -> None:
    world.deliver("a@example.com")
    world.clock.advance(MAX_AGE + 1)
    began = world.clock.now
    world.after_page = lambda: world.clock.advance(3)
    world.deliver("b@example.com")
    assert world.state.complete_until == began


def test_p3_list_that_was_read_after_the_claim_is_not_relied_on(world: World) -> None:
    """The ledger's mark may have been written between the claim and the state."""
    known = world.lists.current(COMPANY)
    world.delivering(world.process()).deliver(reading(contact("a@example.com")), "skip", Deadline.after(5))
    assert not world.lists.is_new(contact("b@example.com"), known, Deadline.after(5))


def test_p3_contact_with_a_key_of_its_own_is_marked_before_it_is_created(world: World) -> None:
    """With `create` the ledger's item belongs to the delivery, and another source's sign-up would not find it."""
    world.deliver("a@example.com")
    assert world.deliver("b@example.com", "create") == ["create"]
    assert world.deliver("b@example.com") == ["find"]
    assert world.outcome.status == "duplicate"


def test_p3_contact_that_was_deleted_is_looked_up_before_it_is_created_again(world: World) -> None:
    world.deliver("a@example.com")
    world.clemta.stored.pop(world.outcome.contact_id)
    world.clock.advance(301)
    assert world.deliver("a@example.com") == ["get", "find", "create"]


def test_p3_person_whose_mark_outlives_the_contact_is_created_after_a_look_up(world: World) -> None:
    world.deliver("a@example.com")
    del world.clemta.stored["by hand 1"]
    assert world.deliver("first@example.com") == ["find", "create"]


class TestFirstReading:
    def test_p6_list_of_more_than_ten_pages_is_left_to_the_schedule(self, world: World) -> None:
        world.clemta.page_size = 2
        for number in range(20):
            world.add(f"more{number}@example.com", 900 - number)
        assert world.deliver("a@example.com") == ["newest", "find", "create"]
        world.clock.advance(OFF_SECONDS - 1)
        assert world.deliver("b@example.com") == ["find", "create"]
        assert world.lists.read_all(COMPANY, world.clock.advance, Deadline.after(5))
        assert world.deliver("c@example.com") == ["create"]

    def test_p7_it_takes_a_part_of_the_deliverys_time(self, world: World) -> None:
        assert world.deliver("a@example.com", seconds=0.5) == ["newest", "find", "create"]
        assert world.deliver("b@example.com") == ["find", "create"], "nobody tries again at once"

    def test_p6_it_is_tried_again_by_the_next_one_if_the_limit_was_used_up(self, world: World) -> None:
        world.clemta.fail("newest", RateLimited("budget_used_up", retry_after=1))
        with pytest.raises(RateLimited):
            world.deliver("a@example.com")
        assert world.deliver("a@example.com") == ["newest", "create"]

    def test_p6_it_is_tried_again_by_the_next_one_if_clemta_failed(self, world: World) -> None:
        world.clemta.fail("newest", NotApplied("HTTP_500", status=500))
        with pytest.raises(NotApplied):
            world.deliver("a@example.com")
        assert world.deliver("a@example.com") == ["newest", "create"]

    def test_error_that_repeating_does_not_help_is_the_deliverys(self, world: World) -> None:
        world.clemta.fail("newest", ConfigError("COMPANY_NOT_FOUND", status=404))
        with pytest.raises(ConfigError):
            world.deliver("a@example.com")


class TestChecks:
    """What Clemta does not promise."""

    def off(self, world: World) -> bool:
        return world.state == ListState(off_until=world.clock.now + OFF_SECONDS, trouble=world.state.trouble)

    def test_p3_list_in_another_order_is_never_relied_on(self, world: World) -> None:
        world.clemta.ordered = False
        world.add("second@example.com", 500)
        assert world.deliver("a@example.com") == ["newest", "newest", "find", "create"]
        assert world.deliver("b@example.com") == ["find", "create"]

    def test_p3_list_that_loses_its_order_is_off_for_an_hour(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clemta.ordered = False
        world.clock.advance(MAX_AGE + 1)
        assert world.deliver("b@example.com") == ["newest", "newest", "find", "create"]
        assert self.off(world)
        world.clemta.ordered = True
        world.clock.advance(OFF_SECONDS - 1)
        assert world.deliver("c@example.com") == ["find", "create"]
        world.clock.advance(1)
        assert world.deliver("d@example.com") == ["newest", "create"]

    def test_p3_contact_that_appears_behind_the_newest_ones_switches_the_list_off(self, world: World) -> None:
        world.clemta.page_size = 2
        world.add("second@example.com", 40)
        world.add("newest@example.com", 20)
        world.deliver("a@example.com")
        world.clock.advance(MAX_AGE + 1)
        world.add("late@example.com", 500)
        world.deliver("b@example.com")
        assert self.off(world)

    def test_p3_newest_contact_that_is_hidden_switches_the_list_off(self, world: World) -> None:
        newest = world.add("newest@example.com")
        world.deliver("a@example.com")
        world.clock.advance(MAX_AGE + 1)
        del world.clemta.stored[newest]
        world.add("another@example.com", 5_000)
        world.deliver("b@example.com")
        assert self.off(world)

    def test_newest_contact_that_was_deleted_does_not(self, world: World) -> None:
        newest = world.add("newest@example.com")
        world.deliver("a@example.com")
        del world.clemta.stored[newest]
        del world.clemta.stored[world.outcome.contact_id]
        for email in ("b@example.com", "c@example.com"):
            world.clock.advance(MAX_AGE + 1)
            assert world.deliver(email) == ["newest", "create"]

    def test_p3_our_own_contact_that_is_not_there_after_the_lag_switches_the_list_off(
        self, world: World
    ) -> None:
        world.deliver("a@example.com")
        world.hidden = world.outcome.contact_id
        world.clock.advance(LAG - 1)
        world.deliver("first@example.com")
        world.deliver("b@example.com")
        assert world.state.complete_until, "it may still come"
        world.clock.advance(MAX_AGE + 1)
        assert world.deliver("c@example.com") == ["newest", "get", "find", "create"]
        assert self.off(world)

    def test_our_own_contact_that_was_deleted_does_not(self, world: World) -> None:
        world.deliver("a@example.com")
        del world.clemta.stored[world.outcome.contact_id]
        world.clock.advance(LAG)
        assert world.deliver("b@example.com") == ["newest", "get", "create"]

    def test_our_own_contact_that_is_too_old_for_the_reading_says_nothing(self, world: World) -> None:
        world.clemta.page_size = 2
        world.deliver("a@example.com")
        for _ in range(4):
            world.clock.advance(150)
            world.delivering(world.process()).deliver(
                reading(contact(f"x{world.clock.now}@example.com"), str(world.clock.now)),
                "skip",
                Deadline.after(5),
            )
        world.clock.advance(MAX_AGE + 1)
        assert "find" not in world.deliver("b@example.com")

    def test_another_companys_contact_says_nothing(self, world: World) -> None:
        world.deliver("a@example.com")
        world.lists.record_posted("another", "c1", 0)
        process = world.process()
        process.record_posted("another", "c1", 0)
        world.delivery = world.delivering(process)
        world.clock.advance(MAX_AGE + 1)
        assert world.deliver("b@example.com") == ["newest", "create"]


class TestTrouble:
    def test_p3_state_that_cannot_be_read_counts_as_none(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clock.advance(MAX_AGE + 1)

        def fails(_: str) -> ListState:
            raise NotApplied("ledger_unavailable")

        world.states.read = fails  # type: ignore[method-assign, assignment]
        assert world.deliver("b@example.com") == ["find", "create"]

    def test_p1_reading_that_fails_fails_the_delivery_and_ends_its_lease(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clock.advance(MAX_AGE + 1)
        world.clemta.fail("newest", NotApplied("no_answer"))
        with pytest.raises(NotApplied, match="no_answer"):
            world.deliver("b@example.com")
        assert world.deliver("b@example.com") == ["newest", "create"]

    def test_p3_mark_that_cannot_be_written_leaves_the_list_as_it_was(self, world: World) -> None:
        world.deliver("a@example.com")
        before = world.state
        world.clock.advance(MAX_AGE + 1)
        world.add("b@example.com")
        marks, kept = world.ledger.record_listed, list[Any]()

        def fails(*given: Any) -> None:
            kept.append(given)
            raise NotApplied("ledger_unavailable")

        world.ledger.record_listed = fails  # type: ignore[method-assign, assignment]
        with pytest.raises(NotApplied):
            world.deliver("c@example.com")
        assert kept
        assert world.state == before
        world.ledger.record_listed = marks  # type: ignore[method-assign]
        assert world.deliver("b@example.com") == ["newest", "find"]

    def test_p6_reading_that_ends_early_is_gone_on_with_by_the_next_one(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clock.advance(100)
        for number in range(60):
            world.add(f"new{number}@example.com", 90 - number)
        marks, marked = world.ledger.record_listed, list[Any]()

        def forty(company_id: str, person: Any) -> None:
            if len(marked) == 40:
                raise NotApplied(NO_TIME_LEFT)
            marked.append(person[1])
            marks(company_id, person)

        world.ledger.record_listed = forty  # type: ignore[method-assign]
        with pytest.raises(NotApplied):
            world.deliver("b@example.com")
        assert marked[-1] == "new37@example.com", "the oldest first"
        marked.clear()
        assert world.deliver("b@example.com") == ["newest", "create"]
        assert marked == [f"new{number}@example.com" for number in range(32, 60)], "five seconds again"
        assert [world.deliver(f"new{number}@example.com") for number in (0, 37, 38, 59)] == [["find"]] * 4

    def test_p6_mark_that_fails_once_is_written_again(self, world: World) -> None:
        marks, failures = world.ledger.record_listed, [NotApplied("ledger_unavailable")] * 2

        def fails(*given: Any) -> None:
            if failures:
                raise failures.pop()
            marks(*given)

        world.ledger.record_listed = fails  # type: ignore[method-assign, assignment]
        assert world.deliver("a@example.com") == ["newest", "create"]
        assert world.deliver("first@example.com") == ["find"]

    def test_p3_list_that_was_switched_off_during_the_reading_is_not_remembered(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clock.advance(MAX_AGE + 1)
        world.after_page = lambda: world.states.switch_off(COMPANY, world.clock.now + OFF_SECONDS, "x")
        assert world.deliver("b@example.com") == ["newest", "create"]
        assert world.deliver("c@example.com") == ["find", "create"]


class TestWholeReading:
    def whole(self, world: World) -> bool:
        return world.lists.read_all(COMPANY, lambda _: None, Deadline.after(5))

    def test_p3_it_marks_an_address_that_was_changed_in_clemta(self, world: World) -> None:
        world.deliver("a@example.com")
        world.clemta.stored["by hand 1"]["email"] = "changed@example.com"
        world.clock.advance(DAY)
        assert self.whole(world)
        assert world.deliver("changed@example.com") == ["find"]

    def test_p6_it_is_due_once_a_day(self, world: World) -> None:
        assert self.whole(world)
        assert not self.whole(world)
        world.clock.advance(DAY)
        assert self.whole(world)
        assert world.state.full_at == world.clock.now

    def test_p3_list_that_was_not_read_whole_for_two_days_is_not_relied_on(self, world: World) -> None:
        for _ in range(48):
            world.deliver(f"x{world.clock.now}@example.com")
            world.clock.advance(3_600)
        assert world.deliver("b@example.com") == ["newest", "create"], "a first reading"
        assert world.state.full_at == world.clock.now

    def test_p6_it_waits_for_its_turn_before_each_page(self, world: World) -> None:
        world.clemta.page_size = 2
        world.add("second@example.com", 500)
        world.add("third@example.com", 400)
        waits: list[float] = []
        world.clemta.fail("newest", RateLimited("budget_used_up", retry_after=7))
        world.lists.read_all(COMPANY, waits.append, Deadline.after(5))
        assert waits == [0, 7, 0]
        assert world.deliver("b@example.com") == ["create"]

    def test_it_ends_in_time(self, world: World) -> None:
        world.clemta.fail("newest", RateLimited("budget_used_up", retry_after=7))
        with pytest.raises(NotApplied, match="no_time_left"):
            world.lists.read_all(COMPANY, lambda _: None, Deadline.after(0))

    def test_p3_list_whose_state_would_not_fit_into_an_item_is_switched_off(self, world: World) -> None:
        for number in range(1_001):
            world.add(f"imported{number}@example.com", 10)
        assert self.whole(world)
        assert world.state.trouble == "too many contacts of one moment"

    def test_p3_list_that_fails_a_check_is_switched_off(self, world: World) -> None:
        world.clemta.ordered = False
        world.add("second@example.com", 500)
        assert self.whole(world)
        assert world.state == ListState(
            off_until=world.clock.now + OFF_SECONDS, trouble="not the newest first"
        )
        assert not self.whole(world)

    def test_p3_contacts_that_are_read_meanwhile_stay_known(self, world: World) -> None:
        """A reading of the newest, in a delivery, ends after the whole one began."""
        world.deliver("a@example.com")
        world.clock.advance(DAY)
        began = world.clock.now

        def once() -> None:
            world.after_page = lambda: None
            world.clock.advance(MAX_AGE)
            world.deliver("b@example.com")

        world.after_page = once
        assert self.whole(world)
        assert world.state.full_at == began
        assert world.state.complete_until == began + MAX_AGE


class FakeDependencies:
    """What the schedule's function works with."""

    def __init__(self, world: World) -> None:
        self.contact_lists: ContactLists | None = world.lists
        self.settings = type("Settings", (), {"clemta_requests_per_minute": 100})

    def company_ids(self) -> set[str]:
        return {COMPANY, "b" * 24}


class TestSchedule:
    def test_p6_it_reads_each_companys_list_at_a_third_of_the_limit(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        waits: list[float] = []
        list_contacts.read_lists(FakeDependencies(world), 60, waits.append)  # type: ignore[arg-type]
        assert waits == [1.8] * len(waits)
        assert world.states.of("b" * 24).complete_until
        assert world.deliver("b@example.com") == ["create"]
        list_contacts.read_lists(FakeDependencies(world), 60, pytest.fail)  # type: ignore[arg-type]

    def test_company_whose_list_cannot_be_read_keeps_no_other_from_it(self, world: World) -> None:
        world.clemta.fail("newest", NotApplied("no_answer"))
        list_contacts.read_lists(FakeDependencies(world), 60, lambda _: None)  # type: ignore[arg-type]
        assert not world.state.complete_until
        assert world.states.of("b" * 24).complete_until

    def test_its_handler_ends_before_lambdas_timeout(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[float] = []
        monkeypatch.setattr(list_contacts, "dependencies", lambda: FakeDependencies(world))
        monkeypatch.setattr(list_contacts, "read_lists", lambda _, seconds: given.append(seconds))
        context = type("Context", (), {"get_remaining_time_in_millis": lambda _: 840_000})()
        list_contacts.handler({}, context)
        assert given == [835]

    def test_it_does_nothing_without_lists(self, world: World) -> None:
        deps = FakeDependencies(world)
        deps.contact_lists = None
        list_contacts.read_lists(deps, 60, pytest.fail)  # type: ignore[arg-type]
        assert world.clemta.calls == []


def test_person_is_the_type_and_the_address_in_one_case() -> None:
    one: ContactRequest = contact("Ada@Example.com")
    assert person_of(one) == ("customer", "ada@example.com")
