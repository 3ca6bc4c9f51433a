"""The business rule: exactly one contact, or the submission is in a queue."""

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest

from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings, Neighbours
from clemta_intake.errors import (
    ClaimHeld,
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    LookupInconclusive,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Retryable,
    Throttled,
    Unavailable,
)
from clemta_intake.model import Claim, Envelope, Failure, MappedSubmission, Outcome, Policy, Submission
from clemta_intake.retry import RetryPolicy
from tests.support.fakes import Clock, FakeClemta, FakeLedger, FakeQueues, contact, reading

LAG = 30
BASE = 30
RECHECK = 300


@dataclass
class World:
    clock: Clock
    clemta: FakeClemta
    ledger: FakeLedger
    queues: FakeQueues
    delivery: Delivery

    def deliver(
        self,
        wanted: ContactRequest | None = None,
        policy: Policy = "skip",
        delivery_id: str = "d1",
        received_at: float | None = None,
        **more: Any,
    ) -> Outcome:
        """A submission that is received now, unless it says otherwise."""
        received_at = self.clock.now if received_at is None else received_at
        return self.delivery.deliver(
            reading(wanted, delivery_id, received_at, **more), policy, Deadline.after(5)
        )


@pytest.fixture
def world() -> World:
    clock = Clock()
    clemta, ledger, queues = FakeClemta(clock), FakeLedger(clock, LAG), FakeQueues()
    delivery = Delivery(
        Neighbours(clemta, ledger, queues),
        DeliverySettings(
            search_lag=LAG,
            recheck=RECHECK,
            retry=RetryPolicy(base_delay=BASE, jitter=lambda low, high: high),
        ),
        clock,
    )
    return World(clock, clemta, ledger, queues, delivery)


SUBMISSION = Submission(
    "s1", "website", 1_800_000_000.0, b"\x00\xffraw", "text/plain", {"x-id": "1"}, {"q": "2"}
)


class TestDeliver:
    def test_a_new_person_becomes_a_contact(self, world: World) -> None:
        outcome = world.deliver()
        assert outcome.status == "created"
        assert world.clemta.stored[outcome.contact_id]["email"] == "ada@example.com"

    def test_p7_without_time_left_no_claim_is_made(self, world: World) -> None:
        with pytest.raises(Retryable, match="no_time_left"):
            world.delivery.deliver(reading(), "skip", Deadline.after(0.1))
        assert not world.ledger.items

    def test_p3_a_redelivery_makes_no_second_contact(self, world: World) -> None:
        first = world.deliver()
        assert world.deliver(contact("ADA@example.com")) == Outcome("duplicate", first.contact_id)
        assert world.clemta.calls == ["find", "create"]

    def test_a_contact_that_clemta_has_already_is_left_alone(self, world: World) -> None:
        world.clemta.create(contact(), Deadline.after(5))
        assert world.deliver().status == "duplicate"
        assert world.deliver().status == "duplicate"
        assert world.clemta.calls == ["create", "find"]

    def test_p3_an_unknown_outcome_that_took_effect_is_looked_up_and_adopted(self, world: World) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver()
        assert world.deliver().status == "created"
        assert len(world.clemta.stored) == 1
        assert world.clemta.calls == ["find", "create", "find"]

    def test_p3_an_unknown_outcome_without_effect_is_created_after_the_second_look_up(
        self, world: World
    ) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"))
        with pytest.raises(OutcomeUnknown):
            world.deliver()
        with pytest.raises(LookupInconclusive) as unseen:
            world.deliver()
        assert (unseen.value.code, unseen.value.retry_after) == ("not_found_yet", LAG)
        with pytest.raises(ClaimHeld):
            world.deliver()
        world.clock.advance(LAG)
        assert world.deliver().status == "created"
        assert world.clemta.calls == ["find", "create", "find", "find", "create"]
        assert len(world.clemta.stored) == 1

    def test_p3_each_unknown_outcome_needs_two_look_ups_of_its_own(self, world: World) -> None:
        for _ in range(2):
            world.clemta.fail("create", OutcomeUnknown("no_answer"))
            with pytest.raises(OutcomeUnknown):
                world.deliver()
            with pytest.raises(LookupInconclusive):
                world.deliver()
            world.clock.advance(LAG)
        assert world.deliver().status == "created"

    def test_p3_an_empty_lookup_is_remembered_when_the_rate_limit_then_defers_the_create(
        self, world: World
    ) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"))
        for error in (OutcomeUnknown, LookupInconclusive):
            with pytest.raises(error):
                world.deliver()
        world.clock.advance(LAG)
        world.clemta.fail("create", RateLimited("budget_used_up", retry_after=9))
        with pytest.raises(RateLimited):
            world.deliver()
        assert world.deliver().status == "created"

    def test_p3_a_look_up_that_fails_leaves_the_outcome_unknown(self, world: World) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"))
        with pytest.raises(OutcomeUnknown):
            world.deliver(policy="create")
        world.clemta.fail("find", NotApplied("search_down"))
        with pytest.raises(Retryable, match="search_down"):
            world.deliver(policy="create")
        with pytest.raises(LookupInconclusive):
            world.deliver(policy="create")
        world.clock.advance(LAG)
        world.deliver(policy="create")
        assert world.clemta.calls == ["create", "find", "find", "find", "create"]

    def test_p3_after_a_crash_the_look_up_comes_first(self, world: World) -> None:
        claim = world.ledger.claim(contact(), "")
        world.clemta.create(contact(), Deadline.after(5))
        assert claim
        with pytest.raises(ClaimHeld):
            world.deliver()
        world.clock.advance(60)
        assert world.deliver().status == "created"
        assert len(world.clemta.stored) == 1

    @pytest.mark.parametrize("error", [NotApplied("not_sent"), ConfigError("no_key"), DataError("bad")])
    def test_a_failure_without_effect_releases_the_claim(
        self, world: World, error: Retryable | Permanent
    ) -> None:
        world.clemta.fail("create", error)
        with pytest.raises(type(error)):
            world.deliver()
        assert world.deliver().status == "created"

    @pytest.mark.parametrize("call", ["find", "create"])
    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (NotApplied("not_sent"), "free"),
            (Throttled("RATE_LIMIT_EXCEEDED", status=429), "free"),
            (RateLimited("budget_used_up"), "free"),
            (KeyRefused("INVALID_API_KEY", status=401), "free"),
            (DataError("VALIDATION_FAILED", status=400), "free"),
            (LookupInconclusive("not_found_yet"), "unknown"),
            (OutcomeUnknown("no_answer"), "unknown"),
            (Retryable("which_is_not_said"), "claimed"),
            (RuntimeError("a bug"), "claimed"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
    )
    def test_p3_a_claim_is_released_only_after_an_error_that_says_that_nothing_took_effect(
        self, world: World, call: str, error: Exception, state: str
    ) -> None:
        world.clemta.fail(call, error)
        with pytest.raises(type(error)):
            world.deliver()
        assert [item["state"] for item in world.ledger.items.values()] == [state]

    def test_p3_a_claim_that_a_bug_left_behind_lapses_and_the_lookup_comes_first(self, world: World) -> None:
        world.clemta.fail("create", RuntimeError("a bug"), after=True)
        with pytest.raises(RuntimeError):
            world.deliver()
        world.clock.advance(60)
        assert world.deliver().status == "created"
        assert len(world.clemta.stored) == 1

    def test_p3_a_ledger_that_fails_after_the_create_makes_no_second_contact(self, world: World) -> None:
        world.ledger.failures = [NotApplied("ledger_unavailable")]
        assert world.deliver().status == "created"
        world.clock.advance(60)
        assert world.deliver().status == "created"
        assert len(world.clemta.stored) == 1

    def test_an_entry_without_an_id_is_no_contact(self, world: World) -> None:
        world.clemta.create(contact(), Deadline.after(5))
        world.clemta.stored["000000000000000000000001"]["id"] = None
        assert world.deliver().status == "created"


class TestUpdate:
    def test_an_update_sends_what_differs(self, world: World) -> None:
        world.deliver(contact(billing={"phone": "5321234567", "tax_id": "1"}))
        changed = contact(name="Ada Changed", billing={"phone": "5329999999"})
        outcome = world.deliver(changed, "update", "d2")
        stored = world.clemta.stored[outcome.contact_id]
        assert outcome.status == "updated"
        assert stored["full_name"] == "Ada Changed"
        assert stored["billing"] == {"phone": "5329999999", "tax_id": "1"}

    def test_an_update_without_a_difference_is_not_sent(self, world: World) -> None:
        wanted = contact(billing={"phone": "5321234567"})
        world.deliver(wanted)
        assert world.deliver(wanted, "update", "d2").status == "duplicate"
        assert "update" not in world.clemta.calls

    def test_a_contact_of_clemtas_own_is_updated_at_the_first_sign_up(self, world: World) -> None:
        world.clemta.create(contact(), Deadline.after(5))
        world.clock.advance(86_400)
        assert world.deliver(contact(description="hello"), "update").status == "updated"

    def test_p3_defaults_and_stand_ins_fill_only_what_is_empty(self, world: World) -> None:
        """A default overwrote "call after 5 pm", and a company that stood in as name renamed a person."""
        outcome = world.deliver(
            contact(description="call after 5 pm", billing={"country": "Germany", "phone": "30901820"})
        )
        weak = contact(
            name="Example Ltd",
            description="Signed up through crm",
            status="lead",
            billing={
                "country": "Türkiye",
                "iso_code": "TR",
                "phone": "5321234567",
                "phone_code": "+90",
                "tax_id": "7",
            },
        )
        pairs = ("billing.country", "billing.iso_code", "billing.phone", "billing.phone_code")
        said = ("full_name", "description", "status", "billing.tax_id", *pairs)
        assert world.deliver(weak, "update", "d2", weak=said).status == "updated"
        stored = world.clemta.stored[outcome.contact_id]
        assert (stored["full_name"], stored["description"]) == ("Ada Example", "call after 5 pm")
        assert stored["status"] == "lead"
        assert stored["billing"] == {"country": "Germany", "phone": "30901820", "tax_id": "7"}

    def test_p3_a_stand_in_gives_a_name_to_a_contact_without_one(self, world: World) -> None:
        outcome = world.deliver()
        world.clemta.stored[outcome.contact_id]["full_name"] = ""
        world.deliver(contact(name="Example Ltd"), "update", "d2", weak=("full_name",))
        assert world.clemta.stored[outcome.contact_id]["full_name"] == "Example Ltd"

    def test_p3_type_and_email_stay_as_the_operator_made_them(self, world: World) -> None:
        outcome = world.deliver()
        by_hand = {"email": "ada.new@example.com", "type": "vendor"}
        world.clemta.stored[outcome.contact_id].update(by_hand)
        assert world.deliver(contact(name="Ada Changed"), "update", "d2").status == "updated"
        stored = world.clemta.stored[outcome.contact_id]
        assert stored["full_name"] == "Ada Changed"
        assert by_hand.items() <= stored.items()

    def test_p3_an_update_sends_what_changes_and_what_clemta_requires(self, world: World) -> None:
        outcome = world.deliver(contact(description="hello", billing={"tax_id": "1"}))
        sent: list[Any] = []
        update = world.clemta.update

        def noted(contact_id: str, body: Any, deadline: Deadline) -> None:
            sent.append(body)
            update(contact_id, body, deadline)

        world.clemta.update = noted  # type: ignore[method-assign]
        world.deliver(contact(description="bye", billing={"tax_id": "1"}), "update", "d2")
        body = contact().body()
        assert sent == [{**body, "description": "bye"}]
        assert outcome

    def test_p3_an_update_sends_back_only_what_clemta_takes_and_holds(self, world: World) -> None:
        """Clemta answers with keys that it does not take, and with null or "" where it holds nothing."""
        outcome = world.deliver()
        stored = world.clemta.stored[outcome.contact_id]
        stored["billing"] = {
            "city": "foreign",
            "id": "b1",
            "phone": "",
            "district": None,
            "postal_code": 34000,
            "state": "34",
        }
        assert world.deliver(contact(billing={"tax_id": "7"}), "update", "d2").status == "updated"
        assert stored["billing"] == {"state": "34", "tax_id": "7"}

    @pytest.mark.parametrize("billing", [{"id": "b1", "phone": "", "state": "34", "tax_id": 7}, None, "none"])
    def test_p6_fields_that_only_clemta_knows_are_no_reason_to_send_an_update(
        self, world: World, billing: object
    ) -> None:
        outcome = world.deliver()
        world.clemta.stored[outcome.contact_id] |= {"company_id": "another", "billing": billing}
        said = contact(billing={"state": "34"} if isinstance(billing, dict) else None)
        assert world.deliver(said, "update", "d2").status == "duplicate"
        assert "update" not in world.clemta.calls

    def test_p3_an_older_submission_changes_nothing(self, world: World) -> None:
        first = world.deliver(policy="update")
        earlier = world.clock.now + 10
        world.clock.advance(60)
        world.deliver(contact(name="Ada Newer"), "update", "d3")
        calls = len(world.clemta.calls)
        old = contact(name="Ada Older", description="old")
        assert world.deliver(old, "update", "d2", earlier).status == "duplicate"
        assert world.clemta.stored[first.contact_id]["full_name"] == "Ada Newer"
        assert len(world.clemta.calls) == calls

    def test_p3_the_events_own_time_and_not_the_time_of_receipt_orders_updates(self, world: World) -> None:
        first = world.deliver(policy="update", happened_at=100.0)
        world.deliver(contact(name="Ada Newer"), "update", "d2", happened_at=300.0)
        world.clock.advance(60)
        late = contact(name="Ada Older")
        assert world.deliver(late, "update", "d3", happened_at=200.0).status == "duplicate"
        assert world.clemta.stored[first.contact_id]["full_name"] == "Ada Newer"

    def test_p3_an_update_older_than_the_submission_that_created_the_contact_changes_nothing(
        self, world: World
    ) -> None:
        first = world.deliver(contact(name="Ada Newer"), received_at=world.clock.now)
        assert (
            world.deliver(policy="update", delivery_id="d2", received_at=world.clock.now - 1).status
            == "duplicate"
        )
        assert world.clemta.stored[first.contact_id]["full_name"] == "Ada Newer"

    def test_p3_a_redelivery_does_not_undo_what_came_after_it(self, world: World) -> None:
        first = world.deliver(policy="update")
        world.clock.advance(1)
        world.deliver(contact(name="Ada Newer"), "update", "d2")
        world.clock.advance(300)
        assert world.deliver(policy="update").status == "duplicate"
        world.clemta.stored[first.contact_id]["full_name"] = "Ada By Hand"
        assert world.deliver(contact(name="Ada Newer"), "update", "d2").status == "duplicate"
        assert world.clemta.stored[first.contact_id]["full_name"] == "Ada By Hand"

    @pytest.mark.parametrize("times", [(1.0, 2.0, 3.0), (None, None, None)])
    def test_p3_an_update_under_the_customers_id_is_no_redelivery(
        self, world: World, times: tuple[float | None, ...]
    ) -> None:
        """Shopify's events have no id that is signed but the customer's: each update after the first was dropped."""
        for name, happened_at in zip(("Ada Example", "Ada Newer", "Ada Newest"), times, strict=True):
            outcome = world.deliver(contact(name=name), "update", "customer", happened_at=happened_at)
            world.clock.advance(1)
            assert world.clemta.stored[outcome.contact_id]["full_name"] == name
        said = contact(name="Ada Newest", description="Signed up on the next day")
        again = world.deliver(said, "update", "customer", happened_at=times[-1], weak=("description",))
        assert again.status == "duplicate"
        assert "description" not in world.clemta.stored[outcome.contact_id]

    @pytest.mark.parametrize("weak", [("description",), ()])
    def test_p3_a_redelivery_with_a_later_consent_time_is_the_same_event(
        self, world: World, weak: tuple[str, ...]
    ) -> None:
        def send(time: int, plan: str) -> str:
            consent = f"Consent ({time}): terms"
            described = contact(description="\n".join(["Hi", consent, plan]))
            told: dict[str, Any] = {"lines": (consent, plan), "consent": consent, "weak": weak}
            world.clock.advance(1)
            return world.deliver(described, "update", **told).status

        assert [send(1, "plan: pro"), send(2, "plan: pro")] == ["created", "duplicate"]
        assert [send(3, "plan: team"), send(4, "plan: team")] == ["updated", "duplicate"]

    def test_p3_one_update_of_a_contact_waits_for_the_other(self, world: World) -> None:
        """Two updates at once lost a tax id: each wrote back the billing that it had read before the other's."""
        first = world.deliver(policy="update")
        get = world.clemta.get

        def meanwhile(contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
            found = get(contact_id, deadline, reserve_next)
            with pytest.raises(ClaimHeld):
                world.deliver(contact(billing={"tax_id": "7"}), "update", "d3")
            return found

        world.clemta.get = meanwhile  # type: ignore[method-assign]
        world.deliver(contact(billing={"phone": "5321234567"}), "update", "d2")
        world.clemta.get = get  # type: ignore[method-assign]
        world.deliver(contact(billing={"tax_id": "7"}), "update", "d3")
        assert world.clemta.stored[first.contact_id]["billing"] == {"phone": "5321234567", "tax_id": "7"}

    def test_p3_an_update_whose_answer_was_lost_is_not_overtaken(self, world: World) -> None:
        world.deliver(policy="update")
        world.clemta.fail("update", OutcomeUnknown("no_answer"))
        with pytest.raises(OutcomeUnknown):
            world.deliver(contact(name="Ada Newer"), "update", "d2")
        world.clock.advance(LAG - 1)
        with pytest.raises(ClaimHeld):
            world.deliver(contact(name="Ada Newest"), "update", "d3")
        world.clock.advance(1)
        assert world.deliver(contact(name="Ada Newest"), "update", "d3").status == "updated"

    @pytest.mark.parametrize(("call", "error"), [("get", NotApplied("down")), ("update", DataError("bad"))])
    def test_an_update_that_took_no_effect_releases_its_claim(
        self, world: World, call: str, error: Retryable | Permanent
    ) -> None:
        world.deliver(policy="update")
        world.clemta.fail(call, error)
        with pytest.raises(type(error)):
            world.deliver(contact(name="Ada Newer"), "update", "d2")
        assert world.deliver(contact(name="Ada Newer"), "update", "d2").status == "updated"

    def test_p3_a_created_contact_whose_time_could_not_be_recorded_is_tried_again(self, world: World) -> None:
        world.ledger.failures = [NotApplied("ledger_unavailable")]
        with pytest.raises(Retryable, match="ledger_unavailable"):
            world.deliver(contact(name="Ada Newer"), policy="update", delivery_id="d2")
        world.clock.advance(60)
        earlier = world.clock.now - 61
        assert world.deliver(contact(name="Ada Newer"), "update", "d2").status == "created"
        assert world.deliver(policy="update", received_at=earlier).status == "duplicate"
        assert len(world.clemta.stored) == 1

    def test_p3_a_contact_that_is_deleted_while_it_is_updated_is_made_again(self, world: World) -> None:
        world.deliver(policy="update")
        world.clock.advance(1)
        get = world.clemta.get

        def then_deleted(*given: Any) -> dict[str, Any]:
            found = get(*given)
            world.clemta.stored.clear()
            return found

        world.clemta.get = lambda *given, **more: then_deleted(*given, *more.values())  # type: ignore[method-assign]
        assert world.deliver(contact(name="Ada Newer"), "update", "d2").status == "created"
        [stored] = world.clemta.stored.values()
        assert stored["full_name"] == "Ada Newer"

    def test_p3_what_the_search_still_shows_of_a_deleted_contact_is_not_updated(self, world: World) -> None:
        stored = world.clemta.create(contact(), Deadline.after(5))
        world.clock.advance(86_400)
        find = world.clemta.find
        shown = find(contact(), Deadline.after(5))
        world.clemta.find = lambda *_: shown  # type: ignore[method-assign]
        del world.clemta.stored[stored]
        with pytest.raises(ClaimHeld, match="contact_gone"):
            world.deliver(contact(name="Ada Newer"), "update")
        assert world.deliver(contact(name="Ada Newer"), "update").status == "created"
        assert len(world.clemta.stored) == 1

    def test_p3_a_sign_up_during_a_lookup_brings_a_contact_back_that_was_deleted_meanwhile(
        self, world: World
    ) -> None:
        """The time of an update that had nothing to send was taken after the look-up that showed the contact."""
        world.clemta.create(contact(), Deadline.after(5))
        find, signed_up_at = world.clemta.find, world.clock.now + 1

        def then_deleted(*given: Any) -> list[dict[str, Any]]:
            found = find(*given)
            world.clemta.stored.clear()
            world.clock.advance(2)
            return found

        world.clemta.find = then_deleted  # type: ignore[method-assign, assignment]
        assert world.deliver(policy="update").status == "duplicate"
        world.clemta.find = find  # type: ignore[method-assign]
        again = world.deliver(policy="update", delivery_id="d2", received_at=signed_up_at)
        assert again.status == "created"

    def test_a_lost_contact_that_a_lookup_finds_is_brought_up_to_date(self, world: World) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(policy="update")
        assert world.deliver(contact(name="Ada Lovelace"), policy="update").status == "updated"
        [stored] = world.clemta.stored.values()
        assert stored["full_name"] == "Ada Lovelace"


class TestDeleted:
    """What happens to a contact that the operator deleted in Clemta."""

    def deleted(self, world: World, policy: Policy = "skip") -> None:
        world.deliver(policy=policy)
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)

    @pytest.mark.parametrize("policy", ["skip", "update", "create"])
    def test_p3_a_new_post_of_a_form_brings_a_deleted_contact_back(
        self, world: World, policy: Policy
    ) -> None:
        world.deliver(policy=policy, resent=False)
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        assert world.deliver(policy=policy, resent=False).status == "created"
        assert len(world.clemta.stored) == 1
        assert world.deliver(policy=policy, resent=False).status == "duplicate"

    @pytest.mark.parametrize("policy", ["skip", "update", "create"])
    def test_p3_a_redelivery_of_a_webhook_does_not_bring_a_deleted_contact_back(
        self, world: World, policy: Policy
    ) -> None:
        self.deleted(world, policy)
        assert world.deliver(policy=policy).status == "duplicate"
        assert not world.clemta.stored

    @pytest.mark.parametrize("policy", ["skip", "update"])
    def test_p3_another_event_of_the_same_person_brings_a_deleted_contact_back(
        self, world: World, policy: Policy
    ) -> None:
        self.deleted(world, policy)
        assert world.deliver(policy=policy, delivery_id="d2").status == "created"
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        for repeated in ("d1", "d2"):
            assert world.deliver(policy=policy, delivery_id=repeated).status == "duplicate"
        assert not world.clemta.stored

    @pytest.mark.parametrize("policy", ["skip", "update"])
    def test_p3_a_redelivery_of_a_duplicate_does_not_bring_a_deleted_contact_back(
        self, world: World, policy: Policy
    ) -> None:
        world.deliver(policy=policy)
        world.deliver(policy=policy, delivery_id="d2")
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        assert world.deliver(policy=policy, delivery_id="d2").status == "duplicate"
        assert not world.clemta.stored

    @pytest.mark.parametrize("policy", ["skip", "update", "create"])
    def test_p3_a_queued_or_replayed_submission_from_before_does_not_bring_a_deleted_contact_back(
        self, world: World, policy: Policy
    ) -> None:
        received_at = world.clock.now
        world.deliver(policy=policy, resent=False)
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        again = world.deliver(policy=policy, received_at=received_at, resent=False)
        assert again.status == "duplicate"
        assert not world.clemta.stored
        assert world.deliver(policy=policy, resent=False).status == "created", "it holds nobody up"

    def test_p3_a_replay_of_a_submission_whose_lost_contact_was_found_does_not_bring_it_back(
        self, world: World
    ) -> None:
        received_at = world.clock.now
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(resent=False)
        assert world.deliver(received_at=received_at, resent=False).status == "created"
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        assert world.deliver(received_at=received_at, resent=False).status == "duplicate"
        assert not world.clemta.stored

    def test_p3_a_recent_record_is_trusted_without_a_call_to_clemta(self, world: World) -> None:
        world.deliver()
        world.clock.advance(RECHECK - 1)
        assert world.deliver(delivery_id="d2").status == "duplicate"
        assert world.clemta.calls == ["find", "create"]

    def test_p3_an_old_record_costs_one_get_which_renews_it(self, world: World) -> None:
        world.deliver()
        world.clock.advance(RECHECK)
        for number in range(3):
            assert world.deliver(delivery_id=f"new{number}").status == "duplicate"
        assert world.clemta.calls == ["find", "create", "get"]
        world.clock.advance(RECHECK)
        world.deliver(delivery_id="last")
        assert world.clemta.calls.count("get") == 2

    @pytest.mark.parametrize(
        "error", [NotApplied("down"), ConfigError("COMPANY_NOT_FOUND", status=404), ConfigError("HTTP_404")]
    )
    def test_p3_a_recheck_that_fails_leaves_the_record_as_it_was(
        self, world: World, error: Retryable | Permanent
    ) -> None:
        world.deliver()
        world.clock.advance(RECHECK)
        world.clemta.fail("get", error)
        with pytest.raises(type(error)):
            world.deliver(delivery_id="d2")
        assert world.deliver(delivery_id="d2").status == "duplicate"
        assert world.clemta.calls == ["find", "create", "get", "get"]

    def test_p3_an_older_event_that_comes_after_the_deletion_brings_the_contact_back(
        self, world: World
    ) -> None:
        self.deleted(world, "update")
        old = world.deliver(policy="update", delivery_id="d2", happened_at=5.0)
        assert old.status == "created"
        assert len(world.clemta.stored) == 1

    def test_p7_without_time_left_a_deleted_contact_is_created_again_later(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.deleted(world)
        get = world.clemta.get
        deadline = Deadline.after(5)

        def slow(contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
            monkeypatch.setattr(time, "monotonic", lambda: deadline.at)
            return get(contact_id, deadline, reserve_next)

        world.clemta.get = slow  # type: ignore[method-assign]
        before = {key: dict(item) for key, item in world.ledger.items.items()}
        with pytest.raises(Retryable, match="no_time_left"):
            world.delivery.deliver(reading(None, "d2", world.clock.now), "skip", deadline)
        assert world.ledger.items == before

    def test_p3_a_deleted_contact_that_the_search_still_shows_is_created_again(self, world: World) -> None:
        world.deliver()
        shown = world.clemta.find(contact(), Deadline.after(5))
        self.deleted(world)
        world.clemta.find = lambda *_: shown  # type: ignore[method-assign]
        assert world.deliver(delivery_id="d2").status == "created"

    @pytest.mark.parametrize("policy", ["skip", "update"])
    def test_p3_a_contact_that_clemta_denied_for_a_while_is_not_made_twice(
        self, world: World, policy: Policy
    ) -> None:
        """Clemta said NOT_FOUND to every request: the record then named a contact that exists as one that is gone."""
        first = world.deliver(policy=policy)
        world.clock.advance(RECHECK)
        for call in ("get", "find"):
            world.clemta.fail(call, ContactGone("NOT_FOUND", status=404))
        with pytest.raises(ContactGone):
            world.deliver(policy=policy, delivery_id="d2")
        assert world.deliver(policy=policy, delivery_id="d2") == Outcome("duplicate", first.contact_id)
        assert len(world.clemta.stored) == 1

    def test_p3_a_list_from_before_the_contact_was_made_does_not_prove_that_it_was_deleted(
        self, world: World
    ) -> None:
        first = world.deliver()
        world.clock.advance(RECHECK)
        world.clemta.fail("get", ContactGone("NOT_FOUND", status=404))
        now = world.clock.now
        again = MappedSubmission(contact(), "d2", now, now, is_new=True)
        outcome = world.delivery.deliver(again, "skip", Deadline.after(5))
        assert outcome == Outcome("duplicate", first.contact_id)
        assert len(world.clemta.stored) == 1

    def test_p3_another_contact_of_a_deleted_person_is_adopted(self, world: World) -> None:
        self.deleted(world)
        other = world.clemta.create(contact(), Deadline.after(5))
        assert world.deliver(delivery_id="d2") == Outcome("duplicate", other)

    def test_p3_only_one_of_two_deliveries_creates_a_deleted_contact_again(self, world: World) -> None:
        self.deleted(world)
        get = world.clemta.get

        def meanwhile(contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
            world.clemta.get = get  # type: ignore[method-assign]
            assert world.deliver(delivery_id="d2").status == "created"
            return get(contact_id, deadline, reserve_next)

        world.clemta.get = meanwhile  # type: ignore[method-assign]
        with pytest.raises(ClaimHeld):
            world.deliver(delivery_id="d3")
        assert world.deliver(delivery_id="d3").status == "duplicate"
        assert len(world.clemta.stored) == 1

    def test_p3_an_unknown_outcome_of_a_second_create_is_looked_up(self, world: World) -> None:
        self.deleted(world)
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(delivery_id="d2")
        assert world.deliver(delivery_id="d2").status == "created"
        assert len(world.clemta.stored) == 1


class TestCreate:
    def test_with_create_each_delivery_is_a_contact(self, world: World) -> None:
        world.deliver(policy="create", delivery_id="one")
        world.deliver(policy="create", delivery_id="two")
        assert len(world.clemta.stored) == 2

    def test_p3_with_create_one_delivery_is_one_contact(self, world: World) -> None:
        world.deliver(policy="create", delivery_id="one")
        assert world.deliver(policy="create", delivery_id="one").status == "duplicate"
        assert len(world.clemta.stored) == 1

    def test_p3_an_older_contact_is_not_taken_for_the_one_whose_outcome_is_unknown(
        self, world: World
    ) -> None:
        world.clemta.create(contact(), Deadline.after(5))
        world.clock.advance(86_400)
        world.clemta.fail("create", OutcomeUnknown("no_answer"))
        with pytest.raises(OutcomeUnknown):
            world.deliver(policy="create")
        with pytest.raises(LookupInconclusive):
            world.deliver(policy="create")
        world.clock.advance(LAG)
        assert world.deliver(policy="create").status == "created"
        assert len(world.clemta.stored) == 2

    @pytest.mark.parametrize(
        ("given", "kept"),
        [("ada  example", "Ada Example"), ("ışık öz", "IŞIK ÖZ"), ("İpek Su", "ipek su"), ("李 明", "李 明")],
    )
    def test_p3_its_own_lost_contact_is_known_by_a_name_that_clemta_trimmed_or_capitalised(
        self, world: World, given: str, kept: str
    ) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(contact(name=given), policy="create")
        [stored] = world.clemta.stored.values()
        stored["full_name"] = kept
        assert world.deliver(contact(name=given), policy="create").status == "created"
        assert len(world.clemta.stored) == 1

    @pytest.mark.parametrize(("skew", "found"), [(-121, False), (-120, True), (0, True)])
    def test_p3_its_own_lost_contact_is_known_though_clemtas_clock_is_two_minutes_behind(
        self, world: World, skew: int, found: bool
    ) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(policy="create")
        [stored] = world.clemta.stored.values()
        stored["created_at"] += skew
        if found:
            assert world.deliver(policy="create").status == "created"
        else:
            with pytest.raises(LookupInconclusive, match="not_found_yet"):
                world.deliver(policy="create")

    @pytest.mark.parametrize("other", ["Ada Other", "!!", None])
    def test_p3_a_contact_of_another_name_is_another_submissions(
        self, world: World, other: str | None
    ) -> None:
        world.clemta.fail("create", OutcomeUnknown("no_answer"), after=True)
        with pytest.raises(OutcomeUnknown):
            world.deliver(contact(name="??"), policy="create")
        [stored] = world.clemta.stored.values()
        stored["full_name"] = other
        with pytest.raises(LookupInconclusive):
            world.deliver(contact(name="??"), policy="create")

    def test_p3_a_contact_of_another_delivery_is_not_taken_for_the_lost_one(self, world: World) -> None:
        world.deliver(policy="create", delivery_id="one")
        world.clemta.fail("create", OutcomeUnknown("no_answer"))
        with pytest.raises(OutcomeUnknown):
            world.deliver(policy="create", delivery_id="two")
        with pytest.raises(LookupInconclusive):
            world.deliver(policy="create", delivery_id="two")
        world.clock.advance(LAG)
        assert world.deliver(policy="create", delivery_id="two").status == "created"
        assert len(world.clemta.stored) == 2

    @pytest.mark.parametrize(
        "error", [NotApplied("ledger_unavailable", "it is down"), ConfigError("ledger_pepper_missing")]
    )
    def test_p3_a_contact_that_could_not_be_reserved_is_looked_up_and_not_made_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch, error: Retryable | ConfigError
    ) -> None:
        def fails(*_: object) -> bool:
            raise error

        with monkeypatch.context() as trouble:
            trouble.setattr(world.ledger, "reserve_contact", fails)
            with pytest.raises(OutcomeUnknown) as raised:
                world.deliver(policy="create")
        assert (raised.value.code, str(raised.value)) == (error.code, str(error))
        assert world.deliver(policy="create").status == "created"
        assert len(world.clemta.stored) == 1

    def test_p3_a_delivery_whose_contact_was_adopted_by_another_creates_a_second_one(
        self, world: World
    ) -> None:
        other = world.ledger.claim(contact(), "other")
        assert isinstance(other, Claim)
        assert world.ledger.reserve_contact(other, f"{1:024x}")  # the id that the stand-in gives next
        with pytest.raises(OutcomeUnknown, match="adopted_by_another"):
            world.deliver(policy="create")
        with pytest.raises(LookupInconclusive):
            world.deliver(policy="create")
        world.clock.advance(LAG)
        assert world.deliver(policy="create").contact_id == f"{2:024x}"


class TestIsDelivered:
    """What is known of a submission without a call to Clemta."""

    def test_what_is_new_is_not_delivered_and_no_claim_of_it_stays(self, world: World) -> None:
        assert not world.delivery.is_delivered(reading(), "skip")
        assert world.deliver().status == "created"
        assert world.clemta.calls == ["find", "create"]

    def test_a_delivery_of_a_known_contact_is_delivered(self, world: World) -> None:
        now = world.clock.now
        world.deliver()
        assert world.delivery.is_delivered(reading(received_at=now + 99), "skip"), "the same delivery, later"
        assert world.delivery.is_delivered(reading(None, "d2", now), "skip"), "another one, from before"
        assert not world.delivery.is_delivered(reading(None, "d2", now + 99), "skip")
        assert not world.delivery.is_delivered(reading(), "update"), "its changes may be missing"

    def test_p3_a_repetition_is_known_by_its_id_whatever_it_says(self, world: World) -> None:
        world.deliver()
        world.clemta.stored.clear()
        world.clock.advance(RECHECK)
        assert world.deliver(contact(name="Ada Other")).status == "duplicate"
        assert not world.clemta.stored


class TestCounts:
    """A form may allow so many new contacts a day."""

    def test_a_contact_is_counted_once_before_it_is_made(self, world: World) -> None:
        counted: list[int] = []

        def count(contacts: int) -> None:
            counted.append(contacts)
            assert "create" not in world.clemta.calls[before:]

        for email in ("ada@example.com", "bo@example.com"):
            before = len(world.clemta.calls)
            wanted = reading(contact(email), email)
            world.delivery.deliver(wanted, "skip", Deadline.after(5), count_contacts=count)
        assert counted == [1, 1]
        world.delivery.deliver(reading(), "skip", Deadline.after(5), count_contacts=counted.append)
        assert counted == [1, 1], "a duplicate is no new contact"

    def test_p6_the_look_at_a_contact_reserves_the_call_that_follows(self, world: World) -> None:
        reserved: list[int] = []

        class Reserving(FakeClemta):
            def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
                reserved.append(reserve_next)
                return super().get(contact_id, deadline, reserve_next)

        clemta = Reserving(world.clock)
        settings = DeliverySettings(search_lag=LAG, recheck=RECHECK, retry=RetryPolicy())
        delivery = Delivery(Neighbours(clemta, world.ledger, world.queues), settings, world.clock)
        delivery.deliver(reading(), "update", Deadline.after(5))
        world.clock.advance(RECHECK)
        delivery.deliver(reading(None, "d2", world.clock.now), "update", Deadline.after(5))
        assert reserved == [1]


class TestRequeueOrPark:
    """It carries out what `retry.decide` says; test_retry.py has the rule."""

    def test_p1_a_retryable_failure_goes_whole_into_the_retry_queue(self, world: World) -> None:
        assert (
            world.delivery.requeue_or_park(SUBMISSION, NotApplied("INTERNAL_ERROR", "oh", status=500))
            == "queued"
        )
        [(envelope, delay)] = world.queues.retried
        assert envelope.submission == SUBMISSION
        assert (envelope.attempt, envelope.first_failure_at) == (1, world.clock.now)
        assert envelope.failure == Failure("outage", 500, "INTERNAL_ERROR", "oh")
        assert delay == BASE
        assert not world.queues.parked

    def test_p4_a_permanent_failure_goes_whole_into_the_dead_letter_queue(self, world: World) -> None:
        error = KeyRefused("INVALID_API_KEY", status=401)
        assert world.delivery.requeue_or_park(SUBMISSION, error) == "parked"
        [envelope] = world.queues.parked
        assert envelope.submission == SUBMISSION
        assert envelope.failure == Failure("config", 401, "INVALID_API_KEY", "INVALID_API_KEY")
        assert not world.queues.retried

    @pytest.mark.parametrize(("days", "kept"), [(1, "queued"), (3, "parked")])
    def test_p4_the_time_since_the_first_failure_is_taken_from_the_earlier_message(
        self, world: World, days: int, kept: str
    ) -> None:
        world.delivery.requeue_or_park(SUBMISSION, NotApplied("x"))
        [(earlier, _)] = world.queues.retried
        world.clock.advance(days * 86_400)
        assert world.delivery.requeue_or_park(SUBMISSION, NotApplied("x"), earlier) == kept

    def test_p1_a_submission_that_no_queue_takes_is_not_acknowledged(self, world: World) -> None:
        world.queues.refuses = True
        for error in (NotApplied("x"), DataError("x")):
            with pytest.raises(Unavailable):
                world.delivery.requeue_or_park(SUBMISSION, error)

    def test_a_message_before_its_time_is_put_back_unchanged(self, world: World) -> None:
        world.delivery.requeue_or_park(SUBMISSION, NotApplied("RATE_LIMIT_EXCEEDED", retry_after=3600))
        [(envelope, _)] = world.queues.retried
        assert world.delivery.postpone(envelope)
        world.clock.advance(3599)
        assert world.delivery.postpone(envelope)
        assert world.queues.retried[-1] == (envelope, 1)
        world.clock.advance(1)
        assert not world.delivery.postpone(envelope)

    def test_p4_a_poison_message_is_parked_with_what_was_known_of_it(self, world: World) -> None:
        envelope = Envelope(SUBMISSION, 3, 1.0, Failure("outage", 500, "INTERNAL_ERROR", "oh"))
        world.delivery.park_poison(envelope, "crashed")
        assert world.queues.parked == [
            Envelope(SUBMISSION, 3, 1.0, Failure("poison", 500, "crashed", "oh")),
        ]


def test_the_business_rule_imports_no_client_library() -> None:
    code = "import sys, clemta_intake.delivery; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in found.stdout.split()}
    assert not packages & {"botocore", "boto3", "requests", "urllib3", "aws_lambda_powertools"}
